/** Appending to a key/value cache: the one op with an effect. Its home is `nn/cache.ts`. */
import { expectDType, expectShapes } from '../check.ts';
import type { Op } from '../op.ts';
import { Tensor } from '../tensor.ts';

const CACHE_APPEND: Op<undefined> = {
  name: 'cacheAppend',
  alias: 0,
  infer([cache, x, position]) {
    const fits =
      cache!.rank === 4 &&
      x!.rank === 4 &&
      position!.size === 1 &&
      cache!.dim(0) === x!.dim(0) &&
      cache!.dim(1) === x!.dim(1) &&
      cache!.dim(3) === x!.dim(3);
    expectShapes('cacheAppend', fits, { cache, x, position }, 'cache [B, G, capacity, D], x [B, G, T, D], position []');
    expectDType('cacheAppend', [cache!, x!], 'f32');
    expectDType('cacheAppend (position)', [position!], 'i32');
    return { shape: cache!.shape, dtype: cache!.dtype };
  },
  flops: () => 0,
};
/**
 * Writes x `[B, G, T, D]` to the slots `position ...` of a cache `[B, G, capacity, D]` and returns the cache. Computing
 * the node twice writes the same values twice. The cache must be a leaf on the device.
 */
export const cacheAppend = (cache: Tensor, x: Tensor, position: Tensor): Tensor =>
  Tensor.make(CACHE_APPEND, [cache, x, position], undefined);
