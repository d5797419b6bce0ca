/** Errors of the elementary functions against double precision, and their values at the edges. */
import { describe, expect, it } from 'vitest';
import { ELEMENTWISE_KERNELS } from './elementwise.ts';
import { FEATURE_SETS, nameOf, randomArrays } from './random-arrays.ts';

/** erf and the tail of the normal distribution in double precision: series near 0, continued fraction far out. */
function erfc(a: number): number {
  if (a < 2.5) {
    let [sum, term] = [0, a];
    for (let n = 0; n < 100; n++) {
      sum += term / (2 * n + 1);
      term *= (-a * a) / (n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = 0;
  for (let n = 100; n > 0; n--) f = n / 2 / (a + f);
  return Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + f);
}
function erf(x: number): number {
  if (Math.abs(x) > 0.5) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  let [sum, term] = [0, x];
  for (let n = 0; n < 40; n++) {
    sum += term / (2 * n + 1);
    term *= (-x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const gelu = (x: number) => Math.max(x, 0) - Math.abs(x) * 0.5 * erfc(Math.abs(x) / Math.SQRT2);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const geluTanh = (x: number) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));

interface Bound {
  readonly f: (x: number) => number;
  readonly from: number;
  readonly to: number;
  /** Greatest |error|: relative part, and absolute part that comes on top. */
  readonly relative: number;
  readonly absolute?: number;
}
const BOUNDS: Record<string, Bound> = {
  exp: { f: Math.exp, from: -86.9, to: 88.7, relative: 1e-7 },
  log: { f: Math.log, from: 1e-6, to: 50, relative: 1e-7 },
  tanh: { f: Math.tanh, from: -10, to: 10, relative: 2e-7 },
  erf: { f: erf, from: -5, to: 5, relative: 2e-7 },
  sin: { f: Math.sin, from: -200, to: 200, relative: 0, absolute: 1e-7 },
  cos: { f: Math.cos, from: -2e5, to: 2e5, relative: 0, absolute: 1e-7 },
  sigmoid: { f: sigmoid, from: -86, to: 80, relative: 2e-7 },
  silu: { f: x => x * sigmoid(x), from: -80, to: 80, relative: 2.5e-7 },
  quickGelu: { f: x => x * sigmoid(1.702 * x), from: -8, to: 8, relative: 8e-7 },
  gelu: { f: gelu, from: -10, to: 10, relative: 6e-8, absolute: 5e-8 },
  geluTanh: { f: geluTanh, from: -8, to: 8, relative: 1.5e-7, absolute: 1e-7 },
  rsqrt: { f: x => 1 / Math.sqrt(x), from: 1e-3, to: 100, relative: 1.2e-7 },
  reciprocal: { f: x => 1 / x, from: 0.01, to: 10, relative: 6e-8 },
  sqrt: { f: Math.sqrt, from: 0, to: 100, relative: 6e-8 },
};
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const EDGES: Record<string, readonly (readonly [x: number, y: number])[]> = {
  exp: [
    [-inf, 0],
    [inf, inf],
    [1000, inf],
    [-1000, 0],
    [0, 1],
    [nan, nan],
  ],
  log: [
    [0, -inf],
    [-0, -inf],
    [inf, inf],
    [1, 0],
    [-1, nan],
    [-inf, nan],
    [nan, nan],
  ],
  tanh: [
    [-inf, -1],
    [inf, 1],
    [0, 0],
    [-0, -0],
    [1e-30, Math.fround(1e-30)],
    [nan, nan],
  ],
  erf: [
    [-inf, -1],
    [inf, 1],
    [0, 0],
    [nan, nan],
  ],
  sin: [
    [0, 0],
    [inf, nan],
    [nan, nan],
  ],
  cos: [
    [0, 1],
    [-inf, nan],
    [nan, nan],
  ],
  sigmoid: [
    [-inf, 0],
    [inf, 1],
    [0, 0.5],
    [nan, nan],
  ],
  silu: [
    [inf, inf],
    [-1000, -0],
    [nan, nan],
  ],
  quickGelu: [
    [inf, inf],
    [-1000, -0],
    [nan, nan],
  ],
  gelu: [
    [inf, inf],
    [-inf, 0],
    [100, 100],
    [-100, 0],
    [nan, nan],
  ],
  geluTanh: [
    [inf, inf],
    [1e20, Math.fround(1e20)],
    [-100, -0],
    [nan, nan],
  ],
  relu: [
    [-inf, 0],
    [inf, inf],
    [nan, nan],
  ],
  abs: [
    [-inf, inf],
    [-0, 0],
    [nan, nan],
  ],
  neg: [
    [inf, -inf],
    [0, -0],
    [nan, nan],
  ],
  rsqrt: [
    [0, inf],
    [inf, 0],
    [-1, nan],
    [nan, nan],
  ],
  reciprocal: [
    [0, inf],
    [-0, -inf],
    [inf, 0],
    [nan, nan],
  ],
  sqrt: [
    [0, 0],
    [inf, inf],
    [-1, nan],
    [nan, nan],
  ],
};
const POWERS: readonly (readonly [x: number, y: number, power: number])[] = [
  [2, 10, 1024],
  [-2, 3, -8],
  [-2, 2, 4],
  [-2, 0.5, nan],
  [0, 2, 0],
  [0, -1, inf],
  [-0, 3, -0],
  [0, 0, 1],
  [nan, 0, 1],
  [nan, 1, nan],
  [1, nan, nan],
  [inf, 2, inf],
  [inf, -2, 0],
  [-inf, 3, -inf],
  [-inf, 2, inf],
  [2, inf, inf],
  [2, -inf, 0],
  [0.5, inf, 0],
  [1, inf, 1],
  [9, 0.5, 3],
  [4, -0.5, 0.5],
  [10, 38, Math.fround(1e38)],
  [10, 39, inf],
  [2, -140, 2 ** -140],
  [2 ** -140, 0.5, 2 ** -70],
  [1e-5, 1, Math.fround(1e-5)],
];

describe.each(FEATURE_SETS.map(f => [nameOf(f), f] as const))('functions, %s', (_, features) => {
  const { harness, rng } = randomArrays(ELEMENTWISE_KERNELS, features, 3);
  const n = 60_000;
  const [x, y] = [harness.array([n]), harness.array([n])];

  it.each(Object.entries(BOUNDS))('%s stays in its bounds', (op, { f, from, to, relative, absolute = 1e-38 }) => {
    for (const scale of [1, 0.05]) {
      const shift = from > 0 ? from * (1 - scale) : 0;
      for (let i = 0; i < n; i++) x.data[i] = shift + scale * (from + (to - from) * rng.uniform());
      harness.run(op, undefined, [x], y);
      let worst = 0;
      for (let i = 0; i < n; i++) {
        const right = f(x.data[i]!);
        worst = Math.max(worst, Math.abs(y.data[i]! - right) / (relative * Math.abs(right) + absolute));
      }
      expect(worst).toBeLessThanOrEqual(1);
    }
  });

  it('log of denormals and of the greatest numbers', () => {
    for (let i = 0; i < n; i++) x.data[i] = 2 ** (-149 + 276.9 * rng.uniform());
    harness.run('log', undefined, [x], y);
    const worst = Array.from(x.data).reduce((w, v, i) => Math.max(w, Math.abs(y.data[i]! / Math.log(v) - 1)), 0);
    expect(worst).toBeLessThan(2e-7);
  });

  it.each(Object.entries(EDGES))('%s at the edges', (op, pairs) => {
    // Five elements and more: vector and tail.
    const values = [...pairs, ...pairs, ...pairs];
    const input = harness.array(
      [values.length],
      'f32',
      values.map(([v]) => v),
    );
    const output = harness.array([values.length]);
    expect([...harness.run(op, undefined, [input], output)]).toEqual(values.map(([, v]) => v));
  });

  it('pow is right to 2e-7 and in the special cases of IEEE 754', () => {
    const exponent = harness.array([n]);
    for (let i = 0; i < n; i++) {
      x.data[i] = 2 ** (20 * rng.uniform() - 10);
      exponent.data[i] = 16 * rng.uniform() - 8;
    }
    harness.run('pow', undefined, [x, exponent], y);
    const worst = Array.from(x.data).reduce(
      (w, v, i) => Math.max(w, Math.abs(y.data[i]! / v ** exponent.data[i]! - 1)),
      0,
    );
    expect(worst).toBeLessThan(2e-7);
    const [a, b] = [0, 1].map(i =>
      harness.array(
        [POWERS.length],
        'f32',
        POWERS.map(p => p[i]!),
      ),
    );
    const powers = harness.run('pow', undefined, [a!, b!], harness.array([POWERS.length]));
    POWERS.forEach(([base, power, right], i) => {
      const [seen, told] = [powers[i]!, `${base} ^ ${power}`];
      if (Number.isFinite(right) && right !== 0) expect(Math.abs(seen / right - 1), told).toBeLessThan(2e-7);
      else expect(seen, told).toBe(right);
    });
  });
});
