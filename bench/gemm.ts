/** Products by weights: share of the register-only peak, and for one row share of the raw read bandwidth. */

import { type ArgWriter, SCRATCH_BYTES } from '../src/backends/wasm/kernel.ts';
import { linear } from '../src/backends/wasm/kernels/linear.ts';
import { buildModule, HEADER } from '../src/backends/wasm/module.ts';
import { chooseTile } from '../src/backends/wasm/tile.ts';
import type { View } from '../src/tensor/plan.ts';
import { rowMajor } from '../src/tensor/shape.ts';
import { relaxedSimd, revec } from './engine.ts';
import { FLOPS_PER_ROUND, peakKernels } from './peak.ts';
import type { Row } from './table.ts';
import { startTeam } from './team.ts';
import { interleave } from './timing.ts';

/** [rows, inner, columns]; those with one row read more than any cache holds. */
const SHAPES = [
  [512, 512, 512],
  [128, 768, 3072],
  [8, 768, 3072],
  [1, 4096, 25600],
] as const;
const PAGE = 65536;
const THREADS = 2;

export async function gemm(): Promise<Row[]> {
  const tile = chooseTile({ relaxed: relaxedSimd, revec });
  const features = { relaxed: relaxedSimd, revec, threads: THREADS, tile };
  const pages = 16 + (THREADS * SCRATCH_BYTES) / PAGE + Math.ceil((4 * 4096 * 25600) / PAGE) + 512;
  const limits = { shared: true, initial: pages, maximum: pages };
  const memory = new WebAssembly.Memory(limits);
  const module = buildModule([linear], features, limits, { functions: peakKernels });
  const team = await startTeam(module.bytes, memory, THREADS);
  const scratch = 16 * PAGE;
  const words = new Int32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  words[HEADER.scratch / 4] = scratch;
  const data = scratch + THREADS * SCRATCH_BYTES;
  for (let i = data / 4; i < floats.length; i++) floats[i] = ((i * 7919) % 1000) / 1000 - 0.5;

  const rows: Row[] = [];
  for (const [m, k, n] of SHAPES) {
    const at = (offset: number, shape: readonly number[], format?: string): View => ({
      slot: { kind: 'arena', offset, bytes: 0 },
      offset: 0,
      shape,
      strides: rowMajor(shape),
      dtype: 'f32',
      format,
    });
    const x = at(data, [m, k]);
    const y = at(data + 4 * m * k, [m, n]);
    const weight = at(data + 4 * (m * k + m * n), [n, k], 'panels');
    const args = 8 * PAGE;
    writeArgs(words, args, out =>
      linear.args({ op: 'linear', attrs: undefined, inputs: [x, weight], output: y, path: '' }, out, features),
    );
    const rounds = 1e5;
    const bytes = 4 * k * n;
    const weightAt = (weight.slot as { offset: number }).offset;
    const product = (threads: number) => () => team.run('linear', threads, t => [args, t, threads]);
    const limit = (threads: number) => () =>
      m > 1
        ? team.run('multiplyAdds', threads, () => [rounds])
        : team.run('read', threads, t => [weightAt + (t * bytes) / threads, bytes / threads]);
    const times = await interleave({
      'limit 1': limit(1),
      'product 1': product(1),
      'limit 2': limit(2),
      'product 2': product(2),
    });
    for (const threads of [1, 2] as const) {
      const ours = times[`product ${threads}`];
      const theirs = times[`limit ${threads}`];
      const amount = m > 1 ? 2 * m * k * n : bytes;
      const most = m > 1 ? threads * rounds * FLOPS_PER_ROUND.multiplyAdds : bytes;
      rows.push({
        product: `${m} x ${k} x ${n}`,
        threads,
        unit: m > 1 ? 'GFLOP/s' : 'GB/s',
        best: amount / ours.min / 1e6,
        median: amount / ours.median / 1e6,
        limit: most / theirs.min / 1e6,
        'share of limit, best': amount / ours.min / (most / theirs.min),
        median_: amount / ours.median / (most / theirs.median),
      });
    }
  }
  await team.close();
  return rows;
}

function writeArgs(words: Int32Array, address: number, write: (out: ArgWriter) => void): void {
  const bits = new Float32Array(1);
  let at = address / 4;
  const out: ArgWriter = {
    i32(value) {
      words[at++] = value;
      return out;
    },
    f32(value) {
      bits[0] = value;
      words[at++] = new Int32Array(bits.buffer)[0]!;
      return out;
    },
    address: ({ slot, offset }) => out.i32((slot as { offset: number }).offset + 4 * offset),
  };
  write(out);
}
