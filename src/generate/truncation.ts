/**
 * Processors that shape the distribution before a token is drawn: temperature and the ways to cut off its tail.
 * top-p: Holtzman et al. 2019; typical: Meister et al. 2022; epsilon and eta: Hewitt et al. 2022; min-p: Nguyen et al. 2024.
 * Each keeps at least `keep` tokens. None sorts the vocabulary: a threshold is found by selection. They hold scratch memory
 * of the size of the vocabulary, made on first use.
 */

import type { LogitsProcessor } from './history.ts';
import { kthLargest, logSoftmax, logSumExp, massThreshold, maximum } from './select.ts';

/** z / temperature, which is above 0. */
export function temperature(value: number): LogitsProcessor {
  return scores => {
    for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! / value;
  };
}

/** Keeps the `k` largest scores and whatever equals the smallest of them. */
export function topK(k: number, keep = 1): LogitsProcessor {
  return scores => removeBelow(scores, kthLargest(scores, Math.max(k, keep)));
}

/** Keeps the smallest set of most probable tokens that holds at least `mass`; among equals the lower ids. */
export function topP(mass: number, keep = 1): LogitsProcessor {
  const scratch = makeScratch();
  return scores => {
    const { keys, weights } = scratch(scores.length);
    const max = maximum(scores);
    let count = 0;
    let total = 0;
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (score === Number.NEGATIVE_INFINITY) continue;
      keys[count] = score;
      total += weights[count++] = Math.exp(score - max);
    }
    if (count <= keep) return;
    const target = mass * total;
    const threshold = massThreshold(keys, weights, count, target);
    let above = 0;
    let massAbove = 0;
    for (let i = 0; i < count; i++) {
      if (keys[i]! > threshold) {
        above++;
        massAbove += weights[i]!;
      }
    }
    // `keep` may reach further down than the mass does.
    if (keep > above + 1) {
      const lower = kthLargest(scores, keep);
      if (lower < threshold) return removeBelow(scores, lower);
    }
    let ties = Math.max(Math.ceil((target - massAbove) / Math.exp(threshold - max)), keep - above, 1);
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (score < threshold || (score === threshold && ties-- <= 0)) scores[i] = Number.NEGATIVE_INFINITY;
    }
  };
}

/** Keeps the tokens with at least `share` of the probability of the most probable one. */
export function minP(share: number, keep = 1): LogitsProcessor {
  return scores => removeBelow(scores, Math.min(maximum(scores) + Math.log(share), kthLargest(scores, keep)));
}

/** Keeps the tokens whose surprise -ln p is closest to the entropy, as many as it takes to hold `mass`. */
export function typicalP(mass: number, keep = 1): LogitsProcessor {
  const scratch = makeScratch();
  return scores => {
    const { keys, weights, copy: closeness } = scratch(scores.length);
    const total = logSumExp(scores);
    const entropy = entropyOf(scores, total);
    let count = 0;
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      const logp = score - total;
      closeness[i] = score === Number.NEGATIVE_INFINITY ? score : -Math.abs(-logp - entropy);
      if (score === Number.NEGATIVE_INFINITY) continue;
      keys[count] = closeness[i]!;
      weights[count++] = Math.exp(logp);
    }
    if (count <= keep) return;
    const threshold = massThreshold(keys, weights, count, mass);
    const least = keep > 1 ? Math.min(threshold, kthLargest(closeness.subarray(0, scores.length), keep)) : threshold;
    for (let i = 0; i < scores.length; i++) if (closeness[i]! < least) scores[i] = Number.NEGATIVE_INFINITY;
  };
}

/** Keeps the tokens with a probability of at least `epsilon`. */
export function epsilonCutoff(epsilon: number, keep = 1): LogitsProcessor {
  return scores => removeBelow(scores, Math.min(logSumExp(scores) + Math.log(epsilon), kthLargest(scores, keep)));
}

/** Keeps the tokens with a probability of at least min(epsilon, sqrt(epsilon) * e^-entropy). */
export function etaCutoff(epsilon: number, keep = 1): LogitsProcessor {
  return scores => {
    const total = logSumExp(scores);
    const eta = Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropyOf(scores, total)));
    removeBelow(scores, Math.min(total + Math.log(eta), kthLargest(scores, keep)));
  };
}

/** Turns what is left into log-probabilities. */
export function renormalize(): LogitsProcessor {
  return logSoftmax;
}

function removeBelow(scores: Float32Array, threshold: number): void {
  for (let i = 0; i < scores.length; i++) if (scores[i]! < threshold) scores[i] = Number.NEGATIVE_INFINITY;
}

/** Entropy in nats of softmax(scores), given ln of the sum of e^score. */
function entropyOf(scores: Float32Array, total: number): number {
  let entropy = 0;
  for (let i = 0; i < scores.length; i++) {
    const logp = scores[i]! - total;
    if (logp !== Number.NEGATIVE_INFINITY) entropy -= Math.exp(logp) * logp;
  }
  return entropy;
}

function makeScratch(): (size: number) => { keys: Float64Array; weights: Float64Array; copy: Float64Array } {
  let arrays = { keys: new Float64Array(0), weights: new Float64Array(0), copy: new Float64Array(0) };
  return size => {
    if (arrays.keys.length < size) {
      arrays = { keys: new Float64Array(size), weights: new Float64Array(size), copy: new Float64Array(size) };
    }
    return arrays;
  };
}
