/** Calibration, intervals and comparisons against numpy and scipy, on the same draws of our own generator. */

import { describe, expect, it } from 'vitest';
import { adaptiveCalibrationError, brierParts, calibration, pearson } from '../../src/evaluate/scores/index.ts';
import {
  bootstrap,
  type ComparisonTest,
  clopperPearson,
  clusterMean,
  compareSystems,
  mcnemar,
  meanStatistic,
  type Statistic,
  wilson,
} from '../../src/util/statistics/index.ts';
import { expectNear, referenceCases } from './near.ts';

const reference = referenceCases<{
  readonly calibration: readonly {
    readonly bins: number;
    readonly confidences: readonly number[];
    readonly right: readonly number[];
    readonly expectedError: number;
    readonly maximumError: number;
    readonly expectedErrorByMass: number;
    readonly reliability: number;
    readonly resolution: number;
    readonly uncertainty: number;
    readonly brier: number;
    readonly curve: readonly (readonly number[])[];
  }[];
  readonly adaptive: readonly {
    readonly bins: number;
    readonly probabilities: readonly (readonly number[])[];
    readonly truth: readonly number[];
    readonly error: number;
  }[];
  readonly proportions: readonly (readonly [number, number, number, number, number, number, number])[];
  readonly mcnemar: readonly (readonly [number, number, number])[];
  readonly bootstrap: readonly {
    readonly items: readonly (number | readonly number[])[];
    readonly kind: 'mean' | 'ratio' | 'median';
    readonly resamples: number;
    readonly seed: number;
    readonly level: number;
    readonly value: number;
    readonly low: number;
    readonly high: number;
    readonly error: number;
    readonly bca?: readonly number[];
  }[];
  readonly comparison: readonly ({
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly resamples: number;
    readonly seed: number;
    readonly difference: number;
    readonly low: number;
    readonly high: number;
    readonly wins: number;
  } & Readonly<Partial<Record<ComparisonTest, number>>>)[];
}>('statistics');

describe('calibration', () => {
  it.each(reference.calibration.map((one, i) => [i, one] as const))('case %i', (_, one) => {
    const right = one.right.map(Boolean);
    const { bins } = one;
    const byWidth = calibration(one.confidences, right, { bins });
    const byMass = calibration(one.confidences, right, { bins, by: 'mass' });
    expectNear(
      [byWidth.expectedError, byWidth.maximumError, byMass.expectedError],
      [one.expectedError, one.maximumError, one.expectedErrorByMass],
      'errors',
    );
    const parts = brierParts(one.confidences, right, { bins });
    expectNear(
      [parts.reliability, parts.resolution, parts.uncertainty, parts.brier],
      [one.reliability, one.resolution, one.uncertainty, one.brier],
      'parts',
    );
    expectNear([parts.reliability - parts.resolution + parts.uncertainty + parts.within], [one.brier], 'sum');
    expect(byWidth.bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(right.length);
  });
  it('has the reliability curve of scikit-learn', () => {
    for (const { confidences, right, bins, curve } of reference.calibration) {
      const filled = calibration(confidences, right.map(Boolean), { bins }).bins.filter(bin => bin.count > 0);
      if (curve[0]!.length === 0) continue;
      expectNear(
        filled.map(bin => bin.accuracy),
        curve[0]!,
        'accuracy',
      );
      expectNear(
        filled.map(bin => bin.confidence),
        curve[1]!,
        'confidence',
      );
    }
  });
  it('has the adaptive error over all classes', () => {
    for (const { probabilities, truth, bins, error } of reference.adaptive) {
      expectNear([adaptiveCalibrationError(probabilities, truth, { bins })], [error], 'error');
    }
  });
  it('refuses what is no probability', () => {
    expect(() => calibration([1.1], [true])).toThrow(/not a probability; seen: 1.1 for item 0/);
    expect(() => calibration([0.5], [true], { bins: 0 })).toThrow(/not a number of bins/);
  });
});

describe('intervals of shares as scipy', () => {
  it.each(reference.proportions)('%i of %i at %f', (successes, trials, level, low, high, exactLow, exactHigh) => {
    const score = wilson(successes, trials, level);
    const exact = clopperPearson(successes, trials, level);
    expectNear([score.low, score.high, exact.low, exact.high], [low, high, exactLow, exactHigh], 'bounds');
  });
  it('are found in few steps and mirror each other, whatever the counts', () => {
    const [trials, level] = [60, 0.95];
    for (let successes = 0; successes <= trials; successes++) {
      const [one, other] = [
        clopperPearson(successes, trials, level),
        clopperPearson(trials - successes, trials, level),
      ];
      expect(one.low).toBeCloseTo(1 - other.high, 12);
    }
    expect(clopperPearson(3000, 10_000).low).toBeCloseTo(0.2910276113098945, 9);
  });
  it('refuses impossible counts', () => {
    expect(() => wilson(0, 0)).toThrow(/no share without trials; seen: 0 trials/);
    expect(() => wilson(3, 2)).toThrow(/seen: 3 of 2; expected: an integer from 0 to 2/);
    expect(() => clopperPearson(1, 2, 95)).toThrow(/not a confidence level/);
  });
});

const median = (sample: readonly number[]) => {
  const sorted = [...sample].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};
const ratio: Statistic<readonly number[]> = { row: row => row, score: sums => (100 * sums[0]!) / sums[1]! };

describe('bootstrap as numpy and scipy', () => {
  it.each(reference.bootstrap.map((one, i) => [`${i} ${one.kind}`, one] as const))('%s', (_, one) => {
    const run = (method: 'percentile' | 'bca') => {
      const options = { resamples: one.resamples, seed: one.seed, level: one.level, method };
      return one.kind === 'ratio'
        ? bootstrap(one.items as readonly (readonly number[])[], ratio, options)
        : bootstrap(one.items as readonly number[], one.kind === 'mean' ? meanStatistic : median, options);
    };
    const { value, low, high, error } = run('percentile');
    expectNear([value, low, high, error], [one.value, one.low, one.high, one.error], 'percentile');
    if (!one.bca) return;
    const bca = run('bca');
    expectNear([bca.low, bca.high], one.bca, 'BCa');
  });
  it('gives the same for a sum and for the function it sums up', () => {
    const items = [3, 1, 4, 1, 5, 9, 2, 6];
    const mean = (sample: readonly number[]) => sample.reduce((sum, x) => sum + x, 0) / sample.length;
    const options = { method: 'bca', seed: 4 } as const;
    expect(bootstrap(items, mean, options)).toEqual(bootstrap(items, meanStatistic, options));
  });
  it('has no width over one item or equal ones, and none over no items', () => {
    for (const method of ['percentile', 'bca'] as const) {
      const { value, low, high } = bootstrap([0.5, 0.5], meanStatistic, { method });
      expect([value, low, high]).toEqual([0.5, 0.5, 0.5]);
    }
    expect(() => bootstrap([], meanStatistic)).toThrow(/no figure over no items/);
    expect(() => bootstrap([1], meanStatistic, { resamples: 0 })).toThrow(/not a number of resamples/);
    expect(() => bootstrap([[1], [1, 2]], ratio)).toThrow(/rows of different lengths; seen: 2 numbers for item 1/);
  });
  it('leaves out samples that have no figure', () => {
    const pairs = [[1, 2] as const, [2, 1] as const, [3, 5] as const];
    const correlation = (sample: readonly (readonly [number, number])[]) =>
      pearson(
        sample.map(([x]) => x),
        sample.map(([, y]) => y),
      );
    const { low, high, resamples } = bootstrap(pairs, correlation, { resamples: 90 });
    // One sample in nine draws the same pair three times.
    expect(resamples).toBeLessThan(90);
    expect(resamples).toBeGreaterThan(60);
    expect([low, high].every(Number.isFinite)).toBe(true);
    const constant = bootstrap([pairs[0]!], correlation, { resamples: 9 });
    expect([constant.low, constant.high, constant.resamples]).toEqual([Number.NaN, Number.NaN, 0]);
    expect(compareSystems(pairs, [...pairs].reverse(), correlation, { resamples: 90 }).p).toBe(1);
  });
  it('leaves out groups of many items', () => {
    const items = Array.from({ length: 2_500 }, (_, i) => (i % 7) ** 2);
    const { low, value, high } = bootstrap(items, meanStatistic, { resamples: 100, method: 'bca' });
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });
});

describe('two systems', () => {
  const tests: readonly ComparisonTest[] = ['bootstrap', 'randomization', 'permutation', 'mcnemar'];
  it.each(reference.comparison.map((one, i) => [i, one] as const))('case %i', (_, one) => {
    for (const test of tests) {
      const expected = one[test];
      if (expected === undefined) continue;
      const { resamples, seed } = one;
      const seen = compareSystems(one.a, one.b, meanStatistic, { test, resamples, seed });
      expectNear(
        [seen.difference, seen.low, seen.high, seen.wins, seen.p],
        [one.difference, one.low, one.high, one.wins, expected],
        test,
      );
    }
  });
  it('are not told apart when they are one', () => {
    const items = [1, 0, 1, 1, 0];
    for (const test of tests) expect(compareSystems(items, items, meanStatistic, { test }).p).toBe(1);
  });
  it('need the same items, and items that the test can take', () => {
    expect(() => compareSystems([1], [1, 0], meanStatistic)).toThrow(/seen: 1 and 2/);
    expect(() => compareSystems([], [], meanStatistic)).toThrow(/no figure over no items/);
    expect(() => compareSystems([0.5], [1], meanStatistic, { test: 'mcnemar' })).toThrow(/seen: 0.5 for item 0/);
    const many = new Array<number>(17).fill(1);
    expect(() => compareSystems(many, many, meanStatistic, { test: 'permutation' })).toThrow(/at most 16/);
  });
  it('differ by the binomial distribution of what one alone gets right', () => {
    for (const [onlyA, onlyB, p] of reference.mcnemar) {
      const a = [...new Array<boolean>(onlyA).fill(true), ...new Array<boolean>(onlyB).fill(false), true];
      const seen = mcnemar(a, [...a.slice(0, -1).map(right => !right), true]);
      expect([seen.onlyA, seen.onlyB]).toEqual([onlyA, onlyB]);
      expectNear([seen.p], [p], `${onlyA} and ${onlyB}`);
    }
  });
});

describe('the mean of clusters', () => {
  it('is the mean of all items, the same for the same seed', () => {
    const clusters = Array.from({ length: 30 }, (_, i) => ({ sum: i % 3, count: 2 }));
    const interval = bootstrap(clusters, clusterMean, { seed: 4 });
    expect(interval).toEqual(bootstrap(clusters, clusterMean, { seed: 4 }));
    expect(interval.value).toBe(0.5);
    // The standard error of the mean of 30 numbers 0, 0.5, 1 is 0.0745; 1.96 of it to either side.
    expect(interval.low).toBeCloseTo(0.5 - 0.146, 1);
    expect(interval.high).toBeCloseTo(0.5 + 0.146, 1);
  });
  it('is wider where items of a cluster are alike', () => {
    const width = (size: number) => {
      const clusters = Array.from({ length: 60 / size }, (_, i) => ({ sum: i % 2 ? size : 0, count: size }));
      const { low, high } = bootstrap(clusters, clusterMean);
      return high - low;
    };
    expect(width(6)).toBeGreaterThan(1.8 * width(1));
  });
});
