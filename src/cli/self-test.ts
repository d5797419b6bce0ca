/** Runs the kernels of a backend on small numbers against the reference backend, and on larger ones against the clock. */
import { createReferenceBackend } from '../backends/reference/index.ts';
import type { WasmBackend } from '../backends/wasm/index.ts';
import { BackendError } from '../errors.ts';
import { decodeBlocks, encodeBlocks } from '../formats/index.ts';
import {
  attention,
  type Backend,
  bytesOf,
  cost,
  gather,
  geluTanh,
  layerNorm,
  linear,
  matmul,
  rmsNorm,
  setDefaultBackend,
  silu,
  sizeOf,
  softmax,
  Tensor,
} from '../tensor/index.ts';

export interface KernelTest {
  readonly kernel: string;
  /** Of the timed run. */
  readonly shape: string;
  /** Largest difference, in parts of the largest number of the reference. */
  readonly error: number;
  readonly ok: boolean;
  readonly ms: number;
  /** GFLOP/s of what computes, GB/s (each operand once) of what waits for memory. */
  readonly speed: number;
  readonly unit: 'GFLOP/s' | 'GB/s';
  /** How it broke off. */
  readonly failure?: string;
}

/** A computation on tensors of the shapes that it is given. */
interface Case {
  readonly kernel: string;
  readonly compute: (...inputs: Tensor[]) => Tensor;
  readonly small: readonly (readonly number[])[];
  readonly large: readonly (readonly number[])[];
  /** Which input is a weight, stored in the backend's own format. */
  readonly weight?: number;
  /** What the weight is in a file, and stays where the backend keeps that. */
  readonly dtype?: 'Q8_0' | 'Q4_0';
  /** It computes more than it reads. */
  readonly computes?: boolean;
}

/** Products with a quantised weight, of many rows and of one. */
const quantized = (dtype: 'Q8_0' | 'Q4_0'): Case[] =>
  [128, 1].map(rows => ({
    kernel: `linear ${dtype}, ${rows > 1 ? 'prompt' : 'token'}`,
    computes: rows > 1,
    compute: (x, w) => linear(x, w),
    small: [
      [rows > 1 ? 37 : 1, 96],
      [45, 96],
    ],
    large:
      rows > 1
        ? [
            [rows, 1024],
            [1024, 1024],
          ]
        : [
            [rows, 2048],
            [4096, 2048],
          ],
    weight: 1,
    dtype,
  }));

const CASES: readonly Case[] = [
  {
    kernel: 'linear, prompt',
    computes: true,
    compute: (x, w) => linear(x, w),
    small: [
      [37, 70],
      [45, 70],
    ],
    large: [
      [128, 1024],
      [1024, 1024],
    ],
    weight: 1,
  },
  {
    kernel: 'linear, token',
    compute: (x, w) => linear(x, w),
    small: [
      [1, 70],
      [45, 70],
    ],
    large: [
      [1, 2048],
      [4096, 2048],
    ],
    weight: 1,
  },
  ...quantized('Q8_0'),
  ...quantized('Q4_0'),
  {
    kernel: 'matmul',
    computes: true,
    compute: (a, b) => matmul(a, b),
    small: [
      [2, 19, 33],
      [2, 33, 21],
    ],
    large: [
      [8, 128, 64],
      [8, 64, 128],
    ],
  },
  {
    kernel: 'attention',
    computes: true,
    compute: (q, k, v) => attention(q, k, v, { causal: true }),
    small: [
      [1, 2, 13, 16],
      [1, 1, 13, 16],
      [1, 1, 13, 16],
    ],
    large: [
      [1, 12, 256, 64],
      [1, 12, 256, 64],
      [1, 12, 256, 64],
    ],
  },
  { kernel: 'softmax', compute: x => softmax(x), small: [[7, 53]], large: [[512, 512]] },
  {
    kernel: 'layerNorm',
    compute: (x, w, b) => layerNorm(x, w, b, 1e-5),
    small: [[7, 53], [53], [53]],
    large: [[256, 1024], [1024], [1024]],
  },
  { kernel: 'rmsNorm', compute: (x, w) => rmsNorm(x, w, 1e-5), small: [[7, 53], [53]], large: [[256, 1024], [1024]] },
  { kernel: 'gelu', compute: x => geluTanh(x), small: [[7, 53]], large: [[256, 1024]] },
  { kernel: 'silu', compute: x => silu(x), small: [[7, 53]], large: [[256, 1024]] },
  {
    kernel: 'gather',
    compute: x => gather(x, Tensor.from(new Int32Array([2, 0, 1]), [3])),
    small: [[5, 53]],
    large: [[3, 262144]],
  },
];

/** Rounding differs between ways to sum; a wrong kernel is wrong by far more. */
const TOLERANCE = 2e-5;
const ROUNDS = 5;

/**
 * One result per kernel; a kernel that traps is one that is wrong. Sets the default backend while it runs, and leaves the
 * tested one there.
 */
export async function selfTest(backend: WasmBackend, signal: AbortSignal): Promise<KernelTest[]> {
  const reference = createReferenceBackend();
  const results: KernelTest[] = [];
  for (const test of CASES) {
    signal.throwIfAborted();
    const shape = [...new Set(test.large.map(s => `[${s.join(', ')}]`))].slice(0, 2).join(' ');
    const unit = test.computes ? 'GFLOP/s' : 'GB/s';
    try {
      const error = difference(await outcome(test, backend), await outcome(test, reference));
      const { ms, flops, bytes } = await time(test, backend);
      const speed = (test.computes ? flops : bytes) / ms / 1e6;
      results.push({ kernel: test.kernel, shape, error, ok: error < TOLERANCE, ms, speed, unit });
    } catch (failure) {
      if (!(failure instanceof BackendError)) throw failure;
      const error = Number.POSITIVE_INFINITY;
      results.push({ kernel: test.kernel, shape, error, ok: false, ms: 0, speed: 0, unit, failure: failure.message });
    }
  }
  reference.close();
  return results;
}

/** Largest difference in parts of the largest number wanted; NaN anywhere counts as infinite. */
function difference(seen: readonly number[], wanted: readonly number[]): number {
  const scale = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const differences = wanted.map((x, i) => Math.abs(x - seen[i]!) / scale);
  return differences.every(Number.isFinite) ? Math.max(...differences) : Number.POSITIVE_INFINITY;
}

async function outcome(test: Case, backend: Backend): Promise<number[]> {
  setDefaultBackend(backend);
  const inputs = await makeInputs(test, test.small, backend);
  return Array.from(await test.compute(...inputs).data());
}

async function time(test: Case, backend: WasmBackend) {
  setDefaultBackend(backend);
  const inputs = await makeInputs(test, test.large, backend);
  const { flops } = cost(test.compute(...inputs));
  let ms = Number.POSITIVE_INFINITY;
  let out: Tensor | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    out?.dispose();
    out = test.compute(...inputs);
    await out.data();
    ms = Math.min(ms, backend.lastRun.kernelMs);
  }
  const bytes = [...inputs, out!].reduce((n, tensor) => n + heldBytes(tensor), 0);
  for (const tensor of inputs) tensor.dispose();
  return { ms: Math.max(ms, 1e-3), flops, bytes };
}

async function makeInputs(test: Case, shapes: readonly (readonly number[])[], backend: Backend): Promise<Tensor[]> {
  return Promise.all(
    shapes.map(async (shape, i) => {
      if (i !== test.weight) return Tensor.from((test.dtype ? wholeNumbers : numbers)(sizeOf(shape), i), shape);
      const keep = test.dtype !== undefined && backend.keeps.has(test.dtype);
      const writer = backend.weight(shape, { matrix: true, keep });
      const [rows, columns] = shape as [number, number];
      for (let row = 0; row < rows; row += FEW_ROWS) {
        const data = numbers(Math.min(FEW_ROWS, rows - row) * columns, i);
        const blocks = test.dtype && encodeBlocks(data, test.dtype);
        if (test.dtype && blocks && keep) await writer.write(blocks, test.dtype);
        else await writer.write(bytesOfArray(test.dtype && blocks ? decodeBlocks(blocks, test.dtype) : data), 'F32');
      }
      return Tensor.fromDevice(await writer.finish(), shape);
    }),
  );
}

/** Rows of a weight that are made at once. */
const FEW_ROWS = 64;
const bytesOfArray = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const heldBytes = ({ storage, shape, dtype }: Tensor): number =>
  storage?.kind === 'device' ? storage.buffer.byteLength : sizeOf(shape) * bytesOf(dtype);

/** Whole numbers up to 127, which is in every chunk of 32: products with quantised weights round them to themselves. */
const wholeNumbers = (length: number, stream: number): Float32Array<ArrayBuffer> =>
  numbers(length, stream).map((x, i) => (i % 32 === 0 ? 127 : Math.round(254 * x)));

/** Numbers from -0.5 to 0.5 that look like chance: a Weyl sequence. */
function numbers(length: number, stream: number): Float32Array<ArrayBuffer> {
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = (Math.imul(i + 1013 * (stream + 1), 0x9e3779b1) >>> 0) / 2 ** 32 - 0.5;
  return data;
}
