import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEXT_TOKENIZER } from '../../../test/train/objectives-tokenizers.ts';
import { bytesSource } from '../../formats/index.ts';
import { causalLM } from '../objectives/causal-lm.ts';
import { packed } from './packed.ts';
import { type Row, rowsOf } from './row.ts';
import { folderStore, memoryStore } from './token-store.ts';
import { contentHash, dataKey, tokenizeRows } from './tokenize-rows.ts';

const RAGGED = {
  name: 'ragged',
  columns: { ids: 'u16', labels: 'i32', score: 'f32' },
  encode: ({ fields }: Row) => [fields as Record<'ids' | 'labels' | 'score', number[]>],
} as const;
const EXAMPLES = Array.from({ length: 500 }, (_, i) => ({
  ids: Array.from({ length: i % 9 }, (_, j) => (i * 131 + j) % 65536),
  labels: i % 3 ? [-100, i] : [],
  score: [Math.fround(i / 7)],
}));
const plain = (example: Readonly<Record<string, ArrayLike<number>>>) =>
  Object.fromEntries(Object.entries(example).map(([name, values]) => [name, Array.from(values)]));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('tokenized data', () => {
  it.each(['memory', 'folder'])('is read by number, in any order, from %s', async where => {
    const store = where === 'memory' ? memoryStore() : folderStore(join(folder, 'random'));
    const data = await tokenizeRows(rowsOf(EXAMPLES), RAGGED, { store });
    expect([data.length, data.tokens]).toEqual([500, EXAMPLES.reduce((n, { ids }) => n + ids.length, 0)]);
    const order = Array.from({ length: 500 }, (_, i) => (i * 77) % 500);
    expect((await data.get(order)).map(plain)).toEqual(order.map(i => EXAMPLES[i]));
    expect(await data.lengths([0, 8, 9])).toEqual([0, 8, 0]);
    await expect(data.get([500])).rejects.toThrow(/no such example.*seen: 500.*0 to 499/);
    await expect(data.slice(0, 1)).rejects.toThrow(/equally long/);
    await data.close();
  });
  it('is made once for equal keys, and not at all when making it fails', async () => {
    const store = folderStore(join(folder, 'once'));
    let reads = 0;
    const rows = () => {
      reads++;
      return rowsOf(EXAMPLES);
    };
    const first = await tokenizeRows(rows, RAGGED, { store, key: 'k' });
    const second = await tokenizeRows(rows, RAGGED, { store, key: 'k' });
    expect(reads).toBe(1);
    expect((await second.get([7])).map(plain)).toEqual([EXAMPLES[7]]);
    const broken = { ...RAGGED, encode: () => [{ ids: [70000], labels: [], score: [] }] };
    await expect(tokenizeRows(rows, broken, { store, key: 'b' })).rejects.toThrow(/does not fit.*ids.*seen: 70000/);
    await expect(tokenizeRows([], RAGGED, { store, key: 'e' })).rejects.toThrow(/no examples/);
    await expect(tokenizeRows(rows, RAGGED, { store, key: '../x' })).rejects.toThrow(/plain name.*\.\.\/x/);
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(tokenizeRows(rows, RAGGED, { store, key: 's', signal: stopped })).rejects.toThrow('enough');
    expect(await readdir(join(folder, 'once'))).toEqual(['k']);
    await first.close();
    await second.close();
  });
  it('is that of whoever was faster when two write it at once', async () => {
    const store = folderStore(join(folder, 'both'));
    const write = (late: boolean) =>
      store.write('k', async create => {
        const take = await create('ids.values');
        // The one that began first is overtaken.
        if (late) await write(false);
        await take(Uint8Array.of(1, 2));
      });
    const source = await (await write(true))('ids.values');
    expect(source.size).toBe(2);
    await source.close();
    expect(await readdir(join(folder, 'both'))).toEqual(['k']);
  });
  it('without an example says how many rows were read', async () => {
    const long = { ...RAGGED, encode: () => [] };
    await expect(tokenizeRows([], RAGGED)).rejects.toThrow(/no examples.*no rows/);
    await expect(tokenizeRows(rowsOf(EXAMPLES), long)).rejects.toThrow(/no examples.*500 rows.*the lengths/);
  });
  it('that is damaged is refused', async () => {
    const path = join(folder, 'damaged');
    const store = folderStore(path);
    await (await tokenizeRows(rowsOf(EXAMPLES), RAGGED, { store, key: 'k' })).close();
    const open = () => tokenizeRows([], RAGGED, { store, key: 'k' });
    const ends = await readFile(`${path}/k/ids.ends`);
    const wrong = Buffer.from(ends);
    wrong.writeDoubleLE(1e9, 8 * 5);
    await writeFile(`${path}/k/ids.ends`, wrong);
    const data = await open();
    await expect(data.get([5])).rejects.toThrow(/damaged.*example 5.*1000000000/);
    await data.close();
    await truncate(`${path}/k/ids.ends`, 100);
    await expect(open()).rejects.toThrow(/damaged.*100 bytes.*delete it/);
    const other = { ...RAGGED, columns: { ...RAGGED.columns, ids: 'u32' } } as const;
    await expect(tokenizeRows([], other, { store, key: 'k' })).rejects.toThrow(/not the tokenized data/);
  });
  it('has a key that follows the bytes, the tokenizer, the settings and the rest', async () => {
    const source = bytesSource(new TextEncoder().encode('abc'));
    const base = causalLM({ tokenizer: TEXT_TOKENIZER, length: 8 });
    const keys = await Promise.all([
      dataKey([source], TEXT_TOKENIZER, base),
      dataKey([bytesSource(new TextEncoder().encode('abd'))], TEXT_TOKENIZER, base),
      dataKey([source], TEXT_TOKENIZER, causalLM({ tokenizer: TEXT_TOKENIZER, length: 8, endToken: null })),
      dataKey([source], TEXT_TOKENIZER, base, { part: 'train' }),
    ]);
    expect(new Set(keys).size).toBe(4);
    expect(await dataKey([source], TEXT_TOKENIZER, causalLM({ tokenizer: TEXT_TOKENIZER, length: 9 }))).toBe(keys[0]);
    // FIPS 180-4, the example of one block.
    expect(await contentHash(source)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('packed data', () => {
  const examples = [[1, 2, 3], [], [4, 5], [6, 7, 8, 9, 10]].map(ids => ({ ids }));
  const dataset = () =>
    tokenizeRows(rowsOf(examples), {
      name: 'ids',
      columns: { ids: 'u16' },
      encode: row => [row.fields as { ids: number[] }],
    });
  const blocks = async (...args: [number, Parameters<typeof packed>[2]?]) => {
    const data = packed(await dataset(), ...args);
    const got = await data.get(Array.from({ length: data.length }, (_, i) => i));
    return got.map(({ ids }) => Array.from(ids!));
  };
  it('is cut into blocks; the rest is dropped unless it is all', async () => {
    expect(await blocks(4)).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    expect(await blocks(5)).toEqual([
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
    ]);
    expect(await blocks(99)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]);
  });
  it('has blocks at any distance, of any part', async () => {
    expect(await blocks(8, { stride: 1 })).toEqual([0, 1, 2].map(i => [1, 2, 3, 4, 5, 6, 7, 8].map(id => id + i)));
    expect(await blocks(3, { from: 0.9 })).toEqual([[10]]);
    expect(await blocks(3, { to: 0.65, stride: 2 })).toEqual([
      [1, 2, 3],
      [3, 4, 5],
    ]);
    await expect(blocks(3, { from: 0.5, to: 0.5 })).rejects.toThrow(/no such part/);
    await expect(blocks(0)).rejects.toThrow(/whole number from 1/);
    const data = packed(await dataset(), 4);
    await expect(data.get([2])).rejects.toThrow(/no such block/);
    expect(await data.lengths([0, 1])).toEqual([4, 4]);
    await expect(data.lengths([2])).rejects.toThrow(/no such block/);
  });
});
