/** Scores of predicted numbers: correlations as in scipy (`pearsonr`, `spearmanr`), errors as in scikit-learn. */

import { checkPaired } from './paired-lists.ts';

/**
 * The correlation of two lists in [-1, 1]; NaN where one is constant (a correlation is then not defined, and fewer than
 * two items are constant). Throws `ConfigError` for no items or lists of different lengths.
 */
export function pearson(predictions: readonly number[], truth: readonly number[]): number {
  checkPaired(predictions, truth, 'pearson');
  if (isConstant(predictions) || isConstant(truth)) return Number.NaN;
  const x = unitVector(predictions);
  const y = unitVector(truth);
  const product = x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return Math.max(-1, Math.min(1, product));
}

/** The correlation of the ranks; equal numbers share the mean of their ranks. NaN and errors as in `pearson`. */
export function spearman(predictions: readonly number[], truth: readonly number[]): number {
  checkPaired(predictions, truth, 'spearman');
  return pearson(ranks(predictions), ranks(truth));
}

/** The mean of the squared differences. Throws `ConfigError` for no items or lists of different lengths. */
export function meanSquaredError(predictions: readonly number[], truth: readonly number[]): number {
  checkPaired(predictions, truth, 'meanSquaredError');
  return predictions.reduce((sum, value, i) => sum + (value - truth[i]!) ** 2, 0) / truth.length;
}

/** The mean of the absolute differences. Throws `ConfigError` for no items or lists of different lengths. */
export function meanAbsoluteError(predictions: readonly number[], truth: readonly number[]): number {
  checkPaired(predictions, truth, 'meanAbsoluteError');
  return predictions.reduce((sum, value, i) => sum + Math.abs(value - truth[i]!), 0) / truth.length;
}

const isConstant = (values: readonly number[]) => values.every(value => value === values[0]);

/** The differences from the mean, divided by their length as a vector. */
function unitVector(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const length = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return values.map(value => (value - mean) / length);
}

/** Ranks from 1, equal numbers sharing the mean of theirs; all NaN if one of the numbers is. */
function ranks(values: readonly number[]): number[] {
  const result = new Array<number>(values.length).fill(Number.NaN);
  if (values.some(Number.isNaN)) return result;
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) result[order[i]!] = (start + 1 + end) / 2;
  }
  return result;
}
