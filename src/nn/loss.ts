/** Losses as the reference's models compute them when they are given labels. */
import { crossEntropy, softplus, type Tensor } from '../tensor/index.ts';

/**
 * Next-token loss: logits `[B, T, V]`, labels i32 `[B, T]`; position t predicts label t + 1. Mean over labels that are
 * not -100.
 */
export function causalLoss(logits: Tensor, labels: Tensor): Tensor {
  const [B, T, V] = logits.shape as [number, number, number];
  return crossEntropy(logits.slice(1, 0, T - 1).reshape(-1, V), labels.slice(1, 1, T).reshape(B * (T - 1)));
}

/** Loss of each labelled token by itself: logits `[B, T, V]`, labels i32 `[B, T]`. Mean over labels that are not -100. */
export const tokenLoss = (logits: Tensor, labels: Tensor): Tensor =>
  crossEntropy(logits.reshape(-1, logits.dim(-1)), labels.reshape(-1));

/** Where an answer starts and ends: scores `[B, T]`, places i32 `[B]`. Mean of the two cross-entropies. */
export const spanLoss = (start: Tensor, end: Tensor, from: Tensor, to: Tensor): Tensor =>
  crossEntropy(start, from).add(crossEntropy(end, to)).mul(0.5);

/**
 * A yes or no for each token: logits and labels f32 `[B, T]`; binary cross-entropy, mean over real tokens.
 * @param mask bool `[B, T]`; undefined = all real
 */
export function binaryTokenLoss(logits: Tensor, labels: Tensor, mask: Tensor | undefined): Tensor {
  const each = binaryLoss(logits, labels);
  if (!mask) return each.sumAll().mul(1 / each.size);
  return mask.where(each, 0).sumAll().div(mask.cast('f32').sumAll());
}

/** log(1 + e^x) - x y: binary cross-entropy, element by element. */
const binaryLoss = (logits: Tensor, labels: Tensor): Tensor => softplus(logits).sub(logits.mul(labels));

/** What labels of a whole text are: a class, a yes or no per class, or numbers. By the reference's names. */
export const PROBLEM_TYPES = ['single_label_classification', 'multi_label_classification', 'regression'] as const;
export type ProblemType = (typeof PROBLEM_TYPES)[number];

/**
 * Classification loss: logits `[B, N]`. Numbers `[B, N]` or `[B]`: mean squared error. Whole-number labels `[B]`:
 * cross-entropy. A yes or no per class `[B, N]`: binary cross-entropy.
 * @param problem default: numbers where there is one class, else what the rank of the labels says
 */
export function classificationLoss(logits: Tensor, labels: Tensor, problem?: ProblemType): Tensor {
  const [B, N] = logits.shape as [number, number];
  const kind =
    problem ??
    (N === 1 ? 'regression' : labels.rank === 1 ? 'single_label_classification' : 'multi_label_classification');
  if (kind === 'single_label_classification') return crossEntropy(logits, labels.cast('i32').reshape(B));
  const wanted = labels.cast('f32').reshape(B, N);
  const difference = logits.sub(wanted);
  const each = kind === 'regression' ? difference.mul(difference) : binaryLoss(logits, wanted);
  return each.sumAll().mul(1 / (B * N));
}
