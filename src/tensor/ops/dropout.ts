/**
 * Dropout (Srivastava et al. 2014). Which elements fall out is a function of the seed and of their numbers, so that the
 * gradient drops the same ones and nothing is stored: pcg2d of Jarzynski & Olano 2020, "Hash functions for GPU rendering".
 */
import { ConfigError } from '../../errors.ts';
import { expectDType, expectShapes } from '../check.ts';
import type { Op } from '../op.ts';
import { where } from '../scope.ts';
import { Tensor } from '../tensor.ts';

const DROPOUT: Op<{ p: number }> = {
  name: 'dropout',
  infer([x, seed]) {
    expectDType('dropout', [x!], 'f32');
    expectDType('dropout (seed)', [seed!], 'i32');
    expectShapes('dropout', seed!.size === 1, { x, seed }, 'seed []');
    return { shape: x!.shape, dtype: 'f32' };
  },
  gradient: (g, [, seed], _, { p }) => [dropout(g, p, seed!), null],
  flops: ([x]) => 2 * x!.size,
};
/**
 * Each element is 0 with probability p, else divided by 1 - p: `[...] -> [...]`. `seed` i32 `[]` says which; equal seeds give
 * equal elements, so every place of a model and every step takes another one, such as `seed.add(place)`.
 * @throws ConfigError unless 0 <= p < 1
 */
export function dropout(x: Tensor, p: number, seed: Tensor): Tensor {
  if (!(p >= 0 && p < 1))
    throw new ConfigError('dropout: not a probability', { seen: `${p}`, expected: '0 <= p < 1', where: where() });
  return p === 0 ? x : Tensor.make(DROPOUT, [x, seed], { p });
}
