/**
 * What a figure over items is, so that resampling can compute it thousands of times: either any function of a sample, or
 * a function of sums over the items (BLEU, chrF, TER, F1, a mean), which resamples without looking at an item again.
 */

import { ConfigError } from '../../errors.ts';

/** A figure that depends on the items only through the sums of a few numbers for each of them. */
export interface SumStatistic<T> {
  /** The numbers of an item, equally many for each. */
  readonly row: (item: T) => ArrayLike<number>;
  /** The figure for the sums of the rows of a sample. */
  readonly score: (sums: Float64Array) => number;
}

/** A figure over items: a function of a sample (its array is reused: do not keep it), or a function of sums. */
export type Statistic<T> = ((sample: readonly T[]) => number) | SumStatistic<T>;

/** The arithmetic mean of numbers. */
export const meanStatistic: SumStatistic<number> = { row: value => [value, 1], score: sums => sums[0]! / sums[1]! };

/** Items that belong together, such as the words of a sentence: how many there are, and the sum of their numbers. */
export interface Cluster {
  readonly sum: number;
  readonly count: number;
}
/**
 * The mean of all items of clusters. Resampled, whole clusters are drawn, so that items which are alike do not count as independent.
 * Davison and Hinkley 1997, section 3.8.
 */
export const clusterMean: SumStatistic<Cluster> = {
  row: ({ sum, count }) => [sum, count],
  score: sums => sums[0]! / sums[1]!,
};

/** A statistic bound to its items, ready for samples that are given as indices. */
export interface BoundStatistic {
  readonly count: number;
  /** The figure of all items. */
  value(): number;
  /** The figure of the items with these numbers, repetitions included. */
  sample(indices: Uint32Array): number;
  /** The figures of the items without each group in turn. The groups number at most `most`, together they are all items. */
  leaveOut(most: number): Float64Array;
}

/** Binds a statistic to items. Throws `ConfigError` if there are none or their rows are of different lengths. */
export function bindStatistic<T>(items: readonly T[], statistic: Statistic<T>, where: string): BoundStatistic {
  if (items.length === 0) {
    throw new ConfigError('no figure over no items', { seen: '0 items', expected: 'at least one', where });
  }
  return typeof statistic === 'function' ? bindFunction(items, statistic) : bindSums(items, statistic, where);
}

/** The rows of the items, one after another: `[items, width]`. Throws `ConfigError` if their widths differ. */
function statisticRows<T>(
  items: readonly T[],
  { row }: SumStatistic<T>,
  where: string,
): { readonly rows: Float64Array; readonly width: number } {
  const first = row(items[0]!);
  const width = first.length;
  const rows = new Float64Array(items.length * width);
  for (const [i, item] of items.entries()) {
    const numbers = i === 0 ? first : row(item);
    if (numbers.length !== width) {
      throw new ConfigError('the items have rows of different lengths', {
        seen: `${numbers.length} numbers for item ${i}`,
        expected: `${width} as for item 0`,
        where,
      });
    }
    rows.set(numbers, i * width);
  }
  return { rows, width };
}

function bindFunction<T>(items: readonly T[], statistic: (sample: readonly T[]) => number): BoundStatistic {
  const sample: T[] = [];
  return {
    count: items.length,
    value: () => statistic(items),
    sample(indices) {
      sample.length = indices.length;
      for (let i = 0; i < indices.length; i++) sample[i] = items[indices[i]!]!;
      return statistic(sample);
    },
    leaveOut: most =>
      Float64Array.from({ length: Math.min(items.length, most) }, (_, group) =>
        statistic(items.filter((_, i) => i % most !== group)),
      ),
  };
}

function bindSums<T>(items: readonly T[], statistic: SumStatistic<T>, where: string): BoundStatistic {
  const { rows, width } = statisticRows(items, statistic, where);
  const add = (sums: Float64Array, item: number, sign: number) => {
    for (let k = 0, at = item * width; k < width; k++, at++) sums[k] = sums[k]! + sign * rows[at]!;
  };
  const total = new Float64Array(width);
  for (let i = 0; i < items.length; i++) add(total, i, 1);
  const sums = new Float64Array(width);
  return {
    count: items.length,
    value: () => statistic.score(total.slice()),
    sample(indices) {
      sums.fill(0);
      for (let i = 0; i < indices.length; i++) {
        for (let k = 0, at = indices[i]! * width; k < width; k++, at++) sums[k] = sums[k]! + rows[at]!;
      }
      return statistic.score(sums);
    },
    leaveOut(most) {
      return Float64Array.from({ length: Math.min(items.length, most) }, (_, group) => {
        sums.set(total);
        for (let i = group; i < items.length; i += most) add(sums, i, -1);
        return statistic.score(sums);
      });
    },
  };
}
