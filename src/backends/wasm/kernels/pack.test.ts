/** pack, toRows, gather and scatterAdd: exact, for every file dtype, layout, way of cutting the rows, and thread count. */
import { describe, expect, it } from 'vitest';
import { type Shape, sizeOf } from '../../../tensor/shape.ts';
import { KernelHarness, PLAIN } from '../kernel-harness.ts';
import { gather, scatterAdd } from './gather.ts';
import { pack, toRows } from './pack.ts';
import type { SourceType } from './pack-lanes.ts';

const TILES = [
  { mr: 2, nr: 16 },
  { mr: 6, nr: 8 },
];
const HARNESSES = TILES.map(tile => new KernelHarness([pack, toRows, gather, scatterAdd], { ...PLAIN, tile }));
const harnessOf = (tile: { mr: number; nr: number }) => HARNESSES[TILES.indexOf(tile)]!;

/** Bytes of a file of `n` elements, and what they are as f32. */
const FILES: Record<SourceType, (n: number) => { bytes: Uint8Array; wanted: Float32Array }> = {
  F32(n) {
    const wanted = Float32Array.from({ length: n }, (_, i) => Math.sin(i) * 10 ** ((i % 70) - 35));
    return { bytes: new Uint8Array(wanted.slice().buffer), wanted };
  },
  F64(n) {
    const data = Float64Array.from({ length: n }, (_, i) => Math.cos(i) * 10 ** ((i % 70) - 35));
    return { bytes: new Uint8Array(data.buffer), wanted: Float32Array.from(data) };
  },
  BF16(n) {
    const bits = Uint16Array.from({ length: n }, (_, i) => (i * 40503) & 0xffff);
    return {
      bytes: new Uint8Array(bits.buffer),
      wanted: new Float32Array(Uint32Array.from(bits, b => b << 16).buffer),
    };
  },
  F16(n) {
    const bits = Uint16Array.from({ length: n }, (_, i) => (i * 40503) & 0xffff);
    return { bytes: new Uint8Array(bits.buffer), wanted: Float32Array.from(bits, halfToFloat) };
  },
};
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}
/** Equality of bits, but any NaN equals any NaN. */
function expectSame(seen: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(seen.length).toBe(wanted.length);
  let different = 0;
  for (let i = 0; i < wanted.length; i++) if (!Object.is(seen[i], wanted[i])) different++;
  expect(different).toBe(0);
}

/** Writes a whole source through `pack`, `rowsAtOnce` rows at a time, into memory full of NaN. */
function packAll(
  harness: KernelHarness,
  shape: Shape,
  source: { bytes: Uint8Array; dtype: SourceType },
  {
    transposed,
    panels,
    rowsAtOnce,
    threads,
  }: { transposed: boolean; panels: number; rowsAtOnce: number; threads: number },
) {
  const elements = panels ? Math.ceil(shape[0]! / panels) * panels * shape[1]! : sizeOf(shape);
  const layout = { elements, ...(panels ? { format: 'panels' } : {}) };
  const weight = harness.array(shape, 'f32', new Float32Array(elements).fill(Number.NaN), layout);
  const rows = (transposed ? shape[1] : shape[0]) ?? 1;
  const rowBytes = source.bytes.length / rows;
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const n = Math.min(rowsAtOnce, rows - row);
    const piece = source.bytes.subarray(row * rowBytes, (row + n) * rowBytes);
    // At an odd address, as a file may have it.
    const staging = harness.array([piece.length], 'u8', [0, ...piece], { offset: 1 });
    harness.run('pack', { dtype: source.dtype, row, rows: n, transposed }, [staging], weight, threads);
  }
  return weight;
}

describe.each(TILES)('pack into panels of $nr', tile => {
  const { nr } = tile;
  it.each(Object.keys(FILES) as SourceType[])('%s', dtype => {
    for (const [n, k] of [
      [1, 1],
      [3, 5],
      [16, 8],
      [37, 21],
      [50, 4],
    ] as const)
      for (const transposed of [false, true])
        for (const [rowsAtOnce, threads] of [
          [1000, 1],
          [1, 2],
          [5, 3],
          [20, 5],
        ] as const) {
          const harness = harnessOf(tile);
          const { bytes, wanted } = FILES[dtype](n * k);
          const options = { transposed, panels: nr, rowsAtOnce, threads };
          const weight = packAll(harness, [n, k], { bytes, dtype }, options);
          const expected = Float32Array.from(weight.data, (_, i) => {
            const row = Math.floor(i / (nr * k)) * nr + (i % nr);
            const column = Math.floor(i / nr) % k;
            return row < n ? wanted[transposed ? column * n + row : row * k + column]! : 0;
          });
          expectSame(weight.data, expected);
        }
  });

  it('toRows undoes it', () => {
    for (const [n, k] of [
      [1, 1],
      [3, 5],
      [16, 8],
      [37, 21],
      [70, 6],
    ] as const)
      for (const threads of [1, 2, 3, 5]) {
        const harness = harnessOf(tile);
        const { bytes, wanted } = FILES.F32(n * k);
        const options = { transposed: false, panels: nr, rowsAtOnce: n, threads: 1 };
        const weight = packAll(harness, [n, k], { bytes, dtype: 'F32' }, options);
        expectSame(harness.run('toRows', undefined, [weight], harness.array([n, k]), threads), wanted);
      }
  });
});

describe('pack into plain rows', () => {
  it.each(Object.keys(FILES) as SourceType[])('%s', dtype => {
    for (const shape of [[1], [7], [9000], [5, 3, 4], [37, 21], [2, 5001]])
      for (const transposed of shape.length === 2 ? [false, true] : [false])
        for (const [rowsAtOnce, threads] of [
          [10000, 1],
          [3, 2],
          [2000, 5],
        ] as const) {
          if (shape[0]! / rowsAtOnce > 100) continue;
          const harness = HARNESSES[0]!;
          const { bytes, wanted } = FILES[dtype](sizeOf(shape));
          const [n, k] = shape as [number, number];
          const weight = packAll(harness, shape, { bytes, dtype }, { transposed, panels: 0, rowsAtOnce, threads });
          const expected = transposed
            ? Float32Array.from(wanted, (_, i) => wanted[(i % k) * n + Math.floor(i / k)]!)
            : wanted;
          expectSame(weight.data, expected);
        }
  });

  it('converts every f16 there is', () => {
    const harness = HARNESSES[0]!;
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const source = { bytes: new Uint8Array(bits.buffer), dtype: 'F16' as const };
    const options = { transposed: false, panels: 0, rowsAtOnce: 65536, threads: 1 };
    expectSame(packAll(harness, [65536], source, options).data, Float32Array.from(bits, halfToFloat));
  });
});

describe.each(TILES)('gather and scatterAdd, panels of $nr', tile => {
  const ids = [3, 0, 36, 3, -1, 37, 12, 2 ** 31 - 1, -(2 ** 31), 15, 16, 3];
  it.each([1, 3, 4, 21, 64])('rows of %i', c => {
    for (const threads of [1, 2, 3, 5, 50]) {
      const n = 37;
      const harness = harnessOf(tile);
      const { bytes, wanted } = FILES.F32(n * c);
      const plain = harness.array([n, c], 'f32', wanted);
      const options = { transposed: false, panels: tile.nr, rowsAtOnce: n, threads: 1 };
      const panels = packAll(harness, [n, c], { bytes, dtype: 'F32' }, options);
      const index = harness.array([3, 4], 'i32', ids);
      const expected = Float32Array.from(
        { length: ids.length * c },
        (_, i) => wanted[ids[Math.floor(i / c)]! * c + (i % c)] ?? 0,
      );
      for (let i = 0; i < ids.length; i++) if (ids[i]! < 0 || ids[i]! >= n) expected.fill(0, i * c, (i + 1) * c);
      for (const table of [plain, panels]) {
        const out = harness.array([3, 4, c], 'f32', new Float32Array(ids.length * c).fill(Number.NaN));
        expectSame(harness.run('gather', undefined, [table, index], out, threads), expected);
      }

      const gradient = harness.array(
        [3, 4, c],
        'f32',
        Float32Array.from(expected, (_, i) => i % 9),
      );
      const sums = new Float32Array(n * c);
      ids.forEach((id, i) => {
        if (id >= 0 && id < n) for (let j = 0; j < c; j++) sums[id * c + j]! += gradient.data[i * c + j]!;
      });
      const out = harness.array([n, c], 'f32', new Float32Array(n * c).fill(Number.NaN));
      expectSame(harness.run('scatterAdd', { rows: n }, [gradient, index], out, threads), sums);
    }
  });
  it('takes no ids, and rows of nothing', () => {
    const harness = harnessOf(tile);
    const none = harness.array([0], 'i32');
    const out = harness.array([4, 2], 'f32', new Float32Array(8).fill(Number.NaN));
    expectSame(harness.run('scatterAdd', { rows: 4 }, [harness.array([0, 2]), none], out), new Float32Array(8));
    expect(() => harness.run('gather', undefined, [harness.array([4, 2]), none], harness.array([0, 2]))).not.toThrow();
    const empty = harness.array([4, 0], 'f32', []);
    const some = harness.array([2], 'i32', [1, 2]);
    expect(() => harness.run('scatterAdd', { rows: 4 }, [harness.array([2, 0]), some], empty)).not.toThrow();
  });
});
