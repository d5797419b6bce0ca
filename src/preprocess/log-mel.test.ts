import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logMel, melFilters, SAMPLE_RATE } from './log-mel.ts';

interface Case {
  samples: number;
  bins: number;
  frames: number[];
  bands: number[];
  /** `[bands][frames]` */
  values: number[][];
  mean: number;
  max: number;
  filterSum: number;
}
const { cases } = JSON.parse(readFileSync(new URL('./data/log-mel.json', import.meta.url), 'utf8')) as {
  cases: Record<string, Case>;
};
/** A rising tone and a steady one. */
const signal = (n: number) =>
  Float32Array.from({ length: n }, (_, i) => {
    const t = i / SAMPLE_RATE;
    return 0.4 * Math.sin(2 * Math.PI * (200 * t + 300 * t * t)) + 0.1 * Math.sin(2 * Math.PI * 3100 * t);
  });

describe('logMel', () => {
  it.each(Object.entries(cases))('%s: the reference values', (_, c) => {
    const features = logMel(signal(c.samples), { bins: c.bins });
    expect(features.length).toBe(c.bins * 3000);
    c.bands.forEach((band, row) => {
      c.frames.forEach((frame, column) => {
        const difference = Math.abs(features[band * 3000 + frame]! - c.values[row]![column]!);
        expect(difference, `band ${band}, frame ${frame}`).toBeLessThan(2e-6);
      });
    });
    expect(features.reduce((sum, x) => sum + x, 0) / features.length).toBeCloseTo(c.mean, 6);
    expect(features.reduce((a, b) => Math.max(a, b))).toBeCloseTo(c.max, 6);
  });
  it('cuts what is longer than the window', () => {
    expect(logMel(signal(5000), { frames: 24 })).toEqual(logMel(signal(3840), { frames: 24 }));
  });
  it('fills up with silence, all of which is at the floor', () => {
    const silence = new Float32Array(12_345);
    expect(new Set(logMel(silence))).toEqual(new Set([-1.5]));
    const short = { frames: 90 };
    expect(logMel(new Float32Array(0), short)).toEqual(logMel(silence, short));
    expect(logMel(Float32Array.from([...signal(800), ...silence]), short)).toEqual(logMel(signal(800), short));
  });
  it('refuses samples that are no numbers, and sizes out of range', () => {
    expect(() => logMel(Float32Array.of(0, Number.NaN))).toThrow(/not a number; seen: NaN at sample 1/);
    expect(() => logMel(signal(10), { bins: 0 })).toThrow(/mel bands; seen: 0/);
    expect(() => logMel(signal(10), { frames: 1 })).toThrow(/frames; seen: 1/);
  });
});

describe('melFilters', () => {
  it.each(Object.values(cases))('the weights of $bins bands add up to the reference', ({ bins, filterSum }) => {
    const weights = melFilters(bins).flatMap(f => [...f.weights]);
    expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(filterSum, 10);
  });
});
