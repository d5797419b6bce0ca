/**
 * Masked diffusion of text: how noise hides tokens over time, and the losses of a network that finds them again. Nie et
 * al. 2025, "Large Language Diffusion Models"; Sahoo et al. 2024, "Simple and Effective Masked Diffusion Language Models".
 *
 * At time t in [0, 1] every token is hidden (replaced by MASK) with probability 1 - e^-σ(t). All losses are the same sum, of
 * -log p over the hidden tokens; they differ in its weights.
 */
import { logSoftmax, Tensor } from '../tensor/index.ts';
import type { Rng } from '../util/rng.ts';

// ---- noise
/** How the total noise σ grows with t. */
export interface NoiseSchedule {
  /** σ(t). */
  total(t: number): number;
  /** dσ/dt. */
  rate(t: number): number;
}
/** Keeps the noise at t = 1 finite. */
const EPSILON = 1e-3;
const KEEP = 1 - EPSILON;
const [LINEAR_MAX, GEOMETRIC_MIN, GEOMETRIC_MAX] = [10, 1e-4, 20];
const GEOMETRIC_GROWTH = Math.log(GEOMETRIC_MAX / GEOMETRIC_MIN);
const geometric = (t: number) => GEOMETRIC_MIN * Math.exp(GEOMETRIC_GROWTH * t);

export const NOISE_SCHEDULES = {
  /** The share of hidden tokens grows in proportion to t. */
  'log-linear': { total: t => -Math.log1p(-KEEP * t), rate: t => KEEP / (1 - KEEP * t) },
  cosine: {
    total: t => -Math.log(EPSILON + KEEP * Math.cos((Math.PI / 2) * t)),
    rate: t => (KEEP * (Math.PI / 2) * Math.sin((Math.PI / 2) * t)) / (EPSILON + KEEP * Math.cos((Math.PI / 2) * t)),
  },
  linear: { total: t => LINEAR_MAX * t, rate: () => LINEAR_MAX },
  geometric: { total: geometric, rate: t => GEOMETRIC_GROWTH * geometric(t) },
} satisfies Readonly<Record<string, NoiseSchedule>>;
export type NoiseScheduleName = keyof typeof NOISE_SCHEDULES;

/** Probability that a token is hidden at time t. */
export const hiddenShare = (schedule: NoiseSchedule, t: number): number => -Math.expm1(-schedule.total(t));

/** What -log p of a hidden token counts at time t in the continuous-time bound, σ' / (e^σ - 1). Log-linear: 1 / t. */
export const noiseWeight = (schedule: NoiseSchedule, t: number): number =>
  schedule.rate(t) / Math.expm1(schedule.total(t));

/** Times in (0, 1], one in each of `count` equal parts, all shifted by one draw: a batch covers the range evenly. */
export function noiseTimes(count: number, rng: Rng): number[] {
  const shift = rng.uniform();
  return Array.from({ length: count }, (_, i) => KEEP * ((shift + i) / count) + EPSILON);
}

// ---- losses: logits [B, T, V] of the noised text, targets i32 [B, T] the text itself, hidden bool [B, T]
/**
 * Loss of pre-training: each hidden token's -log p is divided by the probability `share` f32 `[B]` with which its row hid
 * tokens; the sum is divided by B * T.
 */
export function maskedDiffusionLoss(logits: Tensor, targets: Tensor, hidden: Tensor, share: Tensor): Tensor {
  return sumOfHidden(logits, targets, hidden, share.reciprocal()).mul(1 / targets.size);
}

/**
 * Loss of fine-tuning on answers, of which alone tokens are hidden: as in pre-training, but a row counts per token of its
 * answer (`answerLengths` f32 `[B]`, padding that the network learns included) and the sum is divided by B.
 */
export function answerDiffusionLoss(
  logits: Tensor,
  targets: Tensor,
  hidden: Tensor,
  share: Tensor,
  answerLengths: Tensor,
): Tensor {
  return sumOfHidden(logits, targets, hidden, share.mul(answerLengths).reciprocal()).mul(1 / targets.dim(0));
}

/**
 * The continuous-time bound per token, the network read with zero probability of MASK: the weighted sum over the hidden
 * tokens is divided by B * T. `weight` f32 `[B]`: `noiseWeight` at the time of each row.
 */
export function continuousDiffusionLoss(
  logits: Tensor,
  targets: Tensor,
  hidden: Tensor,
  weight: Tensor,
  maskId: number,
): Tensor {
  const isMask = Tensor.iota(logits.dim(2)).equal(maskId);
  return sumOfHidden(isMask.where(IMPOSSIBLE, logits), targets, hidden, weight).mul(1 / targets.size);
}
/** e^ of it is 0; finite, so that no gradient is NaN. */
const IMPOSSIBLE = -1e30;

/** Sum over hidden tokens of -log p(target) times the weight f32 `[B]` of the row. */
function sumOfHidden(logits: Tensor, targets: Tensor, hidden: Tensor, weight: Tensor): Tensor {
  const [B, T, V] = logits.shape as [number, number, number];
  const chosen = Tensor.iota(V).equal(targets.reshape(B, T, 1)); // [B, T, V]
  const logp = chosen.where(logSoftmax(logits), 0).sum().reshape(B, T);
  return hidden
    .where(logp.mul(weight.reshape(B, 1)), 0)
    .sumAll()
    .neg();
}
