/** Drawing a token from the softmax of its scores. */

import type { Rng } from '../util/rng.ts';
import { maximum } from './select.ts';

/** Draws an index from softmax(scores), or returns -1 if no token is left or a score is NaN or infinite. */
export type Sampler = (scores: Float32Array, rng: Rng) => number;

/**
 * A sampler by the inverse of the cumulative distribution, in double precision, one draw of the generator per token. It
 * holds scratch memory of the size of the vocabulary.
 */
export function createSampler(): Sampler {
  let weights = new Float64Array(0);
  return (scores, rng) => {
    if (weights.length < scores.length) weights = new Float64Array(scores.length);
    const max = maximum(scores);
    let total = 0;
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      total += weights[i] = score === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - max);
    }
    if (!(total > 0)) return -1;
    const target = rng.uniform() * total;
    let sum = 0;
    // The same additions as above in the same order: the sum ends at `total`, which is above `target`.
    for (let i = 0; i < scores.length; i++) {
      sum += weights[i]!;
      if (sum > target) return i;
    }
    return -1;
  };
}

/** A draw of the standard Gumbel distribution: arg max of (log-probability + this) is a draw of the distribution. */
export function gumbel(rng: Rng): number {
  return -Math.log(-Math.log(rng.uniform() || Number.MIN_VALUE));
}
