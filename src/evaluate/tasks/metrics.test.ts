import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../util/statistics/index.ts';
import { binaryF1 } from '../scores/classification.ts';
import { createMetrics, figureOf, isProportion, type MetricForm, rising } from './metrics.ts';
import { taskConfig } from './task-config.ts';

type Forms = Readonly<Record<string, MetricForm>>;
const metric = (name: string, forms?: Forms) => {
  const config = taskConfig({ task: 't', output_type: 'loglikelihood' }, 'test');
  return createMetrics(config, { metrics: { [name]: x => x }, defaults: [name], forms })[0]!;
};
const figure = (name: string, values: readonly unknown[], forms?: Forms) =>
  figureOf(metric(name, forms), values, { resamples: 50, seed: 1 });

describe('figures', () => {
  it('have the interval of a proportion only where items are right or wrong', () => {
    expect(figure('acc', [1, 0, 1])).toMatchObject({ value: 2 / 3, interval: 'wilson' });
    // Chances and effects that happen to be 0 or 1 are none.
    expect(figure('p', [1])).toMatchObject({ value: 1, interval: 'none', low: Number.NaN });
    expect(figure('brier_score', [0, 0])).toMatchObject({ interval: 'bootstrap', low: 0, high: 0 });
    expect(isProportion({ metric: 'acc', aggregation: 'f1' }, [1, 0])).toBe(false);
  });
  it('have the F1 of label 1 as a function of sums', () => {
    type Pair = readonly [truth: number, prediction: number];
    const pairs: readonly Pair[] = [
      [1, 1],
      [0, 1],
      [1, 0],
      [2, 1],
      [1, 1],
    ];
    const f1 = (items: readonly Pair[]) =>
      items.some(pair => pair.includes(1))
        ? binaryF1(
            items.map(([, prediction]) => prediction),
            items.map(([truth]) => truth),
            1,
          ).f1
        : 0;
    const found = figure('f1', pairs);
    const { value, low, high } = bootstrap(pairs, f1, { resamples: 50, seed: 1 });
    expect(found.value).toBeCloseTo(4 / 7, 12);
    expect(found).toMatchObject({ value, low, high });
    expect(figure('f1', [[0, 0]]).value).toBe(0);
  });
  it('weigh parts by their wholes where the output type says so', () => {
    const values = [
      [1, 1],
      [0, 3],
    ];
    expect(figure('acc', values, { acc: rising('pooled_share') }).value).toBe(1 / 4);
  });
});
