/** Texts through a model in batches of like length: what a text gets is what it would get alone. */
import type { Model } from '../hub/model.ts';
import type { ModelInputs } from '../models/forward.ts';
import { dataOfAll, type Tensor } from '../tensor/index.ts';
import type { Encoding } from '../tokenizers/index.ts';
import type { CallOptions } from './task.ts';

const BATCH_SIZE = 16;

/** Most tokens that a model reads: of an encoder-decoder its encoder. Undefined = no limit. */
export function sourceLimit({ parts: { architecture, config } }: Model): number | undefined {
  const { sourceLength = architecture.contextLength } = architecture;
  return sourceLength(config);
}

/**
 * What fills the ends of rows: the id by which the model tells padding where it has one, as some find the last real token by it, else
 * the tokenizer's.
 */
export function padIdOf(model: Model): number {
  const { pad_token_id: own } = model.parts.config as { readonly pad_token_id?: number | undefined };
  const known = [own, model.tokenizer.specialTokens.pad].filter(id => id !== undefined);
  return known.find(id => id < model.vocabSize) ?? 0;
}

/** The numbers of some things in groups of at most `batchSize`, long ones first, so that little is padded. */
export function groupsByLength(lengths: readonly number[], batchSize = BATCH_SIZE): number[][] {
  const order = [...lengths.keys()].sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const groups: number[][] = [];
  for (let at = 0; at < order.length; at += batchSize) groups.push(order.slice(at, at + batchSize));
  return groups;
}

/** Runs `pass` for each group of things of these lengths, and reports how far it is. */
export async function inGroups(
  lengths: readonly number[],
  { signal, batchSize, onProgress }: CallOptions,
  pass: (group: readonly number[]) => Promise<void>,
): Promise<void> {
  let done = 0;
  for (const group of groupsByLength(lengths, batchSize)) {
    signal?.throwIfAborted();
    await pass(group);
    signal?.throwIfAborted();
    done += group.length;
    onProgress?.({ done, total: lengths.length });
  }
}

/** Tokens of several texts as a batch, padded on the right. */
export function batchOf(encodings: readonly Encoding[], padId: number): ModelInputs {
  const longest = Math.max(...encodings.map(({ ids }) => ids.length));
  const padded = (row: readonly number[], value: number) => [
    ...row,
    ...new Array<number>(longest - row.length).fill(value),
  ];
  return {
    input_ids: encodings.map(({ ids }) => padded(ids, padId)),
    attention_mask: encodings.map(({ attentionMask }) => padded(attentionMask, 0)),
    token_type_ids: encodings.map(({ typeIds }) => padded(typeIds, 0)),
  };
}

/** What the model's head gives for a text, by the reference's names. */
export type TextOutputs = Readonly<Record<string, Float32Array>>;

/**
 * The head's outputs for each text: of outputs for tokens (`perToken`) `[T, ...]` for the tokens that it has, of others `[...]`.
 * @throws what `Model.graph` throws, and the signal's reason
 */
export async function outputsOfTexts(
  model: Model,
  encodings: readonly Encoding[],
  options: CallOptions & { readonly perToken: boolean },
): Promise<TextOutputs[]> {
  const results: TextOutputs[] = [];
  const padId = padIdOf(model);
  const lengths = encodings.map(({ ids }) => ids.length);
  await inGroups(lengths, options, async group => {
    const { outputs } = model.graph(
      batchOf(
        group.map(i => encodings[i]!),
        padId,
      ),
    );
    const names = Object.keys(outputs);
    const tensors = names.map(name => outputs[name]!);
    const data = await dataOfAll(...tensors);
    for (const [b, i] of group.entries()) {
      const rows = tensors.map((tensor, k) =>
        rowOf(tensor, data[k] as Float32Array, b, options.perToken && lengths[i]!),
      );
      results[i] = Object.fromEntries(names.map((name, k) => [name, rows[k]!]));
    }
  });
  return results;
}

/** Row b of `[B, ...]`, of `[B, T, ...]` with `length` the first of its T. */
function rowOf(tensor: Tensor, data: Float32Array, b: number, length: number | false): Float32Array {
  const size = data.length / tensor.dim(0);
  const used = length === false ? size : (size / tensor.dim(1)) * length;
  return data.slice(b * size, b * size + used);
}
