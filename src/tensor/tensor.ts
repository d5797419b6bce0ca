/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The tensor: a node of a lazy graph. Building one checks shapes and dtypes at once and computes nothing; `data()` or
 * `compute()` run the graph on a backend. A computed tensor drops its inputs and becomes a leaf.
 */
import { DTypeError, ShapeError } from '../errors.ts';
import type { DeviceBuffer } from './backend.ts';
import { expectShape } from './check.ts';
import { dataOf } from './compute.ts';
import { allocate, type DType, dtypeOf, type TypedArray } from './dtype.ts';
import type { Op } from './op.ts';
import * as elementwise from './ops/elementwise.ts';
import { matmul } from './ops/matmul.ts';
import * as movement from './ops/movement.ts';
import * as reduce from './ops/reduce.ts';
import { currentPath, where } from './scope.ts';
import { type Shape, sizeOf } from './shape.ts';

/** Where a leaf's elements are. */
export type Storage =
  | { readonly kind: 'host'; readonly data: TypedArray }
  | { readonly kind: 'device'; readonly buffer: DeviceBuffer };

const NO_LABELS: readonly string[] = [];
let made = 0;
/** A leaf: `storage` holds its elements. */
const LEAF: Op<{ shape: Shape; dtype: DType }> = { name: 'leaf', infer: (_, attrs) => attrs };
/** A scalar that is part of the graph's structure, like the 0.5 in `x.mul(0.5)`. */
const CONSTANT: Op<{ value: number; dtype: DType }> = {
  name: 'constant',
  infer: (_, { dtype }) => ({ shape: [], dtype }),
};

export class Tensor {
  op: Op;
  attrs: unknown;
  /** Counts all nodes that were ever made, so that a node's inputs have lower ids. */
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Scope path where the node was built, '' outside of scopes. */
  readonly path: string;
  /** Full names given by `named()`; usually none or one. */
  labels: readonly string[];
  inputs: readonly Tensor[];
  storage: Storage | undefined;

  private constructor(op: Op, inputs: readonly Tensor[], attrs: unknown) {
    const type = op.infer(inputs, attrs);
    this.id = made++;
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.shape = type.shape;
    this.dtype = type.dtype;
    this.path = currentPath();
    this.labels = NO_LABELS;
    this.storage = undefined;
  }
  /** A node of `op`. @throws ShapeError, DTypeError when the inputs do not fit. */
  static make<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
    return new Tensor(op as Op, inputs, attrs);
  }
  /**
   * A leaf over host data, which is not copied. Plain numbers become `f32` unless `dtype` says otherwise.
   * @throws ShapeError when the number of elements does not fit the shape
   */
  static from(data: TypedArray | readonly number[], shape: Shape = [data.length], dtype?: DType): Tensor {
    let array: TypedArray;
    if (ArrayBuffer.isView(data)) {
      array = data;
      const natural = dtypeOf(data);
      if (dtype && dtype !== natural && !(natural === 'u8' && dtype === 'bool'))
        throw new DTypeError('host data of another dtype', { seen: natural, expected: dtype, where: where() });
    } else {
      const stranger = data.find(x => typeof x !== 'number');
      if (stranger !== undefined)
        throw new DTypeError('elements are numbers', {
          seen: Array.isArray(stranger) ? 'a nested list' : typeof stranger,
          fix: 'give one flat list and the shape',
          where: where(),
        });
      array = allocate(dtype ?? 'f32', data.length);
      array.set(data);
    }
    if (dtype === 'bool' && array.some(x => x > 1)) array = Uint8Array.from(array, x => (x ? 1 : 0));
    expectShape('Tensor.from', shape);
    if (array.length !== sizeOf(shape))
      throw new ShapeError('data does not fill the shape', {
        seen: `${array.length} elements`,
        expected: `${sizeOf(shape)} for [${shape}]`,
        where: where(),
      });
    const leaf = Tensor.make(LEAF, [], { shape, dtype: dtype ?? dtypeOf(array) });
    leaf.storage = { kind: 'host', data: array };
    return leaf;
  }
  /** A leaf over a buffer of a backend. */
  static fromDevice(buffer: DeviceBuffer, shape: Shape, dtype: DType = 'f32'): Tensor {
    const leaf = Tensor.make(LEAF, [], { shape, dtype });
    leaf.storage = { kind: 'device', buffer };
    return leaf;
  }
  /** A scalar constant. */
  static constant(value: number, dtype: DType = 'f32'): Tensor {
    if (dtype !== 'f32' && !Number.isInteger(value))
      throw new DTypeError('a constant of this dtype is a whole number', {
        seen: `${value} as ${dtype}`,
        fix: 'cast the other operand to f32',
        where: where(),
      });
    return Tensor.make(CONSTANT, [], { value, dtype });
  }
  /** `value` everywhere; takes no memory per element. */
  static full(shape: Shape, value: number, dtype: DType = 'f32'): Tensor {
    return movement.expand(Tensor.constant(value, dtype), shape);
  }
  /** 0, 1, ..., n - 1 as i32 `[n]`. */
  static iota(n: number): Tensor {
    return movement.iota(n);
  }

  /** The elements are there now: whatever made them is dropped, and the tensor is a leaf. */
  settle(storage: Storage): void {
    this.storage = storage;
    this.inputs = [];
    this.op = LEAF as Op;
    this.attrs = { shape: this.shape, dtype: this.dtype };
  }
  /** Names the tensor `name` under the current scope; see `trace`. What leaves one block may enter the next as another name. */
  named(name: string): this {
    const path = currentPath();
    const label = path ? `${path}.${name}` : name;
    if (!this.labels.includes(label)) this.labels = [...this.labels, label];
    return this;
  }
  /** The first name, if there is one. */
  get label(): string | undefined {
    return this.labels[0];
  }
  get rank(): number {
    return this.shape.length;
  }
  get size(): number {
    return sizeOf(this.shape);
  }
  /** Length of an axis, counted from the end when negative. */
  dim(axis: number): number {
    const n = this.shape.at(axis);
    if (n === undefined)
      throw new ShapeError('no such axis', { seen: `axis ${axis} of [${this.shape}]`, where: where() });
    return n;
  }

  /**
   * The elements in row-major order; computes the tensor if needed, which is then a leaf on the host. The array of a host
   * leaf is its storage, not a copy.
   *
   * With `into` the elements are copied into that array, which is returned, and the tensor stays what it was: a loop can
   * take its results without allocating. Whoever wants the tensor itself again leaves `into` out.
   * @throws ShapeError when `into` has another length or dtype
   */
  data(into?: TypedArray): Promise<TypedArray> {
    return dataOf(this, into);
  }
  /** The one element of a tensor of size 1. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new ShapeError('item() takes one element', { seen: `[${this.shape}]` });
    return (await this.data())[0]!;
  }
  /** Gives a leaf's device memory back at once. */
  dispose(): void {
    if (this.storage?.kind === 'device') this.storage.buffer.free();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  // ---- elementwise, with broadcasting
  add(y: Tensor | number): Tensor {
    return elementwise.add(this, y);
  }
  sub(y: Tensor | number): Tensor {
    return elementwise.sub(this, y);
  }
  mul(y: Tensor | number): Tensor {
    return elementwise.mul(this, y);
  }
  div(y: Tensor | number): Tensor {
    return elementwise.div(this, y);
  }
  pow(y: Tensor | number): Tensor {
    return elementwise.pow(this, y);
  }
  maximum(y: Tensor | number): Tensor {
    return elementwise.maximum(this, y);
  }
  minimum(y: Tensor | number): Tensor {
    return elementwise.minimum(this, y);
  }
  less(y: Tensor | number): Tensor {
    return elementwise.less(this, y);
  }
  lessEqual(y: Tensor | number): Tensor {
    return elementwise.lessEqual(this, y);
  }
  equal(y: Tensor | number): Tensor {
    return elementwise.equal(this, y);
  }
  and(y: Tensor): Tensor {
    return elementwise.and(this, y);
  }
  or(y: Tensor): Tensor {
    return elementwise.or(this, y);
  }
  not(): Tensor {
    return elementwise.not(this);
  }
  /** `this ? a : b`, element by element; `this` is bool. */
  where(a: Tensor | number, b: Tensor | number): Tensor {
    return elementwise.select(this, a, b);
  }
  neg(): Tensor {
    return elementwise.neg(this);
  }
  exp(): Tensor {
    return elementwise.exp(this);
  }
  log(): Tensor {
    return elementwise.log(this);
  }
  sqrt(): Tensor {
    return elementwise.sqrt(this);
  }
  rsqrt(): Tensor {
    return elementwise.rsqrt(this);
  }
  reciprocal(): Tensor {
    return elementwise.reciprocal(this);
  }
  tanh(): Tensor {
    return elementwise.tanh(this);
  }
  erf(): Tensor {
    return elementwise.erf(this);
  }
  abs(): Tensor {
    return elementwise.abs(this);
  }
  sin(): Tensor {
    return elementwise.sin(this);
  }
  cos(): Tensor {
    return elementwise.cos(this);
  }
  cast(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }

  // ---- reductions; the axis stays with length 1
  sum(axis = -1): Tensor {
    return reduce.sum(this, axis);
  }
  mean(axis = -1): Tensor {
    return reduce.mean(this, axis);
  }
  max(axis = -1): Tensor {
    return reduce.max(this, axis);
  }
  /** Sum of all elements, a scalar `[]`. */
  sumAll(): Tensor {
    return reduce.sum(movement.reshape(this, [this.size]), 0).reshape();
  }

  // ---- movement: no element is computed
  /** One -1 stands for what is left. */
  reshape(...shape: number[]): Tensor {
    return movement.reshape(this, shape);
  }
  /** Axes in a new order: `x.permute(0, 2, 1, 3)`. */
  permute(...order: number[]): Tensor {
    return movement.permute(this, order);
  }
  /** Swaps two axes, by default the last two. */
  transpose(a = -2, b = -1): Tensor {
    return movement.transpose(this, a, b);
  }
  /** Elements `from` (inclusive) to `to` (exclusive) of an axis. */
  slice(axis: number, from: number, to: number): Tensor {
    return movement.slice(this, axis, from, to);
  }
  /** `parts` equal pieces of an axis. */
  split(parts: number, axis = -1): Tensor[] {
    return movement.split(this, parts, axis);
  }
  /** Repeats axes of length 1 (and adds leading ones) up to `shape`. */
  expand(shape: Shape): Tensor {
    return movement.expand(this, shape);
  }
  matmul(y: Tensor): Tensor {
    return matmul(this, y);
  }

  toString(): string {
    return `Tensor(${this.label ?? this.op.name}, ${this.dtype} [${this.shape}])`;
  }
}

/** A number where a tensor is expected becomes a constant of the other operand's dtype. */
export const asTensor = (y: Tensor | number, dtype: DType = 'f32'): Tensor =>
  typeof y === 'number' ? Tensor.constant(y, dtype) : y;
