/**
 * Weights in banks: small ones here, so that a few kilobytes fill them. Everything must come out as it does from the first memory,
 * to the bit. Engines without functions of several memories have no banks; for them only what that means is tested.
 */
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BackendError } from '../../errors.ts';
import { decodeBlocks } from '../../formats/index.ts';
import type { WeightDType } from '../../tensor/backend.ts';
import { expertLinear, gather, linear, setDefaultBackend, Tensor } from '../../tensor/index.ts';
import { encodeBf16, encodeF16 } from '../../util/half.ts';
import { createRng } from '../../util/rng.ts';
import { bankOf, bankPlan, formatOf, inBank } from './banks.ts';
import type { WasmBuffer } from './buffer.ts';
import { createWasmBackend, type WasmBackend, type WasmOptions } from './index.ts';
import { blockOf, QUANTIZED_FORMATS } from './kernels/quantized-layout.ts';
import { severalMemoriesWork } from './probe.ts';

const MIB = 1 << 20;
const here = severalMemoriesWork(true);
const why = here ? '' : ' (skipped: this engine has no functions of several memories)';
const BANKS = { bytes: MIB, most: 3, from: 0 };
const LINKS: readonly (WasmOptions & { name: string })[] = [
  { name: 'inline', threads: 0 },
  { name: 'inline without relaxed SIMD', threads: 0, relaxed: false },
  { name: 'shared', threads: 3 },
  { name: 'shared, no vectoriser', threads: 2, revectorize: false },
  { name: 'remote', threads: 1, link: 'remote' },
];
const rng = createRng(23);
const [N, K] = [77, 512];

/** Rows of a file in a dtype. */
function rowsOf(dtype: WeightDType): Uint8Array {
  const floats = Float32Array.from({ length: N * K }, () => rng.normal());
  if (dtype === 'F32') return new Uint8Array(floats.buffer);
  if (dtype === 'F64') return new Uint8Array(new Float64Array(floats).buffer);
  if (dtype === 'F16') return new Uint8Array(encodeF16(floats).buffer);
  if (dtype === 'BF16') return new Uint8Array(encodeBf16(floats).buffer);
  const { elements, fileBytes, scalesAt } = blockOf(QUANTIZED_FORMATS.find(f => blockOf(f).dtype === dtype)!);
  const bytes = Uint8Array.from({ length: (N * K * fileBytes) / elements }, () => rng.below(256));
  for (let at = 0; at < bytes.length; at += fileBytes) for (const offset of scalesAt) bytes[at + offset + 1] = 0x2c;
  return bytes;
}

async function weight(backend: WasmBackend, bytes: Uint8Array, dtype: WeightDType, options = {}): Promise<Tensor> {
  const writer = backend.weight([N, K], { matrix: true, ...options });
  const { transposed = false } = options as { transposed?: boolean };
  const rowBytes = bytes.length / (transposed ? K : N);
  for (let at = 0; at < bytes.length; at += 13 * rowBytes)
    await writer.write(bytes.subarray(at, at + 13 * rowBytes), dtype);
  return Tensor.fromDevice(await writer.finish(), [N, K]);
}
const bufferOf = ({ storage }: Tensor): WasmBuffer =>
  (storage?.kind === 'device' ? (storage.buffer as WasmBuffer) : undefined)!;

const DTYPES = [
  ...(['F32', 'F16', 'BF16', 'F64'] as const).flatMap(dtype => [
    { dtype, options: { transposed: false } },
    { dtype, options: { transposed: true } },
  ]),
  ...(['F16', 'BF16', ...QUANTIZED_FORMATS.map(format => blockOf(format).dtype)] as const).map(dtype => ({
    dtype,
    options: { keep: true },
  })),
];

describe.skipIf(!here).each(LINKS)(`weights in banks, $name${why}`, ({ name: _, ...options }) => {
  let first: WasmBackend;
  let banked: WasmBackend;
  beforeAll(async () => {
    first = await createWasmBackend({ ...options, memory: { banks: { most: 0 } } });
    banked = await createWasmBackend({ ...options, memory: { banks: BANKS } });
  });
  afterAll(() => {
    first.close();
    banked.close();
  });

  it.each(DTYPES)('$dtype, $options', async ({ dtype, options }) => {
    const bytes = rowsOf(dtype);
    const x = Float32Array.from({ length: 50 * K }, () => rng.normal());
    const ids = Int32Array.of(3, -1, N - 1, 0, N, 40);
    const results: Float32Array[][] = [];
    for (const backend of [first, banked]) {
      setDefaultBackend(backend);
      const { used } = backend.memory();
      const w = await weight(backend, bytes, dtype, options);
      expect(bufferOf(w).bank).toBe(backend === banked ? 1 : 0);
      const bias = Tensor.from(x.subarray(0, N), [N]);
      const rows = (m: number) => Tensor.from(x.subarray(0, m * K), [m, K]);
      const seen = [
        // One row, a few, and so many that panels are copied.
        ...[1, 3, 50].map(m => linear(rows(m), w, bias)),
        gather(w, Tensor.from(ids, [2, 3])),
        w.transpose().add(1),
      ];
      results.push(
        await Promise.all([...seen.map(t => t.data() as Promise<Float32Array>), w.data() as Promise<Float32Array>]),
      );
      w.dispose();
      if (backend === banked) expect(backend.memory().used - used).toBeLessThan(3 * MIB);
    }
    expect(results[1]).toEqual(results[0]);
    if ('keep' in options && dtype !== 'F16' && dtype !== 'BF16')
      expect(results[1]![5]).toEqual(decodeBlocks(bytes, dtype as Parameters<typeof decodeBlocks>[1]));
  });

  it.each(['F32', 'Q8_0', 'Q4_K'] as const)('experts of %s, in several memories at once', async dtype => {
    const files = Array.from({ length: 6 }, () => rowsOf(dtype));
    const groups = Int32Array.of(0, 0, 1, 2, 2, 2, 3, 4, 5, 5, 6, -1);
    const x = Float32Array.from({ length: groups.length * K }, () => rng.normal());
    const results: unknown[] = [];
    for (const backend of [first, banked]) {
      setDefaultBackend(backend);
      const weights: Tensor[] = [];
      let filler: WasmBuffer | undefined;
      for (const bytes of files) {
        weights.push(await weight(backend, bytes, dtype, { keep: dtype !== 'F32' }));
        // The first bank has room for two more.
        const taken = 3 * 64 * Math.ceil(bufferOf(weights[0]!).byteLength / 64);
        filler ??= await backend.allocateWeight(MIB - 64 - taken, 'panels');
      }
      const places = weights.map(w => bufferOf(w).bank);
      expect(places).toEqual(backend === banked ? [1, 1, 1, 2, 2, 2] : [0, 0, 0, 0, 0, 0]);
      filler?.free();
      // One more lies in the first memory as plain elements.
      if (dtype === 'F32') weights.push(await weight(backend, files[0]!, dtype, { matrix: false }));
      const rows = Tensor.from(x, [groups.length, K]);
      results.push(await expertLinear(rows, Tensor.from(groups, [groups.length]), weights).data());
      for (const w of weights) w.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  });

  it('fills bank after bank, says when all are full, and takes them again', async () => {
    const backend = await createWasmBackend({ ...options, memory: { maximumBytes: 12 * MIB, banks: BANKS } });
    const { used, limit } = backend.memory();
    expect(limit).toBe(15 * MIB);
    const half = 400 * 1024;
    for (let round = 0; round < 2; round++) {
      const buffers: WasmBuffer[] = [];
      for (let i = 0; i < 6; i++) buffers.push(await backend.allocateWeight(half, 'panels'));
      expect(buffers.map(b => b.format)).toEqual([1, 1, 2, 2, 3, 3].map(bank => `panels@${bank}`));
      expect(new Set(buffers.map(b => `${b.bank} ${b.address}`)).size).toBe(6);
      expect(backend.memory().used - used).toBe(6 * half);
      // The first memory is what is left.
      const rest = await backend.allocateWeight(half, 'panels');
      expect(rest.bank).toBe(0);
      const large = backend.alloc(10 * MIB - backend.allocator.used);
      await expect(backend.allocateWeight(3 * MIB, 'panels')).rejects.toThrow(
        /out of memory: a weight fits no memory; seen: 3\.0 MiB wanted.*4 memories.*; expected: at most 15\.0 MiB in all/,
      );
      for (const buffer of [...buffers, rest, large]) buffer.free();
      expect(backend.memory()).toMatchObject({ used, limit });
    }
    backend.close();
    await expect(backend.allocateWeight(half, 'panels')).rejects.toThrow(BackendError);
  });

  it('adds a bank while runs are asked for, and once for two who need it', async () => {
    const backend = await createWasmBackend({ ...options, memory: { banks: { ...BANKS, most: 1 } } });
    setDefaultBackend(backend);
    const x = Tensor.from(
      Float32Array.from({ length: 4096 }, (_, i) => i),
      [4096],
    );
    const before = x.add(1).data();
    const weights = Promise.all([1, 2].map(() => backend.allocateWeight(1000, 'panels')));
    const after = x.add(2).data();
    expect((await before)[7]).toBe(8);
    expect((await after)[7]).toBe(9);
    expect((await weights).map(w => w.bank)).toEqual([1, 1]);
    backend.close();
  });
});

it.skipIf(!here)(`a new pool of workers has the banks of the one that ended${why}`, async () => {
  const workers = new Set<Worker>();
  const post = Worker.prototype.postMessage;
  const seen = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
    workers.add(this);
    return post.apply(this, args);
  });
  const backend = await createWasmBackend({ threads: 2, memory: { banks: BANKS } });
  try {
    setDefaultBackend(backend);
    const w = await weight(backend, rowsOf('Q8_0'), 'Q8_0', { keep: true });
    expect(bufferOf(w).bank).toBe(1);
    const x = Tensor.from(
      Float32Array.from({ length: K }, () => rng.normal()),
      [1, K],
    );
    const before = await linear(x, w).data();
    await [...workers].at(-1)!.terminate();
    expect(await linear(x, w).data()).toEqual(before);
    // Two at the start, two with the bank, two after the loss.
    expect(workers.size).toBe(6);
  } finally {
    seen.mockRestore();
    backend.close();
  }
});

describe('which memory', () => {
  it('is part of a format', () => {
    expect([inBank('q8_0', 0), inBank('q8_0', 12)]).toEqual(['q8_0', 'q8_0@12']);
    expect([undefined, 'q8_0', 'q8_0@12'].map(bankOf)).toEqual([0, 0, 12]);
    expect([undefined, 'q8_0', 'q8_0@12'].map(formatOf)).toEqual([undefined, 'q8_0', 'q8_0']);
  });

  it('there can be follows from the memory that is allowed', () => {
    const GIB = 2 ** 30;
    const first = 4 * GIB - 65536;
    expect(bankPlan(4 * GIB, first).sizes).toEqual([]);
    expect(bankPlan(9 * GIB, first)).toEqual({ sizes: [first, GIB + 2 * 65536], from: 0.75 * first });
    expect(bankPlan(64 * GIB, first).sizes.length).toBe(15);
    expect(bankPlan(0, first, { most: 2, bytes: MIB, from: 7 })).toEqual({ sizes: [MIB, MIB], from: 7 });
  });

  it('is the first as long as that has room', async () => {
    const backend = await createWasmBackend({ threads: 0, memory: { maximumBytes: 64 * MIB, banks: { most: 2 } } });
    const weights: WasmBuffer[] = [];
    for (let i = 0; i < 7; i++) weights.push(await backend.allocateWeight(8 * MIB, 'panels'));
    expect(weights.map(w => w.bank)).toEqual(here ? [0, 0, 0, 0, 0, 1, 1] : [0, 0, 0, 0, 0, 0, 0]);
    backend.close();
  });
});
