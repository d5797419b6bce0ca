import { describe, expect, it } from 'vitest';
import { permutation } from './permutation.ts';

const orderOf = (length: number, seed: number, ...streams: number[]) =>
  Array.from({ length }, (_, i) => i).map(permutation(length, seed, ...streams));

describe('a permutation that is not stored', () => {
  it('has everything once, at all sizes', () => {
    for (let length = 1; length <= 200; length++)
      expect(orderOf(length, length).sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
    const large = new Set(orderOf(100_003, 5));
    expect(large.size).toBe(100_003);
    expect(Math.max(...large)).toBe(100_002);
  });
  it('is the same for equal seeds and another one for others', () => {
    expect(orderOf(1000, 1, 2)).toEqual(orderOf(1000, 1, 2));
    const fixed = (other: number[]) => orderOf(1000, 1, 2).filter((x, i) => x === other[i]).length;
    // Of 1000 one stays in place on average; above 8 with probability 1e-6.
    for (const other of [orderOf(1000, 1, 3), orderOf(1000, 2, 2), Array.from({ length: 1000 }, (_, i) => i)])
      expect(fixed(other)).toBeLessThan(9);
  });
  it('gives every order of four things alike', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 24_000; seed++) {
      const key = `${orderOf(4, seed)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    // 23 degrees of freedom: 49.7 is exceeded once in a thousand times.
    expect(chiSquare).toBeLessThan(49.7);
  });
  it('mixes neighbours of a large range far apart', () => {
    const length = 2 ** 40 + 15;
    const at = permutation(length, 9);
    const places = Array.from({ length: 2000 }, (_, i) => at(i) / length);
    const mean = places.reduce((a, b) => a + b, 0) / 2000;
    const product = places.slice(1).reduce((sum, x, i) => sum + (x - 0.5) * (places[i]! - 0.5), 0) / 1999;
    // Standard deviations: 0.0065 and 1/12/sqrt(2000) = 0.0019.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.026);
    expect(Math.abs(product)).toBeLessThan(0.0076);
    expect(new Set(places).size).toBe(2000);
  });
  it('refuses sizes that are none', () => {
    for (const length of [0, -1, 1.5, Number.NaN, 2 ** 52]) expect(() => permutation(length, 1)).toThrow(/no order/);
  });
});
