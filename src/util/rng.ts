/**
 * A seedable source of random numbers with independent streams and a state that can be saved.
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018): 128 bits of state,
 * period 2^128 - 1, only 32-bit integer operations, so it gives the same numbers on every engine.
 */

import { ConfigError } from '../errors.ts';

/** The whole state of a generator: four unsigned 32-bit words, not all zero. */
export type RngState = readonly [number, number, number, number];

export interface Rng {
  /** The next 32 random bits as an unsigned integer. */
  uint32(): number;
  /** A number in [0, 1) with 53 random bits. */
  uniform(): number;
  /** A number of the standard normal distribution. */
  normal(): number;
  /** An integer in [0, bound), without bias. `bound` is in [1, 2^32]. */
  below(bound: number): number;
  /** A copy of the state; `restoreRng` continues from it. */
  state(): RngState;
}

/**
 * A generator for a seed (a safe integer) and any number of stream numbers. Equal arguments give equal numbers; different
 * streams of one seed are independent, so a sequence can own a stream and not depend on what is drawn beside it.
 * Throws `ConfigError` for a seed or stream that is no safe integer.
 */
export function createRng(seed: number, ...streams: number[]): Rng {
  let words: RngState = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0xdeadbeef];
  for (const value of [seed, ...streams]) words = absorb(words, value);
  return restoreRng(words);
}

/** A generator that continues from a saved state. Throws `ConfigError` if that is no state of this generator. */
export function restoreRng(state: RngState): Rng {
  if (state.length !== 4 || !state.every(word => Number.isInteger(word) && word >= 0 && word <= 0xffffffff)) {
    throw new ConfigError('not a state of the random generator', {
      seen: JSON.stringify(state),
      expected: 'four unsigned 32-bit integers',
    });
  }
  if (state.every(word => word === 0)) {
    throw new ConfigError('the state of the random generator is all zero, which it can never leave', {
      fix: 'make one with createRng(seed)',
    });
  }
  let [a, b, c, d] = state;

  const uint32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
  const uniform = () => ((uint32() >>> 5) * 0x4000000 + (uint32() >>> 6)) / 0x20000000000000;

  return {
    uint32,
    uniform,
    // Box-Muller; 1 - u is in (0, 1], so the logarithm is finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    below(bound) {
      if (!Number.isInteger(bound) || bound < 1 || bound > 0x100000000) {
        throw new ConfigError('no random integer below this bound', {
          seen: `${bound}`,
          expected: 'an integer in [1, 2^32]',
        });
      }
      // Draws above the last full multiple of `bound` are thrown away: keeping them would favour small results.
      const limit = 0x100000000 - (0x100000000 % bound);
      let value = uint32();
      while (value >= limit) value = uint32();
      return value % bound;
    },
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
}

/** A seed that nobody chose, from the platform's entropy. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** Mixes all 53 bits and the sign of `value` into each word. */
function absorb(words: RngState, value: number): RngState {
  if (!Number.isSafeInteger(value)) {
    throw new ConfigError('a seed must be a safe integer', {
      seen: String(value),
      expected: 'an integer of at most 53 bits',
    });
  }
  const low = value >>> 0;
  const high = Math.floor(value / 0x100000000) >>> 0;
  let previous = words[3];
  const mixed = words.map((word, index) => {
    previous = scramble(scramble(word ^ previous ^ low) + high + index);
    return previous;
  });
  return mixed.every(word => word === 0) ? [1, 0, 0, 0] : [mixed[0]!, mixed[1]!, mixed[2]!, mixed[3]!];
}

/** The 32-bit finaliser of MurmurHash3 (public domain): every input bit changes about half of the output bits. */
function scramble(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
