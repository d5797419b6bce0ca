/**
 * Products with quantised weights: one row as a share of the raw read bandwidth, many rows in operations per second. Every
 * weight of the first kind is larger than the caches.
 */
import { createWasmBackend, type WasmBackend } from '../src/backends/wasm/index.ts';
import { linear } from '../src/backends/wasm/kernels/linear.ts';
import { pack } from '../src/backends/wasm/kernels/pack.ts';
import { packBlocks } from '../src/backends/wasm/kernels/quantized-pack.ts';
import { encodeBlocks } from '../src/formats/index.ts';
import { encodeBf16, encodeF16 } from '../src/util/half.ts';
import { PEAK_KERNELS } from './peak.ts';
import { filled, type Operand, repeatStep } from './steps.ts';
import type { Row } from './table.ts';
import { interleave } from './timing.ts';

const DTYPES = ['Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q4_K', 'Q5_K', 'Q6_K', 'F16', 'BF16'] as const;
const K = 2048;
const ROWS_AT_ONCE = 64;
/** [rows, columns]: a token, a few, a prompt. */
const SHAPES = [
  [1, 98304],
  [4, 98304],
  [128, 2048],
] as const;

export async function quantized(): Promise<Row[]> {
  const kernels = [...PEAK_KERNELS, linear, pack, packBlocks];
  const rows: Row[] = [];
  for (const dtype of DTYPES)
    for (const [m, n] of SHAPES) {
      const functions: Record<string, () => Promise<void>> = {};
      const close: (() => void)[] = [];
      let bytes = 0;
      for (const threads of [1, 2]) {
        const backend = await createWasmBackend({ threads, kernels });
        close.push(() => backend.close());
        const [x, y] = [await filled(backend, [m, K]), await filled(backend, [m, n])];
        const weight = await kept(backend, [n, K], dtype);
        bytes = weight.buffer.byteLength;
        functions[`product ${threads}`] = repeatStep(backend, 'linear', [x, weight], y, m > 8 ? 4 : 1);
        if (m <= 8) functions[`read ${threads}`] = repeatStep(backend, 'read', [plain(weight)], y, 1);
      }
      const times = await interleave(functions, { seconds: 0.8 });
      for (const end of close) end();
      for (const threads of [1, 2]) {
        const { min, median } = times[`product ${threads}`]!;
        const read = times[`read ${threads}`];
        const amount = read ? bytes : 4 * 2 * m * K * n;
        rows.push({
          weight: dtype,
          product: `${m} x ${K} x ${n}`,
          threads,
          unit: read ? 'GB/s' : 'GOPS',
          best: amount / min / 1e6,
          median: amount / median / 1e6,
          ...(read && { read: bytes / read.min / 1e6, share: read.min / min, '(median)': read.median / median }),
        });
      }
    }
  return rows;
}

/** The bytes of a weight as an operand of plain floats. */
const plain = ({ buffer }: Operand): Operand => ({ buffer, shape: [buffer.byteLength / 4], asFloats: true });

/** A weight that keeps the numbers of its file: the same few rows again and again. */
async function kept(
  backend: WasmBackend,
  [n, k]: readonly [number, number],
  dtype: (typeof DTYPES)[number],
): Promise<Operand> {
  const writer = backend.weight([n, k], { matrix: true, keep: true });
  const values = Float32Array.from({ length: ROWS_AT_ONCE * k }, (_, i) => ((i * 7919) % 997) / 9970 - 0.05);
  const halves = { F16: encodeF16, BF16: encodeBf16 };
  const rows =
    dtype === 'F16' || dtype === 'BF16' ? new Uint8Array(halves[dtype](values).buffer) : encodeBlocks(values, dtype);
  for (let row = 0; row < n; row += ROWS_AT_ONCE) await writer.write(rows, dtype);
  return { buffer: await writer.finish(), shape: [n, k] };
}
