/**
 * Activation functions. Hendrycks & Gimpel 2016 (GELU), Elfwing et al. 2017 (SiLU), Clevert et al. 2015 (ELU), Misra 2019
 * (Mish).
 */
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

/**
 * Without a slope the definition is differentiated. `slope(g, x)` is g times the derivative at x: given where one pass is
 * worth a kernel, where the definition's own would be another one at a kink, or not be finite.
 */
function activation(
  name: string,
  flops: number,
  define: (x: Tensor) => Tensor,
  slope?: (g: Tensor, x: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  const node = composite({
    name,
    define: ([x]) => define(x!),
    flops: ([x]) => flops * x!.size,
    ...(slope && { gradient: slopeOf(`${name}Gradient`, flops, slope) }),
  });
  return x => node([x], undefined);
}
function slopeOf(name: string, flops: number, slope: (g: Tensor, x: Tensor) => Tensor) {
  const node = composite({
    name,
    define: ([g, x]) => slope(g!, x!),
    flops: ([x]) => 2 * flops * x!.size,
  });
  return (g: Tensor, [x]: readonly Tensor[]): Tensor[] => [node([g, x!], undefined)];
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
/** g times the derivative of x σ(factor x): σ (1 + factor x (1 - σ)). */
function gateSlope(g: Tensor, x: Tensor, factor: number): Tensor {
  const s = sigmoid(x.mul(factor));
  return g.mul(s.mul(s.neg().add(1).mul(x).mul(factor).add(1)));
}
export const silu = activation(
  'silu',
  5,
  x => x.mul(sigmoid(x)),
  (g, x) => gateSlope(g, x, 1),
);
/** x Φ(x), exact form with erf; its slope is Φ(x) + x φ(x). */
export const gelu = activation(
  'gelu',
  8,
  x => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)),
  (g, x) => {
    const density = x
      .mul(x)
      .mul(-0.5)
      .exp()
      .mul(1 / Math.sqrt(2 * Math.PI));
    return g.mul(x.mul(Math.SQRT1_2).erf().add(1).mul(0.5).add(x.mul(density)));
  },
);
const SCALE = Math.sqrt(2 / Math.PI);
const CUBE = 0.044715;
/** From here on, either way, the slope of `geluTanh` is 1 or 0; the cube of a number far beyond it would overflow. */
export const GELU_TANH_FLAT = 20;
/** The tanh approximation of GELU (`gelu_new`, `gelu_pytorch_tanh`). */
export const geluTanh = activation(
  'geluTanh',
  9,
  x => {
    const inner = x.add(x.mul(x).mul(x).mul(CUBE)).mul(SCALE);
    return x.mul(0.5).mul(inner.tanh().add(1));
  },
  (g, input) => {
    const x = input.minimum(GELU_TANH_FLAT).maximum(-GELU_TANH_FLAT);
    const square = x.mul(x);
    // (1 + tanh u) / 2 = σ(2 u), and (1 - tanh² u) / 2 = 2 σ (1 - σ).
    const s = sigmoid(x.mul(square.mul(2 * SCALE * CUBE).add(2 * SCALE)));
    const slope = x.mul(square.mul(6 * SCALE * CUBE).add(2 * SCALE)); // of 2 u, times x
    return g.mul(s.add(s.mul(s.neg().add(1)).mul(slope)));
  },
);
/** x σ(1.702 x). */
export const quickGelu = activation(
  'quickGelu',
  6,
  x => x.mul(sigmoid(x.mul(1.702))),
  (g, x) => gateSlope(g, x, 1.702),
);
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
