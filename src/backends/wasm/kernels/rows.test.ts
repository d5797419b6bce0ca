/** Kernels that work row by row (reductions, softmax, norms, rope) against plain loops in double precision. */
import { describe, expect, it } from 'vitest';
import { NORM_KERNELS } from './norm.ts';
import { distance, elements, FEATURE_SETS, nameOf, randomArrays } from './random-arrays.ts';
import { REDUCE_KERNELS } from './reduce.ts';
import { ROPE_KERNELS } from './rope.ts';
import { SOFTMAX_KERNELS } from './softmax.ts';

const KERNELS = [...REDUCE_KERNELS, ...SOFTMAX_KERNELS, ...NORM_KERNELS, ...ROPE_KERNELS];
const sum = (x: readonly number[]) => x.reduce((a, b) => a + b, 0);
const rowsOf = (x: readonly number[], n: number) =>
  Array.from({ length: n ? x.length / n : 0 }, (_, r) => x.slice(r * n, (r + 1) * n));
const THREADS = [1, 2, 3, 5];

describe.each(FEATURE_SETS.slice(0, 2).map(f => [nameOf(f), f] as const))('rows, %s', (_, features) => {
  const { harness, make, output, rng } = randomArrays(KERNELS, features, 13);
  const threads = () => THREADS[rng.below(4)]!;

  it.each(['sum', 'max'])('%s over any axis', op => {
    const shapes = [
      [7],
      [1],
      [5, 3],
      [3, 65],
      [129, 33],
      [2, 9, 4],
      [3, 5, 70],
      [4, 0, 6],
      [0, 3],
      [2, 3, 1],
      [6, 2500],
    ];
    for (const shape of shapes)
      shape.forEach((n, axis) => {
        const x = make(shape);
        const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
        const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
        const values = elements(x);
        const right = Array.from({ length: outer * inner }, (_, i) => {
          const line = Array.from(
            { length: n },
            (_, k) => values[(Math.floor(i / inner) * n + k) * inner + (i % inner)]!,
          );
          return op === 'sum' ? sum(line) : Math.max(...line);
        });
        const out = output(shape.with(axis, 1));
        harness.run(op, { axis }, [x], out, threads());
        expect(distance(out.data.slice(0, right.length), right), `[${shape}] axis ${axis}`).toBeLessThan(2e-6);
      });
  });

  it('max keeps a NaN, and -inf is below all', () => {
    const x = harness.array([2, 5], 'f32', [1, 2, Number.NaN, 3, 4, ...Array<number>(5).fill(-Infinity)]);
    expect([...harness.run('max', { axis: 1 }, [x], output([2, 1]))]).toEqual([Number.NaN, -Infinity]);
    const columns = { data: x.data, view: { ...x.view, shape: [5, 2], strides: [2, 1] } };
    expect([...harness.run('max', { axis: 0 }, [columns], output([1, 2]))]).toEqual([Number.NaN, 3]);
  });

  it.each(['softmax', 'logSoftmax'])('%s', op => {
    for (const shape of [[1], [3, 1], [4, 7], [2, 3, 16], [5, 33], [2, 1000], [1, 50257], [0, 4], [3, 0]]) {
      const n = shape.at(-1)!;
      const x = make(shape, 'f32', 'dense', r => 10 * r.normal());
      const right = rowsOf(elements(x), n).flatMap(row => {
        const top = Math.max(...row);
        const total = sum(row.map(v => Math.exp(v - top)));
        return row.map(v => (op === 'softmax' ? Math.exp(v - top) / total : v - top - Math.log(total)));
      });
      const out = output(shape);
      harness.run(op, undefined, [x], out, threads());
      expect(distance(out.data.slice(0, right.length), right), `[${shape}]`).toBeLessThan(1e-6);
      if (op === 'logSoftmax') continue;
      // x - max is rounded before the exponential, so small results carry the rounding of their logarithm.
      const bound = (p: number) => p * (5e-7 - 1.2e-7 * Math.log(p)) + 1e-37;
      for (const [i, p] of right.entries()) expect(Math.abs(out.data[i]! - p)).toBeLessThanOrEqual(bound(p));
    }
  });

  it('softmax with -inf, +large and NaN', () => {
    const inf = Number.POSITIVE_INFINITY;
    const x = harness.array([3, 3], 'f32', [-inf, 0, -inf, 3e38, -3e38, 0, 1, Number.NaN, 2]);
    const nan = Number.NaN;
    expect([...harness.run('softmax', undefined, [x], x)]).toEqual([0, 1, 0, 1, 0, 0, nan, nan, nan]);
  });

  it.each([
    ['layerNorm', true],
    ['layerNorm', false],
    ['rmsNorm', false],
  ] as const)('%s, bias %s', (op, withBias) => {
    for (const shape of [[1], [5], [3, 8], [2, 3, 50], [7, 129], [2, 3, 2, 64]])
      for (const layout of ['dense', 'rows'] as const) {
        const n = shape.at(-1)!;
        // A mean far from 0 shows whether the variance is taken around it.
        const x = make(shape, 'f32', layout, r => 100 + r.normal());
        const [weight, bias] = [make([n]), make([n])];
        const eps = 1e-5;
        const right = rowsOf(elements(x), n).flatMap(row => {
          const mean = op === 'layerNorm' ? sum(row) / n : 0;
          const variance = sum(row.map(v => (v - mean) ** 2)) / n;
          return row.map(
            (v, i) => ((v - mean) / Math.sqrt(variance + eps)) * weight.data[i]! + (withBias ? bias.data[i]! : 0),
          );
        });
        const out = output(shape);
        harness.run(op, { eps }, withBias ? [x, weight, bias] : [x, weight], out, threads());
        expect(distance(out.data, right), `[${shape}] ${layout}`).toBeLessThan(n > 1 ? 3e-5 : 1e-6);
        if (layout === 'dense') {
          harness.run(op, { eps }, withBias ? [x, weight, bias] : [x, weight], x, 2);
          expect([...x.data.slice(0, right.length)]).toEqual([...out.data]);
        }
      }
  });

  it('layerNorm may be written over any of its inputs', () => {
    const inputs = [make([50]), make([50]), make([50])];
    const right = [...harness.run('layerNorm', { eps: 0.1 }, inputs, output([50]))];
    inputs.forEach((_, i) => {
      const copies = inputs.map(input => harness.array([50], 'f32', elements(input)));
      expect([...harness.run('layerNorm', { eps: 0.1 }, copies, copies[i]!)]).toEqual(right);
    });
  });

  it.each([false, true])('rope, interleaved %s', interleaved => {
    for (const [b, h, t, d, r, tables] of [
      [1, 2, 3, 8, 8, 1],
      [2, 3, 5, 20, 12, 1],
      [2, 2, 7, 64, 64, 2],
      [1, 1, 4, 7, 6, 1],
      [1, 3, 2, 10, 2, 1],
      [2, 1, 3, 30, 22, 2],
    ] as const) {
      const x = make([b, h, t, d], 'f32', 'rows');
      const [cos, sin] = [make([tables, t, r / 2], 'f32', 'rows'), make([tables, t, r / 2], 'f32', 'rows')];
      const [c, s] = [elements(cos), elements(sin)];
      const right = rowsOf(elements(x), d).flatMap((row, index) => {
        const at = ((tables === 1 ? 0 : Math.floor(index / (h * t))) * t + (index % t)) * (r / 2);
        const turned = [...row];
        for (let i = 0; i < r / 2; i++) {
          const [p, q] = interleaved ? [2 * i, 2 * i + 1] : [i, i + r / 2];
          turned[p] = row[p]! * c[at + i]! - row[q]! * s[at + i]!;
          turned[q] = row[q]! * c[at + i]! + row[p]! * s[at + i]!;
        }
        return turned;
      });
      const out = output([b, h, t, d]);
      harness.run('rope', { interleaved }, [x, cos, sin], out, threads());
      expect(distance(out.data, right)).toBeLessThan(1e-6);
    }
  });
});
