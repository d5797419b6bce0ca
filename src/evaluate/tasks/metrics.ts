/**
 * The figures of a task: what each item gives is aggregated by name as in lm-evaluation-harness (`mean`, `perplexity`,
 * `weighted_perplexity`, `bits_per_byte`, `f1`, `mcc`, `bleu` ...). Every figure gets a standard error and a 95 % interval:
 * Wilson's for shares, the bootstrap's for all others.
 */
import { ConfigError } from '../../errors.ts';
import { nearest } from '../../util/nearest.ts';
import { bootstrap, meanStatistic, type Statistic, type SumStatistic, wilson } from '../../util/statistics/index.ts';
import { bleuCounts } from '../scores/bleu.ts';
import { chrfCounts } from '../scores/chrf.ts';
import { classificationReport, type Label, matthews } from '../scores/classification.ts';
import { pearson, spearman } from '../scores/regression.ts';
import type { AnyKind } from './kinds/output-kind.ts';
import type { MetricConfig, TaskConfig } from './task-config.ts';

/** What a metric is without a task's saying otherwise. */
export interface MetricForm {
  readonly aggregation: string;
  readonly higherIsBetter: boolean;
}
export const rising = (aggregation: string): MetricForm => ({ aggregation, higherIsBetter: true });
const falling = (aggregation: string): MetricForm => ({ aggregation, higherIsBetter: false });
const FORMS: Readonly<Record<string, MetricForm>> = {
  perplexity: falling('perplexity'),
  word_perplexity: falling('weighted_perplexity'),
  byte_perplexity: falling('weighted_perplexity'),
  token_perplexity: falling('weighted_perplexity'),
  pseudo_perplexity: falling('weighted_perplexity'),
  bits_per_byte: falling('bits_per_byte'),
  brier_score: falling('mean'),
  f1: rising('f1'),
  macro_f1: rising('macro_f1'),
  mcc: rising('mcc'),
  matthews_corrcoef: rising('mcc'),
  entity_f1: rising('counted_f1'),
  pearson: rising('pearson'),
  spearman: rising('spearman'),
  lms: rising('lms'),
  ss: falling('ss'),
  icat: rising('icat'),
  bleu: rising('bleu'),
  chrf: rising('chrf'),
};
const MEAN = rising('mean');

type Row = ArrayLike<number>;
const ofSums = (score: (sums: Float64Array) => number): SumStatistic<Row> => ({ row: row => row, score });
type Pair = readonly [truth: Label, prediction: Label];
const ofPairs =
  (score: (predictions: Label[], truth: Label[]) => number) =>
  (pairs: readonly Pair[]): number =>
    score(
      pairs.map(([, prediction]) => prediction),
      pairs.map(([truth]) => truth),
    );
const ofNumbers =
  (score: (predictions: number[], truth: number[]) => number) =>
  (pairs: readonly (readonly [number, number])[]): number =>
    score(
      pairs.map(([, prediction]) => prediction),
      pairs.map(([truth]) => truth),
    );

/** F1 of sums of right, predicted and true ones. */
const sharedF1 = ([right, predicted, real]: ArrayLike<number> & Iterable<number>): number =>
  predicted! + real! > 0 ? (2 * right!) / (predicted! + real!) : 0;

/** By name; what an aggregation takes of an item is what the metrics above give. */
const AGGREGATIONS: Readonly<Record<string, (settings: MetricConfig) => Statistic<never>>> = {
  mean: () => meanStatistic,
  perplexity: () => ({ row: (x: number) => [x, 1], score: sums => Math.exp(-sums[0]! / sums[1]!) }),
  weighted_perplexity: () => ofSums(sums => Math.exp(-sums[0]! / sums[1]!)),
  bits_per_byte: () => ofSums(sums => -sums[0]! / sums[1]! / Math.LN2),
  /** Of the label 1, as the reference has it. */
  f1: () => ({
    row: ([truth, prediction]: Pair) => [truth === 1 && prediction === 1 ? 1 : 0, +(prediction === 1), +(truth === 1)],
    score: sharedF1,
  }),
  macro_f1: () => ofPairs((predictions, truth) => classificationReport(predictions, truth).macro.f1),
  mcc: () => ofPairs(matthews),
  counted_f1: () => ofSums(sharedF1),
  /** Of parts and their wholes: the share over all items, however large each is. */
  pooled_share: () => ofSums(sums => sums[0]! / sums[1]!),
  lms: () => items => overTerms(items).lms,
  ss: () => items => overTerms(items).ss,
  icat: () => items => overTerms(items).icat,
  pearson: () => ofNumbers(pearson),
  spearman: () => ofNumbers(spearman),
  bleu: settings => bleuCounts([''], [['']], bleuOptions(settings)).statistic as Statistic<never>,
  chrf: settings => chrfCounts([''], [['']], chrfOptions(settings)).statistic as Statistic<never>,
};

/** Of an item of StereoSet: its term, whether the stereotype won, and how often (of 2) a sentence won that makes sense. */
export type StereoItem = readonly [term: string, stereo: number, related: number];
/** The scores of StereoSet in percent: means over the terms, as its program has them. */
function overTerms(items: readonly StereoItem[]): { lms: number; ss: number; icat: number } {
  const terms = new Map<string, { stereo: number; related: number; count: number }>();
  for (const [name, stereo, related] of items) {
    const term = terms.get(name) ?? { stereo: 0, related: 0, count: 0 };
    terms.set(name, { stereo: term.stereo + stereo, related: term.related + related, count: term.count + 1 });
  }
  const all = [...terms.values()];
  const mean = (of: (term: (typeof all)[number]) => number) =>
    (100 * all.reduce((sum, t) => sum + of(t), 0)) / all.length;
  const [lms, ss] = [mean(t => t.related / 2 / t.count), mean(t => t.stereo / t.count)];
  return { lms, ss, icat: (lms * Math.min(ss, 100 - ss)) / 50 };
}

export const bleuOptions = ({ tokenize, lowercase, smooth_method }: MetricConfig) =>
  ({
    ...(tokenize !== undefined && { tokenize }),
    ...(lowercase !== undefined && { lowercase }),
    ...(smooth_method !== undefined && { smooth: smooth_method }),
  }) as Parameters<typeof bleuCounts>[2] & {};
export const chrfOptions = ({ word_order, beta, lowercase }: MetricConfig) =>
  ({
    ...(word_order !== undefined && { wordOrder: word_order }),
    ...(beta !== undefined && { beta }),
    ...(lowercase !== undefined && { lowercase }),
  }) as Parameters<typeof chrfCounts>[2] & {};

/** A metric of a task. */
export interface Metric {
  readonly name: string;
  readonly aggregation: string;
  readonly higherIsBetter: boolean;
  readonly settings: MetricConfig;
  readonly statistic: Statistic<never>;
}

/**
 * The metrics that a task asks for, or those that its output type has.
 * @param kind what the output type can give
 * @throws ConfigError for a name that none has
 */
export function createMetrics(
  { metric_list, task }: TaskConfig,
  { metrics, defaults, forms }: Pick<AnyKind, 'metrics' | 'defaults' | 'forms'>,
): readonly Metric[] {
  const known = Object.keys(metrics);
  const list = metric_list ?? defaults.map((metric): MetricConfig => ({ metric }));
  return list.map(settings => {
    const { metric: name } = settings;
    if (!known.includes(name)) throw unknown('metric', name, known, task);
    const form = forms?.[name] ?? FORMS[name] ?? MEAN;
    const aggregation = settings.aggregation ?? form.aggregation;
    const higherIsBetter = settings.higher_is_better ?? form.higherIsBetter;
    return { name, aggregation, higherIsBetter, settings, statistic: statisticOf({ aggregation, settings }) };
  });
}

/** What aggregates the values of a figure that a report holds. @throws ConfigError for an aggregation that there is none of */
export function statisticOf({ aggregation, settings }: Pick<Metric, 'aggregation' | 'settings'>): Statistic<never> {
  const make = AGGREGATIONS[aggregation];
  if (make) return make(settings);
  throw unknown('aggregation', aggregation, Object.keys(AGGREGATIONS), settings.metric);
}

function unknown(what: string, seen: string, known: readonly string[], where: string): ConfigError {
  const guess = nearest(seen, known);
  return new ConfigError(`no such ${what} for this output type`, {
    seen,
    expected: known.join(', '),
    fix: guess ? `did you mean ${guess}?` : undefined,
    where,
  });
}

/** Metrics of which everything lies between 0 and 1 and is a share of something. */
export const isShare = ({ metric, aggregation }: { readonly metric: string; readonly aggregation: string }): boolean =>
  aggregation === 'mean' ? !NO_SHARES.has(metric) : aggregation === 'pooled_share' || aggregation.endsWith('f1');
const NO_SHARES = new Set(['brier_score', 'effect_size', 'p']);

/** Whether each item of a metric is right or wrong, so that what is known of proportions holds. */
export const isProportion = (
  figure: { readonly metric: string; readonly aggregation: string },
  values: readonly unknown[],
): values is readonly (0 | 1)[] =>
  figure.aggregation === 'mean' && isShare(figure) && values.every(value => value === 0 || value === 1);

/** A figure over all items. */
export interface Figure {
  readonly value: number;
  /** Standard error: of a mean from the items' deviation, else from the bootstrap. */
  readonly stderr: number;
  /** Bounds of the 95 % interval; NaN for a single item, which tells nothing of others. */
  readonly low: number;
  readonly high: number;
  readonly interval: 'wilson' | 'bootstrap' | 'none';
}

/** @param values what each item gave; at least one */
export function figureOf(
  { name: metric, statistic, aggregation }: Metric,
  values: readonly unknown[],
  { resamples, seed }: { resamples: number; seed: number },
): Figure {
  if (isProportion({ metric, aggregation }, values)) {
    const { value, low, high } = wilson(values.filter(right => right === 1).length, values.length);
    return { value, stderr: errorOfMean(values), low, high, interval: 'wilson' };
  }
  if (values.length < 2) {
    const { value } = bootstrap(values as readonly never[], statistic, { resamples: 1, seed });
    return { value, stderr: Number.NaN, low: Number.NaN, high: Number.NaN, interval: 'none' };
  }
  const { value, low, high, error } = bootstrap(values as readonly never[], statistic, { resamples, seed });
  const stderr = aggregation === 'mean' ? errorOfMean(values as readonly number[]) : error;
  return { value, stderr, low, high, interval: 'bootstrap' };
}

/** The deviation of the items over the root of their number; NaN for one item. */
function errorOfMean(values: readonly number[]): number {
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt(squares / (n - 1) / n);
}
