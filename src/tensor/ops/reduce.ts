/** Reductions over one axis, which stays with length 1. */
import { expectDType } from '../check.ts';
import type { Op } from '../op.ts';
import { normalizeAxis } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { concat } from './movement.ts';

interface Axis {
  readonly axis: number;
}
const keepAxis =
  (name: string): Op<Axis>['infer'] =>
  ([x], { axis }) => {
    expectDType(name, [x!], 'f32');
    return { shape: x!.shape.map((n, d) => (d === axis ? 1 : n)), dtype: 'f32' };
  };
const inputSize: NonNullable<Op<Axis>['flops']> = ([x]) => x!.size;

const SUM: Op<Axis> = {
  name: 'sum',
  infer: keepAxis('sum'),
  gradient: (g, [x]) => [g.expand(x!.shape)],
  flops: inputSize,
};
const MAX: Op<Axis> = {
  name: 'max',
  infer: keepAxis('max'),
  /** Equal maxima share the gradient. */
  gradient(g, [x], y, { axis }) {
    const hit = x!.equal(y).cast('f32');
    return [hit.mul(g.div(hit.sum(axis)))];
  },
  flops: inputSize,
};
export const sum = (x: Tensor, axis: number): Tensor => Tensor.make(SUM, [x], { axis: normalizeAxis(axis, x.rank) });
export const max = (x: Tensor, axis: number): Tensor => Tensor.make(MAX, [x], { axis: normalizeAxis(axis, x.rank) });
export const mean = (x: Tensor, axis: number): Tensor => sum(x, axis).mul(1 / x.dim(axis));

/** Running sums along an axis: element i is the sum of elements 0 to i. Hillis & Steele 1986, so n log n additions. */
export function cumsum(x: Tensor, axis: number): Tensor {
  axis = normalizeAxis(axis, x.rank);
  const n = x.shape[axis]!;
  for (let step = 1; step < n; step *= 2) {
    const before = Tensor.full(
      x.shape.map((m, d) => (d === axis ? step : m)),
      0,
    );
    x = x.add(concat([before, x.slice(axis, 0, n - step)], axis));
  }
  return x;
}
