/**
 * The gradient of attention without the matrix of scores, after Dao 2023 (FlashAttention-2).
 *
 * A unit of work is a key/value head of a batch with all queries that it serves, so that its dk and dv have one writer. Its
 * queries go by in strips of rows: the pattern P of a strip and its gradient dS lie in scratch memory, as wide as the keys
 * that the strip sees, and five products make of them dq, and add to dk and dv. Nothing is saved by the forward pass.
 */
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import {
  type Code,
  call,
  type Func,
  f32,
  f32x4,
  forLess,
  i32,
  type Local,
  memory,
  select,
  set,
  v128,
  when,
} from '../assembler.ts';
import { type ArgWriter, KERNEL_PARAMS, type ModuleContext, SCRATCH_BYTES, type WasmKernel } from '../kernel.ts';
import { type AttentionAttrs, bytesOfStrides } from './attention-arguments.ts';
import { softmaxBlock } from './attention-softmax.ts';
import { type Blocking, GEMM_PARAMS, gemm } from './gemm.ts';
import { acrossLanes, rowLoop } from './rows.ts';

/** Most rows of a strip: enough for the products, few enough that a causal strip computes little that is not seen. */
const ROWS = 48;
/** Scratch memory of the products; the rest holds the strips, and a word for each key if there is a mask. */
const BLOCKING: Blocking = { kc: 128, mc: 96, bytes: 256 << 10 };
const STRIPS = BLOCKING.bytes;
/** Fewer rows than this in a strip would be slower than the definition. */
const FEWEST = 8;

const align4 = (n: number): number => Math.ceil(n / 4) * 4;
/** Rows of a strip for so many keys. */
const stripRows = (slots: number): number =>
  Math.min(ROWS, Math.floor((SCRATCH_BYTES - STRIPS - 256 - 4 * align4(slots)) / (8 * Math.max(4, align4(slots)))));

const WORDS = [
  ...['g', 'gB', 'gH', 'gT', 'z', 'zB', 'zH', 'zT', 'q', 'qB', 'qH', 'qT'],
  ...['k', 'kB', 'kG', 'kS', 'v', 'vB', 'vG', 'vS'],
  ...['length', 'mask', 'maskB', 'maskS', 'bias', 'biasB', 'biasH', 'biasT', 'biasS'],
  ...['dq', 'dk', 'dv', 'batch', 'groups', 'heads', 'queries', 'slots', 'width', 'valueWidth'],
  ...['causal', 'window', 'rows', 'rowBytes', 'pattern', 'gradient', 'lanes'],
] as const;
type Word = (typeof WORDS)[number];

const min = (x: Code, y: Code): Code => select(x, y, i32.lt(x, y));
const max = (x: Code, y: Code): Code => select(x, y, i32.gt(x, y));
const plus = (...terms: Code[]): Code => terms.reduce((sum, term) => i32.add(sum, term));
const times = i32.mul;
const floats = (count: Code): Code => i32.shl(count, i32.const(2));

/** `(pattern, gradient, n, g, z, width, sum, scale)`: weights and their gradients of one row become P and scale dS. */
function rowGradient({ module }: ModuleContext): Func {
  const f = module.func('attention row gradient', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f32']);
  const [pattern, gradient, n, g, z, width, sum, scale] = f.params;
  const at = f.local('i32');
  const [delta, inverse, p] = f.v128s(3);
  return f.emit(
    set(n, floats(n)),
    set(width, floats(width)),
    rowLoop(at, width, 1, row => set(delta, f32x4.add(delta, f32x4.mul(row.load(g), row.load(z))))),
    set(delta, acrossLanes(f32x4.add, delta)),
    // A query that sees nothing has weights of 0 and the sum 0.
    set(inverse, f32x4.splat(sum)),
    set(inverse, v128.andnot(f32x4.div(f32x4.const(1), inverse), f32x4.eq(inverse, v128.zero))),
    rowLoop(at, n, 1, row => [
      set(p, f32x4.mul(row.load(pattern), inverse)),
      row.store(pattern, p),
      row.store(gradient, f32x4.mul(f32x4.mul(p, f32x4.sub(row.load(gradient), delta)), f32x4.splat(scale))),
    ]),
  );
}

/** `(args, thread, threads)` */
function emitAttentionGradient(context: ModuleContext): Func {
  const softmax = softmaxBlock(context);
  const rowStep = rowGradient(context);
  const [multiply, multiplyAdd] = [gemm(context, BLOCKING), gemm(context, BLOCKING, true)];
  const f = context.module.func('attentionGradient', KERNEL_PARAMS);
  const [args, thread, threads] = f.params;
  const w = Object.fromEntries(WORDS.map(name => [name, f.local('i32')])) as Record<Word, Local>;
  const scale = f.local('f32');
  const [scratch, unit, units, batch, group, head, first, rows] = f.i32s(8);
  const [low, high, n, i, row, at, end, position, slots, state] = f.i32s(10);
  const [queries, keys, values, gs, zs, bias, dk, dv] = f.i32s(8);
  const [qRow, kRow, vRow] = [times(w.heads, w.groups), w.groups, w.groups];

  /** C (+)= A Bᵀ; A by row and k, B by column and k. */
  const product = (
    which: Func,
    a: readonly [Code, Code, Code],
    b: readonly [Code, Code, Code],
    c: readonly [Code, Code],
    size: readonly [Code, Code, Code],
  ): Code => {
    const values: Record<(typeof GEMM_PARAMS)[number], Code> = {
      ...{ a: a[0], aRow: a[1], aStep: a[2], b: b[0], bLane: b[1], bStep: b[2], panelBytes: i32.const(0) },
      ...{ c: c[0], ldc: c[1], m: size[0], n: size[1], k: size[2], bias: i32.const(0), scratch },
    };
    return call(which, ...GEMM_PARAMS.map(name => values[name]));
  };
  const one = i32.const(4);
  const place = (query: Code): Code => set(position, plus(i32.sub(slots, w.queries), query));
  const firstKey = select(max(i32.const(0), plus(i32.sub(position, w.window), i32.const(1))), i32.const(0), w.window);
  const lastKey = select(
    min(slots, i32.add(position, i32.const(1))),
    select(min(slots, i32.add(position, w.window)), slots, w.window),
    w.causal,
  );
  const inStrip = (strip: Local, r: Code): Code => plus(strip, times(r, w.rowBytes));
  const clear = (base: Local, rowBytes: Code, width: Local): Code => [
    set(i, i32.const(0)),
    set(at, base),
    forLess(i, w.slots, 1, memory.fill(at, i32.const(0), floats(width)), set(at, i32.add(at, rowBytes))),
  ];

  const strip: Code = [
    set(rows, min(w.rows, i32.sub(w.queries, first))),
    place(first),
    set(low, firstKey),
    place(plus(first, rows, i32.const(-1))),
    set(high, lastKey),
    set(n, max(i32.const(0), i32.sub(high, low))),
    set(queries, plus(w.q, times(batch, w.qB), times(head, w.qH), times(first, w.qT))),
    set(gs, plus(w.g, times(batch, w.gB), times(head, w.gH), times(first, w.gT))),
    set(zs, plus(w.z, times(batch, w.zB), times(head, w.zH), times(first, w.zT))),
    set(keys, plus(w.k, times(batch, w.kB), times(group, w.kG), times(low, w.kS))),
    set(values, plus(w.v, times(batch, w.vB), times(group, w.vG), times(low, w.vS))),
    when(n, [
      product(multiply, [queries, w.qT, one], [keys, w.kS, one], [w.pattern, w.rowBytes], [rows, n, w.width]),
      product(multiply, [gs, w.gT, one], [values, w.vS, one], [w.gradient, w.rowBytes], [rows, n, w.valueWidth]),
    ]),
    set(row, i32.const(0)),
    forLess(row, rows, 1, [
      place(i32.add(first, row)),
      set(end, floats(n)),
      set(keys, inStrip(w.pattern, row)),
      rowLoop(at, end, 1, r => r.store(keys, f32x4.mul(r.load(keys), f32x4.splat(scale)))),
      when(w.bias, [
        set(bias, plus(w.bias, times(batch, w.biasB), times(head, w.biasH), times(i32.add(first, row), w.biasT))),
        set(bias, plus(bias, times(low, w.biasS))),
      ]),
      v128.store(state, f32x4.replace(v128.zero, 0, f32.const(-Infinity))),
      call(
        softmax,
        keys,
        n,
        max(i32.const(0), i32.sub(firstKey, low)),
        min(n, i32.sub(lastKey, low)),
        select(i32.add(w.lanes, floats(low)), i32.const(0), w.mask),
        bias,
        w.biasS,
        f32.const(0),
        state,
      ),
      call(
        rowStep,
        keys,
        inStrip(w.gradient, row),
        n,
        plus(gs, times(row, w.gT)),
        plus(zs, times(row, w.zT)),
        w.valueWidth,
        f32.load(state, 4),
        scale,
      ),
    ]),
    set(keys, plus(w.k, times(batch, w.kB), times(group, w.kG), times(low, w.kS))),
    // An empty product writes zeros.
    product(
      multiply,
      [w.gradient, w.rowBytes, one],
      [keys, one, w.kS],
      [
        plus(w.dq, floats(times(w.width, plus(times(qRow, plus(times(batch, w.queries), first)), head)))),
        floats(times(qRow, w.width)),
      ],
      [rows, w.width, n],
    ),
    product(
      multiplyAdd,
      [w.gradient, one, w.rowBytes],
      [queries, one, w.qT],
      [plus(dk, floats(times(low, times(kRow, w.width)))), floats(times(kRow, w.width))],
      [n, w.width, rows],
    ),
    product(
      multiplyAdd,
      [w.pattern, one, w.rowBytes],
      [gs, one, w.gT],
      [plus(dv, floats(times(low, times(vRow, w.valueWidth)))), floats(times(vRow, w.valueWidth))],
      [n, w.valueWidth, rows],
    ),
  ];

  return f.emit(
    WORDS.map((name, index) => set(w[name], i32.load(args, 4 * index))),
    set(scale, f32.load(args, 4 * WORDS.length)),
    set(scratch, context.scratch(thread)),
    set(state, i32.add(scratch, i32.const(STRIPS))),
    [w.pattern, w.gradient, w.lanes].map(part => set(part, i32.add(scratch, part))),
    set(slots, w.slots),
    when(w.length, set(slots, max(i32.const(0), min(i32.load(w.length), w.slots)))),
    set(units, times(w.batch, w.groups)),
    set(unit, thread),
    forLess(unit, units, 0, [
      set(batch, i32.divu(unit, w.groups)),
      set(group, i32.remu(unit, w.groups)),
      set(dk, plus(w.dk, floats(times(w.width, plus(times(times(batch, w.slots), kRow), group))))),
      set(dv, plus(w.dv, floats(times(w.valueWidth, plus(times(times(batch, w.slots), vRow), group))))),
      clear(dk, floats(times(kRow, w.width)), w.width),
      clear(dv, floats(times(vRow, w.valueWidth)), w.valueWidth),
      when(w.mask, [
        set(i, i32.const(0)),
        set(at, plus(w.mask, times(batch, w.maskB))),
        forLess(i, w.slots, 1, i32.store(i32.add(w.lanes, floats(i)), i32.load8u(at)), set(at, i32.add(at, w.maskS))),
      ]),
      set(head, times(group, w.heads)),
      forLess(head, times(i32.add(group, i32.const(1)), w.heads), 1, [
        set(first, i32.const(0)),
        forLess(first, w.queries, 0, [strip, set(first, i32.add(first, w.rows))]),
      ]),
      set(unit, i32.add(unit, threads)),
    ]),
  );
}

function attentionGradientArgs(
  { inputs, output, attrs }: { inputs: readonly View[]; output: View; attrs: unknown },
  out: ArgWriter,
): void {
  const { causal, window, scale, ...has } = attrs as AttentionAttrs;
  const [g, z, q, k, v, ...optional] = inputs as readonly [View, View, View, View, View, ...View[]];
  const next = (present: boolean) => (present ? optional.shift() : undefined);
  const length = next(has.length);
  const mask = next(has.mask);
  const bias = next(has.bias);
  const [batch, allHeads, queries, width] = q.shape as readonly [number, number, number, number];
  const [, groups, slots, valueWidth] = v.shape as readonly [number, number, number, number];
  const part = (elements: number): View => ({ ...output, offset: output.offset + elements });
  const rows = stripRows(slots);
  const rowBytes = 4 * align4(slots);
  const [gB, gH, gT] = bytesOfStrides(g);
  const [zB, zH, zT] = bytesOfStrides(z);
  const [qB, qH, qT] = bytesOfStrides(q);
  const [kB, kG, kS] = bytesOfStrides(k);
  const [vB, vG, vS] = bytesOfStrides(v);
  const [maskB, maskS] = bytesOfStrides(mask, 2);
  const [biasB, biasH, biasT, biasS] = bytesOfStrides(bias);
  const pattern = STRIPS + 64;
  const words: Record<Word, number | boolean | View | undefined> = {
    ...{ g, gB, gH, gT, z, zB, zH, zT, q, qB, qH, qT, k, kB, kG, kS, v, vB, vG, vS },
    ...{ length, mask, maskB, maskS, bias, biasB, biasH, biasT, biasS },
    ...{ dq: output, dk: part(sizeOf(q.shape)), dv: part(sizeOf(q.shape) + sizeOf(k.shape)) },
    ...{ batch, groups, heads: allHeads / groups, queries, slots, width, valueWidth, causal, window, rows, rowBytes },
    ...{ pattern, gradient: pattern + rows * rowBytes, lanes: pattern + 2 * rows * rowBytes },
  };
  for (const name of WORDS) {
    const value = words[name];
    if (typeof value === 'object') out.address(value);
    else out.i32(Number(value ?? 0));
  }
  out.f32(scale);
}

const attentionGradient: WasmKernel = {
  name: 'attentionGradient',
  access: ['rows', 'rows', 'rows', 'rows', 'rows', 'strided'],
  accepts: ([, , q, k], attrs) =>
    (attrs as AttentionAttrs).softcap === 0 && stripRows(k!.shape[2]!) >= Math.min(FEWEST, q!.shape[2]!),
  emit: emitAttentionGradient,
  args: attentionGradientArgs,
  work: ({ inputs: [, , q, k, v] }) =>
    ((sizeOf(q!.shape) / q!.shape[3]!) * k!.shape[2]! * (q!.shape[3]! + v!.shape[3]!)) / 3,
};

export const ATTENTION_GRADIENT_KERNELS: readonly WasmKernel[] = [attentionGradient];
