/** Losses as the reference's models compute them when they are given labels. */
import { crossEntropy, type Tensor } from '../tensor/index.ts';

/**
 * Next-token loss: logits `[B, T, V]`, labels i32 `[B, T]`; position t predicts label t + 1. Mean over labels that are
 * not -100.
 */
export function causalLoss(logits: Tensor, labels: Tensor): Tensor {
  const [B, T, V] = logits.shape as [number, number, number];
  return crossEntropy(logits.slice(1, 0, T - 1).reshape(-1, V), labels.slice(1, 1, T).reshape(B * (T - 1)));
}

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
  // log(1 + e^-|x|) + max(x, 0) - x y, which does not overflow
  const softplus = logits.abs().neg().exp().add(1).log();
  const each = softplus.add(logits.maximum(0)).sub(logits.mul(labels.cast('f32')));
  return each.sumAll().mul(1 / (B * N));
}
