import { describe, expect, it } from 'vitest';
import { detectOverfitting } from './overfitting.ts';
import type { Point } from './series.ts';

/** A curve at every tenth step. */
const curve = (...values: number[]): Point[] => values.map((value, i) => ({ step: 10 * (i + 1), value }));
const falling = curve(4, 3, 2.5, 2.2, 2, 1.8, 1.6, 1.4, 1.2);

describe('detectOverfitting', () => {
  it('says nothing before there is something to compare', () => {
    expect(detectOverfitting(falling, []).state).toBe('early');
    expect(detectOverfitting(falling, curve(4)).state).toBe('early');
    expect(detectOverfitting([], curve(4, 3, 2, 1)).best).toBeUndefined();
  });
  it('calls a falling validation loss learning', () => {
    const report = detectOverfitting(falling, curve(4.1, 3.2, 2.7, 2.5, 2.4, 2.3, 2.2, 2.1, 2));
    expect(report).toMatchObject({ state: 'learning', best: { step: 90, value: 2 }, validationsSince: 0, advice: [] });
    expect(report.gap).toBeCloseTo(0.8, 12);
    expect(report.validationSlope).toBeLessThan(0);
  });
  it('finds the turn, and waits for the patience it was given', () => {
    const turned = curve(4.1, 3.2, 2.7, 2.6, 2.7, 2.8, 2.9, 3, 3.1);
    for (const length of [5, 6])
      expect(detectOverfitting(falling, turned.slice(0, length)).state, `${length}`).toBe('learning');
    expect(detectOverfitting(falling, turned.slice(0, 7)).state).toBe('overfitting');
    expect(detectOverfitting(falling, turned.slice(0, 7), { patience: 5 }).state).toBe('learning');
    const report = detectOverfitting(falling, turned);
    expect(report).toMatchObject({ state: 'overfitting', best: { step: 40, value: 2.6 }, validationsSince: 5 });
    expect(report.gap).toBeCloseTo(1.9, 12);
    expect(report.gapAtBest).toBeCloseTo(0.4, 12);
    expect(report.validationSlope).toBeCloseTo(0.01, 12);
    expect(report.trainingSlope).toBeCloseTo(-0.02, 12);
    expect(report.generalizationLoss).toBeCloseTo(0.5 / 2.6, 12);
  });
  it('does not take noise, or a plateau of both, for overfitting', () => {
    const plateau = curve(4, 3, 2.5, 2.5, 2.501, 2.5, 2.499, 2.5, 2.5);
    expect(detectOverfitting(plateau, curve(4, 3, 2.6, 2.601, 2.602, 2.6, 2.601, 2.602, 2.601)).state).toBe('stalled');
    const noisy = curve(4, 3.2, 2.6, 2.8, 2.5, 2.7, 2.4, 2.6, 2.35);
    expect(detectOverfitting(falling, noisy).state).toBe('learning');
  });
  it('is not misled by a validation that was good by chance', () => {
    const lucky = curve(4, 3, 2.6, 2.3, 2.1, 2.14, 2.13, 2.15, 2.14);
    expect(detectOverfitting(falling, lucky).state).toBe('stalled');
  });
  it('tells a run that diverges from one that overfits', () => {
    const rising = curve(4, 3, 2, 3, 4, 5, 6, 7, 8);
    expect(detectOverfitting(rising, rising)).toMatchObject({
      state: 'diverging',
      advice: ['stop', 'lowerLearningRate'],
    });
  });
  it('compares with the mean of the training losses between two validations', () => {
    const steps = Array.from({ length: 40 }, (_, i) => ({ step: i + 1, value: i % 2 ? 3 : 1 }));
    const validation = [10, 20, 30, 40].map(step => ({ step, value: 2.5 }));
    expect(detectOverfitting(steps, validation).gap).toBeCloseTo(0.5, 12);
  });
  it('says first what the facts speak for', () => {
    const turned = curve(4.1, 3.2, 2.7, 2.6, 2.7, 2.8, 2.9, 3, 3.1);
    const advice = (facts: object) => detectOverfitting(falling, turned, { facts }).advice;
    expect(advice({ dropout: 0.1, epochs: 9 })).toEqual(['stop', 'moreData', 'dropout', 'smallerModel']);
    expect(advice({ dropout: 0, epochs: 2 })).toEqual(['stop', 'dropout', 'moreData', 'smallerModel']);
    expect(advice({ dropout: 0.1, parameters: 1e6, tokens: 1e5 })).toEqual([
      ...['stop', 'moreData', 'smallerModel', 'dropout'],
    ]);
  });
});
