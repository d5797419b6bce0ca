/** Feature extraction: a model's last hidden states, a vector for each token or, pooled, one for the whole text. */
import type { Model } from '../hub/model.ts';
import { encode, forward, headOf, type LoadedModel } from '../models/forward.ts';
import { normalize, POOLINGS, type Pooling } from '../nn/pooling.ts';
import type { Tensor } from '../tensor/index.ts';
import { flag, oneOf } from './option-checks.ts';
import { type CallOptions, type Calls, defineTask, isText } from './task.ts';
import { batchOf, inGroups, padIdOf, sourceLimit } from './text-batches.ts';

export interface FeatureExtractionOptions extends CallOptions {
  /** `none` (default): all tokens. `model`: as the folder's own modules say, else the mean. */
  readonly pooling?: Pooling | 'none' | 'model' | undefined;
  /** Vectors of length 1. Default: as they come, of `model` what its modules say. */
  readonly normalize?: boolean | undefined;
}
/**
 * Rows `[T, C]`, one for each token, the added ones too; pooled `[1, C]`. Texts that are too long for the model are cut. Of an
 * encoder-decoder they are the encoder's.
 */
export type FeatureExtraction = Calls<string, FeatureExtractionOptions, Float32Array[]>;

export const task = defineTask<string, FeatureExtractionOptions, Float32Array[]>({
  name: 'feature-extraction',
  heads: 'any',
  modality: 'text',
  expects: 'a text',
  isInput: isText,
  options: { pooling: oneOf('none', 'model', ...Object.keys(POOLINGS)), normalize: flag },
  async run(model, texts, options) {
    const { pooling = 'none' } = options;
    if (pooling === 'none') return tokenStates(model, texts, options);
    const own = pooling === 'model' ? undefined : pooling;
    return (await textVectors(model, texts, { ...options, pooling: own })).map(vector => [vector]);
  },
});

/** A vector for each text, as `Model.embed` makes them. */
export async function textVectors(
  model: Model,
  texts: readonly string[],
  options: CallOptions & { readonly pooling?: Pooling | undefined; readonly normalize?: boolean | undefined },
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  const lengths = texts.map(text => text.length);
  await inGroups(lengths, options, async group => {
    const batch = group.map(i => texts[i]!);
    const rows = await rowsOf(await model.embed(batch, options));
    for (const [b, i] of group.entries()) vectors[i] = rows[b]!;
  });
  return vectors;
}

/** Last hidden states of each text's tokens, `[T][C]`. */
async function tokenStates(
  model: Model,
  texts: readonly string[],
  options: FeatureExtractionOptions,
): Promise<Float32Array[][]> {
  const maxLength = sourceLimit(model);
  const encodings = texts.map(text => model.tokenizer.encode(text, maxLength === undefined ? {} : { maxLength }));
  const lengths = encodings.map(({ ids }) => ids.length);
  const padId = padIdOf(model);
  const results: Float32Array[][] = [];
  await inGroups(lengths, options, async group => {
    const batch = group.map(i => encodings[i]!);
    const states = statesOf(model, batchOf(batch, padId));
    const [B, T, C] = states.shape as [number, number, number];
    const all = states.reshape(B * T, C);
    const rows = await rowsOf(options.normalize ? normalize(all) : all);
    for (const [b, i] of group.entries()) results[i] = rows.slice(b * T, b * T + lengths[i]!);
  });
  return results;
}

/** A head may go on from the states in its own way: the base model's are meant. */
function statesOf({ parts }: Model, inputs: ReturnType<typeof batchOf>): Tensor {
  const base: LoadedModel = parts.architecture.heads.base ? { ...parts, head: 'base' } : parts;
  return headOf(base).encode ? encode(base, inputs).states! : forward(base, inputs).hidden;
}

/** The rows of `[N, C]`. */
async function rowsOf(tensor: Tensor): Promise<Float32Array[]> {
  const [N, C] = tensor.shape as [number, number];
  const data = (await tensor.data()) as Float32Array;
  return Array.from({ length: N }, (_, n) => data.slice(n * C, (n + 1) * C));
}
