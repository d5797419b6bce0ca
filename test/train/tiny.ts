/** A tiny decoder and something for it to learn. */
import { create } from '../../src/hub/create.ts';
import type { Model } from '../../src/hub/model.ts';
import { nodeOf } from '../../src/nn/adapter.ts';
import type { Backend, Tensor } from '../../src/tensor/index.ts';
import type { Batches, TrainBatch, TrainEvent } from '../../src/train/index.ts';
import { createRng } from '../../src/util/rng.ts';

const CONFIG = { model_type: 'gpt2', vocab_size: 16, n_positions: 16, n_embd: 16, n_layer: 2, n_head: 2 };

export const tinyModel = (backend: Backend, seed = 1): Promise<Model> =>
  create(CONFIG, { seed, head: 'causalLM', backend });

/** Rows that count upwards from a random place: what comes next is to be learned. */
export function countingBatch(seed: number, rows = 2, length = 8): TrainBatch {
  const rng = createRng(seed);
  const input_ids = Array.from({ length: rows }, () => {
    const start = rng.below(16);
    return Array.from({ length }, (_, i) => (start + i) % 16);
  });
  return { inputs: { input_ids, labels: input_ids }, tokens: rows * (length - 1), examples: rows };
}

/** A position is the number of batches that were used. */
export const counting = ({
  seed = 0,
  perEpoch = 10,
  epochs = Number.POSITIVE_INFINITY,
  lengths = [8],
} = {}): Batches => ({
  length: perEpoch,
  async *from(position = 0) {
    for (let i = position as number; i < perEpoch * epochs; i++) {
      const batch = countingBatch(1000 * seed + i, 2, lengths[i % lengths.length]!);
      yield { batch, next: i + 1, epoch: Math.floor(i / perEpoch) };
    }
  },
});
/** One batch for ever. */
export const always = (batch: TrainBatch): Batches => ({
  async *from() {
    for (let epoch = 0; ; epoch++) yield { batch, next: epoch + 1, epoch };
  },
});

export async function collected(run: AsyncIterable<TrainEvent>): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}
export const ofType = <T extends TrainEvent['type']>(events: readonly TrainEvent[], type: T) =>
  events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);

/** All parameters as one list of numbers. */
export async function weightsOf({ parts }: Model): Promise<number[]> {
  const all: number[] = [];
  for (const name of parts.specs.keys()) all.push(...(await (nodeOf(parts.params, name) as Tensor).data()));
  return all;
}
