/** Products in which every row has a weight of its own among several: the layers of a mixture of experts. */
import { ShapeError } from '../../errors.ts';
import { expectDType } from '../check.ts';
import type { Op } from '../op.ts';
import { where } from '../scope.ts';
import { Tensor } from '../tensor.ts';
import { gather } from './gather.ts';
import { linear } from './matmul.ts';

/** Exact for fewer than 2^24 rows: the definition counts in f32. */
const GROUP_ORDER: Op<{ groups: number }> = {
  name: 'groupOrder',
  infer([group]) {
    expectDType('groupOrder', [group!], 'i32');
    if (group!.rank !== 1)
      throw new ShapeError('groupOrder: one group per row', { seen: `[${group!.shape}]`, where: where() });
    return { shape: group!.shape, dtype: 'i32' };
  },
  define([group], { groups }) {
    const R = group!.dim(0);
    const known = group!.less(groups).and(group!.less(0).not());
    const key = known.where(group!, Tensor.constant(groups, 'i32'));
    const [own, other] = [key.reshape(R, 1), key.reshape(1, R)];
    const [row, column] = [Tensor.iota(R).reshape(R, 1), Tensor.iota(R).reshape(1, R)];
    const earlier = other.less(own).or(other.equal(own).and(column.less(row)));
    const place = earlier.cast('f32').sum(1).cast('i32'); // [R, 1]
    return place.equal(column).where(row.cast('f32'), 0).sum(0).cast('i32').reshape(R);
  },
  gradient: () => [null],
};
/**
 * Numbers of the rows in order of their group, i32 `[R] -> [R]`; rows of one group stay in their order. Groups are numbers
 * from 0 to `groups` - 1; rows of any other come last.
 */
export const groupOrder = (group: Tensor, groups: number): Tensor => Tensor.make(GROUP_ORDER, [group], { groups });

const EXPERT_LINEAR: Op<undefined> = {
  name: 'expertLinear',
  infer([x, expert, ...weights]) {
    expectDType('expertLinear', [x!, ...weights], 'f32');
    expectDType('expertLinear (expert)', [expert!], 'i32');
    const first = weights[0];
    const fits =
      first?.rank === 2 &&
      x!.rank === 2 &&
      `${expert!.shape}` === `${x!.dim(0)}` &&
      x!.dim(1) === first.dim(1) &&
      weights.every(w => `${w.shape}` === `${first.shape}`);
    if (!fits)
      throw new ShapeError('expertLinear: sizes differ', {
        seen: `x [${x!.shape}], expert [${expert!.shape}], weights ${weights.map(w => `[${w.shape}]`).join(', ')}`,
        expected: 'x [R, in], expert [R], weights [out, in]',
        where: where(),
      });
    return { shape: [x!.dim(0), first.dim(0)], dtype: 'f32' };
  },
  define([x, expert, ...weights]) {
    const own = expert!.reshape(-1, 1);
    return weights.map((w, e) => own.equal(e).where(linear(x!, w), 0)).reduce((sum, y) => sum.add(y));
  },
  gradient(g, [x, expert, ...weights]) {
    const dx = expertLinear(
      g,
      expert!,
      weights.map(w => w.transpose()),
    );
    const order = groupOrder(expert!, weights.length);
    const [own, gs, xs] = [gather(expert!.reshape(-1, 1), order).reshape(-1), gather(g, order), gather(x!, order)];
    return [dx, null, ...weights.map((_, e) => Tensor.make(EXPERT_OUTER, [gs, xs, own], { expert: e }))];
  },
  flops: ([x], _, out) => 2 * out.size * x!.dim(1),
};
/** Sum over the rows of one expert, which stand together, of g times x: g `[R, out]`, x `[R, in]`, i32 `[R]` -> `[out, in]`. */
const EXPERT_OUTER: Op<{ expert: number }> = {
  name: 'expertOuter',
  infer: ([g, x]) => ({ shape: [g!.dim(1), x!.dim(1)], dtype: 'f32' }),
  define: ([g, x, own], { expert }) => own!.reshape(-1, 1).equal(expert).where(g!, 0).transpose().matmul(x!),
  flops: ([g, x]) => 2 * g!.size * x!.dim(1),
};
/**
 * Row r of the result is row r of x times the weight that `expert` names: x `[R, in]`, expert i32 `[R]`, weights
 * `[out, in]` -> `[R, out]`; 0 where there is no such weight. Costs one product per row, whatever the number of weights,
 * and is fastest when the rows of an expert stand together; see `groupOrder`.
 */
export const expertLinear = (x: Tensor, expert: Tensor, weights: readonly Tensor[]): Tensor =>
  Tensor.make(EXPERT_LINEAR, [x, expert, ...weights], undefined);
