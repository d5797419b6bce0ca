/**
 * Parameters on their way from a file into wasm memory. The `pack` kernel converts the file's dtype and lays the rows out
 * as the products want them, so that besides the finished weight only a small staging block exists.
 */
import { BackendError } from '../../errors.ts';
import type { DeviceBuffer, WeightWriter } from '../../tensor/backend.ts';
import type { Plan, View } from '../../tensor/plan.ts';
import { rowMajor, type Shape, sizeOf } from '../../tensor/shape.ts';
import type { WasmBackend } from './backend.ts';
import type { WasmBuffer } from './buffer.ts';

/** Format of a weight [N, K] in ceil(N / nr) panels of [K][nr] floats, the last one padded with zeros. */
export const PANELS = 'panels';
/** Bytes of one of the two staging blocks: one is filled while the other is packed. */
const STAGING = 2 << 20;
/** Bytes of rows that are copied out at once when a weight is read back. */
const UNPACK_AT_ONCE = 4 << 20;
const FILE_BYTES = { F32: 4, F16: 2, BF16: 2, F64: 8 } as const;
type FileDType = keyof typeof FILE_BYTES;

/** Attributes of a `pack` step: rows `row` to `row + rows` of the source, whose bytes are the input. */
export interface PackAttrs {
  readonly dtype: FileDType;
  readonly row: number;
  readonly rows: number;
  /** The source's rows are the columns of the output. */
  readonly transposed: boolean;
}

export class WasmWeightWriter implements WeightWriter {
  readonly #backend: WasmBackend;
  readonly #shape: Shape;
  readonly #transposed: boolean;
  readonly #panels: boolean;
  /** Rows of the source, and elements of each. */
  readonly #rows: number;
  readonly #columns: number;
  readonly #weight: WasmBuffer;
  readonly #staging: { buffer: WasmBuffer | undefined; busy: Promise<unknown> }[] = [];
  #row = 0;
  #turn = 0;
  #failure: unknown;
  #ended = false;

  constructor(backend: WasmBackend, shape: Shape, options: { transposed?: boolean; matrix?: boolean }) {
    this.#backend = backend;
    this.#shape = shape;
    this.#transposed = options.transposed ?? false;
    if (this.#transposed && shape.length !== 2)
      throw new BackendError('only a matrix can be stored transposed', { seen: `[${shape}]` });
    this.#panels = (options.matrix ?? false) && shape.length === 2;
    const rows = (this.#transposed ? shape[1] : shape[0]) ?? 1;
    this.#columns = rows ? sizeOf(shape) / rows : 0;
    this.#rows = this.#columns ? rows : 0;
    const { nr } = backend.module.features.tile;
    const elements = this.#panels ? Math.ceil(shape[0]! / nr) * nr * shape[1]! : sizeOf(shape);
    this.#weight = backend.allocate(4 * elements, this.#panels ? PANELS : undefined);
  }

  async write(bytes: Uint8Array, dtype: FileDType): Promise<void> {
    const rowBytes = this.#columns * FILE_BYTES[dtype];
    const rows = rowBytes ? bytes.byteLength / rowBytes : 0;
    if (this.#ended || !Number.isInteger(rows) || this.#row + rows > this.#rows)
      throw new BackendError('rows of a weight do not fit', {
        seen: `${bytes.byteLength} bytes of ${dtype} after row ${this.#row}${this.#ended ? ', after the end' : ''}`,
        expected: `whole rows of ${rowBytes} bytes, ${this.#rows} in all`,
      });
    if (dtype === 'F32' && !this.#transposed && !this.#panels) {
      this.#backend.write(this.#weight, bytes, this.#row * rowBytes);
      this.#row += rows;
      return;
    }
    // Whole panels where possible: the kernel then writes cache lines instead of parts of them.
    const fit = Math.max(1, Math.floor(STAGING / rowBytes));
    const { nr } = this.#backend.module.features.tile;
    const step = fit > nr ? fit - (fit % nr) : fit;
    for (let done = 0; done < rows; done += step) {
      const n = Math.min(step, rows - done);
      await this.#pack(bytes.subarray(done * rowBytes, (done + n) * rowBytes), dtype, n);
    }
  }

  async finish(): Promise<DeviceBuffer> {
    try {
      await Promise.all(this.#staging.map(s => s.busy));
      if (this.#failure) throw this.#failure;
      if (this.#ended || this.#row < this.#rows)
        throw new BackendError('rows of a weight are missing', { seen: `${this.#row}`, expected: `${this.#rows}` });
    } catch (error) {
      this.abort();
      throw error;
    }
    this.#ended = true;
    this.#freeStaging();
    return this.#weight;
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#freeStaging();
    this.#weight.free();
  }

  #freeStaging(): void {
    for (const { buffer } of this.#staging) buffer?.free();
  }

  async #pack(bytes: Uint8Array, dtype: FileDType, rows: number): Promise<void> {
    const stage = (this.#staging[this.#turn] ??= { buffer: undefined, busy: Promise.resolve() });
    this.#turn = 1 - this.#turn;
    await stage.busy;
    if (this.#failure) throw this.#failure;
    if (this.#ended) throw new BackendError('a weight was given up while it was written');
    if (!stage.buffer || stage.buffer.byteLength < bytes.byteLength) {
      stage.buffer?.free();
      stage.buffer = this.#backend.allocate(Math.max(bytes.byteLength, Math.min(STAGING, this.#sourceBytes(dtype))));
    }
    this.#backend.write(stage.buffer, bytes);
    const view = (index: number, shape: Shape, rest: Pick<View, 'dtype' | 'format'>): View => ({
      slot: { kind: 'leaf', index },
      offset: 0,
      shape,
      strides: rowMajor(shape),
      ...rest,
    });
    const attrs: PackAttrs = { dtype, row: this.#row, rows, transposed: this.#transposed };
    const plan: Plan = {
      steps: [
        {
          op: 'pack',
          attrs,
          inputs: [view(0, [bytes.byteLength], { dtype: 'u8' })],
          output: view(1, this.#shape, { dtype: 'f32', format: this.#weight.format }),
          path: '',
        },
      ],
      arenaBytes: 0,
      uploads: [],
      reads: [],
    };
    const run = this.#backend.run(this.#backend.prepare(plan), {
      leaves: [stage.buffer, this.#weight],
      uploads: [],
      results: [],
    });
    stage.busy = run.catch(error => {
      this.#failure ??= error;
    });
    this.#row += rows;
  }

  #sourceBytes(dtype: FileDType): number {
    return this.#rows * this.#columns * FILE_BYTES[dtype];
  }
}

/**
 * Plans that copy a weight [N, K] out of panels (leaf 0) as plain rows, a few panels each, so that no second copy of the
 * whole weight is needed.
 */
export function unpackPlans([n = 0, k = 0]: Shape, nr: number): Plan[] {
  const atOnce = nr * Math.max(1, Math.floor(UNPACK_AT_ONCE / (4 * nr * Math.max(1, k))));
  return Array.from({ length: k ? Math.ceil(n / atOnce) : 0 }, (_, i): Plan => {
    const shape = [Math.min(atOnce, n - i * atOnce), k];
    const dense = { shape, strides: rowMajor(shape), dtype: 'f32' } as const;
    const bytes = 4 * sizeOf(shape);
    const output: View = { ...dense, slot: { kind: 'arena', offset: 0, bytes }, offset: 0 };
    const input: View = { ...dense, slot: { kind: 'leaf', index: 0 }, offset: i * atOnce * k, format: PANELS };
    return {
      steps: [{ op: 'toRows', attrs: undefined, inputs: [input], output, path: '' }],
      arenaBytes: bytes,
      uploads: [],
      reads: [output],
    };
  });
}
