/** Runs single kernels on plain arrays without planner, workers or allocator: for kernel tests and benches. */
import { allocate, bytesOf, type DType, type TypedArray } from '../../tensor/dtype.ts';
import type { Slot, Step, View } from '../../tensor/plan.ts';
import { rowMajor, type Shape, sizeOf } from '../../tensor/shape.ts';
import { type ArgWriter, type Features, SCRATCH_BYTES, type WasmKernel } from './kernel.ts';
import { buildModule, HEADER } from './module.ts';

/** A strided array of the harness: `data` holds the elements that `view` points into. */
export interface HarnessArray {
  readonly view: View;
  readonly data: TypedArray;
}

export const PLAIN: Features = { relaxed: false, dot: 'none', revec: false, threads: 1, tile: { mr: 2, nr: 16 } };

export class KernelHarness {
  readonly memory: WebAssembly.Memory;
  readonly #kernels: ReadonlyMap<string, WasmKernel>;
  readonly #exports: Record<string, (args: number, thread: number, threads: number) => void>;
  readonly #features: Features;
  #top: number;

  constructor(kernels: readonly WasmKernel[], features: Features = PLAIN, maximumPages = 16384) {
    const module = buildModule(kernels, features, { memory: { shared: false, initial: 1024, maximum: maximumPages } });
    this.memory = new WebAssembly.Memory({ initial: 1024, maximum: maximumPages });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), { env: { memory: this.memory } });
    this.#exports = instance.exports as Record<string, (args: number, thread: number, threads: number) => void>;
    this.#kernels = module.kernels;
    this.#features = features;
    const scratch = 1 << 16;
    new Int32Array(this.memory.buffer)[HEADER.scratch >> 2] = scratch;
    this.#top = scratch + 8 * SCRATCH_BYTES;
  }

  /** An array in wasm memory. `strides` and `offset` in elements; `elements` = room if more than the shape needs. */
  array(
    shape: Shape,
    dtype: DType = 'f32',
    values?: ArrayLike<number>,
    layout: { strides?: readonly number[]; offset?: number; elements?: number; format?: string } = {},
  ): HarnessArray {
    const elements = layout.elements ?? values?.length ?? sizeOf(shape);
    const bytes = Math.max(64, Math.ceil((elements * bytesOf(dtype)) / 64) * 64);
    const address = this.#top;
    this.#top += bytes + 64;
    const missing = this.#top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    const slot: Slot = { kind: 'arena', offset: address, bytes };
    const view: View = {
      slot,
      offset: layout.offset ?? 0,
      shape,
      strides: layout.strides ?? rowMajor(shape),
      dtype,
      format: layout.format,
    };
    const harness = this;
    const array: HarnessArray = {
      view,
      get data() {
        return typedView(harness.memory.buffer, address, dtype, elements);
      },
    };
    if (values) array.data.set(values);
    return array;
  }

  /** Writes the arguments of a step and returns a function that runs it, thread after thread. */
  prepare(op: string, attrs: unknown, inputs: readonly HarnessArray[], output: HarnessArray, threads = 1): () => void {
    const kernel = this.#kernels.get(op);
    const run = kernel && this.#exports[op];
    if (!kernel || !run) throw new Error(`no kernel ${op}`);
    const step: Step = { op, attrs, inputs: inputs.map(i => i.view), output: output.view, path: '' };
    const words: number[] = [];
    const bits = new DataView(new ArrayBuffer(4));
    const out: ArgWriter = {
      i32(v) {
        words.push(v | 0);
        return out;
      },
      f32(v) {
        bits.setFloat32(0, v);
        words.push(bits.getInt32(0));
        return out;
      },
      address(v) {
        words.push((v.slot as { offset: number }).offset + v.offset * bytesOf(v.dtype));
        return out;
      },
    };
    kernel.args(step, out, this.#features);
    const args = this.array([words.length], 'i32', words);
    const at = (args.view.slot as { offset: number }).offset;
    return () => {
      for (let t = 0; t < threads; t++) run(at, t, threads);
    };
  }
  run(op: string, attrs: unknown, inputs: readonly HarnessArray[], output: HarnessArray, threads = 1): TypedArray {
    this.prepare(op, attrs, inputs, output, threads)();
    return output.data;
  }
}

function typedView(buffer: ArrayBufferLike, address: number, dtype: DType, elements: number): TypedArray {
  const Kind = allocate(dtype, 0).constructor as new (b: ArrayBufferLike, o: number, n: number) => TypedArray;
  return new Kind(buffer, address, elements);
}
