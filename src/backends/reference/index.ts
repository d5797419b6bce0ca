export { createReferenceBackend } from './backend.ts';
