/** Movement ops: which element goes where. All but concat and copy are views: the planner turns them into strides. */
import { ShapeError } from '../../errors.ts';
import { expectShape } from '../check.ts';
import type { Op, Use } from '../op.ts';
import { where } from '../scope.ts';
import { normalizeAxis, reshapeStrides, type Shape, sizeOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { unbroadcast } from './elementwise.ts';

const RESHAPE: Op<{ shape: Shape }> = {
  name: 'reshape',
  infer([x], { shape }) {
    if (sizeOf(shape) !== x!.size)
      throw new ShapeError('reshape: element counts differ', { seen: `[${x!.shape}] to [${shape}]`, where: where() });
    return { shape, dtype: x!.dtype };
  },
  gradient: (g, [x]) => [g.reshape(...x!.shape)],
  flops: () => 0,
  view(input, _, shape) {
    const strides = reshapeStrides(input.shape, input.strides, shape);
    return strides && { offset: input.offset, shape, strides };
  },
};
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const known = shape.reduce((n, d, at) => (at === open ? n : n * d), 1);
    const rest = x.size / known;
    if (!Number.isInteger(rest) || shape.indexOf(-1, open + 1) >= 0)
      throw new ShapeError('reshape: the -1 has no whole length', {
        seen: `[${x.shape}] to [${shape}]`,
        expected: 'one -1 at most, and lengths that divide the number of elements',
        where: where(),
      });
    shape = shape.map((n, d) => (d === open ? rest : n));
  }
  expectShape('reshape', shape);
  return Tensor.make(RESHAPE, [x], { shape });
}

const PERMUTE: Op<{ order: readonly number[] }> = {
  name: 'permute',
  infer: ([x], { order }) => ({ shape: order.map(d => x!.shape[d]!), dtype: x!.dtype }),
  gradient: (g, _, __, { order }) => [g.permute(...order.map((_, d) => order.indexOf(d)))],
  flops: () => 0,
  view: (input, { order }, shape) => ({ offset: input.offset, shape, strides: order.map(d => input.strides[d]!) }),
};
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const axes = order.map(d => normalizeAxis(d, x.rank));
  if (axes.length !== x.rank || new Set(axes).size !== x.rank)
    throw new ShapeError('permute: every axis once', { seen: `[${order}] for rank ${x.rank}`, where: where() });
  return Tensor.make(PERMUTE, [x], { order: axes });
}
export function transpose(x: Tensor, a: number, b: number): Tensor {
  const order = x.shape.map((_, d) => d);
  const [i, j] = [normalizeAxis(a, x.rank), normalizeAxis(b, x.rank)];
  [order[i], order[j]] = [j, i];
  return permute(x, order);
}

interface Range {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
}
const SLICE: Op<Range> = {
  name: 'slice',
  infer: ([x], { axis, from, to }) => ({
    shape: x!.shape.map((n, d) => (d === axis ? to - from : n)),
    dtype: x!.dtype,
  }),
  gradient: (g, inputs, _, attrs) => [sideBySide([{ g, inputs, attrs }])],
  /** Slices that do not overlap, such as all steps of a text, fill one tensor together. */
  jointGradient(uses) {
    const layers: [Use<Range>, ...Use<Range>[]][] = [];
    for (const use of [...uses].sort((a, b) => a.attrs.from - b.attrs.from)) {
      const { axis, from } = use.attrs;
      const layer = layers.find(l => l[0].attrs.axis === axis && l.at(-1)!.attrs.to <= from);
      if (layer) layer.push(use);
      else layers.push([use]);
    }
    return layers.map(sideBySide).reduce((sum, layer) => sum.add(layer));
  },
  flops: () => 0,
  view: (input, { axis, from }, shape) => ({
    offset: input.offset + from * input.strides[axis]!,
    shape,
    strides: input.strides,
  }),
};
/** The gradients of slices, which come in the order of their axis, in their places; 0 everywhere else. */
function sideBySide(slices: readonly [Use<Range>, ...Use<Range>[]]): Tensor {
  const [{ inputs, attrs }] = slices;
  const { shape } = inputs[0]!;
  const { axis } = attrs;
  const parts: Tensor[] = [];
  let at = 0;
  const fill = (to: number) => {
    const gap = shape.map((n, d) => (d === axis ? to - at : n));
    if (to > at) parts.push(Tensor.full(gap, 0));
    at = to;
  };
  for (const { g, attrs } of slices) {
    fill(attrs.from);
    if (attrs.to > attrs.from) parts.push(g);
    at = attrs.to;
  }
  fill(shape[axis]!);
  return concat(parts, axis);
}
export function slice(x: Tensor, axis: number, from: number, to: number): Tensor {
  axis = normalizeAxis(axis, x.rank);
  const n = x.shape[axis]!;
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= n))
    throw new ShapeError('slice: range outside the axis', {
      seen: `${from} to ${to}`,
      expected: `within 0 to ${n} (axis ${axis} of [${x.shape}])`,
      where: where(),
    });
  return from === 0 && to === n ? x : Tensor.make(SLICE, [x], { axis, from, to });
}
export function split(x: Tensor, parts: number, axis: number): Tensor[] {
  axis = normalizeAxis(axis, x.rank);
  const width = x.shape[axis]! / parts;
  if (!Number.isInteger(width) || parts < 1)
    throw new ShapeError('split: axis does not divide', { seen: `${x.shape[axis]} into ${parts}`, where: where() });
  return Array.from({ length: parts }, (_, i) => slice(x, axis, i * width, (i + 1) * width));
}

const EXPAND: Op<{ shape: Shape }> = {
  name: 'expand',
  infer([x], { shape }) {
    expectShape('expand', shape);
    const lead = shape.length - x!.rank;
    if (lead < 0 || x!.shape.some((n, d) => n !== 1 && n !== shape[d + lead]))
      throw new ShapeError('expand: only axes of length 1 repeat', {
        seen: `[${x!.shape}] to [${shape}]`,
        where: where(),
      });
    return { shape, dtype: x!.dtype };
  },
  gradient: (g, [x]) => [unbroadcast(g, x!.shape)],
  flops: () => 0,
  view(input, _, shape) {
    const lead = shape.length - input.shape.length;
    const stride = (d: number) => (d < lead || input.shape[d - lead] !== shape[d] ? 0 : input.strides[d - lead]!);
    return { offset: input.offset, shape, strides: shape.map((_, d) => stride(d)) };
  },
};
export const expand = (x: Tensor, shape: Shape): Tensor =>
  x.rank === shape.length && x.shape.every((n, d) => n === shape[d]) ? x : Tensor.make(EXPAND, [x], { shape });

const CONCAT: Op<{ axis: number }> = {
  name: 'concat',
  infer(xs, { axis }) {
    const first = xs[0]!;
    for (const x of xs)
      if (
        x.rank !== first.rank ||
        x.dtype !== first.dtype ||
        x.shape.some((n, d) => d !== axis && n !== first.shape[d])
      )
        throw new ShapeError('concat: shapes differ outside the axis', {
          seen: xs.map(t => `${t.dtype} [${t.shape}]`).join(', '),
          where: where(),
        });
    const total = xs.reduce((n, x) => n + x.shape[axis]!, 0);
    return { shape: first.shape.map((n, d) => (d === axis ? total : n)), dtype: first.dtype };
  },
  gradient(g, xs, _, { axis }) {
    let at = 0;
    return xs.map(x => {
      const from = at;
      at += x.shape[axis]!;
      return g.slice(axis, from, at);
    });
  },
  flops: () => 0,
};
/** Joins tensors along an axis. */
export function concat(xs: readonly Tensor[], axis: number): Tensor {
  if (xs.length === 0) throw new ShapeError('concat: nothing to join', { where: where() });
  return xs.length === 1 ? xs[0]! : Tensor.make(CONCAT, xs, { axis: normalizeAxis(axis, xs[0]!.rank) });
}

const IOTA: Op<{ n: number }> = { name: 'iota', infer: (_, { n }) => ({ shape: [n], dtype: 'i32' }), flops: () => 0 };
/** 0, 1, ..., n - 1 as i32 `[n]`. */
export function iota(n: number): Tensor {
  expectShape('iota', [n]);
  return Tensor.make(IOTA, [], { n });
}
