/** Normalisation over the last axis. Ba et al. 2016 (layer norm), Zhang & Sennrich 2019 (RMS norm). */
import type { TensorType } from '../backend.ts';
import { expectDType, expectShapes } from '../check.ts';
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';
import { normGradient } from './norm-gradient.ts';

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
  gradient: (g, inputs, _, { eps }) => normGradient(g, inputs, { eps, centred: true }),
  flops: ([x]) => 8 * x!.size,
});
/** (x - mean) / sqrt(variance + eps) * weight + bias; the variance divides by the width. */
export const layerNorm = (x: Tensor, weight: Tensor, bias: Tensor | undefined, eps: number): Tensor =>
  LAYER_NORM(bias ? [x, weight, bias] : [x, weight], { eps });

const RMS_NORM = composite<Epsilon>({
  name: 'rmsNorm',
  infer: overLastAxis('rmsNorm'),
  define: ([x, weight], { eps }) => x!.mul(x!.mul(x!).mean().add(eps).rsqrt()).mul(weight!),
  gradient: (g, inputs, _, { eps }) => normGradient(g, inputs, { eps, centred: false }),
  flops: ([x]) => 4 * x!.size,
});
/** x / sqrt(mean(x²) + eps) * weight. */
export const rmsNorm = (x: Tensor, weight: Tensor, eps: number): Tensor => RMS_NORM([x, weight], { eps });

/**
 * Layer norm over slices of the features: x `[B, C, ...]` in `groups` slices of C, weight and bias `[C]`. One slice per
 * feature is the instance norm. Wu & He 2018.
 */
export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const [B, C] = x.shape as [number, number];
  expectShapes(
    'groupNorm',
    x.rank > 1 && C % groups === 0,
    { x, weight, bias },
    `x [B, C, ...], C in ${groups} groups`,
  );
  const rows = x.reshape(B, groups, -1);
  const centered = rows.sub(rows.mean());
  const scaled = centered.mul(centered.mul(centered).mean().add(eps).rsqrt()).reshape(...x.shape);
  const perFeature = (p: Tensor) => p.reshape(C, ...x.shape.slice(2).map(() => 1));
  return scaled.mul(perFeature(weight)).add(perFeature(bias));
}
