/**
 * Rotary position embedding (Su et al. 2021) of the first R features of each head: pairs (i, i + R/2), or neighbours
 * (2i, 2i + 1) in the interleaved form. The other features are copied.
 */
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import {
  brIf,
  call,
  type Func,
  f32,
  f32x4,
  i32,
  type Local,
  loop,
  set,
  shuffle32,
  tee,
  v128,
  when,
} from '../assembler.ts';
import { KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { eachRow, rowLoop, threadRange } from './rows.ts';

const ROW = ['i32', 'i32', 'i32', 'i32', 'i32'] as const;

/** `(out, x, cos, sin, bytes of R/2 features)` */
function rotateHalves({ module }: ModuleContext): Func {
  const f = module.func('rotate halves', ROW);
  const [out, x, cos, sin, half] = f.params;
  const [at, out1, x1] = f.i32s(3);
  const [a, b, c, s] = f.v128s(4);
  return f.emit(
    set(out1, i32.add(out, half)),
    set(x1, i32.add(x, half)),
    rowLoop(at, half, 1, row => [
      set(a, row.load(x)),
      set(b, row.load(x1)),
      set(c, row.load(cos)),
      set(s, row.load(sin)),
      row.store(out, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s))),
      row.store(out1, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s))),
    ]),
  );
}

/** The same for pairs of neighbours: two pairs at a time, the last one alone. */
function rotatePairs({ module }: ModuleContext): Func {
  const f = module.func('rotate pairs', ROW);
  const [out, x, cos, sin, half] = f.params;
  const at = f.local('i32');
  const [v, c, s] = f.v128s(3);
  const [a, b] = [f.local('f32'), f.local('f32')];
  const pair = (base: Local) => i32.add(base, i32.shl(at, i32.const(1)));
  const angle = (base: Local) => f32.load(i32.add(base, at));
  const twice = (base: Local) => v128.load64zero(i32.add(base, at));
  return f.emit(
    when(
      i32.ge(half, i32.const(8)),
      loop(
        set(v, v128.load(pair(x))),
        set(c, twice(cos)),
        set(s, twice(sin)),
        v128.store(
          pair(out),
          f32x4.add(
            f32x4.mul(v, shuffle32(c, c, [0, 0, 1, 1])),
            f32x4.mul(shuffle32(v, v, [1, 0, 3, 2]), shuffle32(f32x4.neg(s), s, [0, 4, 1, 5])),
          ),
        ),
        brIf(0, i32.le(i32.add(tee(at, i32.add(at, i32.const(8))), i32.const(8)), half)),
      ),
    ),
    when(i32.lt(at, half), [
      set(a, f32.load(pair(x))),
      set(b, f32.load(pair(x), 4)),
      f32.store(pair(out), f32.sub(f32.mul(a, angle(cos)), f32.mul(b, angle(sin)))),
      f32.store(pair(out), f32.add(f32.mul(b, angle(cos)), f32.mul(a, angle(sin))), 4),
    ]),
  );
}

/**
 * Argument words: output, x, cos, sin, 1 = interleaved, rows, heads, queries, bytes of R/2 and of D features, then
 * byte strides: x batch, head, query; cos batch, query; sin batch, query.
 */
const rope: WasmKernel = {
  name: 'rope',
  access: ['rows'],
  emit(context) {
    const halves = rotateHalves(context);
    const pairs = rotatePairs(context);
    const f = context.module.func('rope', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [row, to, b, h, t] = f.i32s(5);
    const [out, x, cos, sin, half] = f.i32s(5);
    const [bytes, rest, at] = f.i32s(3);
    const word = (i: number) => i32.load(args, 4 * i);
    return f.emit(
      set(half, word(8)),
      set(bytes, word(9)),
      set(rest, i32.sub(bytes, i32.shl(half, i32.const(1)))),
      threadRange(word(5), thread, threads, 1, row, to),
      eachRow(
        row,
        to,
        set(t, i32.remu(row, word(7))),
        set(h, i32.divu(row, word(7))),
        set(b, i32.divu(h, word(6))),
        set(h, i32.remu(h, word(6))),
        set(out, i32.add(word(0), i32.mul(row, bytes))),
        set(x, i32.add(word(1), i32.add(i32.add(i32.mul(b, word(10)), i32.mul(h, word(11))), i32.mul(t, word(12))))),
        set(cos, i32.add(word(2), i32.add(i32.mul(b, word(13)), i32.mul(t, word(14))))),
        set(sin, i32.add(word(3), i32.add(i32.mul(b, word(15)), i32.mul(t, word(16))))),
        when(word(4), call(pairs, out, x, cos, sin, half), call(halves, out, x, cos, sin, half)),
        set(out, i32.add(out, i32.shl(half, i32.const(1)))),
        set(x, i32.add(x, i32.shl(half, i32.const(1)))),
        rowLoop(at, rest, 1, access => access.store(out, access.load(x))),
      ),
    );
  },
  args({ inputs, output, attrs }, out) {
    const [x, cos, sin] = inputs as readonly [View, View, View];
    const [batch, heads, queries, width] = x.shape as readonly [number, number, number, number];
    out
      .address(output)
      .address(x)
      .address(cos)
      .address(sin)
      .i32((attrs as { interleaved: boolean }).interleaved ? 1 : 0)
      .i32(batch * heads * queries)
      .i32(heads)
      .i32(queries)
      .i32(4 * cos.shape[2]!)
      .i32(4 * width);
    for (const stride of x.strides.slice(0, 3)) out.i32(4 * stride);
    for (const table of [cos, sin])
      out.i32(table.shape[0] === 1 ? 0 : 4 * table.strides[0]!).i32(4 * table.strides[1]!);
  },
  work: ({ output }) => 4 * sizeOf(output.shape),
};

export const ROPE_KERNELS: readonly WasmKernel[] = [rope];
