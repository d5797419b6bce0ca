/** The version of the package, from its package.json, which lies two folders up both in src/ and in dist/. */
import { createRequire } from 'node:module';

export const VERSION: string = (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
