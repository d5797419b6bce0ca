/**
 * Gradients of the parameters that learn, added up on the device over the batches of a step. Each counts with its share of the
 * tokens, so that the sum is the gradient of the mean over all of them, as if they were one batch (the reference's trainer does
 * the same with its `num_items_in_batch`).
 */
import { assign, type Backend, order, type Segments, sumOfSquares, Tensor, valueAndGrad } from '../tensor/index.ts';
import type { TrainBatch } from './batch.ts';
import { zeros } from './zeros.ts';

export interface Gradients {
  /** Mean loss over the tokens of the batches. */
  readonly loss: number;
  /** Root of the sum of squares of all gradients. */
  readonly norm: number;
  /** Which parameters the loss depends on. The gradients of the others are zero. */
  readonly reached: readonly boolean[];
}
export interface GradientBuffers {
  /** One for each parameter; they hold the last sum. */
  readonly tensors: readonly Tensor[];
  /** @param lossOf the graph of a batch's loss, a mean over its tokens; gets the number of the batch in the step */
  sumOver(batches: readonly TrainBatch[], lossOf: (batch: TrainBatch, i: number) => Tensor): Promise<Gradients>;
  dispose(): void;
}

/**
 * Buffers for the gradients of tensors on a backend.
 * @param recompute parts of the graph whose values are computed again and not kept
 */
export function gradientBuffers(wrt: readonly Tensor[], backend: Backend, recompute?: Segments): GradientBuffers {
  const tensors = wrt.map(({ shape }) => zeros(backend, shape));
  return {
    tensors,
    async sumOver(batches, lossOf) {
      const total = batches.reduce((n, { tokens }) => n + tokens, 0);
      const reached = wrt.map(() => false);
      let [loss, squares] = [0, 0];
      for (const [i, batch] of batches.entries()) {
        // The share is a leaf, so that one plan serves all batches of a shape.
        const plain = lossOf(batch, i);
        const weighed = batches.length === 1 ? plain : plain.mul(Tensor.from([batch.tokens / total], []));
        const below = new Set(order([plain]));
        const found = wrt.filter(tensor => below.has(tensor));
        const { value, grad } = valueAndGrad((_: readonly Tensor[]) => weighed, { recompute })(found);
        const made = new Map(found.map((tensor, k) => [tensor, grad[k]!]));
        const sums = wrt.map((tensor, k) => {
          const own = made.get(tensor);
          if (own) reached[k] = true;
          const before = i === 0 ? undefined : tensors[k]!;
          return before && own ? before.add(own) : (own ?? before ?? Tensor.full(tensor.shape, 0));
        });
        const last = i === batches.length - 1;
        const length = last ? [sums.map(sumOfSquares).reduce((a, b) => a.add(b))] : [];
        const updates = sums.flatMap((sum, k) => (sum === tensors[k] ? [] : [[tensors[k]!, sum] as const]));
        const [part, square] = await assign(updates, value, ...length);
        loss += part![0]!;
        if (last) squares = square![0]!;
      }
      return { loss, norm: Math.sqrt(squares), reached };
    },
    dispose() {
      for (const tensor of tensors) tensor.dispose();
    },
  };
}
