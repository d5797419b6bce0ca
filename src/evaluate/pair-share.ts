/** Of pairs of texts, how often the model finds the first more probable: what minimal pairs and bias tests report. */
import { type Interval, wilson } from '../util/statistics/index.ts';

export interface PairShare {
  readonly name: string;
  readonly pairs: number;
  /** Pairs in which the first is more probable; equal ones do not count. */
  readonly preferred: number;
  /** Their share with a 95 % interval (Wilson 1927); undefined for no pairs. */
  readonly share: Interval | undefined;
}

export function pairShare(name: string, preferred: readonly boolean[]): PairShare {
  const count = preferred.reduce((sum, yes) => sum + (yes ? 1 : 0), 0);
  const share = preferred.length ? wilson(count, preferred.length) : undefined;
  return { name, pairs: preferred.length, preferred: count, share };
}

/** A share for each group, in the order in which they come first. Items of no group are left out. */
export function sharesBy<T>(
  items: readonly T[],
  groupOf: (item: T) => string | undefined,
  preferred: (item: T) => boolean,
): PairShare[] {
  const groups = new Map<string, boolean[]>();
  for (const item of items) {
    const name = groupOf(item);
    if (name === undefined) continue;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(preferred(item));
  }
  return [...groups].map(([name, group]) => pairShare(name, group));
}
