/**
 * Bootstrap intervals (Efron 1979; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 14):
 * the figure of many samples drawn from the items with replacement.
 */

import { ConfigError } from '../../errors.ts';
import { createRng } from '../rng.ts';
import { normalCdf, normalQuantile } from './distributions.ts';
import { checkLevel, checkResamples, type Interval, quantile } from './interval.ts';
import { type BoundStatistic, bindStatistic, type Statistic } from './statistic.ts';

export interface BootstrapOptions {
  /** How many samples are drawn. Default 1,000. */
  readonly resamples?: number | undefined;
  /** The confidence level. Default 0.95. */
  readonly level?: number | undefined;
  /** Equal seeds draw equal samples. Default 0. */
  readonly seed?: number | undefined;
  /**
   * `percentile` (default): the bounds are quantiles of the resampled figures. `bca`: the quantiles are corrected for
   * bias and acceleration, which is better for skewed figures and bounded ones near their bound.
   */
  readonly method?: 'percentile' | 'bca' | undefined;
}

export interface BootstrapInterval extends Interval {
  /** The standard deviation of the resampled figures. */
  readonly error: number;
  /** How many resampled figures are numbers; the others do not count. */
  readonly resamples: number;
}

/** Groups of the jackknife for the acceleration: with more items than this, several are left out at once. */
const JACKKNIFE_GROUPS = 1_000;

/**
 * The figure of the items with a bootstrap interval. Time is resamples times the cost of the statistic; a `SumStatistic`
 * costs a few additions for each item drawn.
 *
 * The interval knows nothing but the items: with fewer than about 20 it is too narrow, with one item (or equal ones) its
 * width is 0, and a share of 0 or 1 always gets width 0; `wilson` is right there. Throws `ConfigError` for no items, a
 * level outside (0, 1), or an unknown method. Samples without a figure (NaN: the correlation of a constant) are left out.
 */
export function bootstrap<T>(
  items: readonly T[],
  statistic: Statistic<T>,
  options: BootstrapOptions = {},
): BootstrapInterval {
  const { resamples = 1_000, level = 0.95, seed = 0, method = 'percentile' } = options;
  checkLevel(level, 'bootstrap');
  checkResamples(resamples, 'bootstrap');
  if (method !== 'percentile' && method !== 'bca') {
    throw new ConfigError('unknown bootstrap method', { seen: String(method), expected: 'percentile or bca' });
  }
  const bound = bindStatistic(items, statistic, 'bootstrap');
  const value = bound.value();
  const figures = resampledFigures([bound], resamples, seed)[0]!
    .filter(figure => !Number.isNaN(figure))
    .sort();
  const shares: readonly [number, number] = [(1 - level) / 2, (1 + level) / 2];
  const [low, high] = method === 'bca' ? accelerated(figures, value, bound, shares) : shares;
  return {
    value,
    low: quantile(figures, low),
    high: quantile(figures, high),
    level,
    error: deviation(figures),
    resamples: figures.length,
  };
}

/**
 * The figures of statistics that are bound to equally many items, for the same samples of them: one array of `resamples`
 * figures for each. Drawing the same items for two systems is what makes their comparison paired.
 */
export function resampledFigures(
  statistics: readonly BoundStatistic[],
  resamples: number,
  seed: number,
): readonly Float64Array[] {
  const { count } = statistics[0]!;
  const rng = createRng(seed);
  const indices = new Uint32Array(count);
  const figures = statistics.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < count; i++) indices[i] = rng.below(count);
    for (const [s, statistic] of statistics.entries()) figures[s]![r] = statistic.sample(indices);
  }
  return figures;
}

/** The shares of the sorted figures at which the BCa bounds lie. Figures that are all equal keep the shares. */
function accelerated(
  sorted: Float64Array,
  value: number,
  statistic: BoundStatistic,
  shares: readonly [number, number],
): readonly [number, number] {
  const below = firstAbove(sorted, value, false);
  const upTo = firstAbove(sorted, value, true);
  const bias = normalQuantile((below + upTo) / (2 * sorted.length));
  if (!Number.isFinite(bias) || sorted[0] === sorted.at(-1)) return shares;
  const without = statistic.leaveOut(JACKKNIFE_GROUPS);
  const centre = without.reduce((sum, x) => sum + x, 0) / without.length;
  const cubes = without.reduce((sum, x) => sum + (centre - x) ** 3, 0);
  const squares = without.reduce((sum, x) => sum + (centre - x) ** 2, 0);
  const acceleration = squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
  const corrected = (share: number) => {
    const shifted = bias + normalQuantile(share);
    return normalCdf(bias + shifted / (1 - acceleration * shifted));
  };
  return [corrected(shares[0]), corrected(shares[1])];
}

/** How many of the sorted figures are below the value, or not above it. */
function firstAbove(sorted: Float64Array, value: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orEqual ? sorted[middle]! <= value : sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function deviation(figures: Float64Array): number {
  if (figures.length < 2) return 0;
  const mean = figures.reduce((sum, x) => sum + x, 0) / figures.length;
  return Math.sqrt(figures.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (figures.length - 1));
}
