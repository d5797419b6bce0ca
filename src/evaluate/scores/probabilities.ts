/** Scores of predicted probabilities: log loss as in scikit-learn, and the score of Brier (1950). */

import { ConfigError } from '../../errors.ts';
import { checkPaired } from './paired-lists.ts';

/**
 * The mean negative natural logarithm of the probability given to the true class, in nats. `probabilities` is `[items,
 * classes]`, `truth` the number of each item's class. Probabilities are kept 2^-52 away from 0 and 1, so that one
 * confident error costs 36 nats and not infinitely many. Throws `ConfigError` for no items, rows of different lengths or
 * that do not sum to 1 (within 1e-3), and classes out of range.
 */
export function logLoss(probabilities: readonly ArrayLike<number>[], truth: readonly number[]): number {
  checkDistributions(probabilities, truth, 'logLoss');
  const loss = (row: ArrayLike<number>, label: number) =>
    -Math.log(Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, row[label]!)));
  return probabilities.reduce((sum, row, i) => sum + loss(row, truth[i]!), 0) / truth.length;
}

/**
 * The mean squared difference between the probability of an event and whether it came, in [0, 1]. Throws `ConfigError`
 * for no items, lists of different lengths, and probabilities outside [0, 1].
 */
export function brier(probabilities: readonly number[], outcomes: readonly boolean[]): number {
  checkPaired(probabilities, outcomes, 'brier');
  checkProbabilities(probabilities, 'brier');
  return probabilities.reduce((sum, p, i) => sum + (p - (outcomes[i] ? 1 : 0)) ** 2, 0) / outcomes.length;
}

/**
 * Brier's score over all classes, in [0, 2]: the squared differences summed over the classes, averaged over the items. For
 * two classes it is twice `brier`. Arguments and errors as in `logLoss`.
 */
export function brierMulticlass(probabilities: readonly ArrayLike<number>[], truth: readonly number[]): number {
  checkDistributions(probabilities, truth, 'brierMulticlass');
  let sum = 0;
  for (const [i, row] of probabilities.entries()) {
    for (let k = 0; k < row.length; k++) sum += (row[k]! - (k === truth[i] ? 1 : 0)) ** 2;
  }
  return sum / truth.length;
}

/** Throws `ConfigError` for a number that is no probability. */
export function checkProbabilities(probabilities: readonly number[], where: string): void {
  const bad = probabilities.findIndex(p => !(p >= 0 && p <= 1));
  if (bad < 0) return;
  throw new ConfigError('not a probability', {
    seen: `${probabilities[bad]} for item ${bad}`,
    expected: 'a number from 0 to 1',
    where,
  });
}

/** Throws `ConfigError` unless the rows are as many as the labels, equally long, and have a number for each label. */
export function checkRows(rows: readonly ArrayLike<number>[], truth: readonly number[], where: string): void {
  checkPaired(rows, truth, where);
  const classes = rows[0]!.length;
  for (const [i, row] of rows.entries()) {
    if (row.length !== classes) {
      throw new ConfigError('rows of different lengths', {
        seen: `${row.length} classes for item ${i}`,
        expected: `${classes} as for item 0`,
        where,
      });
    }
    const label = truth[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new ConfigError('an unknown class', {
        seen: `${label} for item ${i}`,
        expected: `an integer from 0 to ${classes - 1}`,
        where,
      });
    }
  }
}

/** Throws `ConfigError` as `checkRows` does, and for a row that is no distribution. */
export function checkDistributions(rows: readonly ArrayLike<number>[], truth: readonly number[], where: string): void {
  checkRows(rows, truth, where);
  for (const [i, row] of rows.entries()) {
    let sum = 0;
    for (let k = 0; k < row.length; k++) sum += row[k]! >= 0 ? row[k]! : Number.NaN;
    if (!(Math.abs(sum - 1) < 1e-3)) {
      throw new ConfigError('not a distribution over the classes', {
        seen: `a sum of ${sum} for item ${i}`,
        expected: 'numbers from 0 to 1 that sum to 1',
        fix: 'give probabilities, not logits',
        where,
      });
    }
  }
}
