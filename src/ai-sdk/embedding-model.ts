/** A model of heed as an embedding model of the `ai` package. */
import type { Model } from '../hub/model.ts';
import { textVectors } from '../tasks/feature-extraction.ts';
import type { EmbeddingModel } from './specification.ts';

/** Vectors as the folder's own modules say, else the mean of the last hidden states. */
export function embeddingModel(modelId: string, open: (signal?: AbortSignal) => Promise<Model>): EmbeddingModel {
  return {
    specificationVersion: 'v3',
    provider: 'heed',
    modelId,
    // Texts are put together in batches here, by their lengths.
    maxEmbeddingsPerCall: Number.POSITIVE_INFINITY,
    supportsParallelCalls: true,
    async doEmbed({ values, dimensions, abortSignal }) {
      const model = await open(abortSignal);
      const vectors = await textVectors(model, values, { signal: abortSignal });
      const counts = values.map(value => model.tokenizer.count(value, { addSpecialTokens: true }));
      return {
        embeddings: vectors.map(vector => Array.from(vector)),
        usage: { tokens: counts.reduce((sum, count) => sum + count, 0) },
        warnings: dimensions === undefined ? [] : [{ type: 'unsupported', feature: 'dimensions' }],
      };
    },
  };
}
