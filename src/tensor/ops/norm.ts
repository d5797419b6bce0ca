/** Normalisation over the last axis. Ba et al. 2016 (layer norm), Zhang & Sennrich 2019 (RMS norm). */
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

interface Epsilon {
  readonly eps: number;
}
const LAYER_NORM = composite<Epsilon>({
  name: 'layerNorm',
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
  define: ([x, weight], { eps }) => x!.mul(x!.mul(x!).mean().add(eps).rsqrt()).mul(weight!),
  flops: ([x]) => 4 * x!.size,
});
/** x / sqrt(mean(x²) + eps) * weight. */
export const rmsNorm = (x: Tensor, weight: Tensor, eps: number): Tensor => RMS_NORM([x, weight], { eps });
