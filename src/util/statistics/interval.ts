/** A figure with an interval, and the checks of the options that intervals have in common. */

import { ConfigError } from '../../errors.ts';

/** A figure and the bounds of its confidence interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The confidence level, e.g. 0.95. */
  readonly level: number;
}

/** Throws `ConfigError` unless the level is between 0 and 1. */
export function checkLevel(level: number, where: string): void {
  if (!(level > 0 && level < 1)) {
    throw new ConfigError('not a confidence level', {
      seen: `${level}`,
      expected: 'a number between 0 and 1, e.g. 0.95',
      where,
    });
  }
}

/** Throws `ConfigError` unless the number of resamples is a positive integer of at most ten million. */
export function checkResamples(resamples: number, where: string): void {
  if (!Number.isInteger(resamples) || resamples < 1 || resamples > 1e7) {
    throw new ConfigError('not a number of resamples', {
      seen: `${resamples}`,
      expected: 'an integer from 1 to 10,000,000',
      where,
    });
  }
}

/**
 * The quantile of sorted numbers at `share` in [0, 1], with linear interpolation between the two nearest (type 7 of
 * Hyndman and Fan 1996, the default of numpy and R). NaN for no numbers.
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low === high ? low : low + (high - low) * (at - below);
}
