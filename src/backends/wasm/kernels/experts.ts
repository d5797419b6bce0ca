/**
 * The kernels of a mixture of experts: rows in order of their group, a product whose weight changes from run to run of rows,
 * and its gradient. A run is one matrix product; weights that no row names are not read.
 */
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import { brIf, type Code, call, i32, type Local, loop, ret, select, set, tee, when } from '../assembler.ts';
import { ELSEWHERE as ELSEWHERE_FORMAT, type Features, KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { GEMM_PARAMS, gemm } from './gemm.ts';
import { MULTIPLY_ADDS } from './product.ts';
import { callKept } from './quantized-gemm.ts';
import { isKept, KEPT_FORMATS, kindOf, panelBytes, panelRows, wholeRows } from './quantized-layout.ts';
import { threadRange } from './rows.ts';

const word = (base: Local, index: Code): Code => i32.load(i32.add(base, i32.shl(index, i32.const(2))));

/**
 * groupOrder [group i32 [R]] attrs { groups } -> i32 [R]. One pass per group, which is little beside the products, and one for
 * what is none.
 */
const groupOrder: WasmKernel = {
  name: 'groupOrder',
  emit(context) {
    const f = context.module.func('groupOrder', KERNEL_PARAMS);
    const [args, thread] = f.params;
    const [group, out, rows, groups, g, row, own] = f.i32s(7);
    return f.emit(
      when(thread, ret),
      [group, out, rows, groups].map((w, i) => set(w, i32.load(args, 4 * i))),
      loop(
        set(row, i32.const(0)),
        loop(
          set(own, word(group, row)),
          when(i32.geu(own, groups), set(own, groups)),
          when(i32.eq(own, g), [i32.store(out, row), set(out, i32.add(out, i32.const(4)))]),
          brIf(0, i32.lt(tee(row, i32.add(row, i32.const(1))), rows)),
        ),
        brIf(0, i32.le(tee(g, i32.add(g, i32.const(1))), groups)),
      ),
    );
  },
  args({ inputs: [group], output, attrs }, out) {
    out
      .address(group!)
      .address(output)
      .i32(output.shape[0]!)
      .i32((attrs as { groups: number }).groups);
  },
  // Never worth a second thread.
  work: () => 0,
};

/** Words before those of the weights. */
const WORDS = ['x', 'expert', 'c', 'rows', 'n', 'k', 'experts'] as const;
/** Words of each weight: address, stride by column and by k, bytes of a panel (0 = not in panels), kind (0 = floats), rows of a panel. */
const WEIGHT_WORDS = 6;
/** Kind of a weight in another memory than this step's: its rows are another step's business. */
const ELSEWHERE = -1;

/** expertLinear [x [R, K], expert i32 [R], weight [N, K] ...] -> [R, N]. Threads split the columns of the weights. */
const expertLinear: WasmKernel = {
  name: 'expertLinear',
  access: ['dense', 'dense', 'strided'],
  formats: [undefined, undefined, ['panels', ...KEPT_FORMATS]],
  banked: true,
  emit(context) {
    const { nr } = context.features.tile;
    // Threads split columns at what is whole in panels of either kind.
    const unit = wholeRows(context.features);
    const multiply = gemm(context);
    const f = context.module.func('expertLinear', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const w = Object.fromEntries(WORDS.map(name => [name, f.local('i32')])) as Record<(typeof WORDS)[number], Local>;
    const [from, to, row, end, expert, known, weight] = f.i32s(7);
    const floats = (count: Code): Code => i32.shl(count, i32.const(2));
    const weightWord = (i: number): Code => i32.load(weight, 4 * (WORDS.length + i));
    const panelBytes = weightWord(3);
    const kind = weightWord(4);
    const gemmArgs: Record<(typeof GEMM_PARAMS)[number], Code> = {
      a: i32.add(w.x, i32.mul(row, floats(w.k))),
      aRow: floats(w.k),
      aStep: i32.const(4),
      b: i32.add(
        weightWord(0),
        select(i32.mul(i32.divu(from, i32.const(nr)), panelBytes), i32.mul(from, weightWord(1)), panelBytes),
      ),
      bLane: weightWord(1),
      bStep: weightWord(2),
      panelBytes,
      c: i32.add(w.c, floats(i32.add(i32.mul(row, w.n), from))),
      ldc: floats(w.n),
      m: i32.sub(end, row),
      n: i32.sub(to, from),
      // Rows of no weight: the empty sum.
      k: select(w.k, i32.const(0), known),
      bias: i32.const(0),
      scratch: context.scratch(thread),
    };
    const keptArgs = {
      ...{ x: gemmArgs.a, xRow: gemmArgs.aRow, c: gemmArgs.c, ldc: gemmArgs.ldc, m: gemmArgs.m, n: gemmArgs.n },
      w: i32.add(weightWord(0), i32.mul(i32.divu(from, weightWord(5)), panelBytes)),
      ...{ panelBytes, k: w.k, bias: i32.const(0), scratch: gemmArgs.scratch },
    };
    const multiplied = when(
      i32.and(i32.ne(kind, i32.const(0)), known),
      callKept(context, kind, keptArgs),
      call(multiply, ...GEMM_PARAMS.map(name => gemmArgs[name])),
    );
    return f.emit(
      WORDS.map((name, i) => set(w[name], i32.load(args, 4 * i))),
      threadRange(i32.divu(i32.add(w.n, i32.const(unit - 1)), i32.const(unit)), thread, threads, 1, from, to),
      set(from, i32.mul(from, i32.const(unit))),
      set(to, i32.mul(to, i32.const(unit))),
      when(i32.gt(to, w.n), set(to, w.n)),
      when(i32.ge(from, to), ret),
      loop(
        set(expert, word(w.expert, row)),
        set(end, i32.add(row, i32.const(1))),
        when(
          i32.lt(end, w.rows),
          loop(
            when(i32.eq(word(w.expert, end), expert), brIf(1, i32.lt(tee(end, i32.add(end, i32.const(1))), w.rows))),
          ),
        ),
        set(known, i32.ltu(expert, w.experts)),
        set(weight, i32.add(args, i32.mul(select(expert, i32.const(0), known), i32.const(4 * WEIGHT_WORDS)))),
        context.banks ? when(i32.ne(kind, i32.const(ELSEWHERE)), multiplied) : multiplied,
        brIf(0, i32.lt(tee(row, end), w.rows)),
      ),
    );
  },
  args({ inputs: [x, expert, ...weights], output }, out, features) {
    const [rows, n] = output.shape as [number, number];
    const k = x!.shape[1]!;
    out.address(x!).address(expert!).address(output).i32(rows).i32(n).i32(k).i32(weights.length);
    for (const weight of weights) {
      const [column, step] = weight.strides as [number, number];
      out
        .address(weight)
        .i32(4 * column)
        .i32(4 * step)
        .i32(panelBytesOf(weight, k, features))
        .i32(weight.format === ELSEWHERE_FORMAT ? ELSEWHERE : kindOf(weight.format))
        .i32(isKept(weight.format) ? panelRows(weight.format, features) : features.tile.nr);
    }
  },
  work: ({ inputs: [x], output }) => (output.shape[1]! * x!.shape[0]! * x!.shape[1]!) / MULTIPLY_ADDS,
};
const panelBytesOf = ({ format }: View, k: number, features: Features): number =>
  isKept(format) ? panelBytes(k, format, features) : format === 'panels' ? 4 * k * features.tile.nr : 0;

const OUTER_WORDS = ['g', 'x', 'expert', 'c', 'rows', 'm', 'n', 'own'] as const;

/**
 * expertOuter [g [R, M], x [R, N], expert i32 [R]] attrs { expert } -> [M, N]: g^T x over the rows of that expert, which stand
 * together. Threads split the columns.
 */
const expertOuter: WasmKernel = {
  name: 'expertOuter',
  emit(context) {
    const { nr } = context.features.tile;
    const multiply = gemm(context);
    const f = context.module.func('expertOuter', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    type Word = (typeof OUTER_WORDS)[number];
    const w = Object.fromEntries(OUTER_WORDS.map(name => [name, f.local('i32')])) as Record<Word, Local>;
    const [from, to, row, end] = f.i32s(4);
    const floats = (count: Code): Code => i32.shl(count, i32.const(2));
    const isOwn = (at: Local): Code => i32.eq(word(w.expert, at), w.own);
    const next = (at: Local): Code => brIf(1, i32.lt(tee(at, i32.add(at, i32.const(1))), w.rows));
    const gemmArgs: Record<(typeof GEMM_PARAMS)[number], Code> = {
      a: i32.add(w.g, i32.mul(row, floats(w.m))),
      aRow: i32.const(4),
      aStep: floats(w.m),
      b: i32.add(w.x, floats(i32.add(i32.mul(row, w.n), from))),
      bLane: i32.const(4),
      bStep: floats(w.n),
      panelBytes: i32.const(0),
      c: i32.add(w.c, floats(from)),
      ldc: floats(w.n),
      m: w.m,
      n: i32.sub(to, from),
      k: i32.sub(end, row),
      bias: i32.const(0),
      scratch: context.scratch(thread),
    };
    return f.emit(
      OUTER_WORDS.map((name, i) => set(w[name], i32.load(args, 4 * i))),
      threadRange(i32.divu(i32.add(w.n, i32.const(nr - 1)), i32.const(nr)), thread, threads, 1, from, to),
      set(from, i32.mul(from, i32.const(nr))),
      set(to, i32.mul(to, i32.const(nr))),
      when(i32.gt(to, w.n), set(to, w.n)),
      when(i32.ge(from, to), ret),
      when(w.rows, [
        loop(when(i32.eqz(isOwn(row)), next(row))),
        set(end, row),
        when(i32.lt(end, w.rows), loop(when(isOwn(end), next(end)))),
      ]),
      call(multiply, ...GEMM_PARAMS.map(name => gemmArgs[name])),
    );
  },
  args({ inputs: [g, x, expert], output, attrs }, out) {
    const [m, n] = output.shape as [number, number];
    out.address(g!).address(x!).address(expert!).address(output);
    out
      .i32(g!.shape[0]!)
      .i32(m)
      .i32(n)
      .i32((attrs as { expert: number }).expert);
  },
  // As if all experts had their share of the rows, which is not known here.
  work: ({ output }) => sizeOf(output.shape),
};

export const EXPERT_KERNELS: readonly WasmKernel[] = [groupOrder, expertLinear, expertOuter];
