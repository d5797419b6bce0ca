/**
 * Random choices whose probability is known: every choice adds its logarithm, so that the sum is the log-probability of what
 * was derived. As the grammar is unambiguous, that of the derivation is that of the text.
 */

import { ConfigError } from '../../src/errors.ts';
import { createRng, type Rng } from '../../src/util/rng.ts';

export interface Choices {
  /** The sum of the logarithms (in nats) of all choices since the start, or the last `rewind`. */
  readonly logProbability: number;
  /** One of the options, all alike. Throws `ConfigError` if there are none. */
  pick<T>(options: readonly T[]): T;
  /** One of the entries, by weights that need not sum to one. */
  weighted<T>(options: readonly (readonly [value: T, weight: number])[]): T;
  /** True with probability `p`. Certain answers cost nothing. */
  chance(p: number): boolean;
  /** Forgets the log-probability gathered since it was `value`: what was derived since then is thrown away. */
  rewind(value: number): void;
}

/** Choices from a generator of their own; `createChoices(seed, stream...)` as in `createRng`. */
export function createChoices(seed: number, ...streams: number[]): Choices {
  return choicesOf(createRng(seed, ...streams));
}

/** Choices from a given generator. */
export function choicesOf(rng: Rng): Choices {
  let sum = 0;
  return {
    get logProbability() {
      return sum;
    },
    pick(options) {
      if (options.length === 0) throw new ConfigError('nothing to choose from', { expected: 'at least one option' });
      if (options.length === 1) return options[0]!;
      sum -= Math.log(options.length);
      return options[Math.floor(rng.uniform() * options.length)]!;
    },
    weighted(options) {
      let total = 0;
      for (const [, weight] of options) total += weight;
      let rest = rng.uniform() * total;
      for (const [value, weight] of options) {
        rest -= weight;
        if (rest < 0 && weight > 0) {
          sum += Math.log(weight / total);
          return value;
        }
      }
      throw new ConfigError('nothing to choose from', { seen: `weights that sum to ${total}` });
    },
    chance(p) {
      if (p <= 0 || p >= 1) return p >= 1;
      const yes = rng.uniform() < p;
      sum += Math.log(yes ? p : 1 - p);
      return yes;
    },
    rewind(value) {
      sum = value;
    },
  };
}
