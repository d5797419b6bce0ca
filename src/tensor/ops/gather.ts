/** Looking up rows of a table by id, and its transpose. */
import { ShapeError } from '../../errors.ts';
import { expectDType } from '../check.ts';
import type { Op } from '../op.ts';
import { where } from '../scope.ts';
import { sizeOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';

const GATHER: Op<undefined> = {
  name: 'gather',
  infer([table, ids]) {
    expectDType('gather (table)', [table!], 'f32', 'i32');
    expectDType('gather (ids)', [ids!], 'i32');
    if (table!.rank !== 2)
      throw new ShapeError('gather: a table has two axes', { seen: `[${table!.shape}]`, where: where() });
    return { shape: [...ids!.shape, table!.dim(1)], dtype: table!.dtype };
  },
  gradient: (g, [table, ids]) => [table!.dtype === 'f32' ? scatterAdd(g, ids!, table!.dim(0)) : null, null],
  flops: () => 0,
};
/** Rows of a table: `[N, C], ids [...] -> [..., C]`. Ids outside 0..N-1 give zeros; check them on the host. */
export const gather = (table: Tensor, ids: Tensor): Tensor => Tensor.make(GATHER, [table, ids], undefined);

/**
 * The element of each row that an id names: x `[..., N]`, ids i32 `[..., K]` with the same leading axes -> `[..., K]`.
 * @throws ShapeError when the leading axes differ
 */
export function takeAlong(x: Tensor, ids: Tensor): Tensor {
  const lead = x.shape.slice(0, -1);
  if (`${lead}` !== `${ids.shape.slice(0, -1)}`)
    throw new ShapeError('takeAlong: leading axes differ', { seen: `[${x.shape}], [${ids.shape}]`, where: where() });
  const [N, rows] = [x.dim(-1), sizeOf(lead)];
  const places = ids.reshape(rows, ids.dim(-1)).add(Tensor.iota(rows).mul(N).reshape(rows, 1));
  return gather(x.reshape(rows * N, 1), places).reshape(...ids.shape);
}

const SCATTER_ADD: Op<{ rows: number }> = {
  name: 'scatterAdd',
  infer: ([g], { rows }) => ({ shape: [rows, g!.dim(-1)], dtype: 'f32' }),
  gradient: (g, [, ids]) => [gather(g, ids!), null],
};
/** Row r of the result is the sum of all rows of x whose id is r: `[..., C], ids [...] -> [rows, C]`. */
export const scatterAdd = (x: Tensor, ids: Tensor, rows: number): Tensor =>
  Tensor.make(SCATTER_ADD, [x, ids], { rows });
