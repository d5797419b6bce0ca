/** Ids of elements in order of their values. None has a gradient: an order does not change by a little. */
import { ShapeError } from '../../errors.ts';
import { expectDType } from '../check.ts';
import type { Op } from '../op.ts';
import { where } from '../scope.ts';
import { Tensor } from '../tensor.ts';
import { concat } from './movement.ts';

const TOP_K: Op<{ k: number }> = {
  name: 'topK',
  infer([x], { k }) {
    expectDType('topK', [x!], 'f32');
    if (!(Number.isInteger(k) && k >= 1 && k <= x!.dim(-1)))
      throw new ShapeError('topK: no such number of elements', {
        seen: `${k} of [${x!.shape}]`,
        expected: `1 to ${x!.dim(-1)}`,
        where: where(),
      });
    return { shape: [...x!.shape.slice(0, -1), k], dtype: 'i32' };
  },
  define([x], { k }) {
    const n = x!.dim(-1);
    const slot = Tensor.iota(n).cast('f32');
    let taken = Tensor.full(x!.shape, 0).less(0);
    const found: Tensor[] = [];
    for (let i = 0; i < k; i++) {
      const best = taken.where(Number.NEGATIVE_INFINITY, x!).max();
      // The first of equals: the lowest slot is the largest of the negated ones.
      const free = x!.equal(best).and(taken.not());
      const first = free.where(slot.neg(), -n).max().neg();
      taken = taken.or(slot.equal(first));
      found.push(first);
    }
    return concat(found, x!.rank - 1).cast('i32');
  },
  gradient: () => [null],
};
/** Ids of the k largest elements of each row, the largest first, the lower id first among equals: `[..., N] -> i32 [..., k]`. */
export const topK = (x: Tensor, k: number): Tensor => Tensor.make(TOP_K, [x], { k });
