import { describe, expect, it } from 'vitest';
import { createSeries, slopeOf, smoothed, smoothedAround } from './series.ts';

describe('a series', () => {
  it('keeps every point while there are few, and no value that is none', () => {
    const series = createSeries(4);
    series.add(1, 5);
    series.add(2, Number.NaN);
    series.add(3, 7);
    expect(series.points()).toEqual([
      { step: 1, value: 5 },
      { step: 3, value: 7 },
    ]);
  });
  it('stays below its bound over a long run, and its points are means of equally many neighbours', () => {
    const series = createSeries(64);
    for (let step = 1; step <= 5000; step++) series.add(step, step % 2);
    const points = series.points();
    expect(points.length).toBeLessThanOrEqual(64);
    expect(points.length).toBeGreaterThan(32);
    const [first, second] = points;
    const width = second!.step - first!.step;
    expect(first!.step).toBe((1 + width) / 2);
    for (const { value } of points.slice(0, -1)) expect(value).toBe(0.5);
    expect(points.every(({ step }, i) => i === 0 || step > points[i - 1]!.step)).toBe(true);
  });
  it('has the mean of all values, whatever was put together', () => {
    const series = createSeries(2);
    for (let step = 1; step <= 8; step++) series.add(step, step);
    expect(series.points()).toEqual([
      { step: 2.5, value: 2.5 },
      { step: 6.5, value: 6.5 },
    ]);
  });
});

describe('smoothed', () => {
  it('of a constant is that constant from the first point on', () => {
    for (const { value } of smoothed([1, 2, 3].map(step => ({ step, value: 4 })))) expect(value).toBeCloseTo(4, 12);
  });
  it('weighs the last value with 1 - decay in the long run', () => {
    const points = Array.from({ length: 200 }, (_, step) => ({ step, value: step === 199 ? 1 : 0 }));
    expect(smoothed(points, 0.9).at(-1)!.value).toBeCloseTo(0.1, 8);
  });
});

describe('smoothedAround', () => {
  it('leaves a straight line where it is, away from its ends', () => {
    const line = Array.from({ length: 200 }, (_, step) => ({ step, value: 5 - step / 50 }));
    const inside = (points: readonly { value: number }[]) => points.slice(60, 140);
    inside(smoothedAround(line, 0.8)).forEach(({ value }, i) => {
      expect(value).toBeCloseTo(inside(line)[i]!.value, 3);
    });
    expect(smoothed(line)[100]!.value - line[100]!.value).toBeGreaterThan(0.1);
  });
});

describe('slopeOf', () => {
  it('is that of a line, and an outlier does not turn it', () => {
    const line = [0, 10, 20, 30, 40].map(step => ({ step, value: 3 - step / 5 }));
    expect(slopeOf(line)).toBeCloseTo(-0.2, 12);
    expect(slopeOf([...line.slice(0, 4), { step: 40, value: 50 }])).toBeCloseTo(-0.2, 12);
  });
  it('is 0 of a single point', () => {
    expect(slopeOf([{ step: 1, value: 1 }])).toBe(0);
  });
});
