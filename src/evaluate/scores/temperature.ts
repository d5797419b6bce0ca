/** Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017): one number that makes logits honest. */

import { checkRows } from './probabilities.ts';

export interface FittedTemperature {
  /** Divide logits by it. Above 1 the model was too sure, below 1 too unsure. */
  readonly temperature: number;
  /** The mean negative log-likelihood in nats, at temperature 1 and at the fitted one. */
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** Whether the best temperature lies beyond 1/100 or 100: all items are right, or no better than chance. */
  readonly atBound: boolean;
}

/** Inverse temperatures between which the best one is looked for. */
const [LEAST, MOST] = [0.01, 100];

/**
 * The temperature at which the softmax of the logits, `[items, classes]`, gives the true classes the highest likelihood.
 * The loss is convex in the inverse temperature, so bisection of its slope finds the one minimum to the last digits. Fit
 * on held-out items: on training items it is too low. Throws `ConfigError` for no items, rows of different lengths and
 * classes out of range.
 */
export function fitTemperature(logits: readonly ArrayLike<number>[], truth: readonly number[]): FittedTemperature {
  checkRows(logits, truth, 'fitTemperature');
  const best = minimum(inverse => lossAndSlope(logits, truth, inverse).slope);
  return {
    temperature: 1 / best,
    lossBefore: lossAndSlope(logits, truth, 1).loss,
    lossAfter: lossAndSlope(logits, truth, best).loss,
    atBound: best === LEAST || best === MOST,
  };
}

/** Where the slope of a convex function is 0, or the bound it falls towards. */
function minimum(slope: (inverse: number) => number): number {
  if (slope(LEAST) >= 0) return LEAST;
  if (slope(MOST) <= 0) return MOST;
  let [low, high] = [LEAST, MOST];
  while (true) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
}

/** The mean loss at an inverse temperature, and its slope: the expected logit minus that of the true class. */
function lossAndSlope(logits: readonly ArrayLike<number>[], truth: readonly number[], inverse: number) {
  let [loss, slope] = [0, 0];
  for (const [i, row] of logits.entries()) {
    let top = -Infinity;
    for (let k = 0; k < row.length; k++) top = Math.max(top, row[k]!);
    let [sum, weighted] = [0, 0];
    for (let k = 0; k < row.length; k++) {
      const weight = Math.exp(inverse * (row[k]! - top));
      sum += weight;
      weighted += weight * row[k]!;
    }
    const own = row[truth[i]!]!;
    loss += Math.log(sum) - inverse * (own - top);
    slope += weighted / sum - own;
  }
  return { loss: loss / truth.length, slope: slope / truth.length };
}
