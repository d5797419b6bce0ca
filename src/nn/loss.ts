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

/**
 * Classification loss: logits `[B, N]`. One class: mean squared error against `[B]`. Whole-number labels `[B]`:
 * cross-entropy. Labels `[B, N]`: a yes or no per class, binary cross-entropy.
 */
export function classificationLoss(logits: Tensor, labels: Tensor): Tensor {
  const [B, N] = logits.shape as [number, number];
  if (N === 1) {
    const difference = logits.reshape(B).sub(labels.cast('f32').reshape(B));
    return difference
      .mul(difference)
      .sumAll()
      .mul(1 / B);
  }
  if (labels.rank === 1) return crossEntropy(logits, labels);
  return binaryLoss(logits, labels.cast('f32'))
    .sumAll()
    .mul(1 / (B * N));
}
