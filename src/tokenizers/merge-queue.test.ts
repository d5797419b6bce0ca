import { describe, expect, it } from 'vitest';
import { MergeQueue, NO_RANK } from './merge-queue.ts';

describe('MergeQueue', () => {
  it('gives the lowest rank and the leftmost place, whatever order they came and went in', () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const queue = new MergeQueue();
    for (const places of [1, 2, 3, 70, 64, 65, 5]) {
      const ranks = Array.from({ length: places }, () => (random(4) === 0 ? NO_RANK : random(30)));
      queue.reset(places, place => ranks[place]!);
      for (let step = 0; step < 300; step++) {
        const lowest = Math.min(...ranks);
        expect(queue.lowest()).toBe(lowest);
        if (lowest !== NO_RANK) expect(queue.first()).toBe(ranks.indexOf(lowest));
        const changed = [random(places), random(places), queue.first()].sort((p, q) => p - q);
        for (const place of changed) {
          ranks[place] = random(4) === 0 ? NO_RANK : random(30);
          queue.put(place, ranks[place]!);
        }
        queue.settle(changed[0]!, changed[1]!, changed[2]!);
      }
    }
  });
});
