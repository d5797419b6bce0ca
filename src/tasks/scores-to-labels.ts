/** From a classifier's raw numbers to labels with scores. */
import type { Model } from '../hub/model.ts';
import { softmax } from '../util/softmax.ts';

/** What makes scores of the raw numbers: shares of 1, a yes or no each, or nothing. */
export type ScoreFunction = 'softmax' | 'sigmoid' | 'none';
export const SCORE_FUNCTIONS: readonly ScoreFunction[] = ['softmax', 'sigmoid', 'none'];

export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const APPLY: Readonly<Record<ScoreFunction, (values: ArrayLike<number>) => number[]>> = {
  softmax,
  sigmoid: values => Array.from(values, sigmoid),
  none: values => Array.from(values),
};

/** Names of a classifier's classes. */
export function labelsOf(model: Model): readonly string[] {
  return (model.parts.config as { readonly labels?: readonly string[] }).labels ?? [];
}

/** What the checkpoint's kind of problem asks for: a yes or no for each label, a number, or one of several classes. */
export function scoreFunctionOf(model: Model, classes: number): ScoreFunction {
  const { problem_type: problem } = model.parts.config as { readonly problem_type?: string | undefined };
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' || classes === 1 ? 'sigmoid' : 'softmax';
}

/** Scores of all classes. */
export const scoresBy = (apply: ScoreFunction, logits: ArrayLike<number>): number[] => APPLY[apply](logits);

/** Places of the `count` highest values, highest first; of equal ones the first. */
export function topPlaces(values: ArrayLike<number>, count: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === count && values[i]! <= values[best.at(-1)!]!) continue;
    let at = best.length;
    while (at > 0 && values[best[at - 1]!]! < values[i]!) at--;
    best.splice(at, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}

/** The `topK` highest scores with their labels, highest first. */
export const topLabels = (scores: readonly number[], labels: readonly string[], topK: number): LabelScore[] =>
  topPlaces(scores, topK).map(i => ({ label: labels[i] ?? `LABEL_${i}`, score: scores[i]! }));
