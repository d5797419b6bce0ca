import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { setDefaultBackend, Tensor } from '../tensor/index.ts';
import { columnDistances, relativeShift } from './relative-shift.ts';

setDefaultBackend(createReferenceBackend());

describe('relativeShift', () => {
  it.each([1, 2, 3, 8])('puts the score for distance i - j at (i, j) of %i x %i', async T => {
    const distances = columnDistances(T);
    // Score of head h, row i for distance d: unlike any other.
    const score = (h: number, i: number, d: number) => 1000 * h + 100 * i + d;
    const rows = [0, 1].flatMap(h => Array.from({ length: T }, (_, i) => distances.map(d => score(h, i, d))));
    const shifted = relativeShift(Tensor.from(rows.flat(), [1, 2, T, 2 * T]));
    expect(shifted.shape).toEqual([1, 2, T, T]);
    const expected = [0, 1].flatMap(h =>
      Array.from({ length: T }, (_, i) => Array.from({ length: T }, (_, j) => score(h, i, i - j))),
    );
    expect(Array.from(await shifted.data())).toEqual(expected.flat());
  });

  it('refuses another number of columns', () => {
    expect(() => relativeShift(Tensor.full([2, 3, 5], 0))).toThrow(/two columns for each row; seen: \[2,3,5\]/);
  });
});
