/** Cross-entropy of rows of logits and their labels, and its gradient, which may be written over the logits. */
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import { type Code, call, type Func, f32, f32x4, i32, type Local, memory, ret, set, v128, when } from '../assembler.ts';
import { type ArgWriter, KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { type VectorMath, vectorMath } from './math.ts';
import { acrossLanes, eachRow, rowLoop, threadRange } from './rows.ts';

const floats = (count: Code): Code => i32.shl(count, i32.const(2));

/** Sets `max` and `sum` to the largest element of a row and the sum of exp(x - max), in all lanes. */
function expSum(f: Func, math: VectorMath, x: Local, bytes: Local, max: Local, sum: Local, out?: Local): Code {
  const at = f.local('i32');
  const [max1, sum1, e] = f.v128s(3);
  const [maxima, sums] = [
    [max, max1],
    [sum, sum1],
  ];
  return [
    maxima.map(m => set(m, f32x4.const(-Infinity))),
    sums.map(s => set(s, v128.zero)),
    rowLoop(at, bytes, 2, (row, u) => set(maxima[u]!, f32x4.pmax(maxima[u]!, row.loadSpread(x)))),
    set(max, f32x4.pmax(max, max1)),
    set(max, acrossLanes(f32x4.pmax, max)),
    rowLoop(at, bytes, 2, (row, u) => [
      set(e, math.exp(f32x4.sub(row.load(x), max))),
      out ? row.store(out, e) : [],
      set(sums[u]!, f32x4.add(sums[u]!, row.only(e))),
    ]),
    set(sum, f32x4.add(sum, sum1)),
    set(sum, acrossLanes(f32x4.add, sum)),
  ];
}

/** `(out, x, label, classes, smoothing)`: the loss of one row. */
function lossRow({ module, features }: ModuleContext): Func {
  const f = module.func('cross-entropy row', ['i32', 'i32', 'i32', 'i32', 'f32']);
  const [out, x, label, classes, smoothing] = f.params;
  const math = vectorMath(f, features.relaxed);
  const [bytes, at] = f.i32s(2);
  const [max, sum, rest, own] = f.v128s(4);
  return f.emit(
    f32.store(out, f32.const(0)),
    when(i32.geu(label, classes), ret),
    set(bytes, floats(classes)),
    expSum(f, math, x, bytes, max, sum),
    set(sum, f32x4.add(max, math.log(sum))),
    set(own, f32x4.sub(sum, v128.load32splat(i32.add(x, floats(label))))),
    // (1 - s) (lse - x[label]) + s mean(lse - x); with s = 0 the first alone, as it may be infinite.
    when(f32.ne(smoothing, f32.const(0)), [
      rowLoop(at, bytes, 1, row => set(rest, f32x4.add(rest, row.only(f32x4.sub(sum, row.load(x)))))),
      set(rest, f32x4.div(acrossLanes(f32x4.add, rest), f32x4.splat(f32.convertI32(classes)))),
      set(own, f32x4.mul(own, f32x4.splat(f32.sub(f32.const(1), smoothing)))),
      set(own, f32x4.add(own, f32x4.mul(rest, f32x4.splat(smoothing)))),
    ]),
    v128.store32lane(out, own, 0),
  );
}

/** `(out, x, g, label, classes, smoothing)`: g (softmax - target) of one row. */
function gradientRow({ module, features }: ModuleContext): Func {
  const f = module.func('cross-entropy gradient row', ['i32', 'i32', 'i32', 'i32', 'i32', 'f32']);
  const [out, x, g, label, classes, smoothing] = f.params;
  const math = vectorMath(f, features.relaxed);
  const [bytes, at] = f.i32s(2);
  const [max, sum, share] = f.v128s(3);
  return f.emit(
    set(bytes, floats(classes)),
    when(i32.geu(label, classes), [memory.fill(out, i32.const(0), bytes), ret]),
    expSum(f, math, x, bytes, max, sum, out),
    set(sum, f32x4.div(v128.load32splat(g), sum)),
    set(share, f32x4.splat(f32.div(f32.mul(f32.load(g), smoothing), f32.convertI32(classes)))),
    rowLoop(at, bytes, 2, row => row.store(out, f32x4.sub(f32x4.mul(row.load(out), sum), share))),
    set(at, i32.add(out, floats(label))),
    f32.store(at, f32.sub(f32.load(at), f32.mul(f32.load(g), f32.sub(f32.const(1), smoothing)))),
  );
}

/** Argument words: rows, classes, smoothing, output, logits, labels, g. */
function rowsKernel(name: string, emitRow: (context: ModuleContext) => Func, gradient: boolean): WasmKernel {
  return {
    name,
    inPlace: gradient,
    emit(context) {
      const inner = emitRow(context);
      const f = context.module.func(name, KERNEL_PARAMS);
      const [args, thread, threads] = f.params;
      const [row, to, classes] = f.i32s(3);
      const word = (i: number) => i32.load(args, 4 * i);
      const wide = (base: Code) => i32.add(base, floats(i32.mul(row, classes)));
      const narrow = (base: Code) => i32.add(base, floats(row));
      return f.emit(
        set(classes, word(1)),
        threadRange(word(0), thread, threads, 1, row, to),
        eachRow(
          row,
          to,
          call(
            inner,
            gradient ? wide(word(3)) : narrow(word(3)),
            wide(word(4)),
            ...(gradient ? [narrow(word(6))] : []),
            i32.load(narrow(word(5))),
            classes,
            f32.load(args, 8),
          ),
        ),
      );
    },
    args({ inputs, output, attrs }, out: ArgWriter) {
      const [logits, second, third] = inputs as readonly [View, View, View | undefined];
      const [rows, classes] = logits.shape as [number, number];
      out
        .i32(rows)
        .i32(classes)
        .f32((attrs as { smoothing: number }).smoothing)
        .address(output)
        .address(logits)
        .address(third ?? second);
      if (third) out.address(second);
    },
    work: ({ inputs: [logits] }) => 8 * sizeOf(logits!.shape),
  };
}

export const CROSS_ENTROPY_KERNELS: readonly WasmKernel[] = [
  rowsKernel('rowCrossEntropy', lossRow, false),
  rowsKernel('rowCrossEntropyGradient', gradientRow, true),
];
