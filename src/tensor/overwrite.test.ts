import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { assign, compute, dataOfAll, setDefaultBackend } from './compute.ts';
import { overwritingOrder } from './overwrite.ts';
import { Tensor } from './tensor.ts';

describe('leaves that hinder each other', () => {
  it('swap in pairs, turn round in rings and go on as they were', async () => {
    setDefaultBackend(createReferenceBackend());
    const leaves = Array.from({ length: 60 }, (_, i) => Tensor.from([i]).add(0));
    await compute(...leaves);
    // Rings of two, of five, and of one.
    const lengths = leaves.map((_, i) => (i < 20 ? 2 : i < 40 ? 5 : 1));
    const next = lengths.map((n, i) => (i % n === n - 1 ? i + 1 - n : i + 1));
    await assign(leaves.map((leaf, i) => [leaf, leaves[next[i]!]!.mul(2)]));
    expect((await dataOfAll(...leaves)).map(([x]) => x)).toEqual(next.map(i => 2 * i));
  });

  it('do not make the walk begin anew', () => {
    /** How often the inputs of one node are read while the order of `count` leaves, which swap in pairs, is found. */
    const looks = (count: number): number => {
      const leaves = Array.from({ length: count }, (_, i) => Tensor.from([i]));
      const values = leaves.map((_, i) => leaves[i ^ 1]!.mul(2));
      const { inputs } = values[0]!;
      let reads = 0;
      Object.defineProperty(values[0], 'inputs', {
        get() {
          reads++;
          return inputs;
        },
      });
      expect(overwritingOrder(values, leaves).writers.size).toBe(count / 2);
      return reads;
    };
    expect(looks(200)).toBe(looks(2));
  });
});
