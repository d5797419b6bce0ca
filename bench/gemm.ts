/** Products by weights: their share of the register-only peak and, with one row, of the raw read bandwidth. */
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { linear } from '../src/backends/wasm/kernels/linear.ts';
import { pack } from '../src/backends/wasm/kernels/pack.ts';
import { FLOPS, PEAK_KERNELS } from './peak.ts';
import { filled, repeatStep } from './steps.ts';
import type { Row } from './table.ts';
import { interleave } from './timing.ts';

/** [rows, inner, columns]. The last weight is 400 MiB: every product reads it from memory. */
const SHAPES = [
  [512, 512, 512],
  [128, 768, 3072],
  [8, 768, 3072],
  [1, 4096, 25600],
] as const;
/** Work of one submission, so that waking the threads does not count. */
const FLOPS_AT_ONCE = 5e8;
const PEAK_CALLS = 50;

export async function gemm(): Promise<Row[]> {
  const kernels = [...PEAK_KERNELS, linear, pack];
  const rows: Row[] = [];
  for (const [m, k, n] of SHAPES) {
    const functions: Record<string, () => Promise<void>> = {};
    const close: (() => void)[] = [];
    const calls = m > 1 ? Math.ceil(FLOPS_AT_ONCE / (2 * m * k * n)) : 1;
    let tile = '';
    for (const threads of [1, 2]) {
      const backend = await createWasmBackend({ threads, kernels });
      close.push(() => backend.close());
      const { mr, nr } = backend.module.features.tile;
      tile = `${mr} x ${nr}${backend.module.features.revec ? ' revec' : ''}`;
      const [x, y] = [await filled(backend, [m, k]), await filled(backend, [m, n])];
      const weight = await filled(backend, [n, k], true);
      functions[`product ${threads}`] = repeatStep(backend, 'linear', [x, weight], y, calls);
      functions[`limit ${threads}`] =
        m > 1 ? repeatStep(backend, 'multiplyAdds', [], y, PEAK_CALLS) : repeatStep(backend, 'read', [weight], y, 1);
    }
    const times = await interleave(functions, { seconds: 1 });
    for (const end of close) end();
    for (const threads of [1, 2]) {
      const ours = times[`product ${threads}`]!;
      const limit = times[`limit ${threads}`]!;
      const amount = m > 1 ? 2 * m * k * n * calls : 4 * k * n;
      const most = m > 1 ? threads * FLOPS.multiplyAdds * PEAK_CALLS : 4 * k * n;
      rows.push({
        product: `${m} x ${k} x ${n}`,
        tile,
        threads,
        unit: m > 1 ? 'GFLOP/s' : 'GB/s',
        best: amount / ours.min / 1e6,
        median: amount / ours.median / 1e6,
        limit: most / limit.min / 1e6,
        share: amount / ours.min / (most / limit.min),
        '(median)': amount / ours.median / (most / limit.median),
      });
    }
  }
  return rows;
}
