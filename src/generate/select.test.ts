import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { argmax, kthLargest, largest, logSoftmax, logSumExp, massThreshold } from './select.ts';

const OFF = Number.NEGATIVE_INFINITY;

/** Random scores with many ties and some removed entries. */
function ties(seed: number, size: number): Float32Array {
  const rng = createRng(seed);
  return Float32Array.from({ length: size }, () => (rng.below(8) === 0 ? OFF : rng.below(12) / 4));
}

describe('argmax', () => {
  it('takes the first of equals and passes minus infinity over', () => {
    expect(argmax(Float32Array.of(OFF, 1, 3, 3, 2))).toBe(2);
    expect(argmax(Float32Array.of(-5))).toBe(0);
    expect(argmax(Float32Array.of(1, Number.POSITIVE_INFINITY))).toBe(1);
  });
  it('has no answer for nothing and for NaN, wherever it stands', () => {
    expect(argmax(Float32Array.of(OFF, OFF))).toBe(-1);
    expect(argmax(Float32Array.of(Number.NaN, 1))).toBe(-1);
    expect(argmax(Float32Array.of(1, 5, Number.NaN))).toBe(-1);
  });
});

describe('largest', () => {
  it('is a sort, cut: 300 random vectors', () => {
    for (let seed = 0; seed < 300; seed++) {
      const scores = ties(seed, 1 + (seed % 40));
      const k = seed % 17;
      const expected = [...scores.keys()]
        .filter(i => scores[i]! > OFF)
        .sort((a, b) => scores[b]! - scores[a]! || a - b)
        .slice(0, k);
      expect(largest(scores, k)).toEqual(expected);
      if (k > 0) expect(kthLargest(scores, k)).toBe(expected.length < k ? OFF : scores[expected[k - 1]!]!);
    }
  });
  it('agrees with a sort for a k too large for a heap', () => {
    const scores = ties(1, 3000);
    const sorted = [...scores].sort((a, b) => b - a);
    for (const k of [512, 513, 1500, 2999, 3000]) expect(kthLargest(scores, k)).toBe(sorted[k - 1]!);
    expect(kthLargest(scores, 3001)).toBe(OFF);
  });
  it('passes NaN over', () => {
    expect(largest(Float32Array.of(Number.NaN, 1, Number.NaN, 2, 0), 2)).toEqual([3, 1]);
  });
});

describe('massThreshold', () => {
  it('is a sort with a running sum: 500 random vectors', () => {
    for (let seed = 0; seed < 500; seed++) {
      const rng = createRng(seed);
      const count = 1 + rng.below(60);
      // Multiples of 1/8 add up exactly, in any order.
      const keys = Float64Array.from({ length: count + 3 }, () => rng.below(20));
      const weights = Float64Array.from({ length: count + 3 }, () => (1 + rng.below(8)) / 8);
      const total = weights.subarray(0, count).reduce((a, b) => a + b, 0);
      const target = (rng.below(11) / 10) * total;
      const pairs = [...keys.subarray(0, count)]
        .map((key, i) => [key, weights[i]!] as const)
        .sort((a, b) => b[0] - a[0]);
      let sum = 0;
      const expected = pairs.find(([, weight]) => (sum += weight) >= target)![0];
      expect(massThreshold(keys, weights, count, target)).toBe(expected);
    }
  });
  it('gives the smallest key if the mass is never reached', () => {
    expect(massThreshold(Float64Array.of(3, 1, 2), Float64Array.of(1, 1, 1), 3, 99)).toBe(1);
  });
  it('stays fast for sorted and for equal keys', () => {
    const size = 200_000;
    const weights = () => new Float64Array(size).fill(1);
    const ascending = Float64Array.from({ length: size }, (_, i) => i);
    expect(massThreshold(ascending.slice(), weights(), size, 1000)).toBe(size - 1000);
    expect(massThreshold(ascending.slice().reverse(), weights(), size, 1000)).toBe(size - 1000);
    expect(massThreshold(new Float64Array(size).fill(7), weights(), size, 1000)).toBe(7);
  });
});

describe('log-sum-exp', () => {
  it('does not overflow and passes removed entries over', () => {
    expect(logSumExp(Float32Array.of(1000, 1000, OFF))).toBeCloseTo(1000 + Math.LN2, 10);
    expect(logSumExp(Float32Array.of(OFF, OFF))).toBe(OFF);
    expect(logSumExp(Float32Array.of(0, Number.NaN))).toBeNaN();
  });
  it('log-softmax', () => {
    const scores = Float32Array.of(2, 1, 0.5, 0, -1, -2, OFF);
    logSoftmax(scores);
    const p = [0.5573, 0.205, 0.1243, 0.0754, 0.0277, 0.0102, 0];
    for (const [i, value] of p.entries()) expect(Math.exp(scores[i]!)).toBeCloseTo(value, 4);
  });
});
