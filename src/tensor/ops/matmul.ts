/** Products: `matmul` for any two tensors, `linear` for a weight stored `[out, in]`. */
import { ShapeError } from '../../errors.ts';
import { expectDType } from '../check.ts';
import type { Op } from '../op.ts';
import { where } from '../scope.ts';
import { broadcast, sizeOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { unbroadcast } from './elementwise.ts';
import { concat } from './movement.ts';

const MATMUL: Op<undefined> = {
  name: 'matmul',
  infer([a, b]) {
    expectDType('matmul', [a!, b!], 'f32');
    if (a!.rank < 2 || b!.rank < 2 || a!.dim(-1) !== b!.dim(-2))
      throw new ShapeError('matmul: inner sizes differ', { seen: `[${a!.shape}] @ [${b!.shape}]`, where: where() });
    const batch = broadcast('matmul', a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return { shape: [...batch, a!.dim(-2), b!.dim(-1)], dtype: 'f32' };
  },
  gradient: (g, [a, b]) => [
    unbroadcast(g.matmul(b!.transpose()), a!.shape),
    unbroadcast(a!.transpose().matmul(g), b!.shape),
  ],
  flops: ([a], _, out) => 2 * out.size * a!.dim(-1),
};
/** `[..., M, K] @ [..., K, N] -> [..., M, N]`; leading axes broadcast. */
export const matmul = (a: Tensor, b: Tensor): Tensor => Tensor.make(MATMUL, [a, b], undefined);

const LINEAR: Op<undefined> = {
  name: 'linear',
  infer(inputs) {
    const [x, w, b] = inputs;
    expectDType('linear', inputs, 'f32');
    if (w!.rank !== 2 || x!.rank < 1 || x!.dim(-1) !== w!.dim(1) || (b && (b.rank !== 1 || b.dim(0) !== w!.dim(0))))
      throw new ShapeError('linear: sizes differ', {
        seen: `input [${x!.shape}], weight [${w!.shape}]${b ? `, bias [${b.shape}]` : ''}`,
        expected: 'input [..., in], weight [out, in], bias [out]',
        where: where(),
      });
    return { shape: [...x!.shape.slice(0, -1), w!.dim(0)], dtype: 'f32' };
  },
  define([x, w, b]) {
    const lead = x!.shape.slice(0, -1);
    const y = x!
      .reshape(sizeOf(lead), x!.dim(-1))
      .matmul(w!.transpose())
      .reshape(...x!.shape.slice(0, -1), w!.dim(0));
    return b ? y.add(b) : y;
  },
  gradient(g, [x, w, b]) {
    const rows = g.reshape(sizeOf(g.shape.slice(0, -1)), g.dim(-1)); // [M, out]
    const dx = rows.matmul(w!).reshape(...x!.shape);
    const dw = rows.transpose().matmul(x!.reshape(rows.dim(0), x!.dim(-1)));
    return b ? [dx, dw, rows.sum(0).reshape(-1)] : [dx, dw];
  },
  /** A weight that is used for a few rows at a time, once for each step of a text: one product of all rows. */
  jointGradient(uses, k) {
    const [, w] = uses[0]!.inputs;
    const [out, width] = w!.shape as [number, number];
    const rows = uses.reduce((n, { g }) => n + g.size / out, 0);
    // The rows are kept until the last use is reached; a sum of products takes the place of one.
    if (k !== 1 || rows * (out + width) > uses.length * out * width) return undefined;
    const stack = (tensors: readonly Tensor[], features: number) =>
      concat(
        tensors.map(t => t.reshape(-1, features)),
        0,
      );
    const g = stack(
      uses.map(use => use.g),
      out,
    );
    const x = stack(
      uses.map(use => use.inputs[0]!),
      width,
    );
    return g.transpose().matmul(x);
  },
  flops: ([x], _, out) => 2 * out.size * x!.dim(-1),
};
/** `x Wᵀ + b`: `[..., in], [out, in], [out] -> [..., out]`. */
export const linear = (x: Tensor, weight: Tensor, bias?: Tensor): Tensor =>
  Tensor.make(LINEAR, bias ? [x, weight, bias] : [x, weight], undefined);
