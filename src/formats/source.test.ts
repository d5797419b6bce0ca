import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ByteSource, blobSource, bytesSource, fileSource } from './source.ts';

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-source-'));
  path = join(folder, 'bytes.bin');
  await writeFile(path, bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const kinds: [string, () => Promise<ByteSource>][] = [
  ['bytesSource', async () => bytesSource(bytes, 'b')],
  ['blobSource', async () => blobSource(new Blob([bytes]), 'b')],
  ['fileSource', () => fileSource(path)],
];

describe.each(kinds)('%s', (_, open) => {
  it('reads any range, into new, given or shared memory', async () => {
    const source = await open();
    expect(source.size).toBe(1000);
    expect(await source.read(300, 7)).toEqual(bytes.slice(300, 307));
    expect(await source.read(1000, 0)).toEqual(new Uint8Array(0));
    for (const buffer of [new ArrayBuffer(20), new SharedArrayBuffer(20)]) {
      const into = new Uint8Array(buffer, 3, 12);
      const part = await source.read(990, 10, into);
      expect([...part]).toEqual([...bytes.slice(990)]);
      expect(part.buffer).toBe(buffer);
      expect([...new Uint8Array(buffer)]).toEqual([0, 0, 0, ...bytes.slice(990), 0, 0, 0, 0, 0, 0, 0]);
    }
    await source.close();
  });

  it('serves several reads at a time', async () => {
    const source = await open();
    const parts = await Promise.all(Array.from({ length: 100 }, (_, i) => source.read(i * 10, 10)));
    expect(parts.flatMap(part => [...part])).toEqual([...bytes]);
    await source.close();
  });

  it('refuses ranges outside and memory that is too small', async () => {
    const source = await open();
    for (const [offset, length] of [
      [999, 2],
      [-1, 1],
      [0, 2 ** 52],
      [0.5, 1],
      [0, Number.NaN],
      [2 ** 53, 1],
    ] as const) {
      await expect(source.read(offset, length)).rejects.toThrow(/read outside the file; .* within 1000 bytes/);
    }
    await expect(source.read(0, 4, new Uint8Array(3))).rejects.toThrow(/too small; seen: 3 bytes; expected: 4 bytes/);
    await source.close();
  });
});

describe('bytesSource', () => {
  it('gives copies', async () => {
    (await bytesSource(bytes).read(0, 4)).fill(77);
    expect(bytes[0]).toBe(0);
  });
});

describe('blobSource', () => {
  it('takes the name of a File', () => {
    expect(blobSource(new File([bytes], 'model.safetensors')).name).toBe('model.safetensors');
  });
});

describe('fileSource', () => {
  it('names what it cannot open', async () => {
    await expect(fileSource(join(folder, 'absent'))).rejects.toThrow(/cannot be opened; seen: .*ENOENT.*absent/);
    await expect(fileSource(folder)).rejects.toThrow(/not a file; seen: a folder/);
  });

  it('notices that a file became shorter, and that it is closed', async () => {
    const short = join(folder, 'short.bin');
    await writeFile(short, bytes);
    const source = await fileSource(short);
    await truncate(short, 100);
    await expect(source.read(0, 200)).rejects.toThrow(/became shorter .* seen: end after 100 bytes; expected: 1000/);
    await source.close();
    await source.close();
    await expect(source.read(0, 1)).rejects.toThrow(/file is closed/);
  });
});
