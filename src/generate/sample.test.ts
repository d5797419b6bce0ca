import { describe, expect, it } from 'vitest';
import { chiSquareSigma, softmax } from '../../test/generate/chi-square.ts';
import { createRng } from '../util/rng.ts';
import { createSampler, gumbel } from './sample.ts';

const OFF = Number.NEGATIVE_INFINITY;

describe('sampling', () => {
  it('draws the softmax, and never what was removed', () => {
    const scores = Float32Array.of(2, OFF, 1, 0.5, OFF, 0, -1, -2, 700 - 698);
    const sample = createSampler();
    const rng = createRng(11);
    const counts = new Array<number>(scores.length).fill(0);
    for (let i = 0; i < 40_000; i++) counts[sample(scores, rng)]!++;
    expect(Math.abs(chiSquareSigma(counts, softmax(scores)))).toBeLessThan(3);
  });

  it('notices a distribution that is a little off', () => {
    // The test of the test: one probability wrong by 2 points must be seen with this many draws.
    const scores = Float32Array.of(2, 1, 0.5, 0);
    const sample = createSampler();
    const rng = createRng(5);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 40_000; i++) counts[sample(scores, rng)]!++;
    const wrong = softmax(scores).map((p, i) => p + (i === 0 ? -0.02 : i === 1 ? 0.02 : 0));
    expect(chiSquareSigma(counts, wrong)).toBeGreaterThan(5);
  });

  it('gives exact ids for a seed', () => {
    const sample = createSampler();
    const rng = createRng(1);
    const drawn = Array.from({ length: 12 }, () => sample(Float32Array.of(0, 0, 0, 0, 0, 0, 0, 0), rng));
    const again = createRng(1);
    expect(drawn).toEqual(Array.from({ length: 12 }, () => Math.floor(again.uniform() * 8)));
  });

  it('has no answer without tokens or with NaN', () => {
    const sample = createSampler();
    expect(sample(Float32Array.of(OFF, OFF), createRng(0))).toBe(-1);
    expect(sample(Float32Array.of(1, Number.NaN), createRng(0))).toBe(-1);
    expect(sample(Float32Array.of(OFF, -3e38), createRng(0))).toBe(1);
  });

  it('Gumbel noise: the largest of score + noise is a draw of the softmax', () => {
    const scores = [1.5, 1, 0, -1];
    const rng = createRng(2);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 40_000; i++) {
      const keys = scores.map(score => score + gumbel(rng));
      counts[keys.indexOf(Math.max(...keys))]!++;
    }
    expect(Math.abs(chiSquareSigma(counts, softmax(scores)))).toBeLessThan(3);
  });
});
