/**
 * layerNorm (Ba et al. 2016) and rmsNorm (Zhang and Sennrich 2019) over the last axis. The row stays in the first-level
 * cache, so layerNorm takes the variance in a second pass around the mean.
 */
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import { call, type Func, f32, f32x4, i32, set, v128, when } from '../assembler.ts';
import { KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { acrossLanes, eachRow, type RowAccess, rowArgs, rowLoop, rowOffset, rowsOf, threadRange } from './rows.ts';

const SUMS = 4;

/** `(out, x, weight, bias, bytes, 1 / n, eps)`: one row. A bias address of 0 = no bias. */
function normRow({ module }: ModuleContext, name: string, centred: boolean): Func {
  const f = module.func(`${name} row`, ['i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f32']);
  const [out, x, weight, bias, bytes, scale, eps] = f.params;
  const at = f.local('i32');
  const sums = f.v128s(SUMS);
  const [mean, d, factor] = f.v128s(3);
  const clear = sums.map(sum => set(sum, v128.zero));
  const total = [
    set(sums[0]!, f32x4.add(f32x4.add(sums[0]!, sums[1]!), f32x4.add(sums[2]!, sums[3]!))),
    f32x4.mul(acrossLanes(f32x4.add, sums[0]!), f32x4.splat(scale)),
  ];
  const scaled = (row: RowAccess) => {
    const centre = centred ? f32x4.sub(row.load(x), mean) : row.load(x);
    return f32x4.mul(f32x4.mul(centre, factor), row.load(weight));
  };
  return f.emit(
    centred
      ? [clear, rowLoop(at, bytes, SUMS, (row, u) => set(sums[u]!, f32x4.add(sums[u]!, row.load(x)))), set(mean, total)]
      : [],
    clear,
    rowLoop(at, bytes, SUMS, (row, u) => [
      set(d, centred ? row.only(f32x4.sub(row.load(x), mean)) : row.load(x)),
      set(sums[u]!, f32x4.add(sums[u]!, f32x4.mul(d, d))),
    ]),
    set(factor, f32x4.div(f32x4.const(1), f32x4.sqrt(f32x4.add(total, f32x4.splat(eps))))),
    // One pass, so that the output may lie on any of the inputs.
    when(
      bias,
      rowLoop(at, bytes, 2, row => row.store(out, f32x4.add(scaled(row), row.load(bias)))),
      rowLoop(at, bytes, 2, row => row.store(out, scaled(row))),
    ),
  );
}

/** Argument words: output, x, weight, bias or 0, rows, bytes of a row, 1 / n, eps, then the axes of the rows of x. */
const normKernel = (name: string, centred: boolean): WasmKernel => ({
  name,
  access: ['rows', 'dense'],
  inPlace: true,
  accepts: ([x, ...rows]) => rows.every(row => sizeOf(row.shape) === x!.shape.at(-1)),
  emit(context) {
    const inner = normRow(context, name, centred);
    const f = context.module.func(name, KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [bytes, row, to] = f.i32s(3);
    const word = (i: number) => i32.load(args, 4 * i);
    return f.emit(
      set(bytes, word(5)),
      threadRange(word(4), thread, threads, 1, row, to),
      eachRow(
        row,
        to,
        call(
          inner,
          i32.add(word(0), i32.mul(row, bytes)),
          i32.add(word(1), rowOffset(context, i32.add(args, i32.const(32)), row)),
          word(2),
          word(3),
          bytes,
          f32.load(args, 24),
          f32.load(args, 28),
        ),
      ),
    );
  },
  args({ inputs, output, attrs }, out) {
    const [x, weight, bias] = inputs as readonly [View, View, View | undefined];
    const n = x.shape.at(-1)!;
    out.address(output).address(x).address(weight);
    if (bias) out.address(bias);
    else out.i32(0);
    out
      .i32(rowsOf(x))
      .i32(4 * n)
      .f32(1 / n)
      .f32((attrs as { eps: number }).eps);
    rowArgs(out, x);
  },
  work: ({ output }) => 3 * sizeOf(output.shape),
});

export const NORM_KERNELS: readonly WasmKernel[] = [normKernel('layerNorm', true), normKernel('rmsNorm', false)];
