import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elementBytes, FILE_DTYPES, type FileDType } from './checkpoint.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import { openSafetensors } from './safetensors.ts';
import { safetensorsBytes, writeSafetensors, writeShardedSafetensors } from './safetensors-write.ts';
import { bytesSource } from './source.ts';
import type { TensorToWrite } from './tensor-stream.ts';

/** A tensor of the given bytes, in chunks of 5, which fall between elements. */
function tensor(name: string, dtype: FileDType, shape: number[], bytes: Uint8Array): TensorToWrite {
  return {
    name,
    dtype,
    shape,
    *chunks() {
      for (let at = 0; at < bytes.length; at += 5) yield bytes.subarray(at, at + 5);
    },
  };
}

/** A tensor of counting bytes. */
function counting(name: string, dtype: FileDType, shape: number[], start = 0): TensorToWrite {
  const size = shape.reduce((a, b) => a * b, elementBytes(dtype));
  return tensor(
    name,
    dtype,
    shape,
    Uint8Array.from({ length: size }, (_, i) => start + i),
  );
}

const contents = ({ chunks }: TensorToWrite) => [...(chunks() as Iterable<Uint8Array>)].flatMap(chunk => [...chunk]);
const headerOf = (bytes: Uint8Array) => {
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return new TextDecoder().decode(bytes.subarray(8, 8 + size));
};

const everyDType = FILE_DTYPES.map((dtype, i) => counting(`t.${dtype}`, dtype, [3, i % 2, 2], i)).concat(
  FILE_DTYPES.map((dtype, i) => counting(`scalar.${dtype}`, dtype, [], 100 + i)),
);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-write-'));
});
afterAll(() => rm(folder, { recursive: true }));
const emptyFolder = () => mkdtemp(join(folder, 'case-'));

describe('safetensorsBytes', () => {
  it('is read back bit by bit, in every dtype', async () => {
    const metadata = { format: 'pt', 'Größe "✓"': '\n\\' };
    const checkpoint = await openSafetensors(bytesSource(safetensorsBytes(everyDType, metadata)));
    expect(checkpoint.metadata).toEqual(metadata);
    expect(checkpoint.tensors.size).toBe(everyDType.length);
    for (const written of everyDType) {
      const { dtype, shape, byteLength } = checkpoint.tensors.get(written.name)!;
      expect([dtype, shape]).toEqual([written.dtype, written.shape]);
      expect([...(await checkpoint.read(written.name, 0, byteLength))]).toEqual(contents(written));
    }
  });

  it('writes the layout of the format', () => {
    const bytes = safetensorsBytes([
      counting('b', 'U8', [3]),
      counting('z', 'F32', [1]),
      counting('a', 'F32', [2]),
      counting('h', 'F16', []),
      counting('\u{1f600}', 'U8', [1]),
      counting('\ue000', 'U8', [1]),
    ]);
    expect(headerOf(bytes).trimEnd()).toBe(
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"z":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},' +
        '"h":{"dtype":"F16","shape":[],"data_offsets":[12,14]},"b":{"dtype":"U8","shape":[3],"data_offsets":[14,17]},' +
        '"\ue000":{"dtype":"U8","shape":[1],"data_offsets":[17,18]},"\u{1f600}":{"dtype":"U8","shape":[1],"data_offsets":[18,19]}}',
    );
    expect(safetensorsBytes([])).toEqual(Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d, 32, 32, 32, 32, 32, 32));
    for (let length = 0; length < 9; length++) {
      const header = safetensorsBytes([counting('n'.repeat(length), 'U8', [0])]);
      expect(header.length % 8).toBe(0);
    }
  });

  it('writes names that objects treat in their own way', async () => {
    const names = ['__proto__', 'constructor', '10', '9', ''];
    const bytes = safetensorsBytes(names.map(name => counting(name, 'U8', [2])));
    expect([...(await openSafetensors(bytesSource(bytes))).tensors.keys()]).toEqual([
      '',
      '10',
      '9',
      '__proto__',
      'constructor',
    ]);
  });

  const later: TensorToWrite = { ...counting('a', 'U8', [1]), async *chunks() {} };
  it.each<[string, TensorToWrite[], RegExp]>([
    [
      'a name twice',
      [counting('a', 'U8', [1]), counting('a', 'U8', [1])],
      /two tensors have the same name.*tensor "a"/,
    ],
    ['the reserved name', [counting('__metadata__', 'U8', [1])], /reserved/],
    ['half a surrogate pair', [counting('\ud800', 'U8', [1])], /half a surrogate pair/],
    [
      'a negative size',
      [tensor('a', 'U8', [-1, -1], new Uint8Array(1))],
      /not a shape that a file can hold; seen: \[-1, -1\]/,
    ],
    ['a fraction', [tensor('a', 'F16', [0.5], new Uint8Array(1))], /not a shape/],
    ['too many bytes', [tensor('a', 'F64', [2 ** 30, 2 ** 30], new Uint8Array(0))], /not a shape/],
    ['an unknown dtype', [{ ...counting('a', 'U8', [1]), dtype: 'F4' as FileDType }], /unknown dtype; seen: F4/],
    [
      'too few bytes',
      [tensor('a', 'F32', [2], new Uint8Array(7))],
      /seen: 7 bytes; expected: 8 bytes \(F32 of shape \[2\]/,
    ],
    [
      'too many bytes',
      [tensor('a', 'F32', [1], new Uint8Array(7))],
      /not as long as the tensor; seen: 5 bytes or more/,
    ],
    ['bytes that come later', [later], /only later; to do: write it to a file/],
  ])('refuses %s', (_, tensors, message) => {
    expect(() => safetensorsBytes(tensors)).toThrow(message);
  });

  it('refuses metadata that is no text', () => {
    const metadata = { epoch: 3 } as unknown as Record<string, string>;
    expect(() => safetensorsBytes([], metadata)).toThrow(/metadata "epoch" is not a text; seen: number/);
  });
});

describe('writeSafetensors', () => {
  it('writes the same bytes, from shared memory and late chunks too, and replaces the old file', async () => {
    const path = join(await emptyFolder(), 'm.safetensors');
    await writeFile(path, 'old');
    const shared = new Uint8Array(new SharedArrayBuffer(8)).fill(3);
    const tensors: TensorToWrite[] = [
      ...everyDType,
      { name: 'shared', dtype: 'F64', shape: [1], chunks: () => [shared] },
      {
        name: 'late',
        dtype: 'U8',
        shape: [4],
        async *chunks() {
          const reused = new Uint8Array(2);
          for (const value of [1, 2]) yield reused.fill(await Promise.resolve(value));
        },
      },
    ];
    await writeSafetensors(path, tensors, { metadata: { a: 'b' } });
    const inMemory = tensors.map(t => (t.name === 'late' ? { ...t, chunks: () => [Uint8Array.of(1, 1, 2, 2)] } : t));
    expect(new Uint8Array(await readFile(path))).toEqual(safetensorsBytes(inMemory, { a: 'b' }));
    expect(await readdir(join(path, '..'))).toEqual(['m.safetensors']);
  });

  it('tells its progress', async () => {
    const seen: string[] = [];
    await writeSafetensors(join(await emptyFolder(), 'm'), [counting('b', 'U8', [6]), counting('a', 'F32', [1])], {
      onProgress: ({ writtenBytes, totalBytes, tensor }) => seen.push(`${tensor} ${writtenBytes}/${totalBytes}`),
    });
    expect(seen).toEqual(['a 4/10', 'b 9/10', 'b 10/10']);
  });

  it.each([
    ['cancelled between chunks', (stop: AbortController) => stop.abort(), /aborted/],
    ['interrupted by a tensor that fails', () => Promise.reject(new Error('disk on fire')), /disk on fire/],
  ])('leaves nothing behind and the old file as it was when %s', async (_, act, message) => {
    const inside = await emptyFolder();
    const path = join(inside, 'm.safetensors');
    await writeFile(path, 'old');
    const stop = new AbortController();
    const failing: TensorToWrite = {
      name: 'a',
      dtype: 'U8',
      shape: [100],
      async *chunks() {
        yield new Uint8Array(50);
        expect((await readdir(inside)).length).toBe(2);
        await act(stop);
        yield new Uint8Array(50);
      },
    };
    await expect(writeSafetensors(path, [failing], { signal: stop.signal })).rejects.toThrow(message);
    expect(await readdir(inside)).toEqual(['m.safetensors']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('does not start when it is cancelled before', async () => {
    const path = join(await emptyFolder(), 'm');
    await expect(writeSafetensors(path, [], { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
    expect(await readdir(join(path, '..'))).toEqual([]);
  });
});

describe('writeShardedSafetensors', () => {
  const tensors = ['d', 'c', 'b', 'a'].map((name, i) => counting(name, 'F32', [i + 1]));

  it('fills shards in the order given and reads them back', async () => {
    const target = join(await emptyFolder(), 'new', 'folder');
    await writeShardedSafetensors(target, [...tensors, counting('huge', 'U8', [100])], { maxShardBytes: 16 });
    const names = ['1', '2', '3', '4'].map(i => `model-0000${i}-of-00004.safetensors`);
    expect(await readdir(target)).toEqual([...names, 'model.safetensors.index.json']);
    expect(await readFile(join(target, 'model.safetensors.index.json'), 'utf8')).toBe(`{
  "metadata": {
    "total_size": 140
  },
  "weight_map": {
    "a": "${names[3]}",
    "b": "${names[1]}",
    "c": "${names[0]}",
    "d": "${names[0]}",
    "huge": "${names[2]}"
  }
}
`);
    const checkpoint = await openCheckpoint(target);
    for (const written of tensors) {
      const { byteLength } = checkpoint.tensors.get(written.name)!;
      expect([...(await checkpoint.read(written.name, 0, byteLength))]).toEqual(contents(written));
    }
    await checkpoint.close();
  });

  it('writes one file if all fits', async () => {
    const target = await emptyFolder();
    await writeShardedSafetensors(target, tensors, { maxShardBytes: 40, metadata: { format: 'pt' } });
    expect(await readdir(target)).toEqual(['model.safetensors']);
    const file = new Uint8Array(await readFile(join(target, 'model.safetensors')));
    expect(file).toEqual(safetensorsBytes(tensors, { format: 'pt' }));
  });

  it('writes over a checkpoint with the same files, and refuses to mix two', async () => {
    const target = await emptyFolder();
    await writeShardedSafetensors(target, tensors, { maxShardBytes: 24 });
    await writeShardedSafetensors(target, tensors, { maxShardBytes: 24 });
    const before = await readdir(target);
    await expect(writeShardedSafetensors(target, tensors, { maxShardBytes: 40 })).rejects.toThrow(
      /files of another checkpoint.*seen: model-00001-of-00002\.safetensors, .*to do: remove them/,
    );
    expect(await readdir(target)).toEqual(before);
  });

  it('leaves no file behind when it is cancelled in the second shard', async () => {
    const target = await emptyFolder();
    await mkdir(join(target, 'other'));
    const stop = new AbortController();
    await expect(
      writeShardedSafetensors(target, tensors, {
        maxShardBytes: 16,
        signal: stop.signal,
        onProgress: ({ tensor }) => tensor === 'b' && stop.abort(),
      }),
    ).rejects.toThrow(/aborted/);
    expect(await readdir(target)).toEqual(['other']);
  });

  it('refuses a limit of 0', async () => {
    await expect(writeShardedSafetensors(folder, tensors, { maxShardBytes: 0 })).rejects.toThrow(
      /must be above 0; seen: 0/,
    );
  });
});
