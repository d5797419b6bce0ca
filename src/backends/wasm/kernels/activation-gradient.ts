/** Gradients of activations in one pass: from g, that of the output, and the input x. */
import { GELU_TANH_FLAT } from '../../../tensor/ops/activation.ts';
import { type Code, f32x4, set, v128 } from '../assembler.ts';
import type { WasmKernel } from '../kernel.ts';
import { elementwiseKernel } from './broadcast.ts';
import type { VectorMath } from './math.ts';

type Slope = (m: VectorMath, x: Code) => Code;

/** `slope` is the derivative at x. */
const gradientKernel = (name: string, work: number, slope: Slope): WasmKernel =>
  elementwiseKernel({
    name,
    work,
    forms: [
      {
        from: ['f32', 'f32'],
        to: 'f32',
        kinds: ['word', 'word'],
        result: 'word',
        code: (m, g, x) => f32x4.mul(g, slope(m, x)),
      },
    ],
  });

/** Of x σ(factor x): σ (1 + factor x (1 - σ)). */
const gateSlope =
  (factor: number): Slope =>
  (m, x) => {
    const [z, s] = [m.local(), m.local()];
    return [
      set(z, f32x4.mul(x, m.f32(factor))),
      set(s, m.sigmoid(z)),
      f32x4.mul(s, m.madd(f32x4.sub(m.f32(1), s), z, m.f32(1))),
    ];
  };
/** Φ(x) + x φ(x). */
const geluSlope: Slope = (m, x) => {
  const [z, density] = [m.local(), m.local()];
  return [
    set(z, x),
    set(density, f32x4.mul(m.exp(f32x4.mul(f32x4.mul(z, z), m.f32(-0.5))), m.f32(1 / Math.sqrt(2 * Math.PI)))),
    m.madd(z, density, m.madd(m.erf(f32x4.mul(z, m.f32(Math.SQRT1_2))), m.f32(0.5), m.f32(0.5))),
  ];
};
/** With s = σ(2 u), u = √(2 / π) (x + 0.044715 x³): s + s (1 - s) x (2 u)'. */
const geluTanhSlope: Slope = (m, x) => {
  const [z, square, s] = [m.local(), m.local(), m.local()];
  const twice = 2 * Math.sqrt(2 / Math.PI);
  const inner = (cube: number) => f32x4.mul(z, m.madd(square, m.f32(twice * cube), m.f32(twice)));
  return [
    set(z, f32x4.pmax(f32x4.pmin(x, m.f32(GELU_TANH_FLAT)), m.f32(-GELU_TANH_FLAT))),
    set(square, f32x4.mul(z, z)),
    set(s, m.sigmoid(inner(0.044715))),
    m.madd(f32x4.mul(s, f32x4.sub(m.f32(1), s)), inner(3 * 0.044715), s),
  ];
};

export const ACTIVATION_GRADIENT_KERNELS: readonly WasmKernel[] = [
  gradientKernel('reluGradient', 1, (m, x) => v128.andnot(m.f32(1), f32x4.le(x, m.f32(0)))),
  gradientKernel('siluGradient', 9, gateSlope(1)),
  gradientKernel('quickGeluGradient', 9, gateSlope(1.702)),
  gradientKernel('geluGradient', 16, geluSlope),
  gradientKernel('geluTanhGradient', 10, geluTanhSlope),
];
