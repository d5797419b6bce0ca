/**
 * Parameters on their way from a file into wasm memory. The `pack` kernel converts the file's dtype and lays the rows out
 * as the products want them, so that besides the finished weight only a small staging block exists. `packBlocks` does so
 * for weights that keep the numbers of the file: the first rows say which, so their buffer is made then.
 */
import { BackendError } from '../../errors.ts';
import {
  CannotKeepError,
  type DeviceBuffer,
  type FloatDType,
  type WeightDType,
  type WeightOptions,
  type WeightWriter,
} from '../../tensor/backend.ts';
import type { Plan, Step, View } from '../../tensor/plan.ts';
import { rowMajor, type Shape, sizeOf } from '../../tensor/shape.ts';
import type { WasmBackend } from './backend.ts';
import { formatOf } from './banks.ts';
import type { WasmBuffer } from './buffer.ts';
import type { Features } from './kernel.ts';
import { LONGEST_ROW } from './kernels/quantized-gemm.ts';
import {
  blockOf,
  dtypeOfFormat,
  formatOfDType,
  isKept,
  isQuantized,
  KEPT_FORMATS,
  type KeptFormat,
  keptBytes,
  panelBytes,
  panelRows,
  unitsOf,
  wholeRows,
} from './kernels/quantized-layout.ts';
import { flagOf, type PackBlocksAttrs } from './kernels/quantized-pack.ts';

/** Format of a weight [N, K] in ceil(N / nr) panels of [K][nr] floats, the last one padded with zeros. */
export const PANELS = 'panels';
/** Bytes of one of the two staging blocks: one is filled while the other is packed. */
const STAGING = 2 << 20;
/** Bytes of rows that are copied out at once when a weight is read back. */
const UNPACK_AT_ONCE = 4 << 20;
const FILE_BYTES = { F32: 4, F16: 2, BF16: 2, F64: 8 } as const satisfies Record<FloatDType, number>;
/** Dtypes of files that weights keep. */
export const KEPT_DTYPES: ReadonlySet<string> = new Set(KEPT_FORMATS.map(dtypeOfFormat));
const AS_FLOATS = 'write the values as F32';

/** Attributes of a `pack` step: rows `row` to `row + rows` of the source, whose bytes are the input. */
export interface PackAttrs {
  readonly dtype: FloatDType;
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
  readonly #keep: boolean;
  /** Rows of the source, and elements of each. */
  readonly #rows: number;
  readonly #columns: number;
  /** Made when the first rows say what is kept. */
  #weight: WasmBuffer | undefined;
  readonly #staging: { buffer: WasmBuffer | undefined; busy: Promise<unknown> }[] = [];
  #row = 0;
  #turn = 0;
  #failure: unknown;
  #ended = false;

  constructor(backend: WasmBackend, shape: Shape, { transposed = false, matrix = false, keep = false }: WeightOptions) {
    this.#backend = backend;
    this.#shape = shape;
    this.#transposed = transposed;
    if (transposed && shape.length !== 2)
      throw new BackendError('only a matrix can be stored transposed', { seen: `[${shape}]` });
    this.#panels = matrix && shape.length === 2;
    // Without columns there is nothing to keep, and kernels divide by the blocks of a row.
    this.#keep = keep && this.#panels && !transposed && shape[1]! > 0;
    const rows = (transposed ? shape[1] : shape[0]) ?? 1;
    this.#columns = rows ? sizeOf(shape) / rows : 0;
    this.#rows = this.#columns ? rows : 0;
    if (!this.#panels) this.#weight = backend.allocate(4 * sizeOf(shape));
  }

  async write(bytes: Uint8Array, dtype: WeightDType): Promise<void> {
    const rowBytes = this.#rowBytes(dtype);
    const rows = rowBytes ? bytes.byteLength / rowBytes : 0;
    if (this.#ended || !Number.isInteger(rows) || this.#row + rows > this.#rows)
      throw new BackendError('rows of a weight do not fit', {
        seen: `${bytes.byteLength} bytes of ${dtype} after row ${this.#row}${this.#ended ? ', after the end' : ''}`,
        expected: `whole rows of ${rowBytes} bytes, ${this.#rows} in all`,
      });
    const weight = await this.#weightFor(dtype);
    const format = formatOf(weight.format);
    const kept = isKept(format) ? format : undefined;
    if (kept !== this.#formatOf(dtype))
      throw new BackendError('rows of a weight change their dtype', { seen: dtype, expected: format });
    if (dtype === 'F32' && !this.#transposed && !this.#panels) {
      this.#backend.write(weight, bytes, this.#row * rowBytes);
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
    this.#freeStaging();
    const weight = await this.#weightFor('F32');
    this.#ended = true;
    return weight;
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#freeStaging();
    this.#weight?.free();
  }

  #freeStaging(): void {
    for (const { buffer } of this.#staging) buffer?.free();
  }

  /** The weight; made for rows of a dtype if these are the first. */
  async #weightFor(dtype: WeightDType): Promise<WasmBuffer> {
    if (this.#weight) return this.#weight;
    const made = await this.#allocate(dtype);
    if (!this.#ended) return (this.#weight = made);
    made.free();
    throw new BackendError('a weight was given up while it was written');
  }

  /** The buffer that packed rows of a dtype become. @throws BackendError for blocks that cannot be kept */
  async #allocate(dtype: WeightDType): Promise<WasmBuffer> {
    const { features } = this.#backend.module;
    const [n = 0, k = 0] = this.#shape;
    const format = this.#formatOf(dtype);
    if (!format) {
      const { nr } = features.tile;
      return this.#backend.allocateWeight(4 * Math.ceil(n / nr) * nr * k, PANELS);
    }
    const bytes = keptBytes(this.#shape, format, features);
    // Behind the panels is a word for what cannot be kept.
    const weight = await this.#backend.allocateWeight(bytes + 4, format);
    // It and the rows that fill the last tile up are zeros.
    const whole = Math.floor(n / panelRows(format, features)) * panelBytes(k, format, features);
    this.#backend.write(weight, new Uint8Array(bytes + 4 - whole), whole);
    return weight;
  }

  /** The format that rows of a dtype are kept in here; undefined = they become floats. */
  #formatOf(dtype: WeightDType): KeptFormat | undefined {
    const format = formatOfDType(dtype);
    return this.#keep || isQuantized(format) ? format : undefined;
  }

  #rowBytes(dtype: WeightDType): number {
    const format = formatOfDType(dtype);
    if (!isQuantized(format)) return this.#columns * FILE_BYTES[dtype as FloatDType];
    const { elements } = blockOf(format);
    const reason = !this.#keep
      ? 'blocks are kept in a matrix that is not transposed, and with `keep` only'
      : this.#columns % elements
        ? `rows of ${this.#columns} are not whole blocks of ${elements}`
        : this.#columns > LONGEST_ROW && `rows of ${this.#columns} are too long`;
    if (reason)
      throw new CannotKeepError(`a weight cannot keep its blocks: ${reason}`, { seen: dtype, fix: AS_FLOATS });
    return unitsOf(this.#columns, format).bytes;
  }

  async #pack(bytes: Uint8Array, dtype: WeightDType, rows: number): Promise<void> {
    const stage = (this.#staging[this.#turn] ??= { buffer: undefined, busy: Promise.resolve() });
    this.#turn = 1 - this.#turn;
    await stage.busy;
    if (this.#failure) throw this.#failure;
    if (this.#ended) throw new BackendError('a weight was given up while it was written');
    if (!stage.buffer || stage.buffer.byteLength < bytes.byteLength) {
      stage.buffer?.free();
      const source = this.#rows * this.#rowBytes(dtype);
      stage.buffer = this.#backend.allocate(Math.max(bytes.byteLength, Math.min(STAGING, source)));
    }
    this.#backend.write(stage.buffer, bytes);
    const weight = this.#weight!;
    const step = packStep(bytes.byteLength, dtype, weight.format, this.#shape, {
      row: this.#row,
      rows,
      transposed: this.#transposed,
    });
    const format = formatOf(weight.format);
    const reads = isKept(format) ? [flagOf({ ...step.output, format }, this.#backend.module.features)] : [];
    const plan: Plan = { steps: [step], arenaBytes: 0, uploads: [], reads };
    const run = this.#backend.run(this.#backend.prepare(plan), {
      leaves: [stage.buffer, weight],
      uploads: [],
      results: [],
    });
    stage.busy = run.then(
      ([flag]) => {
        if (flag?.[0])
          this.#failure ??= new CannotKeepError(`a weight cannot keep its ${dtype}`, {
            seen: 'a number or scale of 128 or more, infinite or not a number',
            fix: AS_FLOATS,
          });
      },
      error => {
        this.#failure ??= error;
      },
    );
    this.#row += rows;
  }
}

/** The step that takes the bytes of some rows (leaf 0) to their place in a weight (leaf 1). */
function packStep(
  bytes: number,
  dtype: WeightDType,
  format: string | undefined,
  shape: Shape,
  rows: Omit<PackAttrs, 'dtype'>,
): Step {
  const view = (index: number, shape: Shape, rest: Pick<View, 'dtype' | 'format'>): View => ({
    slot: { kind: 'leaf', index },
    offset: 0,
    shape,
    strides: rowMajor(shape),
    ...rest,
  });
  const inputs = [view(0, [bytes], { dtype: 'u8' })];
  const output = view(1, shape, { dtype: 'f32', format });
  const path = '';
  if (isKept(formatOf(format)))
    return { op: 'packBlocks', attrs: rows satisfies PackBlocksAttrs, inputs, output, path };
  return { op: 'pack', attrs: { ...rows, dtype: dtype as FloatDType } satisfies PackAttrs, inputs, output, path };
}

/**
 * Plans that copy a weight [N, K] out of panels of floats or blocks (leaf 0) as plain rows, a few panels each, so that no
 * second copy of the whole weight is needed.
 */
export function unpackPlans([n = 0, k = 0]: Shape, format: string, features: Features): Plan[] {
  const kept = formatOf(format);
  const rowBytes = isKept(kept) ? panelBytes(k, kept, features) / panelRows(kept, features) : 4 * k;
  const unit = wholeRows(features);
  const atOnce = unit * Math.max(1, Math.floor(UNPACK_AT_ONCE / (4 * unit * Math.max(1, k))));
  return Array.from({ length: k ? Math.ceil(n / atOnce) : 0 }, (_, i): Plan => {
    const shape = [Math.min(atOnce, n - i * atOnce), k];
    const dense = { shape, strides: rowMajor(shape), dtype: 'f32' } as const;
    const bytes = 4 * sizeOf(shape);
    const output: View = { ...dense, slot: { kind: 'arena', offset: 0, bytes }, offset: 0 };
    const input: View = { ...dense, slot: { kind: 'leaf', index: 0 }, offset: (i * atOnce * rowBytes) / 4, format };
    return {
      steps: [{ op: 'toRows', attrs: undefined, inputs: [input], output, path: '' }],
      arenaBytes: bytes,
      uploads: [],
      reads: [output],
    };
  });
}
