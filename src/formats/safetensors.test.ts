import { describe, expect, it } from 'vitest';
import type { TensorEntry } from './checkpoint.ts';
import { openSafetensors } from './safetensors.ts';
import { parseSafetensorsHeader } from './safetensors-header.ts';
import { type ByteSource, bytesSource } from './source.ts';

/** A file with the given header text (or bytes) and data; `headerBytes` is what the first eight bytes say. */
function file(header: string, data: readonly number[] = [], headerBytes?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + json.length + data.length);
  new DataView(out.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  out.set(json, 8);
  out.set(data, 8 + json.length);
  return out;
}

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const open = (header: object | string, data: number[] = []) =>
  openSafetensors(
    bytesSource(file(typeof header === 'string' ? header : JSON.stringify(header), data), 'm.safetensors'),
  );

/** A source that notes its reads and whether it was closed. */
function watched(source: ByteSource) {
  const reads: [number, number][] = [];
  const state = { closed: false };
  const watching: ByteSource = {
    ...source,
    read(offset, length, into) {
      reads.push([offset, length]);
      return source.read(offset, length, into);
    },
    async close() {
      state.closed = true;
    },
  };
  return { source: watching, reads, state };
}

describe('openSafetensors', () => {
  it('reads any part of any tensor, at odd offsets too', async () => {
    const checkpoint = await open(
      {
        b: entry('U8', [3], 0, 3),
        a: entry('F32', [2, 1], 3, 11),
        e: entry('F16', [0, 4], 3, 3),
        s: entry('I8', [], 11, 12),
      },
      [7, 8, 9, 0, 0, 128, 63, 0, 0, 0, 192, 5],
    );
    expect(checkpoint.format).toBe('safetensors');
    expect([...checkpoint.tensors.keys()]).toEqual(['b', 'a', 'e', 's']);
    const expected: TensorEntry = { name: 'a', dtype: 'F32', shape: [2, 1], byteLength: 8 };
    expect(checkpoint.tensors.get('a')).toMatchObject(expected);
    expect([...(await checkpoint.read('b', 0, 3))]).toEqual([7, 8, 9]);
    expect([...(await checkpoint.read('a', 2, 6))]).toEqual([128, 63, 0, 0, 0, 192]);
    expect((await checkpoint.read('e', 0, 0)).length).toBe(0);
    const into = new Uint8Array(4);
    await checkpoint.read('s', 0, 1, into);
    expect([...into]).toEqual([5, 0, 0, 0]);
  });

  it('reads no more than the header and what is asked for, and owns the source', async () => {
    const header = JSON.stringify({ a: entry('U8', [100], 0, 100) });
    const { source, reads, state } = watched(bytesSource(file(header, Array(100).fill(1))));
    const checkpoint = await openSafetensors(source);
    await checkpoint.read('a', 10, 20);
    expect(reads).toEqual([
      [0, 8],
      [8, header.length],
      [8 + header.length + 10, 20],
    ]);
    expect(state.closed).toBe(false);
    await checkpoint.close();
    expect(state.closed).toBe(true);
  });

  it('closes the source of a corrupt file', async () => {
    const { source, state } = watched(bytesSource(file('{]')));
    await expect(openSafetensors(source)).rejects.toThrow(/not the expected JSON/);
    expect(state.closed).toBe(true);
  });

  it('refuses unknown tensors and ranges outside the tensor, though they lie in the file', async () => {
    const checkpoint = await open({ a: entry('U8', [2], 0, 2), b: entry('U8', [2], 2, 4) }, [1, 2, 3, 4]);
    await expect(checkpoint.read('c', 0, 1)).rejects.toThrow(/no such tensor; seen: "c" \(in m\.safetensors\)/);
    for (const [offset, length] of [
      [0, 3],
      [-1, 1],
      [2, 1],
      [Number.NaN, 1],
    ] as const) {
      await expect(checkpoint.read('a', offset, length)).rejects.toThrow(/outside the tensor.*tensor "a" of m\.safet/);
    }
  });

  it('believes no header length before it is checked', async () => {
    const of = (headerBytes: bigint, size: number) => {
      const { source, reads } = watched({ ...bytesSource(file('{}', [], headerBytes), 'm'), size });
      return { opened: openSafetensors(source), reads };
    };
    const tooLong = of(100_000_001n, 2 ** 40);
    await expect(tooLong.opened).rejects.toThrow(
      /longer than the format allows.*seen: 100000001 bytes; expected: at most 100000000/,
    );
    const outside = of(100_000_000n, 99_000_000);
    await expect(outside.opened).rejects.toThrow(
      /ends after the end of the file; seen: a header of 100000000 bytes in a file of 99000000/,
    );
    expect([...tooLong.reads, ...outside.reads]).toEqual([
      [0, 8],
      [0, 8],
    ]);
  });

  it('recognises a Git LFS pointer', async () => {
    const pointer = new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a');
    await expect(openSafetensors(bytesSource(pointer))).rejects.toThrow(/to do: fetch the file itself.*Git LFS/);
  });

  it('tells dtypes it knows of from others', async () => {
    await expect(open({ a: entry('F4', [2], 0, 1) }, [0])).rejects.toThrow(
      /dtype is not supported; seen: F4 \(in tensor "a" of m\.safetensors/,
    );
    await expect(open({ a: entry('toString', [1], 0, 1) }, [0])).rejects.toThrow(/unknown dtype; seen: "toString"/);
  });

  it('names the fault, the tensor and the file', async () => {
    await expect(open({ a: { dtype: 'U8', data_offsets: [0, 1] } }, [0])).rejects.toThrow(
      /tensor lacks shape \(in the header of m\.safetensors, character \d+, at "a"\)/,
    );
    await expect(open({ a: entry('F32', [2, 3], 0, 20) }, Array(20).fill(0))).rejects.toThrow(
      'data_offsets do not fit dtype and shape; seen: 20 bytes; expected: 24 bytes (F32 of shape [2, 3]) (in tensor "a" of m.safetensors)',
    );
    await expect(open({ a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }, [0, 0, 0])).rejects.toThrow(
      'hole in the data that no tensor covers; seen: tensor "b" begins at byte 2; expected: byte 1, where tensor "a" ends',
    );
  });

  it('keeps hostile names out of its messages', async () => {
    const name = 'x'.repeat(1_000_000);
    const error = await open({ [name]: entry('U8', [1], 0, 2) }, [0, 0]).catch((e: Error) => e);
    expect((error as Error).message.length).toBeLessThan(400);
  });

  it('takes an unknown field of any kind, but not twice', async () => {
    const tail = '"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const checkpoint = await open(`{"a":{"x":{"y":[1.5,null]},${tail}`, [1]);
    expect(checkpoint.tensors.size).toBe(1);
    await expect(open(`{"a":{"shape":[1],${tail}`, [1])).rejects.toThrow(/given twice.*seen: "shape"/);
  });
});

/** Counts the characters that a parser looks at. */
function countingText(text: string) {
  let steps = 0;
  return {
    text: {
      length: text.length,
      charCodeAt(index: number) {
        steps++;
        return text.charCodeAt(index);
      },
      slice(start: number, end: number) {
        steps += end - start;
        return text.slice(start, end);
      },
    },
    steps: () => steps,
  };
}

describe('parseSafetensorsHeader', () => {
  it('takes steps in proportion to the header', () => {
    const stepsPerCharacter = [1_000, 10_000, 100_000].map(count => {
      const entries = Array.from({ length: count }, (_, i) => {
        return `"model.layers.${i}.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[${12 * i},${12 * i + 12}]}`;
      });
      const json = `{${entries.join(',')}}`;
      const { text, steps } = countingText(json);
      expect(parseSafetensorsHeader(text, 12 * count, 'm').tensors.size).toBe(count);
      return steps() / json.length;
    });
    expect(Math.max(...stepsPerCharacter)).toBeLessThan(1.05 * Math.min(...stepsPerCharacter));
    expect(Math.max(...stepsPerCharacter)).toBeLessThan(5);
  });
});
