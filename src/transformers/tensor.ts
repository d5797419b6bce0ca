/** Numbers with a shape, in memory, as programs of transformers.js handle them. heed computes with tensors of its own. */
import { ConfigError, ShapeError } from '../errors.ts';

export type TensorData = Float32Array | BigInt64Array | Int32Array | Uint8Array;
const ARRAYS = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };
export type TensorType = keyof typeof ARRAYS;
export type Nested = number | bigint | Nested[];
/** All of a dimension, one place of it (which takes the dimension away), or places from a start up to an end. */
export type Range = null | number | readonly [start: number | null, end: number | null];

class PlainTensor {
  readonly type: TensorType;
  readonly data: TensorData;
  readonly dims: readonly number[];
  /** What stands at a place of the first dimension. */
  readonly [index: number]: Tensor;

  /** @throws ShapeError when the data does not fill the dimensions, ConfigError for a type that there is not */
  constructor(type: TensorType, data: TensorData | readonly (number | bigint)[], dims: readonly number[]) {
    if (!Object.hasOwn(ARRAYS, type))
      throw new ConfigError('no such type of a tensor', { seen: type, expected: Object.keys(ARRAYS).join(', ') });
    const size = sizeOf(dims);
    if (data.length !== size)
      throw new ShapeError('the data does not fill the dimensions', {
        seen: `${data.length} numbers`,
        expected: `${size} for [${dims}]`,
      });
    this.type = type;
    this.data = data instanceof ARRAYS[type] ? data : converted(type, data);
    this.dims = [...dims];
  }

  get size(): number {
    return this.data.length;
  }
  /** The only number. @throws ShapeError when there are several */
  item(): number | bigint {
    if (this.size === 1) return this.data[0]!;
    throw new ShapeError('item() is for a tensor of one number', { seen: `[${this.dims}]` });
  }
  /** Lists in lists; numbers of int64 are bigints. */
  tolist(): Nested[] {
    const nested = (from: number, depth: number): Nested => {
      if (depth === this.dims.length) return this.data[from]!;
      const step = sizeOf(this.dims.slice(depth + 1));
      return Array.from({ length: this.dims[depth]! }, (_, i) => nested(from + i * step, depth + 1));
    };
    return nested(0, 0) as Nested[];
  }
  /** Tensors along the first dimension; the numbers themselves of a tensor that has no other. */
  *[Symbol.iterator](): Generator<Tensor | number | bigint> {
    if (this.dims.length === 1) yield* this.data;
    else for (let i = 0; i < (this.dims[0] ?? 0); i++) yield this.slice(i);
  }
  /** A part, copied: a range for each of the first dimensions. @throws ShapeError for places that are not there */
  slice(...ranges: readonly Range[]): Tensor {
    const strides = stridesOf(this.dims);
    let offset = 0;
    const [dims, steps]: [number[], number[]] = [[], []];
    for (const [axis, length] of this.dims.entries()) {
      const range = ranges[axis] ?? null;
      const place = (at: number) => (at < 0 ? at + length : at);
      if (typeof range === 'number') {
        if (place(range) < 0 || place(range) >= length)
          throw new ShapeError('no such place in the tensor', { seen: `${range} of [${this.dims}]` });
        offset += place(range) * strides[axis]!;
        continue;
      }
      const [start, end] = range ?? [null, null];
      const from = Math.min(length, Math.max(0, place(start ?? 0)));
      offset += from * strides[axis]!;
      dims.push(Math.max(0, Math.min(length, place(end ?? length)) - from));
      steps.push(strides[axis]!);
    }
    return strided(this, offset, dims, steps);
  }
  /** The same numbers under other dimensions, one of which may be -1. @throws ShapeError */
  view(...dims: readonly number[]): Tensor {
    const known = dims.reduce((size, dim) => (dim === -1 ? size : size * dim), 1);
    const all = dims.map(dim => (dim === -1 ? this.size / known : dim));
    return new Tensor(this.type, this.data, all);
  }
  reshape(dims: readonly number[]): Tensor {
    return this.view(...dims);
  }
  /** Without dimensions of 1: all of them, or one. */
  squeeze(dim?: number): Tensor {
    const axis = dim === undefined ? undefined : axisOf(dim, this.dims.length);
    return this.view(...this.dims.filter((length, i) => length !== 1 || (axis !== undefined && i !== axis)));
  }
  unsqueeze(dim: number): Tensor {
    return this.view(...this.dims.toSpliced(axisOf(dim, this.dims.length + 1), 0, 1));
  }
  permute(...order: readonly number[]): Tensor {
    const strides = stridesOf(this.dims);
    const axes = order.map(axis => axisOf(axis, this.dims.length));
    return strided(
      this,
      0,
      axes.map(axis => this.dims[axis]!),
      axes.map(axis => strides[axis]!),
    );
  }
  transpose(a = 0, b = 1): Tensor {
    const order = [...this.dims.keys()];
    const [from, to] = [axisOf(a, order.length), axisOf(b, order.length)];
    [order[from], order[to]] = [order[to]!, order[from]!];
    return this.permute(...order);
  }
  /** Of all numbers `[]`, or along a dimension. */
  mean(dim?: number, keepdim = false): Tensor {
    if (dim === undefined)
      return new Tensor('float32', [this.numbers().reduce((sum, x) => sum + x, 0) / this.size], []);
    return reduced(this, dim, keepdim, column => column.reduce((sum, x) => sum + x, 0) / column.length);
  }
  /** Divided by the length (p-norm) along a dimension. */
  normalize(p = 2, dim = 1): Tensor {
    const lengths = reduced(this, dim, true, column => column.reduce((sum, x) => sum + Math.abs(x) ** p, 0) ** (1 / p));
    const axis = axisOf(dim, this.dims.length);
    const inner = sizeOf(this.dims.slice(axis + 1));
    const outer = inner * this.dims[axis]!;
    const of = (i: number) => Number(lengths.data[Math.floor(i / outer) * inner + (i % inner)]) || 1;
    return new Tensor(
      'float32',
      Float32Array.from(this.numbers(), (x, i) => x / of(i)),
      this.dims,
    );
  }
  sigmoid(): Tensor {
    return new Tensor(
      'float32',
      Float32Array.from(this.numbers(), x => 1 / (1 + Math.exp(-x))),
      this.dims,
    );
  }
  to(type: TensorType): Tensor {
    return new Tensor(type, type === this.type ? this.data : Array.from<number | bigint>(this.data), this.dims);
  }
  clone(): Tensor {
    return new Tensor(this.type, this.data.slice(), this.dims);
  }
  /** The data as plain numbers. */
  numbers(): number[] {
    return Array.from(this.data, Number);
  }
}

/** Numbers of a tensor from a place on, this far apart along each dimension. */
function strided({ type, data }: Tensor, offset: number, dims: readonly number[], strides: readonly number[]): Tensor {
  const part = new ARRAYS[type](sizeOf(dims));
  const own = stridesOf(dims);
  for (let i = 0; i < part.length; i++) {
    let at = offset;
    for (const [axis, step] of own.entries()) at += (Math.floor(i / step) % dims[axis]!) * strides[axis]!;
    part[i] = data[at]!;
  }
  return new Tensor(type, part, dims);
}

/** What `reduce` makes of the numbers along a dimension. */
function reduced(tensor: Tensor, dim: number, keepdim: boolean, reduce: (column: readonly number[]) => number): Tensor {
  const axis = axisOf(dim, tensor.dims.length);
  const others = [...tensor.dims.keys()].filter(other => other !== axis);
  const numbers = tensor.permute(...others, axis).numbers();
  const length = tensor.dims[axis]!;
  const columns = Array.from({ length: tensor.size / length }, (_, i) => numbers.slice(i * length, (i + 1) * length));
  const dims = keepdim ? tensor.dims.with(axis, 1) : tensor.dims.toSpliced(axis, 1);
  return new Tensor('float32', columns.map(reduce), dims);
}

/** `tensor[0]` is read through a proxy, as there. */
const PLACES: ProxyHandler<PlainTensor> = {
  get: (target, key) =>
    typeof key === 'string' && /^-?\d+$/.test(key) ? target.slice(Number(key)) : Reflect.get(target, key, target),
};
export type Tensor = PlainTensor;
export const Tensor = new Proxy(PlainTensor, {
  construct: (target, given: ConstructorParameters<typeof PlainTensor>) => new Proxy(new target(...given), PLACES),
});

const sizeOf = (dims: readonly number[]) => dims.reduce((size, dim) => size * dim, 1);
const stridesOf = (dims: readonly number[]) => dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
function axisOf(dim: number, rank: number): number {
  const axis = dim < 0 ? dim + rank : dim;
  if (Number.isInteger(axis) && axis >= 0 && axis < rank) return axis;
  throw new ShapeError('no such dimension', { seen: `${dim}`, expected: `below ${rank}` });
}
function converted(type: TensorType, data: Iterable<number | bigint>): TensorData {
  if (type === 'int64') return BigInt64Array.from(data as Iterable<number>, value => BigInt(value));
  return new ARRAYS[type](Array.from(data, Number));
}

/** Rows of a `[B, T]` tensor as plain numbers. */
export function rowsOf(tensor: Tensor): number[][] {
  const [B, T] = tensor.dims as [number, number];
  const numbers = tensor.numbers();
  return Array.from({ length: B }, (_, b) => numbers.slice(b * T, (b + 1) * T));
}
/** Rows of one length as `[B, T]`. */
export const int64Rows = (rows: readonly (readonly number[])[]): Tensor =>
  new Tensor('int64', rows.flat(), [rows.length, rows[0]?.length ?? 0]);
