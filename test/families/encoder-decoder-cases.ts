/** What the tests of encoder-decoders have in common: which there are, where they run, tokens and logits. */
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import type { GeneratedSequence, GenerateEvent } from '../../src/generate/index.ts';
import type { Model } from '../../src/hub/model.ts';
import type { ModelInputs } from '../../src/models/forward.ts';
import { architectureOf } from '../../src/models/index.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { typesWith } from './tiny-model.ts';

/**
 * Bounds relative to the largest logit: doubles differ by the order of sums only, floats by their rounding, which two stacks
 * with three sub-layers in a decoder's layer, and scores that some families do not scale, add up to more than a decoder alone.
 */
export const BACKENDS: Record<string, { create: () => Promise<Backend>; bound: number }> = {
  reference: { create: async () => createReferenceBackend(), bound: 1e-12 },
  wasm: { create: () => createWasmBackend(), bound: 5e-6 },
};
/** Tokens of the vocabulary of every tiny model. */
export const V = 61;
/** Ordinary tokens: the first and last few ids are starts, ends and padding in one family or another. */
export const randomIds = (n: number, stream: number) => {
  const rng = createRng(11, stream);
  return Array.from({ length: n }, () => 5 + rng.below(V - 10));
};

/** Model types whose encoder reads text. */
export const READERS: string[] = [];
for (const type of await typesWith('seq2seqLM'))
  if (((await architectureOf({ model_type: type })).architecture.modality ?? 'text') === 'text') READERS.push(type);

/** Logits, a row per token of every sequence. */
export async function rowsOf(model: Model, inputs: ModelInputs): Promise<number[][]> {
  const { logits } = await model.run(inputs);
  return splitRows(await logits.data());
}
export function splitRows(data: ArrayLike<number>): number[][] {
  const flat = Array.from(data);
  return Array.from({ length: flat.length / V }, (_, r) => flat.slice(r * V, (r + 1) * V));
}
/** The best token of each row. */
export const bestOf = (rows: readonly (readonly number[])[]): number[] =>
  rows.map(row => row.indexOf(Math.max(...row)));

export async function sequencesOf(events: AsyncIterable<GenerateEvent>): Promise<readonly GeneratedSequence[]> {
  for await (const event of events) if (event.type === 'done') return event.sequences;
  throw new Error('generation ended without a result');
}
