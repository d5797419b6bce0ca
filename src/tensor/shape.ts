/** Shapes and strides, in elements. A shape is outermost first; a stride of 0 repeats an element. */
import { ShapeError } from '../errors.ts';
import { where } from './scope.ts';

export type Shape = readonly number[];

/** Number of elements. */
export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

/** Strides of a row-major array. */
export function rowMajor(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let d = shape.length - 1, step = 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d]!;
  }
  return strides;
}

/** True when the elements lie one after the other in row-major order. Axes of length 1 may have any stride. */
export function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  for (let d = shape.length - 1, step = 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== step) return false;
    step *= shape[d]!;
  }
  return true;
}

/** Shape that both operands stretch to. @throws ShapeError when an axis has two lengths, neither of them 1. */
export function broadcast(op: string, a: Shape, b: Shape): Shape {
  if (a.length === b.length && a.every((n, d) => n === b[d])) return a;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, d) => {
    const x = a[a.length - rank + d] ?? 1;
    const y = b[b.length - rank + d] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new ShapeError(`${op}: shapes do not broadcast`, { seen: `[${a}] and [${b}]`, where: where() });
    return x === 1 ? y : x;
  });
}

/** Axis as a non-negative number. @throws ShapeError when the tensor has no such axis. */
export function normalizeAxis(axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= rank)
    throw new ShapeError('no such axis', { seen: `axis ${axis}`, expected: `-${rank} to ${rank - 1}`, where: where() });
  return a;
}

/** Strides of `shape` over the same elements as `(from, strides)`, or undefined when only a copy can give that shape. */
export function reshapeStrides(from: Shape, strides: readonly number[], shape: Shape): number[] | undefined {
  if (sizeOf(shape) === 0) return rowMajor(shape);
  const out = new Array<number>(shape.length).fill(0);
  let i = 0;
  let j = 0;
  while (i < from.length || j < shape.length) {
    // Takes the shortest groups of axes, one on each side, that hold the same number of elements.
    let have = from[i] ?? 1;
    let want = shape[j] ?? 1;
    const i0 = i++;
    const j0 = j++;
    while (have !== want) {
      if (have < want) have *= from[i++] ?? 1;
      else want *= shape[j++] ?? 1;
      if (i > from.length && j > shape.length) return undefined;
    }
    const axes: number[] = [];
    for (let d = i0; d < Math.min(i, from.length); d++) if (from[d] !== 1) axes.push(d);
    for (let k = 0; k + 1 < axes.length; k++)
      if (strides[axes[k]!] !== strides[axes[k + 1]!]! * from[axes[k + 1]!]!) return undefined;
    let step = axes.length ? strides[axes.at(-1)!]! : 0;
    for (let d = Math.min(j, shape.length) - 1; d >= j0; d--) {
      out[d] = step;
      step *= shape[d]!;
    }
  }
  return out;
}
