import { describe, expect, it } from 'vitest';
import { createRng } from '../../util/rng.ts';
import { memorization } from './memorization.ts';

const random = (seed: number, length: number, vocabulary = 50) => {
  const rng = createRng(seed);
  return Array.from({ length }, () => rng.below(vocabulary));
};

describe('memorization', () => {
  it('is 1 for a copy, 0 for something else, and what lies between for a mixture', async () => {
    const training = [random(1, 500), random(2, 500)];
    const copy = training[1]!.slice(100, 140);
    const own = random(3, 40);
    expect(await memorization({ training, generated: [copy], heldOut: [own] })).toEqual({
      ...{ n: 8, generated: 1, heldOut: 0, longestCopy: 40 },
    });
    // 33 n-grams in the copy, 33 in the other, 7 across the border.
    const mixed = await memorization({ training, generated: [[...copy, ...own]], heldOut: [] });
    expect(mixed.generated).toBeCloseTo(33 / 73, 12);
    expect(mixed).toMatchObject({ heldOut: undefined, longestCopy: 40 });
  });
  it('agrees with a plain search on small vocabularies, where n-grams repeat', async () => {
    const [training, generated] = [[random(4, 300, 3)], [random(5, 60, 3), random(6, 80, 3)]];
    for (const n of [1, 3, 5]) {
      const grams = (text: readonly number[]) => text.slice(n - 1).map((_, i) => text.slice(i, i + n).join(' '));
      const known = new Set(training.flatMap(grams));
      const seen = generated.flatMap(grams).map(gram => known.has(gram));
      const result = await memorization({ training, generated, heldOut: [] }, { n });
      expect(result.generated).toBe(seen.filter(Boolean).length / seen.length);
    }
  });
  it('does not look across the border of two texts, and reads streams', async () => {
    async function* training() {
      yield [1, 2, 3];
      yield [4, 5, 6];
    }
    const result = await memorization({ training: training(), generated: [[2, 3, 4, 5]], heldOut: [[1, 2]] }, { n: 3 });
    expect(result).toEqual({ n: 3, generated: 0, heldOut: undefined, longestCopy: 0 });
  });
  it('refuses an n that is none and stops when asked to', async () => {
    const texts = { training: [[1]], generated: [], heldOut: [] };
    await expect(memorization(texts, { n: 0 })).rejects.toThrow('n = 0');
    await expect(memorization(texts, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
