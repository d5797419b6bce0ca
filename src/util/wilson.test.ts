import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { wilson } from './wilson.ts';

describe('wilson', () => {
  // Computed in Python with the quantiles of statistics.NormalDist.
  it.each([
    [5, 10, 0.95, 0.236593090512564, 0.763406909487436],
    [0, 10, 0.95, 0, 0.2775327998628892],
    [95, 100, 0.99, 0.8608496970983599, 0.9831516839573993],
    [931, 1000, 0.9, 0.9166202162582289, 0.9430538980690977],
  ])('of %i in %i at %f', (successes, trials, level, low, high) => {
    const interval = wilson(successes, trials, level);
    expect(interval.value).toBe(successes / trials);
    expect(interval.low).toBeCloseTo(low, 10);
    expect(interval.high).toBeCloseTo(high, 10);
  });
  it('is nothing without trials', () => expect(wilson(0, 0)).toMatchObject({ value: Number.NaN, low: Number.NaN }));
  it('refuses what is no count or no level', () => {
    expect(() => wilson(3, 2)).toThrow(ConfigError);
    expect(() => wilson(0.5, 2)).toThrow('not a count of successes');
    expect(() => wilson(1, 2, 1)).toThrow('level of confidence');
  });
});
