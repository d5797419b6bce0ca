import { describe, expect, it } from 'vitest';
import { MergeQueue, NO_RANK } from './merge-queue.ts';

describe('MergeQueue', () => {
  it('gives the lowest rank and the leftmost place, whatever order they came and went in', () => {
    const places = 70;
    const ranks = 100;
    const queue = new MergeQueue(ranks);
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 50; round++) {
      queue.reset(places);
      const expected = new Map<number, number>();
      const nextOf = () => [...expected].sort(([p, r], [q, s]) => r - s || p - q)[0]?.[0] ?? -1;
      for (let step = 0; step < 300; step++) {
        if (random(3) === 0) {
          const place = nextOf();
          expect(queue.pop()).toBe(place);
          expected.delete(place);
          continue;
        }
        const place = random(places);
        const rank = random(4) === 0 ? NO_RANK : random(ranks);
        queue.set(place, rank);
        if (rank === NO_RANK) expected.delete(place);
        else expected.set(place, rank);
      }
      while (expected.size > 0) {
        const place = nextOf();
        expect(queue.pop()).toBe(place);
        expected.delete(place);
      }
      expect(queue.pop()).toBe(-1);
    }
  });
});
