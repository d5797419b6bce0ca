/** Activation functions. Hendrycks & Gimpel 2016 (GELU), Elfwing et al. 2017 (SiLU). */
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

function activation(name: string, flops: number, define: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  const node = composite({ name, define: ([x]) => define(x!), flops: ([x]) => flops * x!.size });
  return x => node([x], undefined);
}
export const relu = activation('relu', 1, x => x.maximum(0));
export const sigmoid = activation('sigmoid', 4, x => x.neg().exp().add(1).reciprocal());
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
