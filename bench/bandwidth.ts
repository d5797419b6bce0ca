/** Register-only peak and raw read bandwidth: the limits. */

import { ModuleBuilder } from '../src/backends/wasm/assembler.ts';
import { revec } from './engine.ts';
import { FLOPS_PER_ROUND, peakKernels } from './peak.ts';
import type { Row } from './table.ts';
import { startTeam } from './team.ts';
import { interleave } from './timing.ts';

/** Larger than any cache, so that every read comes from memory. */
const READ_BYTES = 512 << 20;
const PAGE = 65536;

export async function bandwidth(): Promise<Row[]> {
  const pages = READ_BYTES / PAGE + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Float32Array(memory.buffer).fill(1e-3);
  const module = new ModuleBuilder();
  peakKernels(module);
  const team = await startTeam(module.bytes({ shared: true, initial: pages, maximum: pages }), memory, 2);
  const rounds = 1e6;
  const compute = (name: keyof typeof FLOPS_PER_ROUND, threads: number) => () =>
    team.run(name, threads, () => [rounds]);
  const read = (threads: number) => () =>
    team.run('read', threads, t => [PAGE + (t * READ_BYTES) / threads, READ_BYTES / threads]);
  const times = await interleave<string>({
    '128-bit multiply-add, 1 thread': compute('multiplyAdds', 1),
    '128-bit multiply-add, 2 threads': compute('multiplyAdds', 2),
    ...(revec ? { '256-bit multiply-add, 1 thread': compute('multiplyAddPairs', 1) } : {}),
    'read, 1 thread': read(1),
    'read, 2 threads': read(2),
  });
  await team.close();
  return Object.entries(times).map(([what, { min, median }]) => {
    const threads = what.includes('2 threads') ? 2 : 1;
    const flops = FLOPS_PER_ROUND[what.startsWith('256') ? 'multiplyAddPairs' : 'multiplyAdds'];
    const amount = what.startsWith('read') ? READ_BYTES : threads * rounds * flops;
    return {
      what,
      unit: what.startsWith('read') ? 'GB/s' : 'GFLOP/s',
      best: amount / min / 1e6,
      median: amount / median / 1e6,
    };
  });
}
