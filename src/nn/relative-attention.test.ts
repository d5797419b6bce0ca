import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { gradient, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { KVCache } from './cache.ts';
import { relativeBiases } from './relative-attention.ts';
import { relativeBucket } from './relative-buckets.ts';

const backend = createReferenceBackend();
setDefaultBackend(async () => backend);
const H = 3;
const OPTIONS = { bidirectional: false, buckets: 8, maxDistance: 12 };
/** Every entry is another number. */
const tableOf = (first: number) => ({
  weight: Tensor.from(
    Float32Array.from({ length: OPTIONS.buckets * H }, (_, i) => first + i),
    [OPTIONS.buckets, H],
  ),
});
const direct = (first: number, head: number, distance: number, options = OPTIONS) =>
  first + relativeBucket(distance, options) * H + head;
const dataOf = async (bias: Tensor) => Array.from(await bias.data());

describe('relative biases', () => {
  it.each([false, true])('are the table at the bucket of key minus query, bidirectional: %s', async bidirectional => {
    const T = 20;
    const options = { ...OPTIONS, bidirectional };
    const [bias] = relativeBiases([tableOf(1)], T, undefined, options);
    expect(bias!.shape).toEqual([H, T, T]);
    const expected: number[] = [];
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) for (let s = 0; s < T; s++) expected.push(direct(1, h, s - t, options));
    expect(await dataOf(bias!)).toEqual(expected);
  });
  it('with a cache are those of the last slots, and no more', async () => {
    const cache = new KVCache(backend, { layers: 1, heads: H, headDim: 2 }, { batch: 2, capacity: 15 });
    await cache.extend(9, undefined);
    await cache.extend(2, undefined);
    const [bias] = relativeBiases([tableOf(1)], 2, cache, OPTIONS);
    expect(bias!.shape).toEqual([H, 2, 15]);
    const expected: number[] = [];
    for (let h = 0; h < H; h++)
      for (const own of [9, 10]) for (let s = 0; s < 15; s++) expected.push(direct(1, h, s - own));
    expect(await dataOf(bias!)).toEqual(expected);
    cache.dispose();
  });
  it('are shared by layers without a table, and looked up once', () => {
    const biases = relativeBiases([tableOf(1), undefined, tableOf(50), undefined], 4, undefined, OPTIONS);
    expect(biases.map(bias => biases.indexOf(bias))).toEqual([0, 0, 2, 2]);
  });
  it('tell the table how often each of its rows was used', async () => {
    const T = 5;
    const table = tableOf(1);
    const [bias] = relativeBiases([table], T, undefined, OPTIONS);
    const [slope] = gradient(bias!.sumAll(), [table.weight]);
    const counts = new Array<number>(OPTIONS.buckets).fill(0);
    for (let t = 0; t < T; t++) for (let s = 0; s < T; s++) counts[relativeBucket(s - t, OPTIONS)]!++;
    expect(await dataOf(slope!)).toEqual(counts.flatMap(n => new Array<number>(H).fill(n)));
  });
});
