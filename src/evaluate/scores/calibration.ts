/**
 * Whether probabilities mean what they say: reliability bins, expected and maximum calibration error (Naeini et al. 2015;
 * Guo et al. 2017), adaptive calibration error (Nixon et al. 2019), and Murphy's (1973) parts of the Brier score.
 */

import { ConfigError } from '../../errors.ts';
import { checkPaired } from './paired-lists.ts';
import { brier, checkDistributions, checkProbabilities } from './probabilities.ts';

export interface BinOptions {
  /** How many bins. Default 15. */
  readonly bins?: number | undefined;
  /**
   * `width` (default): bins of equal width, each with its upper bound, the first also with 0. `mass`: bins of equally
   * many items (as nearly as can be), in the order of their confidence.
   */
  readonly by?: 'width' | 'mass' | undefined;
}

/** The items whose confidence lies in a range; the means are NaN for an empty bin. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** The mean confidence. */
  readonly confidence: number;
  /** The share of items that are right. */
  readonly accuracy: number;
}

export interface Calibration {
  readonly bins: readonly ReliabilityBin[];
  /** The mean distance between confidence and accuracy, weighted by the bins' items. */
  readonly expectedError: number;
  /** The largest distance of a bin. */
  readonly maximumError: number;
  readonly accuracy: number;
  readonly confidence: number;
}

/**
 * Calibration of confidences in [0, 1], each with whether the prediction was right. With few items the expected error is
 * too large, since the bins' accuracies are noise: a perfectly calibrated model of 100 items has about 0.1 in 15 bins.
 * Throws `ConfigError` for no items, lists of different lengths, confidences outside [0, 1] and a bad number of bins.
 */
export function calibration(
  confidences: readonly number[],
  right: readonly boolean[],
  options: BinOptions = {},
): Calibration {
  const groups = binned(confidences, right, options, 'calibration');
  const bins = groups.map(({ low, high, items }) => ({
    low,
    high,
    count: items.length,
    confidence: mean(items.map(i => confidences[i]!)),
    accuracy: mean(items.map(i => (right[i] ? 1 : 0))),
  }));
  const filled = bins.filter(bin => bin.count > 0);
  const distance = (bin: ReliabilityBin) => Math.abs(bin.confidence - bin.accuracy);
  return {
    bins,
    expectedError: filled.reduce((sum, bin) => sum + (bin.count / right.length) * distance(bin), 0),
    maximumError: Math.max(...filled.map(distance)),
    accuracy: mean(right.map(Number)),
    confidence: mean(confidences),
  };
}

/**
 * The adaptive calibration error: for every class, bins of equal mass of its probabilities over all items, and the mean
 * distance over classes and bins. `probabilities` is `[items, classes]`. Throws `ConfigError` for no items, rows that are
 * no distributions, classes out of range and a bad number of bins.
 */
export function adaptiveCalibrationError(
  probabilities: readonly ArrayLike<number>[],
  truth: readonly number[],
  { bins = 15 }: Pick<BinOptions, 'bins'> = {},
): number {
  checkDistributions(probabilities, truth, 'adaptiveCalibrationError');
  const errors = Array.from(probabilities[0]!, (_, label) => {
    const { bins: filled } = calibration(
      // Rounding may leave a probability a speck above 1.
      probabilities.map(row => Math.min(1, row[label]!)),
      truth.map(other => other === label),
      { bins, by: 'mass' },
    );
    return mean(filled.filter(bin => bin.count > 0).map(bin => Math.abs(bin.confidence - bin.accuracy)));
  });
  return mean(errors);
}

/** `brier = reliability - resolution + uncertainty + within`. */
export interface BrierParts {
  readonly brier: number;
  /** How far the bins' probabilities are from what happened; 0 is best. */
  readonly reliability: number;
  /** How far what happened in the bins is from the overall share; large is best. */
  readonly resolution: number;
  /** The score of always saying the overall share. */
  readonly uncertainty: number;
  /** What the differences of the probabilities within a bin add (Stephenson et al. 2008); 0 if they are equal. */
  readonly within: number;
}

/** The parts of the Brier score of an event's probabilities. Throws as `calibration` does. */
export function brierParts(
  probabilities: readonly number[],
  outcomes: readonly boolean[],
  options: BinOptions = {},
): BrierParts {
  const { bins, accuracy: share } = calibration(probabilities, outcomes, options);
  const sum = (part: (bin: ReliabilityBin) => number) =>
    bins.filter(bin => bin.count > 0).reduce((all, bin) => all + (bin.count / outcomes.length) * part(bin), 0);
  const score = brier(probabilities, outcomes);
  const reliability = sum(bin => (bin.confidence - bin.accuracy) ** 2);
  const resolution = sum(bin => (bin.accuracy - share) ** 2);
  const uncertainty = share * (1 - share);
  return {
    brier: score,
    reliability,
    resolution,
    uncertainty,
    within: score - (reliability - resolution + uncertainty),
  };
}

interface Bin {
  readonly low: number;
  readonly high: number;
  readonly items: number[];
}

function binned(
  confidences: readonly number[],
  right: readonly boolean[],
  { bins = 15, by = 'width' }: BinOptions,
  where: string,
): Bin[] {
  checkPaired(confidences, right, where);
  checkProbabilities(confidences, where);
  if (!Number.isInteger(bins) || bins < 1 || bins > 10_000) {
    throw new ConfigError('not a number of bins', { seen: `${bins}`, expected: 'an integer from 1 to 10,000', where });
  }
  if (by !== 'width' && by !== 'mass') {
    throw new ConfigError('unknown kind of bins', { seen: String(by), expected: 'width or mass', where });
  }
  return by === 'width' ? equalWidth(confidences, bins) : equalMass(confidences, bins);
}

function equalWidth(confidences: readonly number[], bins: number): Bin[] {
  const result: Bin[] = Array.from({ length: bins }, (_, b) => ({ low: b / bins, high: (b + 1) / bins, items: [] }));
  for (const [i, confidence] of confidences.entries()) {
    let b = Math.max(0, Math.ceil(confidence * bins) - 1);
    // The product is rounded; the bounds decide.
    while (b > 0 && confidence <= result[b]!.low) b--;
    while (b < bins - 1 && confidence > result[b]!.high) b++;
    result[b]!.items.push(i);
  }
  return result;
}

function equalMass(confidences: readonly number[], bins: number): Bin[] {
  const order = confidences.map((_, i) => i).sort((i, j) => confidences[i]! - confidences[j]!);
  const cuts = Array.from({ length: bins + 1 }, (_, b) => Math.round((b * order.length) / bins));
  return cuts.slice(1).map((end, b) => {
    const items = order.slice(cuts[b], end);
    const at = (i: number | undefined) => (i === undefined ? Number.NaN : confidences[i]!);
    return { low: at(items[0]), high: at(items.at(-1)), items };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
