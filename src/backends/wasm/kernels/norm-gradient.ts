/** The gradients of layer norm and RMS norm; see the ops. */
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import { type Code, call, type Func, f32, f32x4, i32, type Local, memory, set, v128, when } from '../assembler.ts';
import { type ArgWriter, KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { acrossLanes, eachRow, rowLoop, rowsOf, threadRange } from './rows.ts';

const word = (args: Local, i: number): Code => i32.load(args, 4 * i);
const row = (base: Code, index: Code, bytes: Code): Code => i32.add(base, i32.mul(index, bytes));
/** Mean and 1 / deviation of each row. */
const STATISTICS_BYTES = i32.const(8);

/** `(out, x, bytes, 1 / n, eps)`: one row. */
function statisticsRow({ module }: ModuleContext, centred: boolean): Func {
  const f = module.func(`norm statistics ${centred}`, ['i32', 'i32', 'i32', 'f32', 'f32']);
  const [out, x, bytes, scale, eps] = f.params;
  const at = f.local('i32');
  const [sum, sum1, mean, d] = f.v128s(4);
  const sums = [sum, sum1];
  const clear = sums.map(s => set(s, v128.zero));
  const total = [set(sum, f32x4.add(sum, sum1)), f32x4.mul(acrossLanes(f32x4.add, sum), f32x4.splat(scale))];
  return f.emit(
    centred
      ? [clear, rowLoop(at, bytes, 2, (r, u) => set(sums[u]!, f32x4.add(sums[u]!, r.load(x)))), set(mean, total)]
      : [],
    clear,
    rowLoop(at, bytes, 2, (r, u) => [
      set(d, r.only(f32x4.sub(r.load(x), mean))),
      set(sums[u]!, f32x4.add(sums[u]!, f32x4.mul(d, d))),
    ]),
    v128.store32lane(out, mean, 0),
    v128.store32lane(out, f32x4.div(f32x4.const(1), f32x4.sqrt(f32x4.add(total, f32x4.splat(eps)))), 0, 4),
  );
}
const statistics: WasmKernel = {
  name: 'normStatistics',
  emit(context) {
    const [plain, centred] = [statisticsRow(context, false), statisticsRow(context, true)];
    const f = context.module.func('normStatistics', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [bytes, r, to] = f.i32s(3);
    const of = (which: Func) =>
      call(
        which,
        row(word(args, 0), r, STATISTICS_BYTES),
        row(word(args, 1), r, bytes),
        bytes,
        f32.load(args, 20),
        f32.load(args, 24),
      );
    return f.emit(
      set(bytes, word(args, 3)),
      threadRange(word(args, 2), thread, threads, 1, r, to),
      eachRow(r, to, when(word(args, 4), of(centred), of(plain))),
    );
  },
  args({ inputs: [x], output, attrs }, out) {
    const { eps, centred } = attrs as { eps: number; centred: boolean };
    const n = x!.shape.at(-1)!;
    out
      .address(output)
      .address(x!)
      .i32(rowsOf(x!))
      .i32(4 * n)
      .i32(centred ? 1 : 0)
      .f32(1 / n)
      .f32(eps);
  },
  work: ({ inputs: [x] }) => sizeOf(x!.shape),
};

/** `(out, g, x, weight, statistics, bytes, 1 / n or 0)`: one row; the last is what the mean is worth. */
function gradientRow({ module }: ModuleContext): Func {
  const f = module.func('norm gradient row', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f32']);
  const [out, g, x, weight, numbers, bytes, scale, meanScale] = f.params;
  const at = f.local('i32');
  const [mean, inverse, h, n, ofH, ofProduct] = f.v128s(6);
  const load = (r: Parameters<Parameters<typeof rowLoop>[3]>[0]): Code => [
    set(h, r.only(f32x4.mul(r.load(g), r.load(weight)))),
    set(n, f32x4.mul(f32x4.sub(r.load(x), mean), inverse)),
  ];
  return f.emit(
    set(mean, v128.load32splat(numbers)),
    set(inverse, v128.load32splat(numbers, 4)),
    rowLoop(at, bytes, 1, r => [
      load(r),
      set(ofH, f32x4.add(ofH, h)),
      set(ofProduct, f32x4.add(ofProduct, f32x4.mul(h, n))),
    ]),
    set(ofH, f32x4.mul(acrossLanes(f32x4.add, ofH), f32x4.splat(meanScale))),
    set(ofProduct, f32x4.mul(acrossLanes(f32x4.add, ofProduct), f32x4.splat(scale))),
    rowLoop(at, bytes, 1, r => [
      load(r),
      r.store(out, f32x4.mul(f32x4.sub(f32x4.sub(h, ofH), f32x4.mul(n, ofProduct)), inverse)),
    ]),
  );
}
const inputGradient: WasmKernel = {
  name: 'normGradient',
  // A row is read whole before it is written, so it may lie on g or x.
  inPlace: true,
  emit(context) {
    const inner = gradientRow(context);
    const f = context.module.func('normGradient', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [bytes, r, to] = f.i32s(3);
    return f.emit(
      set(bytes, word(args, 6)),
      threadRange(word(args, 5), thread, threads, 1, r, to),
      eachRow(
        r,
        to,
        call(
          inner,
          row(word(args, 0), r, bytes),
          row(word(args, 1), r, bytes),
          row(word(args, 2), r, bytes),
          word(args, 3),
          row(word(args, 4), r, STATISTICS_BYTES),
          bytes,
          f32.load(args, 28),
          f32.load(args, 32),
        ),
      ),
    );
  },
  args({ inputs, output, attrs }, out) {
    const [g, x, weight, numbers] = inputs as readonly [View, View, View, View];
    const { centred } = attrs as { centred: boolean };
    const n = x.shape.at(-1)!;
    addresses(out, output, g, x, weight, numbers)
      .i32(rowsOf(x))
      .i32(4 * n)
      .f32(1 / n)
      .f32(centred ? 1 / n : 0);
  },
  work: ({ output }) => 2 * sizeOf(output.shape),
};
const addresses = (out: ArgWriter, ...views: readonly View[]): ArgWriter => {
  for (const view of views) out.address(view);
  return out;
};

/** `(weight, bias, g, x, statistics, bytes)`: adds a row's part of some columns. */
function weightRow({ module }: ModuleContext): Func {
  const f = module.func('norm weight gradient row', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [weight, bias, g, x, numbers, bytes] = f.params;
  const at = f.local('i32');
  const [mean, inverse, n] = f.v128s(3);
  return f.emit(
    set(mean, v128.load32splat(numbers)),
    set(inverse, v128.load32splat(numbers, 4)),
    rowLoop(at, bytes, 1, r => [
      set(n, f32x4.mul(f32x4.sub(r.load(x), mean), inverse)),
      r.store(weight, f32x4.add(r.load(weight), f32x4.mul(r.load(g), n))),
      r.store(bias, f32x4.add(r.load(bias), r.load(g))),
    ]),
  );
}
/** Threads split the columns, so that each sums up its own in the order of the rows. */
const weightGradient: WasmKernel = {
  name: 'normWeightGradient',
  emit(context) {
    const inner = weightRow(context);
    const f = context.module.func('normWeightGradient', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [from, to, r, rows, bytes, share, weight, bias] = f.i32s(8);
    return f.emit(
      set(rows, word(args, 4)),
      set(bytes, i32.shl(word(args, 5), i32.const(2))),
      threadRange(word(args, 5), thread, threads, 16, from, to),
      when(i32.lt(from, to), [
        set(share, i32.shl(i32.sub(to, from), i32.const(2))),
        set(from, i32.shl(from, i32.const(2))),
        set(weight, i32.add(word(args, 0), from)),
        set(bias, i32.add(weight, bytes)),
        memory.fill(weight, i32.const(0), share),
        memory.fill(bias, i32.const(0), share),
        eachRow(
          r,
          rows,
          call(
            inner,
            weight,
            bias,
            i32.add(row(word(args, 1), r, bytes), from),
            i32.add(row(word(args, 2), r, bytes), from),
            row(word(args, 3), r, STATISTICS_BYTES),
            share,
          ),
        ),
      ]),
    );
  },
  args({ inputs, output }, out) {
    const [g, x, numbers] = inputs as readonly [View, View, View];
    addresses(out, output, g, x, numbers).i32(rowsOf(x)).i32(x.shape.at(-1)!);
  },
  work: ({ inputs: [g] }) => sizeOf(g!.shape),
};

export const NORM_GRADIENT_KERNELS: readonly WasmKernel[] = [statistics, inputGradient, weightGradient];
