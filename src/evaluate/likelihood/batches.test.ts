import { describe, expect, it } from 'vitest';
import { createRng } from '../../util/rng.ts';
import { batchesByLength, roundedUp } from './batches.ts';

describe('batchesByLength', () => {
  it('takes every row once and pads less than twice, for any lengths', () => {
    const rng = createRng(3);
    for (let trial = 0; trial < 50; trial++) {
      const lengths = Array.from({ length: 1 + rng.below(200) }, () => [1 + rng.below(300), 1 + rng.below(20)]);
      const batches = batchesByLength(lengths, 16);
      expect(batches.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
      for (const batch of batches) {
        const rows = batch.map(i => lengths[i]!);
        const real = rows.flat().reduce((a, b) => a + b);
        const widths = [0, 1].map(k => roundedUp(Math.max(...rows.map(row => row[k]!))));
        expect(batch.length * (widths[0]! + widths[1]!)).toBeLessThan(2 * real);
        expect(batch.length).toBeLessThanOrEqual(16);
      }
    }
  });
  it('puts rows of one length together, and very long ones alone', () => {
    expect(batchesByLength([[5], [9], [5], [9]], 2)).toEqual([
      [1, 3],
      [0, 2],
    ]);
    expect(batchesByLength([[9000], [9000]])).toEqual([[0], [1]]);
    expect(batchesByLength([])).toEqual([]);
  });
  it('refuses what is no number of rows', () => {
    expect(() => batchesByLength([[1]], 0)).toThrow(/batchSize.*seen: 0/);
  });
});
it('rounds up by at most a quarter, to few different numbers', () => {
  const numbers = Array.from({ length: 4096 }, (_, i) => i + 1);
  expect(numbers.every(n => roundedUp(n) >= n && roundedUp(n) <= 1.25 * n)).toBe(true);
  expect(new Set(numbers.map(roundedUp)).size).toBeLessThan(50);
});
