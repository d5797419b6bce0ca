/** What objectives draw: subsets, orders, partitions and Poisson numbers, all from one stream of random numbers. */
import type { Rng } from '../../util/rng.ts';

/** `count` of 0 to n - 1, each subset alike, in random order. */
export function chosen(n: number, count: number, rng: Rng): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + rng.below(n - i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, count);
}

/** 0 to n - 1 in random order. */
export const shuffled = (n: number, rng: Rng): number[] => chosen(n, n, rng);

/** `total` as a sum of `parts` whole numbers from 1, each such sum alike. `parts` is at most `total`. */
export function partition(total: number, parts: number, rng: Rng): number[] {
  const cuts = chosen(total - 1, parts - 1, rng).sort((a, b) => a - b);
  return Array.from({ length: parts }, (_, i) => (cuts[i] ?? total - 1) - (cuts[i - 1] ?? -1));
}

/** A number of a Poisson distribution with a mean below 700. Knuth 1969: how many uniform numbers a product takes to fall below e^-mean. */
export function poisson(mean: number, rng: Rng): number {
  const limit = Math.exp(-mean);
  let count = -1;
  for (let product = 1; product >= limit; count++) product *= rng.uniform();
  return count;
}

/** The nearest whole number, of two the even one, as the reference's arithmetic has it. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low % 2) : Math.round(x);
}
