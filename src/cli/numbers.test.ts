import { describe, expect, it } from 'vitest';
import { createNumbers, element } from './numbers.ts';

const en = createNumbers('en');
const de = createNumbers('de');

describe('numbers for people', () => {
  it('have separators', () => {
    expect(en.count(124439808)).toBe('124,439,808');
    expect(de.count(124439808)).toBe('124.439.808');
    expect(en.percent(0.6126)).toBe('61.3 %');
    expect(de.percent(0.6126)).toBe('61,3 %');
  });
  it('are scaled with three digits', () => {
    expect(en.short(31360)).toBe('31.4 K');
    expect(en.short(124439808)).toBe('124 M');
    expect(en.short(12)).toBe('12');
    expect(en.bytes(0)).toBe('0 B');
    expect(en.bytes(999)).toBe('999 B');
    expect(en.bytes(999_900)).toBe('1 MB');
    expect(en.bytes(497_759_232)).toBe('498 MB');
    expect(en.bytes(1.5e15)).toBe('1,500 TB');
  });
  it('name a time by its size', () => {
    expect(en.duration(0.1234)).toBe('0.123 ms');
    expect(en.duration(999.9)).toBe('1 s');
    expect(en.duration(3210)).toBe('3.21 s');
    expect(de.duration(3210)).toBe('3,21 s');
    expect(en.duration(600_000)).toBe('10 min');
  });
});

describe('element', () => {
  it.each([
    [0, '0'],
    [-0.00005, '-5.0e-5'],
    [0.123456, '0.1235'],
    [-12.34567, '-12.3457'],
    [1234.5678, '1234.568'],
    [123456.5, '123456.5'],
    [1e30, '1.0e+30'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '·'],
    [-1e30, '·'],
    [42, '42'],
  ])('%d is %s', (x, text) => {
    expect(element(x)).toBe(text);
  });
  it('fits its width', () => {
    for (const x of [Math.PI, -Math.PI * 10, 99999.9, -99999.9, 1e-4, -1e-300])
      expect(element(x, 8).length).toBeLessThanOrEqual(8);
  });
});
