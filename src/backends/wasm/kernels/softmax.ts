/** softmax and logSoftmax over the last axis: maximum, sum of exponentials, scale; three passes over each row. */
import { sizeOf } from '../../../tensor/shape.ts';
import { call, type Func, f32x4, i32, set } from '../assembler.ts';
import { KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { vectorMath } from './math.ts';
import { acrossLanes, eachRow, rowLoop, rowsOf, threadRange } from './rows.ts';

/** `(out, x, bytes)`: one row. */
function softmaxRow({ module, features }: ModuleContext, name: string, logarithm: boolean): Func {
  const f = module.func(`${name} row`, ['i32', 'i32', 'i32']);
  const [out, x, bytes] = f.params;
  const math = vectorMath(f, features.relaxed);
  const at = f.local('i32');
  const [max, max1, sum, sum1, e] = f.v128s(5);
  const maxima = [max, max1];
  const sums = [sum, sum1];
  return f.emit(
    maxima.map(m => set(m, f32x4.const(-Infinity))),
    // pmax drops a NaN here; it comes back with the exponentials.
    rowLoop(at, bytes, 2, (row, u) => set(maxima[u]!, f32x4.pmax(maxima[u]!, row.loadSpread(x)))),
    set(max, f32x4.pmax(max, max1)),
    set(max, acrossLanes(f32x4.pmax, max)),
    rowLoop(at, bytes, 2, (row, u) => [
      set(e, math.exp(f32x4.sub(row.load(x), max))),
      logarithm ? [] : row.store(out, e),
      set(sums[u]!, f32x4.add(sums[u]!, row.only(e))),
    ]),
    set(sum, f32x4.add(sum, sum1)),
    set(sum, acrossLanes(f32x4.add, sum)),
    logarithm
      ? [
          set(sum, math.log(sum)),
          rowLoop(at, bytes, 2, row => row.store(out, f32x4.sub(f32x4.sub(row.load(x), max), sum))),
        ]
      : [
          set(sum, f32x4.div(f32x4.const(1), sum)),
          rowLoop(at, bytes, 2, row => row.store(out, f32x4.mul(row.load(out), sum))),
        ],
  );
}

const softmaxKernel = (name: string, logarithm: boolean): WasmKernel => ({
  name,
  inPlace: true,
  emit(context) {
    const inner = softmaxRow(context, name, logarithm);
    const f = context.module.func(name, KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [bytes, row, to] = f.i32s(3);
    const offset = i32.mul(row, bytes);
    return f.emit(
      set(bytes, i32.load(args, 12)),
      threadRange(i32.load(args, 8), thread, threads, 1, row, to),
      eachRow(row, to, call(inner, i32.add(i32.load(args), offset), i32.add(i32.load(args, 4), offset), bytes)),
    );
  },
  args({ inputs: [x], output }, out) {
    out
      .address(output)
      .address(x!)
      .i32(rowsOf(x!))
      .i32((x!.shape.at(-1) ?? 1) * 4);
  },
  work: ({ output }) => 8 * sizeOf(output.shape),
});

export const SOFTMAX_KERNELS: readonly WasmKernel[] = [
  softmaxKernel('softmax', false),
  softmaxKernel('logSoftmax', true),
];
