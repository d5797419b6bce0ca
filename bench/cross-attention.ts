/**
 * One new token that looks at a source, in all layers of a decoder of 12 layers with 12 heads of 64 features: keys and values
 * are there already, so that the step can be no faster than a plain read of them.
 */
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { KERNELS } from '../src/backends/wasm/kernels/index.ts';
import { attention, Tensor } from '../src/tensor/index.ts';
import { PEAK_KERNELS } from './peak.ts';
import { filled, repeatStep } from './steps.ts';
import type { Row } from './table.ts';
import { interleave } from './timing.ts';

const [LAYERS, HEADS, HEAD_DIM] = [12, 12, 64];
/** Tokens of the source. */
const LENGTHS = [128, 1024];

/** A row for each length and number of threads; `share` is that of the read. */
export async function crossAttention(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const length of LENGTHS) {
    const bytes = 4 * LAYERS * 2 * HEADS * length * HEAD_DIM;
    const functions: Record<string, () => Promise<void>> = {};
    const close: (() => void)[] = [];
    for (const threads of [1, 2]) {
      const backend = await createWasmBackend({ threads, kernels: [...KERNELS, ...PEAK_KERNELS] });
      close.push(() => backend.close());
      const cached = async () => {
        const { buffer } = await filled(backend, [HEADS * length, HEAD_DIM]);
        return Tensor.fromDevice(buffer, [1, HEADS, length, HEAD_DIM]);
      };
      const layers: { k: Tensor; v: Tensor }[] = [];
      for (let i = 0; i < LAYERS; i++) layers.push({ k: await cached(), v: await cached() });
      const token = new Float32Array(HEADS * HEAD_DIM).fill(0.1);
      // Each layer's query comes from the layer before, as in a model.
      functions[`step ${threads}`] = async () => {
        const query = Tensor.from(token, [1, HEADS, 1, HEAD_DIM]);
        await layers.reduce((q, { k, v }) => attention(q, k, v), query).data();
      };
      const memory = await filled(backend, [2 * LAYERS * HEADS * length, HEAD_DIM]);
      functions[`read ${threads}`] = repeatStep(backend, 'read', [memory], await filled(backend, [1]), 1);
    }
    const times = await interleave(functions);
    for (const end of close) end();
    for (const threads of [1, 2]) {
      const [step, read] = [times[`step ${threads}`]!, times[`read ${threads}`]!];
      rows.push({
        'cross-attention step': `${length} tokens`,
        threads,
        'best ms': step.min,
        'median ms': step.median,
        'GB/s': bytes / step.min / 1e6,
        limit: bytes / read.min / 1e6,
        share: read.min / step.min,
        '(median)': read.median / step.median,
      });
    }
  }
  return rows;
}
