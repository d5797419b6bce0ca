/** heed for programs of the `ai` package: `import { heedProvider } from 'heed/ai-sdk'`. */
export { type HeedProvider, heedProvider, type ModelSource } from './provider.ts';
export type { EmbeddingModel, LanguageModel } from './specification.ts';
