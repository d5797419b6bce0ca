import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackendError } from '../../errors.ts';
import { decodeBlocks, encodeBlocks } from '../../formats/index.ts';
import { CannotKeepError } from '../../tensor/backend.ts';
import { linear as linearOp, setDefaultBackend, Tensor } from '../../tensor/index.ts';
import { encodeBf16, encodeF16 } from '../../util/half.ts';
import { createRng } from '../../util/rng.ts';
import { createReferenceBackend } from '../reference/index.ts';
import { createWasmBackend, type WasmBackend, type WasmOptions } from './index.ts';
import { linear } from './kernels/linear.ts';
import { MOVEMENT_KERNELS } from './kernels/movement.ts';
import { pack, toRows } from './kernels/pack.ts';
import { blockOf, QUANTIZED_FORMATS } from './kernels/quantized-layout.ts';
import { packBlocks } from './kernels/quantized-pack.ts';

type FileDType = 'F32' | 'F16' | 'BF16' | 'F64';
const rng = createRng(11);

/** Rows of a file: its bytes, and the numbers they stand for. Sixteenths are exact in every dtype. */
function source(rows: number, columns: number, dtype: FileDType): { bytes: Uint8Array; values: number[] } {
  const values = Array.from({ length: rows * columns }, () => (rng.below(255) - 127) / 16);
  const f32 = new Float32Array(values);
  const bytes = {
    F32: () => f32,
    F64: () => new Float64Array(values),
    F16: () => encodeF16(f32),
    BF16: () => encodeBf16(f32),
  }[dtype]();
  // Files give no alignment.
  const unaligned = new Uint8Array(bytes.byteLength + 1);
  unaligned.set(new Uint8Array(bytes.buffer), 1);
  return { bytes: unaligned.subarray(1), values };
}
const transpose = (values: readonly number[], rows: number, columns: number) =>
  Array.from({ length: rows * columns }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);

const BACKENDS: readonly (WasmOptions & { name: string })[] = [
  { name: 'inline', threads: 0, relaxed: false },
  { name: 'shared', threads: 3 },
  { name: 'remote', threads: 1, link: 'remote' },
];

describe.each(BACKENDS)('weights, $name', options => {
  let backend: WasmBackend;
  beforeAll(async () => {
    backend = await createWasmBackend({ ...options, kernels: [pack, toRows] });
  });
  afterAll(() => backend.close());

  it.each(
    (['F32', 'F16', 'BF16', 'F64'] as const).flatMap(dtype =>
      [false, true].flatMap(transposed => [false, true].map(matrix => ({ dtype, transposed, matrix }))),
    ),
  )('$dtype, transposed $transposed, matrix $matrix', async ({ dtype, transposed, matrix }) => {
    for (const [n, k] of [
      [1, 1],
      [16, 8],
      [37, 19],
      [5, 130],
      [200, 3],
    ] as const) {
      const [rows, columns] = transposed ? [k, n] : [n, k];
      const { bytes, values } = source(rows, columns, dtype);
      const writer = backend.weight([n, k], { transposed, matrix });
      const rowBytes = bytes.byteLength / rows;
      for (let row = 0; row < rows; ) {
        const count = Math.min(rows - row, 1 + rng.below(20));
        await writer.write(bytes.subarray(row * rowBytes, (row + count) * rowBytes), dtype);
        row += count;
      }
      const buffer = await writer.finish();
      expect(buffer.format).toBe(matrix ? 'panels' : undefined);
      const seen = await backend.read(buffer, 'f32', [n, k]);
      expect([...seen]).toEqual(transposed ? transpose(values, k, n) : values);
      buffer.free();
    }
  });

  it('takes any rank, scalars and empty shapes', async () => {
    for (const shape of [[], [7], [2, 3, 5], [0], [0, 4], [4, 0]]) {
      const size = shape.reduce((a, b) => a * b, 1);
      const { bytes, values } = source(size, 1, 'F16');
      const writer = backend.weight(shape, { matrix: shape.length === 2 });
      await writer.write(bytes, 'F16');
      const buffer = await writer.finish();
      expect([...(await backend.read(buffer, 'f32', shape))]).toEqual(values);
      buffer.free();
    }
  });

  it('needs no more memory than the weight and a staging block, and two writers do not disturb each other', async () => {
    const [n, k] = [1500, 1024];
    const zeros = backend.weight([n, k], { matrix: true });
    await zeros.write(new Uint8Array(4 * n * k), 'F32');
    const first = await zeros.finish();
    expect((await backend.read(first, 'f32', [n, k])).every(x => x === 0)).toBe(true);
    first.free();
    // The backend's own blocks, for programs and for reading panels, have their size now.
    const { used } = backend.memory();
    const writers = [0, 1].map(() => ({ writer: backend.weight([n, k], { matrix: true }), ...source(n, k, 'F32') }));
    let most = 0;
    for (let row = 0; row < n; row += 500)
      for (const { writer, bytes } of writers) {
        await writer.write(bytes.subarray(row * k * 4, (row + 500) * k * 4), 'F32');
        most = Math.max(most, backend.memory().used);
      }
    const buffers = await Promise.all(writers.map(w => w.writer.finish()));
    const weights = buffers.reduce((sum, b) => sum + Math.ceil(b.byteLength / 64) * 64, 0);
    expect(most - used - weights).toBeLessThanOrEqual(2 * (4 << 20));
    for (const [i, buffer] of buffers.entries()) {
      const seen = await backend.read(buffer, 'f32', [n, k]);
      expect(seen.every((x, j) => x === writers[i]!.values[j])).toBe(true);
      buffer.free();
    }
    expect(backend.memory().used).toBe(used);
  });

  it('refuses rows that do not fit', async () => {
    const { used } = backend.memory();
    const writer = backend.weight([4, 8], { matrix: true });
    await expect(writer.write(new Uint8Array(33), 'F32')).rejects.toThrow(/whole rows of 32 bytes, 4 in all/);
    await writer.write(new Uint8Array(3 * 32), 'F32');
    await expect(writer.write(new Uint8Array(2 * 32), 'F32')).rejects.toThrow(/rows of a weight do not fit/);
    await expect(writer.finish()).rejects.toThrow(/rows of a weight are missing; seen: 3; expected: 4/);
    await expect(writer.write(new Uint8Array(32), 'F32')).rejects.toThrow(BackendError);
    const given = backend.weight([4, 8], {});
    await given.write(new Uint8Array(64), 'BF16');
    given.abort();
    given.abort();
    await expect(given.finish()).rejects.toThrow(BackendError);
    expect(backend.memory().used).toBe(used);
    expect(() => backend.weight([2, 3, 4], { transposed: true })).toThrow(/only a matrix/);
  });
});

describe.each(BACKENDS)('weights that keep their blocks, $name', options => {
  let backend: WasmBackend;
  beforeAll(async () => {
    const kernels = [pack, packBlocks, toRows, linear, ...MOVEMENT_KERNELS];
    backend = await createWasmBackend({ ...options, kernels });
  });
  afterAll(() => backend.close());
  const values = (size: number) => Float32Array.from({ length: size }, () => rng.normal());

  it.each(QUANTIZED_FORMATS)('%s', async format => {
    const { dtype, elements, fileBytes, scalesAt } = blockOf(format);
    for (const [n, k] of [
      [1, 256],
      [37, 512],
      [700, 1024],
    ] as const) {
      const bytes = Uint8Array.from({ length: (n * k * fileBytes) / elements }, () => rng.below(256));
      for (let at = 0; at < bytes.length; at += fileBytes) for (const offset of scalesAt) bytes[at + offset + 1] = 0x2c;
      const { used } = backend.memory();
      const writer = backend.weight([n, k], { matrix: true, keep: true });
      const rowBytes = bytes.length / n;
      for (let row = 0; row < n; ) {
        const count = Math.min(n - row, 1 + rng.below(500));
        await writer.write(bytes.subarray(row * rowBytes, (row + count) * rowBytes), dtype);
        row += count;
      }
      const buffer = await writer.finish();
      expect(buffer.format).toBe(format);
      if (n > 500) expect(buffer.byteLength / bytes.length).toBeLessThan(1.04);
      const seen = await backend.read(buffer, 'f32', [n, k]);
      expect(decodeBlocks(bytes, dtype).every((value, i) => value === seen[i])).toBe(true);
      buffer.free();
      expect(backend.memory().used - used).toBeLessThan(5 << 20);
    }
  });

  it.each(['F16', 'BF16'] as const)('%s', async dtype => {
    for (const [n, k] of [
      [1, 1],
      [37, 19],
      [200, 130],
    ] as const) {
      const { bytes, values } = source(n, k, dtype);
      const writer = backend.weight([n, k], { matrix: true, keep: true });
      await writer.write(bytes.subarray(0, 2 * k), dtype);
      await writer.write(bytes.subarray(2 * k), dtype);
      const buffer = await writer.finish();
      expect(buffer.format).toBe(dtype.toLowerCase());
      expect([...(await backend.read(buffer, 'f32', [n, k]))]).toEqual(values);
      buffer.free();
    }
  });

  it('computes with them, and hands plain rows to kernels that know no blocks', async () => {
    const [n, k] = [19, 256];
    const bytes = encodeBlocks(values(n * k), 'Q4_K');
    const writer = backend.weight([n, k], { matrix: true, keep: true });
    await writer.write(bytes, 'Q4_K');
    const weight = Tensor.fromDevice(await writer.finish(), [n, k]);
    setDefaultBackend(backend);
    const w = decodeBlocks(bytes, 'Q4_K');
    // A chunk of whole numbers up to 127 is its own quantised form.
    const x = Float32Array.from({ length: 2 * k }, (_, i) => (i % 32 === 0 ? 127 : rng.below(200) - 100));
    const y = await linearOp(Tensor.from(x, [2, k]), weight).data();
    const largest = Math.max(...y.map(Math.abs));
    y.forEach((seen, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let s = 0; s < k; s++) sum += x[i * k + s]! * w[j * k + s]!;
      expect(Math.abs(seen - sum) / largest).toBeLessThan(1e-5);
    });
    expect(await weight.transpose().data()).toEqual(Float32Array.from(transpose([...w], n, k)));
    weight.dispose();
  });

  it('takes floats as ever, and blocks only where it can keep them', async () => {
    const { used } = backend.memory();
    const floats = backend.weight([5, 64], { matrix: true, keep: true });
    const data = values(5 * 64);
    await floats.write(new Uint8Array(data.buffer), 'F32');
    const buffer = await floats.finish();
    expect(buffer.format).toBe('panels');
    expect(await backend.read(buffer, 'f32', [5, 64])).toEqual(data);
    buffer.free();
    const blocks = encodeBlocks(values(2 * 64), 'Q8_0');
    for (const [shape, options] of [
      [[2, 64], { matrix: true }],
      [[2, 64], { keep: true }],
      [[64, 2], { matrix: true, keep: true, transposed: true }],
      [[4, 32], { matrix: true, keep: false }],
    ] as const) {
      const writer = backend.weight(shape, options);
      await expect(writer.write(blocks, 'Q8_0')).rejects.toThrow(/cannot keep its blocks: blocks are kept in a matrix/);
      writer.abort();
    }
    const narrow = backend.weight([2, 48], { matrix: true, keep: true });
    await expect(narrow.write(blocks, 'Q8_0')).rejects.toThrow(/rows of 48 are not whole blocks of 32/);
    const long = backend.weight([1, 2 ** 20], { matrix: true, keep: true });
    await expect(long.write(blocks, 'Q8_0')).rejects.toThrow(/rows of 1048576 are too long/);
    const mixed = backend.weight([4, 64], { matrix: true, keep: true });
    await mixed.write(blocks, 'Q8_0');
    await expect(mixed.write(encodeBlocks(values(64), 'Q4_0'), 'Q4_0')).rejects.toThrow(/change their dtype/);
    await expect(mixed.finish()).rejects.toThrow(/rows of a weight are missing; seen: 2; expected: 4/);
    const large = blocks.slice();
    large.set([0, 0x58], 34);
    const writer = backend.weight([2, 64], { matrix: true, keep: true });
    await writer.write(large, 'Q8_0');
    await expect(writer.finish()).rejects.toThrow(CannotKeepError);
    for (const value of [128, -1000, Number.POSITIVE_INFINITY, Number.NaN]) {
      const halves = backend.weight([1, 9], { matrix: true, keep: true });
      await halves.write(new Uint8Array(encodeF16(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, value)).buffer), 'F16');
      await expect(halves.finish()).rejects.toThrow(/cannot keep its F16; seen: a number or scale of 128 or more/);
    }
    const empty = await backend.weight([0, 64], { matrix: true, keep: true }).finish();
    expect(await backend.read(empty, 'f32', [0, 64])).toEqual(new Float32Array(0));
    const narrowest = Tensor.fromDevice(await backend.weight([3, 0], { matrix: true, keep: true }).finish(), [3, 0]);
    expect(await linearOp(Tensor.from([], [2, 0]), narrowest).data()).toEqual(new Float32Array(6));
    narrowest.dispose();
    empty.free();
    expect(backend.memory().used).toBe(used);
  });
});

it('has a reference that takes no blocks', async () => {
  const reference = createReferenceBackend();
  expect(reference.keeps.size).toBe(0);
  const writer = reference.weight([1, 32], { matrix: true, keep: true });
  await expect(writer.write(encodeBlocks(new Float32Array(32), 'Q8_0'), 'Q8_0')).rejects.toThrow(/takes no blocks/);
});
