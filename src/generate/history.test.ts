import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { SequenceHistory } from './history.ts';

/** The followers of the last size - 1 ids, by looking at every place. */
function slowFollowers(ids: readonly number[], size: number, context: readonly number[] = ids): number[] {
  if (context.length < size - 1) return [];
  const suffix = context.slice(context.length - size + 1).join();
  return ids.flatMap((id, at) => (at >= size - 1 && ids.slice(at - size + 1, at).join() === suffix ? [id] : []));
}

const sortedSet = (ids: Iterable<number>) => [...new Set(ids)].sort((a, b) => a - b);

describe('SequenceHistory', () => {
  it('keeps its indexes equal to a rescan, also across forks and gaps between reads', () => {
    for (let seed = 0; seed < 40; seed++) {
      const rng = createRng(seed);
      let histories = [new SequenceHistory({ ids: Array.from({ length: 1 + rng.below(4) }, () => rng.below(4)) })];
      for (let step = 0; step < 60; step++) {
        for (const history of histories) history.push(rng.below(4));
        if (rng.below(3) > 0) continue;
        for (const history of histories) {
          const { ids, promptLength } = history;
          expect(sortedSet(history.seen())).toEqual(sortedSet(ids));
          const counts = new Map<number, number>();
          for (const id of ids.slice(promptLength)) counts.set(id, (counts.get(id) ?? 0) + 1);
          expect(new Map(history.counts())).toEqual(counts);
          for (const size of [1, 2, 3, 4]) {
            expect(sortedSet(history.followers(size)), `n = ${size}`).toEqual(sortedSet(slowFollowers(ids, size)));
          }
        }
        histories = [histories[0]!, histories[0]!.fork(), histories.at(-1)!.fork()];
      }
    }
  });

  it('looks up the n-grams of another sequence', () => {
    const encoder = new SequenceHistory({ ids: [15, 10, 10, 4, 7, 7] });
    expect([...encoder.followers(2, [3, 10])]).toEqual([10, 4]);
    expect([...encoder.followers(3, [10])]).toEqual([]);
  });

  it('does not confuse ids whose digits run together', () => {
    const history = new SequenceHistory({ ids: [1, 12, 5, 11, 2] });
    expect([...history.followers(3)]).toEqual([]);
  });
});
