import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { setDefaultBackend, Tensor } from '../tensor/index.ts';
import { alibi, alibiSlopes } from './alibi.ts';
import { KVCache } from './cache.ts';

describe('slopes', () => {
  it('halve from head to head for 8 heads, as in the paper', () => {
    expect(alibiSlopes(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(n => 2 ** -n));
    expect(alibiSlopes(1)).toEqual([2 ** -8]);
  });
  it('takes every second of twice as many for the heads beyond a power of two', () => {
    expect(alibiSlopes(12).slice(0, 8)).toEqual(alibiSlopes(8));
    expect(alibiSlopes(12).slice(8)).toEqual([0, 2, 4, 6].map(i => alibiSlopes(16)[i]));
    expect(alibiSlopes(112)).toHaveLength(112);
  });
});

describe('biases', () => {
  const backend = createReferenceBackend();
  beforeAll(() => setDefaultBackend(backend));
  afterAll(() => backend.close());
  const slope = 2 ** -8; // of a single head
  const asDistances = async (bias: Tensor) => Array.from(await bias.data(), x => x / slope);

  it('fall with the distance from the last token, padding not counted', async () => {
    const positions = Tensor.from(Int32Array.from([0, 1, 2, 0, 0, 1]), [2, 3]);
    const bias = alibi(1, { positions });
    expect(bias.shape).toEqual([2, 1, 1, 3]);
    expect(await asDistances(bias)).toEqual([-2, -1, 0, -1, -1, 0]);
  });
  it('cover the slots of a cache', async () => {
    const cache = new KVCache(backend, { layers: 1, heads: 1, headDim: 2 }, { batch: 2, capacity: 6 });
    const mask = Tensor.from(Uint8Array.from([1, 1, 1, 0, 0, 1]), [2, 3], 'bool');
    await cache.extend(3, mask);
    await cache.extend(1, undefined);
    const bias = alibi(1, { positions: Tensor.from(Int32Array.from([3, 1]), [2, 1]), cache });
    expect(bias.shape).toEqual([2, 1, 1, 6]);
    const distances = await asDistances(bias);
    expect(distances.slice(0, 4)).toEqual([-3, -2, -1, 0]);
    expect(distances.slice(8, 10)).toEqual([-1, 0]);
    cache.dispose();
  });
});
