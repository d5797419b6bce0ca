/** The interval of a share that was counted. Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference". */
import { ConfigError } from '../errors.ts';

/** A number and the interval that holds the true one with probability `level`. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly level: number;
}

/**
 * The share `successes / trials` with Wilson's score interval, which stays within 0 and 1 and is right for few trials and for
 * shares near the ends. Without trials all of it is NaN.
 * @throws ConfigError for counts that are none and a level outside of 0 to 1
 */
export function wilson(successes: number, trials: number, level = 0.95): Interval {
  if (!(Number.isInteger(successes) && Number.isInteger(trials) && successes >= 0 && successes <= trials))
    throw new ConfigError('not a count of successes', {
      seen: `${successes} of ${trials}`,
      expected: 'whole numbers, the first at most the second',
    });
  const z = normalQuantile(0.5 + checkedLevel(level) / 2);
  const share = successes / trials;
  const squared = (z * z) / trials;
  const middle = (share + squared / 2) / (1 + squared);
  const half = (z * Math.sqrt((share * (1 - share)) / trials + squared / trials / 4)) / (1 + squared);
  // Rounding may leave the ends a little outside.
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half), level };
}

function checkedLevel(level: number): number {
  if (level > 0 && level < 1) return level;
  throw new ConfigError('not a level of confidence', { seen: `${level}`, expected: 'between 0 and 1, such as 0.95' });
}

/** The z below which a standard normal variable is with this probability, by Newton's steps on its distribution function. */
function normalQuantile(probability: number): number {
  let z = 0;
  for (let step = 0; step < 100; step++) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const change = (probability - distribution(z, density)) / density;
    z += change;
    if (Math.abs(change) < 1e-14) break;
  }
  return z;
}
/** 1/2 + density * (z + z^3 / 3 + z^5 / (3 * 5) + ...) */
function distribution(z: number, density: number): number {
  let [sum, term] = [z, z];
  for (let k = 3; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) sum += term *= (z * z) / k;
  return 0.5 + density * sum;
}
