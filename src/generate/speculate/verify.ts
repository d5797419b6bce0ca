/**
 * Which tokens of a draft stay. Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via Speculative Decoding"; Chen et
 * al. 2023, "Accelerating Large Language Model Decoding with Speculative Sampling": a token x that was drawn from q stays with
 * probability min(1, p(x) / q(x)), and one in place of a token that does not is drawn from what p has above q. Together they are
 * drawn from p exactly, however bad q is.
 */
import type { Rng } from '../../util/rng.ts';
import { maximum } from '../select.ts';

/**
 * Writes softmax(scores) into `out`, in double precision.
 * @returns false when no token is left or a score is NaN or infinite
 */
export function probabilitiesOf(scores: Float32Array, out: Float64Array): boolean {
  const max = maximum(scores);
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    total += out[i] = score === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - max);
  }
  if (!(total > 0)) return false;
  for (let i = 0; i < scores.length; i++) out[i] = out[i]! / total;
  return true;
}

/** Draws an index by weights, whose sum need not be 1. -1 when all are 0. */
export function drawFrom(weights: Float64Array, rng: Rng): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  const target = rng.uniform() * total;
  let sum = 0;
  let last = -1;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i]! === 0) continue;
    sum += weights[i]!;
    last = i;
    if (sum > target) return i;
  }
  return last;
}

/**
 * Whether `id`, drawn from `drafted` (undefined: it was certain), stays where the model says `wanted`.
 * @returns the id that stands there in the end. `wanted` is written over
 */
export function settle(id: number, wanted: Float64Array, drafted: Float64Array | undefined, rng: Rng): number {
  const q = drafted ? drafted[id]! : 1;
  if (rng.uniform() * q < wanted[id]!) return id;
  if (drafted) for (let i = 0; i < wanted.length; i++) wanted[i] = Math.max(0, wanted[i]! - drafted[i]!);
  else wanted[id] = 0;
  const other = drawFrom(wanted, rng);
  // What was drafted and what is wanted may differ by no more than rounding: then nothing else is left.
  return other < 0 ? id : other;
}
