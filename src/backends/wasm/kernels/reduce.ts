/**
 * Sum and maximum over one axis of a dense array seen as [outer, n, inner].
 *
 * inner = 1: each row is reduced in 16 lanes. Otherwise whole inner vectors are combined, four rows at a time, so that
 * memory is read in order whatever the axis.
 */
import { sizeOf } from '../../../tensor/shape.ts';
import { brIf, type Code, call, type Func, f32x4, i32, type Local, loop, set, tee, v128, when } from '../assembler.ts';
import { KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { acrossLanes, eachRow, rowLoop, threadRange } from './rows.ts';

interface Reduction {
  readonly name: string;
  combine(x: Code, y: Code): Code;
  /** Result of an empty axis. */
  readonly empty: number;
}
const ACCUMULATORS = 4;
// Columns reduced together: the part of the output in work stays in the first-level cache.
const COLUMNS = 2048;

/** `(out, x, n)`: one contiguous row to one element. */
function reduceRow({ module }: ModuleContext, { name, combine, empty }: Reduction): Func {
  const f = module.func(`${name} row`, ['i32', 'i32', 'i32']);
  const [out, x, bytes] = f.params;
  const at = f.local('i32');
  const sums = f.v128s(ACCUMULATORS);
  const [first] = sums;
  return f.emit(
    set(bytes, i32.shl(bytes, i32.const(2))),
    sums.map(sum => set(sum, f32x4.const(empty))),
    rowLoop(at, bytes, ACCUMULATORS, (row, u) => {
      const value = empty === 0 ? row.load(x) : row.loadSpread(x);
      return set(sums[u]!, combine(sums[u]!, value));
    }),
    sums.slice(1).map(sum => set(first, combine(first, sum))),
    v128.store32lane(out, acrossLanes(combine, first), 0),
  );
}

/** `(out, x, n, width, stride)`: n rows of `width` elements, `stride` bytes apart, to one row. */
function reduceColumns({ module }: ModuleContext, { name, combine, empty }: Reduction): Func {
  const f = module.func(`${name} columns`, ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [out, x, n, bytes, stride] = f.params;
  const [at, x1, x2, x3] = f.i32s(4);
  /** While there are as many rows as `inputs`: combines them with the output. */
  const pass = (inputs: readonly Local[], value: (load: (base: Local) => Code) => Code): Code =>
    when(
      i32.ge(n, i32.const(inputs.length)),
      loop(
        inputs.slice(1).map((input, i) => set(input, i32.add(inputs[i]!, stride))),
        rowLoop(at, bytes, 1, row => row.store(out, combine(row.load(out), value(row.load)))),
        set(x, i32.add(inputs.at(-1)!, stride)),
        brIf(0, i32.ge(tee(n, i32.sub(n, i32.const(inputs.length))), i32.const(inputs.length))),
      ),
    );
  return f.emit(
    set(bytes, i32.shl(bytes, i32.const(2))),
    rowLoop(at, bytes, 1, row => row.store(out, f32x4.const(empty))),
    pass([x, x1, x2, x3], load => combine(combine(load(x), load(x1)), combine(load(x2), load(x3)))),
    pass([x], load => load(x)),
  );
}

function reduction(how: Reduction): WasmKernel {
  return {
    name: how.name,
    emit(context) {
      const row = reduceRow(context, how);
      const columns = reduceColumns(context, how);
      const f = context.module.func(how.name, KERNEL_PARAMS);
      const [args, thread, threads] = f.params;
      const [out, x, outer, n, inner, at, to, column, width] = f.i32s(9);
      const element = (base: Local, index: Code): Code => i32.add(base, i32.shl(index, i32.const(2)));
      return f.emit(
        [out, x, outer, n, inner].map((local, i) => set(local, i32.load(args, 4 * i))),
        set(outer, i32.mul(outer, inner)),
        threadRange(outer, thread, threads, 16, at, to),
        when(
          i32.eq(inner, i32.const(1)),
          eachRow(at, to, call(row, element(out, at), element(x, i32.mul(at, n)), n)),
          when(
            i32.lt(at, to),
            loop(
              set(column, i32.remu(at, inner)),
              set(width, i32.sub(inner, column)),
              when(i32.gt(width, i32.sub(to, at)), set(width, i32.sub(to, at))),
              when(i32.gt(width, i32.const(COLUMNS)), set(width, i32.const(COLUMNS))),
              call(
                columns,
                element(out, at),
                element(x, i32.add(i32.mul(i32.mul(i32.divu(at, inner), n), inner), column)),
                n,
                width,
                i32.shl(inner, i32.const(2)),
              ),
              brIf(0, i32.lt(tee(at, i32.add(at, width)), to)),
            ),
          ),
        ),
      );
    },
    args({ inputs: [x], output, attrs }, words) {
      const { axis } = attrs as { axis: number };
      const { shape } = x!;
      words
        .address(output)
        .address(x!)
        .i32(sizeOf(shape.slice(0, axis)))
        .i32(shape[axis]!)
        .i32(sizeOf(shape.slice(axis + 1)));
    },
    work: ({ inputs: [x] }) => sizeOf(x!.shape),
  };
}

export const REDUCE_KERNELS: readonly WasmKernel[] = [
  reduction({ name: 'sum', combine: f32x4.add, empty: 0 }),
  reduction({ name: 'max', combine: f32x4.max, empty: -Infinity }),
];
