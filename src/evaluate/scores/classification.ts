/**
 * Scores of predicted labels, with the definitions and the corner cases of scikit-learn (`sklearn.metrics`): accuracy,
 * precision, recall and F1, the confusion matrix, Matthews correlation.
 */

import { ConfigError } from '../../errors.ts';
import { checkPaired } from './paired-lists.ts';

/** A class, as the data names it. */
export type Label = string | number;

/** Precision, recall and their harmonic mean; `support` is how many items truly have the label. */
export interface PrecisionRecall {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

export interface ClassificationOptions {
  /** The labels that count, in the order of the report. Default: all that occur, sorted. */
  readonly labels?: readonly Label[] | undefined;
  /** What a share of nothing is: precision without predictions, recall without truths. Default 0. */
  readonly zeroDivision?: 0 | 1 | undefined;
}

export interface ClassificationReport {
  readonly accuracy: number;
  readonly labels: readonly ({ readonly label: Label } & PrecisionRecall)[];
  /** Over the counts of all labels together; equal to the accuracy where all labels count. */
  readonly micro: PrecisionRecall;
  /** The mean over labels. */
  readonly macro: PrecisionRecall;
  /** The mean over labels, weighted by their support. Its F1 need not lie between precision and recall. */
  readonly weighted: PrecisionRecall;
}

/** The share of items whose prediction is the truth. Throws `ConfigError` for no items or lists of different lengths. */
export function accuracy<T extends Label>(predictions: readonly T[], truth: readonly T[]): number {
  checkPaired(predictions, truth, 'accuracy');
  return truth.reduce((right, label, i) => right + (label === predictions[i] ? 1 : 0), 0) / truth.length;
}

/** Precision, recall and F1 for each label and on average. Throws `ConfigError` as `accuracy` does. */
export function classificationReport(
  predictions: readonly Label[],
  truth: readonly Label[],
  { labels, zeroDivision = 0 }: ClassificationOptions = {},
): ClassificationReport {
  checkPaired(predictions, truth, 'classificationReport');
  const counts = new Map<Label, Counts>();
  for (const label of labels ?? occurringLabels(predictions, truth))
    counts.set(label, { hits: 0, predicted: 0, true: 0 });
  if (counts.size === 0) {
    throw new ConfigError('no labels to report', {
      seen: '[]',
      expected: 'at least one',
      where: 'classificationReport',
    });
  }
  for (const [i, label] of truth.entries()) {
    const own = counts.get(label);
    const other = counts.get(predictions[i]!);
    if (own) own.true++;
    if (other) other.predicted++;
    if (own && own === other) own.hits++;
  }
  return {
    accuracy: accuracy(predictions, truth),
    labels: [...counts].map(([label, count]) => ({ label, ...precisionRecall(count, zeroDivision) })),
    ...averages([...counts.values()], zeroDivision),
  };
}

/**
 * Precision, recall and F1 of one label, the positive one. Throws `ConfigError` as `accuracy` does, and where the label
 * occurs in neither list, which is a misspelt label more often than a score.
 */
export function binaryF1(
  predictions: readonly Label[],
  truth: readonly Label[],
  positive: Label,
  { zeroDivision = 0 }: Pick<ClassificationOptions, 'zeroDivision'> = {},
): PrecisionRecall {
  checkPaired(predictions, truth, 'binaryF1');
  if (!truth.includes(positive) && !predictions.includes(positive)) {
    throw new ConfigError('the positive label does not occur', {
      seen: JSON.stringify(positive),
      expected: `one of ${JSON.stringify(occurringLabels(predictions, truth).slice(0, 20))}`,
      where: 'binaryF1',
    });
  }
  return classificationReport(predictions, truth, { labels: [positive], zeroDivision }).labels[0]!;
}

/**
 * How often each true label (row) was predicted as each label (column), `[labels, labels]`. The labels are those given, or
 * all that occur, sorted. Throws `ConfigError` as `accuracy` does, and for an item whose label is not among those given.
 */
export function confusionMatrix(
  predictions: readonly Label[],
  truth: readonly Label[],
  labels: readonly Label[] = occurringLabels(predictions, truth),
): { readonly labels: readonly Label[]; readonly counts: readonly (readonly number[])[] } {
  checkPaired(predictions, truth, 'confusionMatrix');
  const index = new Map(labels.map((label, i) => [label, i]));
  const counts = labels.map(() => new Array<number>(labels.length).fill(0));
  const place = (label: Label, item: number) => {
    const at = index.get(label);
    if (at !== undefined) return at;
    throw new ConfigError('an unknown label', {
      seen: JSON.stringify(label),
      expected: `one of ${JSON.stringify(labels.slice(0, 20))}`,
      where: `confusionMatrix, item ${item}`,
    });
  };
  for (const [i, label] of truth.entries()) {
    const row = counts[place(label, i)]!;
    const column = place(predictions[i]!, i);
    row[column] = row[column]! + 1;
  }
  return { labels, counts };
}

/**
 * Matthews correlation of predictions and truth in [-1, 1], for any number of labels (Gorodkin 2004); 0 where one of the
 * lists has only one label. Throws `ConfigError` as `accuracy` does.
 */
export function matthews(predictions: readonly Label[], truth: readonly Label[]): number {
  checkPaired(predictions, truth, 'matthews');
  const { counts } = confusionMatrix(predictions, truth);
  const n = truth.length;
  const trueCounts = counts.map(row => row.reduce((sum, count) => sum + count, 0));
  const predictedCounts = counts.map((_, k) => counts.reduce((sum, row) => sum + row[k]!, 0));
  const right = counts.reduce((sum, row, k) => sum + row[k]!, 0);
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, k) => sum + value * y[k]!, 0);
  const spread = (n * n - dot(trueCounts, trueCounts)) * (n * n - dot(predictedCounts, predictedCounts));
  return spread === 0 ? 0 : (right * n - dot(trueCounts, predictedCounts)) / Math.sqrt(spread);
}

/** Items of one label: predicted rightly, predicted, and truly so. */
export interface Counts {
  hits: number;
  predicted: number;
  true: number;
}

function precisionRecall({ hits, predicted, true: support }: Counts, zeroDivision: number): PrecisionRecall {
  const share = (part: number, whole: number) => (whole === 0 ? zeroDivision : part / whole);
  return {
    precision: share(hits, predicted),
    recall: share(hits, support),
    f1: share(2 * hits, predicted + support),
    support,
  };
}

function averages(counts: readonly Counts[], zeroDivision: number) {
  const sum = (key: keyof Counts) => counts.reduce((total, count) => total + count[key], 0);
  const support = sum('true');
  const scores = counts.map(count => precisionRecall(count, zeroDivision));
  const mean = (weight: (score: PrecisionRecall) => number): PrecisionRecall => {
    const total = scores.reduce((all, score) => all + weight(score), 0);
    const of = (key: 'precision' | 'recall' | 'f1') =>
      scores.reduce((all, score) => all + weight(score) * score[key], 0) / total;
    return { precision: of('precision'), recall: of('recall'), f1: of('f1'), support };
  };
  return {
    micro: precisionRecall({ hits: sum('hits'), predicted: sum('predicted'), true: support }, zeroDivision),
    macro: mean(() => 1),
    weighted: support === 0 ? mean(() => 1) : mean(score => score.support),
  };
}

/** All labels of both lists: numbers by size, then texts by their code points. */
function occurringLabels(predictions: readonly Label[], truth: readonly Label[]): Label[] {
  return [...new Set<Label>([...truth, ...predictions])].sort(byLabel);
}

function byLabel(a: Label, b: Label): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
  return byCodePoints(a, b);
}

/** Order of two texts by code points, which is not the order by UTF-16 units that `<` has. */
export function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (const [i, char] of left.entries()) {
    if (i >= right.length) return 1;
    const difference = char.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
