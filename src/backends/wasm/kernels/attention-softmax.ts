/**
 * The softmax step of attention for one query and one block of keys, with a running maximum and sum: Milakov and
 * Gimelshein, "Online normalizer calculation for softmax" (2018).
 */
import {
  brIf,
  type Code,
  type Func,
  f32,
  f32x4,
  forLess,
  i32,
  i32x4,
  loop,
  ret,
  set,
  tee,
  v128,
  when,
} from '../assembler.ts';
import type { ModuleContext } from '../kernel.ts';
import { FACTOR } from './attention-tiles.ts';
import { vectorMath } from './math.ts';
import { acrossLanes, rowLoop } from './rows.ts';

/**
 * `(scores, n, low, high, mask, bias, biasStride, softcap, state)`: turns n scores into weights exp(score - maximum) and
 * brings the state up to date. Only keys low..high-1 count, and of those only the ones whose word in `mask` is not 0
 * (address 0 = all). Bias: address of that of key 0 and byte stride, address 0 = none. Softcap 0 = none.
 * All weights up to the next multiple of 4 are written.
 */
export const softmaxBlock = (context: ModuleContext): Func =>
  context.shared('attention softmax', () => emitSoftmaxBlock(context));

function emitSoftmaxBlock(context: ModuleContext): Func {
  const f = context.module.func('attention softmax', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'i32']);
  const [scores, n, low, high, mask, bias, biasStride, softcap, state] = f.params;
  const math = vectorMath(f, context.features.relaxed);
  const [at, end, address] = f.i32s(3);
  const [max, max1, sum, sum1, e, old] = f.v128s(6);
  const maxima = [max, max1];
  const sums = [sum, sum1];
  /** Constant for all keys in `from..to-1`. */
  const fill = (from: Code, to: Code, value: number): Code => [
    set(at, from),
    forLess(at, to, 1, f32.store(i32.add(scores, i32.shl(at, i32.const(2))), f32.const(value))),
  ];
  return f.emit(
    set(n, i32.and(i32.add(n, i32.const(3)), i32.const(-4))),
    when(i32.ge(low, high), [fill(i32.const(0), n, 0), f32.store(state, f32.const(1), FACTOR), ret]),
    set(end, i32.shl(n, i32.const(2))),
    when(
      f32.ne(softcap, f32.const(0)),
      rowLoop(at, end, 1, row =>
        row.store(
          scores,
          f32x4.mul(math.tanh(f32x4.div(row.load(scores), f32x4.splat(softcap))), f32x4.splat(softcap)),
        ),
      ),
    ),
    when(
      bias,
      when(
        i32.eq(biasStride, i32.const(4)),
        [
          set(address, i32.shl(high, i32.const(2))),
          rowLoop(at, address, 1, row => row.store(scores, f32x4.add(row.load(scores), row.load(bias)))),
        ],
        [
          set(at, i32.const(0)),
          loop(
            set(address, i32.add(scores, i32.shl(at, i32.const(2)))),
            f32.store(address, f32.add(f32.load(address), f32.load(bias))),
            set(bias, i32.add(bias, biasStride)),
            brIf(0, i32.lt(tee(at, i32.add(at, i32.const(1))), high)),
          ),
        ],
      ),
    ),
    fill(i32.const(0), low, -Infinity),
    fill(high, n, -Infinity),
    when(
      mask,
      rowLoop(at, end, 1, row =>
        row.store(scores, v128.bitselect(math.f32(-Infinity), row.load(scores), i32x4.eq(row.load(mask), v128.zero))),
      ),
    ),
    set(old, v128.load32splat(state)),
    maxima.map(m => set(m, old)),
    rowLoop(at, end, 2, (row, u) => set(maxima[u]!, f32x4.pmax(maxima[u]!, row.loadSpread(scores)))),
    set(max, f32x4.pmax(max, max1)),
    set(max, acrossLanes(f32x4.pmax, max)),
    v128.store32lane(state, max, 0),
    // With no finite score yet, all weights are exp(-inf) = 0, and a NaN stays one.
    set(max, v128.andnot(max, f32x4.eq(max, math.f32(-Infinity)))),
    rowLoop(at, end, 2, (row, u) => [
      set(e, math.exp(f32x4.sub(row.load(scores), max))),
      row.store(scores, e),
      set(sums[u]!, f32x4.add(sums[u]!, row.only(e))),
    ]),
    set(e, math.exp(f32x4.sub(old, max))),
    set(sum, f32x4.add(sum, sum1)),
    set(sum, f32x4.add(acrossLanes(f32x4.add, sum), f32x4.mul(v128.load32splat(state, 4), e))),
    v128.store32lane(state, sum, 0, 4),
    v128.store32lane(state, e, 0, FACTOR),
  );
}
