/**
 * Activation functions. Hendrycks & Gimpel 2016 (GELU), Elfwing et al. 2017 (SiLU), Clevert et al. 2015 (ELU), Misra 2019
 * (Mish).
 */
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

/** A slope is given where the definition's own would be another one at a kink, or not be finite. */
function activation(
  name: string,
  flops: number,
  define: (x: Tensor) => Tensor,
  slope?: (g: Tensor, x: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  const gradient = slope && ((g: Tensor, [x]: readonly Tensor[]) => [slope(g, x!)]);
  const node = composite({
    name,
    define: ([x]) => define(x!),
    flops: ([x]) => flops * x!.size,
    ...(gradient && { gradient }),
  });
  return x => node([x], undefined);
}
/** max(x, 0); its slope at 0 is 0. */
export const relu = activation(
  'relu',
  1,
  x => x.maximum(0),
  (g, x) => x.lessEqual(0).where(0, g),
);
const SIGMOID = composite({
  name: 'sigmoid',
  define: ([x]) => x!.neg().exp().add(1).reciprocal(),
  // Without exp(-x), which overflows where the sigmoid is 0.
  gradient: (g, _, y) => [g.mul(y.sub(y.mul(y)))],
  flops: ([x]) => 4 * x!.size,
});
export const sigmoid = (x: Tensor): Tensor => SIGMOID([x], undefined);
export const silu = activation('silu', 5, x => x.mul(sigmoid(x)));
/** x Φ(x), exact form with erf. */
export const gelu = activation('gelu', 8, x => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)));
/** The tanh approximation of GELU (`gelu_new`, `gelu_pytorch_tanh`). */
export const geluTanh = activation('geluTanh', 9, x => {
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(0.5).mul(inner.tanh().add(1));
});
/** x σ(1.702 x). */
export const quickGelu = activation('quickGelu', 6, x => x.mul(sigmoid(x.mul(1.702))));
/** log(1 + e^x), which does not overflow. */
export const softplus = activation(
  'softplus',
  6,
  x => x.abs().neg().exp().add(1).log().add(x.maximum(0)),
  (g, x) => g.mul(sigmoid(x)),
);
/** log σ(x). */
export const logSigmoid = (x: Tensor): Tensor => softplus(x.neg()).neg();
/** x tanh(log(1 + e^x)). */
export const mish = activation('mish', 8, x => x.mul(softplus(x).tanh()));
/** x above 0, e^x - 1 below. */
export const elu = activation('elu', 4, x => x.less(0).where(x.minimum(0).exp().sub(1), x));
/** x above 0, `slope` x below. */
export const leakyRelu = (x: Tensor, slope: number): Tensor => x.lessEqual(0).where(x.mul(slope), x);
