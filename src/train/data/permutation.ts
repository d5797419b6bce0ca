/**
 * A random order of any number of things, computed place by place and never stored: the swap-or-not shuffle. Hoang, Morris,
 * Rogaway 2012, "An Enciphering Scheme Based on a Card Shuffle". In each round every place has a partner, its mirror image
 * around a random point, and a coin that both share says whether they change.
 */
import { ConfigError } from '../../errors.ts';
import { createRng } from '../../util/rng.ts';

/** Far more than the proof asks for at small sizes, and enough for the largest. */
const ROUNDS = 96;
const MOST = 2 ** 51;

/**
 * Which of `length` things stands at each place: a bijection of 0 to length - 1. Equal seeds and streams give equal orders.
 * @throws ConfigError for a length that is no whole number from 1 to 2^51
 */
export function permutation(length: number, seed: number, ...streams: number[]): (place: number) => number {
  if (!(Number.isSafeInteger(length) && length >= 1 && length <= MOST))
    throw new ConfigError('no order of so many things', { seen: `${length}`, expected: `1 to ${MOST}` });
  const rng = createRng(seed, ...streams);
  const rounds = Array.from({ length: ROUNDS }, () => ({
    mirror: Math.floor(rng.uniform() * length),
    key: rng.uint32(),
  }));
  return place => {
    let x = place;
    for (const { mirror, key } of rounds) {
      const partner = mirror >= x ? mirror - x : mirror - x + length;
      const larger = Math.max(x, partner);
      if (coin(larger, key)) x = partner;
    }
    return x;
  };
}

/** One bit of a hash of a number below 2^52 and a key: the finaliser of MurmurHash3 (public domain), over both halves. */
function coin(value: number, key: number): boolean {
  let hash = mixed((value >>> 0) ^ key);
  if (value >= 0x100000000) hash = mixed(hash ^ Math.floor(value / 0x100000000));
  return (hash & 1) === 1;
}
function mixed(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}
