/** Intervals for a share: successes among independent trials (accuracy, exact match, grammatical sentences). */

import { ConfigError } from '../../errors.ts';
import { betaQuantile, normalQuantile } from './distributions.ts';
import { checkLevel, type Interval } from './interval.ts';

/**
 * The score interval of a share (Wilson 1927): right for few trials and at shares of 0 and 1, where resampling gives
 * width 0. With one trial it is still most of [0, 1], which is the truth. Default level 0.95. Throws `ConfigError` for no
 * trials, or counts that are no integers with 0 <= successes <= trials.
 */
export function wilson(successes: number, trials: number, level = 0.95): Interval {
  checkCounts(successes, trials, level, 'wilson');
  const z = normalQuantile((1 + level) / 2);
  const share = successes / trials;
  const denominator = 1 + (z * z) / trials;
  const centre = (share + (z * z) / (2 * trials)) / denominator;
  const half = (z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))) / denominator;
  // At the ends the bound is exactly 0 or 1; rounding would leave a speck.
  const low = successes === 0 ? 0 : Math.max(0, centre - half);
  return { value: share, low, high: successes === trials ? 1 : Math.min(1, centre + half), level };
}

/**
 * The exact interval of a share (Clopper and Pearson 1934): covers the truth at least as often as the level says, and so
 * is wider than Wilson's. Default level 0.95. Throws like `wilson`.
 */
export function clopperPearson(successes: number, trials: number, level = 0.95): Interval {
  checkCounts(successes, trials, level, 'clopperPearson');
  const tail = (1 - level) / 2;
  const failures = trials - successes;
  return {
    value: successes / trials,
    low: successes === 0 ? 0 : betaQuantile(tail, successes, failures + 1),
    high: failures === 0 ? 1 : betaQuantile(1 - tail, successes + 1, failures),
    level,
  };
}

function checkCounts(successes: number, trials: number, level: number, where: string): void {
  checkLevel(level, where);
  if (!Number.isInteger(trials) || trials < 1) {
    throw new ConfigError('no share without trials', {
      seen: `${trials} trials`,
      expected: 'a positive integer',
      where,
    });
  }
  if (!Number.isInteger(successes) || successes < 0 || successes > trials) {
    throw new ConfigError('not a number of successes', {
      seen: `${successes} of ${trials}`,
      expected: `an integer from 0 to ${trials}`,
      where,
    });
  }
}
