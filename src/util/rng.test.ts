import { describe, expect, it } from 'vitest';
import { createRng, restoreRng } from './rng.ts';

describe('rng', () => {
  it('is xoshiro128**: the first outputs from the state 1, 2, 3, 4', () => {
    // Computed with unbounded integers straight from the definition.
    const rng = restoreRng([1, 2, 3, 4]);
    expect([1, 2, 3, 4, 5, 6].map(() => rng.uint32())).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
  });

  it('repeats itself for a seed and differs between seeds and streams', () => {
    const draw = (...key: [number, ...number[]]) => {
      const rng = createRng(...key);
      return [1, 2, 3, 4].map(() => rng.uint32()).join(' ');
    };
    const keys: [number, ...number[]][] = [
      [0],
      [1],
      [-1],
      [2 ** 32],
      [2 ** 52],
      [0, 0],
      [0, 1],
      [1, 0],
      [0, 0, 1],
      [0, 1, 0],
    ];
    for (const key of keys) expect(draw(...key)).toBe(draw(...key));
    expect(new Set(keys.map(key => draw(...key))).size).toBe(keys.length);
  });

  it('continues from a saved state', () => {
    const rng = createRng(42);
    rng.uniform();
    const copy = restoreRng(rng.state());
    expect([copy.uniform(), copy.below(1000), copy.normal()]).toEqual([rng.uniform(), rng.below(1000), rng.normal()]);
  });

  it('is uniform: chi-square over 64 cells, also across neighbouring streams', () => {
    const n = 64_000;
    const long = createRng(7);
    const sources = {
      'one stream': () => long.uniform(),
      'first draws of many streams': (i: number) => createRng(7, i).uniform(),
    };
    for (const [name, draw] of Object.entries(sources)) {
      const cells = new Array<number>(64).fill(0);
      for (let i = 0; i < n; i++) cells[Math.floor(draw(i) * 64)]!++;
      const chi2 = cells.reduce((sum, count) => sum + (count - n / 64) ** 2 / (n / 64), 0);
      // 63 degrees of freedom: 99.9 % of the mass lies between 32 and 103.5.
      expect(chi2, name).toBeGreaterThan(32);
      expect(chi2, name).toBeLessThan(103.5);
    }
  });

  it('draws normals with mean 0 and variance 1, and integers in range', () => {
    const rng = createRng(3);
    const n = 50_000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const x = rng.normal();
      sum += x;
      squares += x * x;
    }
    expect(Math.abs(sum / n)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(squares / n - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    const seen = new Set(Array.from({ length: 200 }, () => rng.below(5)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(rng.below(1)).toBe(0);
  });

  it('refuses what is no seed, state or bound', () => {
    expect(() => createRng(0.5)).toThrow('safe integer');
    expect(() => createRng(Number.NaN)).toThrow('safe integer');
    expect(() => restoreRng([0, 0, 0, 0])).toThrow('all zero');
    expect(() => restoreRng([1, 2, 3, -4])).toThrow('four unsigned');
    expect(() => createRng(1).below(0)).toThrow('bound');
  });
});
