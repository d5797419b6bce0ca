/** The limits: register-only multiply-adds, and reads of more memory than any cache holds. */
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { FLOPS, PEAK_KERNELS } from './peak.ts';
import { filled, repeatStep } from './steps.ts';
import type { Row } from './table.ts';
import { interleave } from './timing.ts';

const READ_MIB = 512;
const CALLS = 50;

export async function bandwidth(): Promise<Row[]> {
  const functions: Record<string, () => Promise<void>> = {};
  const amounts: Record<string, Row & { amount: number }> = {};
  const close: (() => void)[] = [];
  for (const threads of [1, 2]) {
    const backend = await createWasmBackend({ threads, kernels: PEAK_KERNELS });
    close.push(() => backend.close());
    const memory = await filled(backend, [READ_MIB, 1 << 18]);
    const nothing = await filled(backend, [1]);
    const add = (what: string, unit: string, amount: number, run: () => Promise<void>) => {
      functions[`${what} ${threads}`] = run;
      amounts[`${what} ${threads}`] = { what, threads, unit, amount };
    };
    const compute = (name: keyof typeof FLOPS) =>
      [CALLS * threads * FLOPS[name], repeatStep(backend, name, [], nothing, CALLS)] as const;
    add('128-bit multiply-add', 'GFLOP/s', ...compute('multiplyAdds'));
    if (backend.module.features.revec) add('256-bit multiply-add', 'GFLOP/s', ...compute('multiplyAddPairs'));
    add(`read ${READ_MIB} MiB`, 'GB/s', READ_MIB << 20, repeatStep(backend, 'read', [memory], nothing, 1));
  }
  const times = await interleave(functions);
  for (const end of close) end();
  return Object.entries(times).map(([name, { min, median }]) => {
    const { amount, ...row } = amounts[name]!;
    return { ...row, best: amount / min / 1e6, median: amount / median / 1e6 };
  });
}
