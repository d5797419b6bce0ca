/** Normalisation over the last axis. Ba et al. 2016 (layer norm), Zhang & Sennrich 2019 (RMS norm). */
import type { TensorType } from '../backend.ts';
import { expectDType, expectShapes } from '../check.ts';
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

interface Epsilon {
  readonly eps: number;
}
/** x `[..., C]`, the others `[C]`. */
const overLastAxis =
  (op: string) =>
  (inputs: readonly Tensor[]): TensorType => {
    const [x, weight, bias] = inputs;
    expectDType(op, inputs, 'f32');
    const fits = (p: Tensor | undefined) => !p || (p.rank === 1 && p.dim(0) === x!.dim(-1));
    expectShapes(op, x!.rank > 0 && fits(weight) && fits(bias), { x, weight, bias }, 'x [..., C], the others [C]');
    return { shape: x!.shape, dtype: 'f32' };
  };

const LAYER_NORM = composite<Epsilon>({
  name: 'layerNorm',
  infer: overLastAxis('layerNorm'),
  define([x, weight, bias], { eps }) {
    const centered = x!.sub(x!.mean());
    const y = centered.mul(centered.mul(centered).mean().add(eps).rsqrt()).mul(weight!);
    return bias ? y.add(bias) : y;
  },
  flops: ([x]) => 8 * x!.size,
});
/** (x - mean) / sqrt(variance + eps) * weight + bias; the variance divides by the width. */
export const layerNorm = (x: Tensor, weight: Tensor, bias: Tensor | undefined, eps: number): Tensor =>
  LAYER_NORM(bias ? [x, weight, bias] : [x, weight], { eps });

const RMS_NORM = composite<Epsilon>({
  name: 'rmsNorm',
  infer: overLastAxis('rmsNorm'),
  define: ([x, weight], { eps }) => x!.mul(x!.mul(x!).mean().add(eps).rsqrt()).mul(weight!),
  flops: ([x]) => 4 * x!.size,
});
/** x / sqrt(mean(x²) + eps) * weight. */
export const rmsNorm = (x: Tensor, weight: Tensor, eps: number): Tensor => RMS_NORM([x, weight], { eps });
