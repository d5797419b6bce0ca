/**
 * Turns a graph into a plan: composites without kernel become their definitions, movement ops become strides, each
 * remaining node becomes a step, and every intermediate gets a place in an arena where dead buffers are reused.
 */
import { BackendError, UnsupportedError } from '../errors.ts';
import { assignArena, type Buffer, temporary } from './arena.ts';
import type { Access, Backend, Kernel } from './backend.ts';
import { bytesOf, type DType, type TypedArray } from './dtype.ts';
import { expand, programOrder } from './graph.ts';
import type { ViewLayout } from './op.ts';
import { overwritingOrder } from './overwrite.ts';
import type { Plan, Step, View } from './plan.ts';
import { isRowMajor, rowMajor, type Shape, sizeOf } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** What the caller wants of a root: its elements on the host, in a buffer that outlives the run, or in that of a leaf. */
export interface Wanted {
  readonly tensor: Tensor;
  readonly as: 'host' | 'device' | Tensor;
}
/** A plan with the graph's ends: which leaf is bound where. */
export interface Planned {
  readonly plan: Plan;
  /** Leaves of the graph as given whose device buffer is bound, by index in `Bindings.leaves`. */
  readonly deviceLeaves: readonly Tensor[];
  /** Uploads: a leaf of the graph as given, or data that belongs to the plan (constants). */
  readonly uploads: readonly (Tensor | TypedArray)[];
  /** Bytes of each result buffer; the device roots in order. */
  readonly results: readonly number[];
}

/** A tensor during planning: where its elements are, before buffers have addresses. */
interface Value extends ViewLayout {
  readonly buffer: Buffer;
  readonly dtype: DType;
  readonly format?: string | undefined;
}
interface DraftStep {
  readonly op: string;
  readonly attrs: unknown;
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly path: string;
  readonly inPlace: boolean;
}

export function planGraph(backend: Backend, wanted: readonly Wanted[]): Planned {
  const kernelFor = (node: Tensor): Kernel | undefined => {
    const kernel = backend.kernel(node.op.name);
    return !kernel?.accepts || kernel.accepts(node.inputs.map(typeOf), node.attrs, node) ? kernel : undefined;
  };
  const expanded = expand(
    wanted.map(w => w.tensor),
    node => !kernelFor(node),
  );
  const targets = wanted.map(({ as }) => (typeof as === 'object' ? as : undefined));
  const { nodes, roots, writers } = targets.some(t => t)
    ? overwritingOrder(expanded, targets)
    : { nodes: programOrder(expanded), roots: expanded, writers: undefined };
  const draft = new Draft(backend);
  for (const node of nodes) draft.add(node, kernelFor(node), writers?.get(node));
  wanted.forEach((w, i) => {
    draft.want(roots[i]!, w.as);
  });
  return draft.finish();
}

function typeOf(t: Tensor) {
  const format = t.storage?.kind === 'device' ? t.storage.buffer.format : undefined;
  return { shape: t.shape, dtype: t.dtype, format };
}

/** The plan in the making. */
class Draft {
  readonly #backend: Backend;
  readonly #values = new Map<Tensor, Value>();
  readonly #steps: DraftStep[] = [];
  readonly #copies = new Map<Value, Value>();
  readonly #constants = new Map<string, Value>();
  readonly #deviceLeaves: Tensor[] = [];
  readonly #uploads: { data: Tensor | TypedArray; buffer: Buffer; dtype: DType }[] = [];
  readonly #reads: Value[] = [];
  readonly #results: Buffer[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
  }
  valueOf(node: Tensor): Value {
    return this.#values.get(node)!;
  }

  /** Plans the node's step. All other readers of the leaf `target` are planned already: the output goes there if it can. */
  add(node: Tensor, kernel: Kernel | undefined, target?: Tensor): void {
    if (node.storage || node.op.name === 'constant') {
      this.#values.set(node, this.#leaf(node));
      return;
    }
    const inputs = node.inputs.map(x => this.valueOf(x));
    if (node.op.view) {
      this.#values.set(node, this.#view(node, inputs[0]!));
      return;
    }
    if (!kernel)
      throw new UnsupportedError(`the ${this.#backend.name} backend has no kernel for ${node.op.name}`, {
        where: node.path || undefined,
      });
    const access = kernel.access ?? ['dense'];
    const ready = inputs.map((v, i) =>
      this.#provide(
        v,
        access[Math.min(i, access.length - 1)]!,
        kernel.formats?.at(Math.min(i, kernel.formats.length - 1)),
        node.path,
      ),
    );
    if (node.op.alias !== undefined) {
      const target = inputs[node.op.alias]!;
      if (target.buffer.kind !== 'leaf' || ready[node.op.alias] !== target)
        throw new BackendError(
          `${node.op.name} changes its input in place, so that must be a dense leaf on the device`,
          {
            seen: `${node.inputs[node.op.alias]}`,
            where: node.path || undefined,
          },
        );
      this.#values.set(node, this.#step(node.op.name, node.attrs, ready, target, node.path));
      return;
    }
    const inTarget = target && !kernel.outputOrder ? this.#writable(target, ready, kernel) : undefined;
    const output = inTarget ?? this.#fresh(node.shape, node.dtype, kernel.outputOrder);
    this.#values.set(node, this.#step(node.op.name, node.attrs, ready, output, node.path, kernel.inPlace));
  }

  /** Makes sure that the root can be handed out, and says how. */
  want(root: Tensor, as: Wanted['as']): void {
    let dense = this.#provide(this.valueOf(root), 'dense', undefined, '');
    if (typeof as === 'object') {
      const target = this.#targetOf(as);
      if (dense !== target) this.#step('copy', undefined, [dense], target, '');
      return;
    }
    if (as === 'host') {
      this.#reads.push(dense);
      dense.buffer.pinned = true;
      return;
    }
    const bytes = sizeOf(dense.shape) * bytesOf(dense.dtype);
    if (dense.buffer.kind !== 'temporary' || dense.buffer.bytes !== bytes || dense.buffer.shared)
      dense = this.#copy(dense, '');
    dense.buffer.kind = 'result';
    dense.buffer.index = this.#results.push(dense.buffer) - 1;
  }

  /** The leaf's own place, if a step with these inputs may write there. */
  #writable(leaf: Tensor, inputs: readonly Value[], kernel: Kernel): Value | undefined {
    const target = this.#targetOf(leaf);
    const same = ({ offset, shape, strides }: Value) =>
      offset === 0 && `${shape}` === `${target.shape}` && isRowMajor(shape, strides);
    const free = inputs.every(v => v.buffer !== target.buffer || (kernel.inPlace && same(v)));
    return free ? target : undefined;
  }
  #targetOf(leaf: Tensor): Value {
    const known = this.#values.get(leaf);
    if (known) return known;
    const made = this.#leaf(leaf);
    this.#values.set(leaf, made);
    return made;
  }
  #leaf(node: Tensor): Value {
    const plain = { offset: 0, shape: node.shape, strides: rowMajor(node.shape), dtype: node.dtype };
    if (node.storage?.kind === 'device') {
      const { buffer } = node.storage;
      const index = this.#deviceLeaves.push(node) - 1;
      return { ...plain, buffer: { kind: 'leaf', index, bytes: buffer.byteLength }, format: buffer.format };
    }
    if (node.storage) return { ...plain, buffer: this.#upload(node, node.size, node.dtype) };
    const { value } = node.attrs as { value: number };
    const key = `${node.dtype} ${Object.is(value, -0) ? '-0' : value}`;
    let constant = this.#constants.get(key);
    if (!constant) {
      const data =
        node.dtype === 'f32'
          ? new Float32Array([value])
          : node.dtype === 'i32'
            ? new Int32Array([value])
            : new Uint8Array([value]);
      constant = { ...plain, buffer: this.#upload(data, 1, node.dtype) };
      this.#constants.set(key, constant);
    }
    return constant;
  }
  #upload(data: Tensor | TypedArray, elements: number, dtype: DType): Buffer {
    const buffer = temporary(elements * bytesOf(dtype), 'upload');
    buffer.index = this.#uploads.push({ data, buffer, dtype }) - 1;
    return buffer;
  }
  #view(node: Tensor, input: Value): Value {
    const plain = this.#plain(input, node.path);
    const direct = node.op.view!(plain, node.attrs, node.shape);
    const source = direct ? plain : this.#copy(plain, node.path);
    const layout = direct ?? node.op.view!(source, node.attrs, node.shape)!;
    source.buffer.shared = true;
    return { ...layout, buffer: source.buffer, dtype: node.dtype };
  }
  /** The value with the access a kernel needs, by way of a copy if it must be. */
  #provide(value: Value, access: Access, formats: readonly string[] | undefined, path: string): Value {
    if (value.format !== undefined && formats?.includes(value.format)) return value;
    const plain = this.#plain(value, path);
    const { shape, strides } = plain;
    if (access === 'strided') return plain;
    const fits =
      access === 'dense'
        ? isRowMajor(shape, strides)
        : shape.length === 0 || shape.at(-1) === 1 || strides.at(-1) === 1;
    return fits ? plain : this.#copy(plain, path);
  }
  #plain(value: Value, path: string): Value {
    if (value.format === undefined) return value;
    return this.#once(value, () =>
      this.#step('toRows', undefined, [value], this.#fresh(value.shape, value.dtype), path),
    );
  }
  #copy(value: Value, path: string): Value {
    return this.#once(value, () => this.#step('copy', undefined, [value], this.#fresh(value.shape, value.dtype), path));
  }
  #once(value: Value, make: () => Value): Value {
    const known = this.#copies.get(value);
    if (known) return known;
    const made = make();
    this.#copies.set(value, made);
    return made;
  }
  #fresh(shape: Shape, dtype: DType, outputOrder?: readonly number[]): Value {
    const physical = outputOrder ? outputOrder.map(d => shape[d]!) : shape;
    const strides = rowMajor(physical);
    const logical = outputOrder ? shape.map((_, d) => strides[outputOrder.indexOf(d)]!) : strides;
    return { buffer: temporary(sizeOf(shape) * bytesOf(dtype)), offset: 0, shape, strides: logical, dtype };
  }
  #step(op: string, attrs: unknown, inputs: readonly Value[], output: Value, path: string, inPlace = false): Value {
    if (sizeOf(output.shape) > 0) this.#steps.push({ op, attrs, inputs, output, path, inPlace });
    return output;
  }

  finish(): Planned {
    const arenaBytes = assignArena(
      this.#steps.map(s => ({ inputs: s.inputs, output: s.output, inPlace: s.inPlace })),
      this.#uploads.map(u => u.buffer),
    );
    const slots = new Map<Buffer, View['slot']>();
    const slotOf = (b: Buffer): View['slot'] => {
      let slot = slots.get(b);
      if (!slot) {
        const { kind, index = 0, bytes, offset = 0 } = b;
        if (kind === 'leaf') slot = { kind, index };
        else if (kind === 'result') slot = { kind, index, bytes };
        else if (kind === 'upload') slot = { kind, index, bytes, offset };
        else slot = { kind: 'arena', offset, bytes };
        slots.set(b, slot);
      }
      return slot;
    };
    const viewOf = ({ buffer, offset, shape, strides, dtype, format }: Value): View => ({
      slot: slotOf(buffer),
      offset,
      shape,
      strides,
      dtype,
      ...(format !== undefined && { format }),
    });
    const steps = this.#steps.map(
      ({ op, attrs, inputs, output, path }): Step => ({
        op,
        attrs,
        inputs: inputs.map(viewOf),
        output: viewOf(output),
        path,
      }),
    );
    return {
      plan: {
        steps,
        arenaBytes,
        uploads: this.#uploads.map(u => ({ offset: u.buffer.offset!, bytes: u.buffer.bytes, dtype: u.dtype })),
        reads: this.#reads.map(viewOf),
      },
      deviceLeaves: this.#deviceLeaves,
      uploads: this.#uploads.map(u => u.data),
      results: this.#results.map(b => b.bytes),
    };
  }
}
