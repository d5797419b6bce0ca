/** Looking up rows of a table by id, and its transpose. */
import { ShapeError } from '../../errors.ts';
import { expectDType } from '../check.ts';
import type { Op } from '../op.ts';
import { where } from '../scope.ts';
import { Tensor } from '../tensor.ts';

const GATHER: Op<undefined> = {
  name: 'gather',
  infer([table, ids]) {
    expectDType('gather (table)', [table!], 'f32');
    expectDType('gather (ids)', [ids!], 'i32');
    if (table!.rank !== 2)
      throw new ShapeError('gather: a table has two axes', { seen: `[${table!.shape}]`, where: where() });
    return { shape: [...ids!.shape, table!.dim(1)], dtype: table!.dtype };
  },
  gradient: (g, [table, ids]) => [Tensor.make(SCATTER_ADD, [g, ids!], { rows: table!.dim(0) }), null],
  flops: () => 0,
};
/** Rows of a table: `[N, C], ids [...] -> [..., C]`. Ids outside 0..N-1 give zeros; check them on the host. */
export const gather = (table: Tensor, ids: Tensor): Tensor => Tensor.make(GATHER, [table, ids], undefined);

const SCATTER_ADD: Op<{ rows: number }> = {
  name: 'scatterAdd',
  infer: ([g], { rows }) => ({ shape: [rows, g!.dim(-1)], dtype: 'f32' }),
  gradient: (g, [, ids]) => [gather(g, ids!), null],
};
