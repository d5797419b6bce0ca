/**
 * Two systems on the same items: the difference of their figures, its interval, and how likely a difference like it is
 * when the systems are equal.
 * Paired bootstrap: Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004. Approximate
 * randomization: Noreen 1989; Riezler and Maxwell 2005. McNemar 1947, exact by the binomial distribution.
 */

import { ConfigError } from '../../errors.ts';
import { createRng } from '../rng.ts';
import { resampledFigures } from './bootstrap.ts';
import { binomialCdf } from './distributions.ts';
import { checkLevel, checkResamples, type Interval, quantile } from './interval.ts';
import { bindStatistic, type Statistic } from './statistic.ts';

export type ComparisonTest = 'bootstrap' | 'randomization' | 'permutation' | 'mcnemar';

export interface ComparisonOptions {
  /**
   * Where `p` comes from (always two-sided):
   * - `bootstrap` (default): twice the share of resamples in which the difference is 0 or of the other sign.
   * - `randomization`: the share of random exchanges of the systems' items that differ at least as much.
   * - `permutation`: the same over all 2^n exchanges, exact, for up to 16 items.
   * - `mcnemar`: the binomial test over the items that only one system gets right; items must be 0 or 1 (or booleans).
   */
  readonly test?: ComparisonTest | undefined;
  /** Resamples of the interval and draws of the test. Default 1,000. */
  readonly resamples?: number | undefined;
  /** The confidence level of the interval. Default 0.95. */
  readonly level?: number | undefined;
  /** Equal seeds give equal figures. Default 0. */
  readonly seed?: number | undefined;
}

export interface Comparison {
  /** The systems' figures, each with its bootstrap interval. */
  readonly a: Interval;
  readonly b: Interval;
  /** a - b, with the bounds of its paired bootstrap interval. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly level: number;
  readonly p: number;
  readonly test: ComparisonTest;
  /** The share of resamples in which a's figure is the higher one, ties counted half (Koehn 2004). */
  readonly wins: number;
  readonly items: number;
}

/** All exchanges of this many items are 65,536. */
const MOST_PERMUTED = 16;

/**
 * Compares two systems by what each did on the same items, `a[i]` and `b[i]` for item i. The intervals are percentile
 * bootstrap intervals over the same draws for both.
 *
 * With n items no test can give a p below about 2 / 2^n: five items never show a difference at 0.05. With one item p is 1
 * for `randomization`, `permutation` and `mcnemar`; the bootstrap, which then always draws that item, is meaningless
 * below about 20. Samples without a figure (NaN) speak for equal systems. Throws `ConfigError` for no items, lists of
 * different lengths, and items a test cannot take.
 */
export function compareSystems<T>(
  a: readonly T[],
  b: readonly T[],
  statistic: Statistic<T>,
  options: ComparisonOptions = {},
): Comparison {
  const { test = 'bootstrap', resamples = 1_000, level = 0.95, seed = 0 } = options;
  checkLevel(level, 'compareSystems');
  checkResamples(resamples, 'compareSystems');
  if (a.length !== b.length) {
    throw new ConfigError('the systems have different numbers of items', {
      seen: `${a.length} and ${b.length}`,
      expected: 'the same items for both, in the same order',
      where: 'compareSystems',
    });
  }
  const bound = [bindStatistic(a, statistic, 'compareSystems'), bindStatistic(b, statistic, 'compareSystems')] as const;
  const [valueA, valueB] = [bound[0].value(), bound[1].value()];
  const [figuresA, figuresB] = resampledFigures(bound, resamples, seed);
  const differences = figuresA!.map((figure, r) => figure - figuresB![r]!);
  const difference = valueA - valueB;
  const { low, high } = percentiles(difference, differences, level);
  return {
    a: percentiles(valueA, figuresA!, level),
    b: percentiles(valueB, figuresB!, level),
    difference,
    low,
    high,
    level,
    p: pValue(test, { a, b, statistic, difference, differences, resamples, seed }),
    test,
    wins: differences.reduce((wins, d) => wins + (d > 0 ? 1 : d < 0 ? 0 : 0.5), 0) / resamples,
    items: a.length,
  };
}

/** What a test decides by. */
interface Trial<T> {
  readonly a: readonly T[];
  readonly b: readonly T[];
  readonly statistic: Statistic<T>;
  readonly difference: number;
  /** Differences of the resamples. */
  readonly differences: Float64Array;
  readonly resamples: number;
  readonly seed: number;
}

function pValue<T>(test: ComparisonTest, trial: Trial<T>): number {
  switch (test) {
    case 'bootstrap':
      return bootstrapP(trial.differences);
    case 'randomization':
      return randomizationP(trial);
    case 'permutation':
      return permutationP(trial);
    case 'mcnemar':
      return mcnemar(trial.a.map(rightOrWrong), trial.b.map(rightOrWrong)).p;
    default:
      throw new ConfigError('unknown test', {
        seen: String(test),
        expected: 'bootstrap, randomization, permutation or mcnemar',
        where: 'compareSystems',
      });
  }
}

function bootstrapP(differences: Float64Array): number {
  let [notAbove, notBelow] = [0, 0];
  for (const difference of differences) {
    if (!(difference > 0)) notAbove++;
    if (!(difference < 0)) notBelow++;
  }
  // One more draw than was made, on the side of equal systems: p is never 0.
  return Math.min(1, (2 * (Math.min(notAbove, notBelow) + 1)) / (differences.length + 1));
}

function randomizationP<T>(trial: Trial<T>): number {
  const differs = exchange(trial);
  const rng = createRng(trial.seed, 1);
  const swapped = new Uint8Array(trial.a.length);
  let count = 1;
  for (let r = 0; r < trial.resamples; r++) {
    for (let i = 0; i < swapped.length; i++) swapped[i] = rng.uint32() >>> 31;
    if (differs(swapped)) count++;
  }
  return count / (trial.resamples + 1);
}

function permutationP<T>(trial: Trial<T>): number {
  const n = trial.a.length;
  if (n > MOST_PERMUTED) {
    throw new ConfigError('too many items for all exchanges', {
      seen: `${n} items`,
      expected: `at most ${MOST_PERMUTED}`,
      fix: "use the test 'randomization', which draws some of them",
      where: 'compareSystems',
    });
  }
  const differs = exchange(trial);
  const swapped = new Uint8Array(n);
  let count = 0;
  for (let choice = 0; choice < 2 ** n; choice++) {
    for (let i = 0; i < n; i++) swapped[i] = (choice >>> i) & 1;
    if (differs(swapped)) count++;
  }
  return count / 2 ** n;
}

/** Whether the systems differ at least as much as they do, once the marked items are exchanged between them. */
function exchange<T>({ a, b, statistic, difference }: Trial<T>): (swapped: Uint8Array) => boolean {
  const n = a.length;
  const both = bindStatistic([...a, ...b], statistic, 'compareSystems');
  const [first, second] = [new Uint32Array(n), new Uint32Array(n)];
  // Sums in another order differ in their last bits; an equal difference must still count.
  const least = Math.abs(difference) * (1 - 1e-12);
  return swapped => {
    for (let i = 0; i < n; i++) {
      first[i] = swapped[i] ? n + i : i;
      second[i] = swapped[i] ? i : n + i;
    }
    return !(Math.abs(both.sample(first) - both.sample(second)) < least);
  };
}

/** McNemar's exact test: items that only the first, or only the second system gets right, and the two-sided p. */
export function mcnemar(
  a: readonly boolean[],
  b: readonly boolean[],
): { readonly onlyA: number; readonly onlyB: number; readonly p: number } {
  if (a.length !== b.length || a.length === 0) {
    throw new ConfigError('no pairs to test', {
      seen: `${a.length} and ${b.length} items`,
      expected: 'the same items for both systems, at least one',
      where: 'mcnemar',
    });
  }
  const onlyA = a.filter((right, i) => right && !b[i]).length;
  const onlyB = b.filter((right, i) => right && !a[i]).length;
  const p = Math.min(1, 2 * binomialCdf(Math.min(onlyA, onlyB), onlyA + onlyB, 0.5));
  return { onlyA, onlyB, p };
}

function rightOrWrong(item: unknown, index: number): boolean {
  if (item === 1 || item === true) return true;
  if (item === 0 || item === false) return false;
  throw new ConfigError("McNemar's test compares right and wrong answers", {
    seen: `${String(item)} for item ${index}`,
    expected: '0 or 1, or a boolean',
    where: 'compareSystems',
  });
}

function percentiles(value: number, figures: Float64Array, level: number): Interval {
  const sorted = figures.filter(figure => !Number.isNaN(figure)).sort();
  return { value, low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2), level };
}
