/** dropout [x, seed]: a hash of the seed and of each element's number says whether it stays; see the op. */
import { sizeOf } from '../../../tensor/shape.ts';
import { type Code, f32, f32x4, i32, i32x4, type Local, set, v128, when } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { vectorMath } from './math.ts';
import { rowLoop, threadRange } from './rows.ts';

const LANES = v128.const([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
const [FACTOR, ADDEND] = [1664525, 1013904223];

const dropout: WasmKernel = {
  name: 'dropout',
  access: ['dense'],
  inPlace: true,
  emit({ module, features }) {
    const f = module.func('dropout', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const math = vectorMath(f, features.relaxed);
    const [from, to, at, x, out] = f.i32s(5);
    const [a, b, seed, lowest, factor] = f.v128s(5);
    const word = (i: number) => i32.load(args, 4 * i);
    const mixIn = (target: Local, other: Local): Code =>
      set(target, i32x4.add(target, i32x4.mul(other, math.i32(FACTOR))));
    const fold = (v: Local): Code => set(v, v128.xor(v, i32x4.shru(v, i32.const(16))));
    return f.emit(
      threadRange(word(0), thread, threads, 64, from, to),
      when(i32.lt(from, to), [
        set(out, i32.add(word(1), i32.shl(from, i32.const(2)))),
        set(x, i32.add(word(2), i32.shl(from, i32.const(2)))),
        set(seed, v128.load32splat(word(3))),
        set(seed, i32x4.add(i32x4.mul(seed, math.i32(FACTOR)), math.i32(ADDEND))),
        set(lowest, i32x4.splat(word(4))),
        set(factor, f32x4.splat(f32.load(args, 20))),
        set(to, i32.shl(i32.sub(to, from), i32.const(2))),
        rowLoop(at, to, 1, row => [
          set(a, i32x4.add(i32x4.splat(i32.add(from, i32.shru(at, i32.const(2)))), LANES)),
          set(a, i32x4.add(i32x4.mul(a, math.i32(FACTOR)), math.i32(ADDEND))),
          set(b, seed),
          [0, 1].map(() => [mixIn(a, b), mixIn(b, a), fold(a), fold(b)]),
          row.store(out, v128.andnot(f32x4.mul(row.load(x), factor), i32x4.lt(i32x4.shru(a, i32.const(8)), lowest))),
        ]),
      ]),
    );
  },
  args({ inputs: [x, seed], output, attrs }, out) {
    const { p } = attrs as { p: number };
    out
      .i32(sizeOf(output.shape))
      .address(output)
      .address(x!)
      .address(seed!)
      .i32(Math.round(p * 2 ** 24))
      .f32(1 / (1 - p));
  },
  work: ({ output }) => 3 * sizeOf(output.shape),
};

export const DROPOUT_KERNELS: readonly WasmKernel[] = [dropout];
