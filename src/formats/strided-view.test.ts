import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { isContiguous, readStrided, type StridedView } from './strided-view.ts';

/** Bytes that differ from their neighbours, and a count of what is read of them. */
function storage(length: number) {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
  const seen = { bytes: 0, reads: 0, largest: 0 };
  const read = async (offset: number, wanted: number) => {
    if (offset < 0 || offset + wanted > length) throw new Error(`read of ${wanted} at ${offset}, of ${length}`);
    seen.bytes += wanted;
    seen.reads++;
    seen.largest = Math.max(seen.largest, wanted);
    return bytes.slice(offset, offset + wanted);
  };
  return { bytes, read, seen };
}

/** The row-major bytes of a view, element by element. */
function rowMajorBytes({ shape, strides, offset, elementBytes }: StridedView, bytes: Uint8Array): Uint8Array {
  const places = shape.reduce<number[]>(
    (starts, n, d) => starts.flatMap(start => Array.from({ length: n }, (_, i) => start + i * strides[d]!)),
    [offset],
  );
  return Uint8Array.from(places.flatMap(at => [...bytes.subarray(at * elementBytes, (at + 1) * elementBytes)]));
}

describe('isContiguous', () => {
  it.each<[number[], number[], boolean]>([
    [[], [], true],
    [[3, 4], [4, 1], true],
    [[3, 4], [1, 3], false],
    [[3, 1, 4], [4, 99, 1], true],
    [[1, 4], [0, 1], true],
    [[3, 4], [5, 1], false],
    [[3, 4], [0, 1], false],
    [[4], [2], false],
    [[3, 0], [7, 7], true],
  ])('of shape %j with strides %j is %s', (shape, strides, expected) => {
    expect(isContiguous({ shape, strides, offset: 0, elementBytes: 4 })).toBe(expected);
  });
});

describe('readStrided', () => {
  it('gives any part of any view', async () => {
    const rng = createRng(11);
    const upTo = (n: number) => rng.below(n + 1);
    for (let round = 0; round < 400; round++) {
      const shape = Array.from({ length: upTo(4) }, () => 1 + upTo(6));
      const view: StridedView = {
        shape,
        strides: shape.map(() => [0, 1, upTo(9), upTo(2000)][upTo(3)]!),
        offset: upTo(20),
        elementBytes: [1, 2, 4, 8][upTo(3)]!,
      };
      const last = shape.reduce((sum, n, d) => sum + (n - 1) * view.strides[d]!, view.offset);
      const { bytes, read } = storage((last + 1) * view.elementBytes);
      const expected = rowMajorBytes(view, bytes);
      const offset = upTo(expected.length);
      const out = new Uint8Array(upTo(expected.length - offset));
      await readStrided(view, offset, out, read);
      expect(out).toEqual(expected.subarray(offset, offset + out.length));
    }
  });

  it('reads a transposed matrix in rows, each byte about once', async () => {
    const [rows, columns] = [3000, 700];
    const view = { shape: [rows, columns], strides: [1, rows], offset: 0, elementBytes: 4 };
    const { bytes, read, seen } = storage(4 * rows * columns);
    const wholeBytes = new Uint8Array(4 * rows * columns);
    for (let row = 0; row < rows; row += 750) {
      const begin = 4 * row * columns;
      await readStrided(view, begin, wholeBytes.subarray(begin, begin + 4 * 750 * columns), read);
    }
    expect(seen.bytes).toBeLessThanOrEqual(4 * wholeBytes.length);
    expect(seen.largest).toBeLessThanOrEqual(1 << 22);
    for (const [r, c] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [2999, 699],
      [1234, 567],
    ] as const) {
      const [at, to] = [4 * (r + c * rows), 4 * (r * columns + c)];
      expect(wholeBytes.subarray(to, to + 4)).toEqual(bytes.subarray(at, at + 4));
    }
  });

  it('reads no more than a page for an element far from all others', async () => {
    const view = { shape: [50], strides: [100_000], offset: 7, elementBytes: 4 };
    const { bytes, read, seen } = storage(4 * (7 + 49 * 100_000 + 1));
    const out = new Uint8Array(200);
    await readStrided(view, 0, out, read);
    expect(out).toEqual(rowMajorBytes(view, bytes));
    expect(seen).toEqual({ bytes: 200, reads: 50, largest: 4 });
  });

  it('reads a repeated row once', async () => {
    const view = { shape: [1000, 64], strides: [0, 1], offset: 3, elementBytes: 2 };
    const { bytes, read, seen } = storage(2 * 67);
    const out = new Uint8Array(2 * 64_000);
    await readStrided(view, 0, out, read);
    expect(seen.bytes).toBe(128);
    expect(out.subarray(2 * 64 * 999)).toEqual(bytes.subarray(6, 6 + 128));
  });
});
