/**
 * What `linear` and `matmul` share: the argument words of a batched product and its split over threads.
 *
 * Each thread gets a contiguous range of panels of all batches, so that it streams its own part of the weights. A product
 * with too few panels for that but many rows is split by rows, and so is a tall one whose B is not packed yet: each thread
 * then packs only its own rows of A, which is the larger part.
 */
import type { View } from '../../../tensor/plan.ts';
import { brIf, type Code, call, type Func, i32, type Local, loop, ret, select, set, tee, when } from '../assembler.ts';
import { type ArgWriter, type Features, KERNEL_PARAMS, type ModuleContext } from '../kernel.ts';
import { columnsAtOnce, GEMM_PARAMS, gemm } from './gemm.ts';
import { threadRange } from './rows.ts';

/** Multiply-adds per nanosecond of one thread, roughly: memory-bound for a few rows, a few times more for many. */
export const MULTIPLY_ADDS = 8;

/** A batched product; strides in elements, of A by row and k, of B by column and k. */
export interface Product {
  readonly a: View;
  readonly b: View;
  readonly bias?: View | undefined;
  /** Dense [...batch, m, n]. */
  readonly c: View;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aStrides: readonly [row: number, k: number];
  readonly bStrides: readonly [column: number, k: number];
  /** B is in panels, and there is no batch. */
  readonly panels: boolean;
  /** Outermost first. A stride of 0 repeats the matrix. */
  readonly batch: readonly { readonly size: number; readonly a: number; readonly b: number }[];
}

/** Words in the order in which they are written. */
const WORDS = ['a', 'aRow', 'aStep', 'b', 'bLane', 'bStep', 'panelBytes', 'c', 'm', 'n', 'k', 'bias', 'axes'] as const;
type Word = (typeof WORDS)[number];

export function writeProduct(p: Product, out: ArgWriter, { tile }: Features): void {
  out
    .address(p.a)
    .i32(4 * p.aStrides[0])
    .i32(4 * p.aStrides[1]);
  out
    .address(p.b)
    .i32(4 * p.bStrides[0])
    .i32(4 * p.bStrides[1]);
  out.i32(p.panels ? 4 * p.k * tile.nr : 0);
  out.address(p.c).i32(p.m).i32(p.n).i32(p.k);
  if (p.bias) out.address(p.bias);
  else out.i32(0);
  out.i32(p.batch.length);
  for (const { size, a, b } of [...p.batch].reverse())
    out
      .i32(size)
      .i32(4 * a)
      .i32(4 * b);
}

/** Kernel function over the words of `writeProduct`. */
export function product(context: ModuleContext): Func {
  const { mr, nr } = context.features.tile;
  const multiply = gemm(context);
  return context.shared('product', () => {
    const f = context.module.func('product', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const w = Object.fromEntries(WORDS.map(name => [name, f.local('i32')])) as Record<Word, Local>;
    const [batches, panels, byRows, unit, unitEnd, row, rowEnd, ldc, batch, column, columnEnd] = f.i32s(11);
    const [axis, rest, aBatch, bBatch] = f.i32s(4);
    const min = (x: Code, y: Code): Code => select(x, y, i32.lt(x, y));
    const at = (base: Code, index: Code, stride: Code): Code => i32.add(base, i32.mul(index, stride));
    const rowsOf = (tiles: Code): Code => min(w.m, i32.mul(tiles, i32.const(mr)));
    const gemmArgs: Record<(typeof GEMM_PARAMS)[number], Code> = {
      a: at(i32.add(w.a, aBatch), row, w.aRow),
      aRow: w.aRow,
      aStep: w.aStep,
      b: select(
        at(w.b, i32.divu(column, i32.const(nr)), w.panelBytes),
        at(i32.add(w.b, bBatch), column, w.bLane),
        w.panelBytes,
      ),
      bLane: w.bLane,
      bStep: w.bStep,
      panelBytes: w.panelBytes,
      c: i32.add(at(at(w.c, i32.mul(batch, w.m), ldc), row, ldc), i32.shl(column, i32.const(2))),
      ldc,
      m: i32.sub(rowEnd, row),
      n: i32.sub(columnEnd, column),
      k: w.k,
      bias: select(i32.add(w.bias, i32.shl(column, i32.const(2))), i32.const(0), w.bias),
      scratch: context.scratch(thread),
    };
    return f.emit(
      WORDS.map((name, i) => set(w[name], i32.load(args, 4 * i))),
      set(batches, i32.const(1)),
      set(axis, w.axes),
      set(rest, args),
      when(
        axis,
        loop(
          set(batches, i32.mul(batches, i32.load(rest, 4 * WORDS.length))),
          set(rest, i32.add(rest, i32.const(12))),
          brIf(0, tee(axis, i32.sub(axis, i32.const(1)))),
        ),
      ),
      set(panels, i32.divu(i32.add(w.n, i32.const(nr - 1)), i32.const(nr))),
      set(ldc, i32.shl(w.n, i32.const(2))),
      set(unitEnd, i32.mul(batches, panels)),
      set(rowEnd, w.m),
      set(
        byRows,
        i32.and(
          i32.or(
            i32.lt(unitEnd, i32.shl(threads, i32.const(2))),
            i32.and(
              i32.and(i32.eqz(w.panelBytes), i32.eq(batches, i32.const(1))),
              i32.and(i32.lt(w.n, w.m), i32.le(w.n, i32.const(columnsAtOnce(nr)))),
            ),
          ),
          i32.ge(w.m, i32.mul(threads, i32.const(2 * mr))),
        ),
      ),
      when(
        byRows,
        [
          threadRange(i32.divu(i32.add(w.m, i32.const(mr - 1)), i32.const(mr)), thread, threads, 1, row, rowEnd),
          set(row, rowsOf(row)),
          set(rowEnd, rowsOf(rowEnd)),
        ],
        [set(rest, unitEnd), threadRange(rest, thread, threads, 1, unit, unitEnd)],
      ),
      when(i32.ge(unit, unitEnd), ret),
      loop(
        set(batch, i32.divu(unit, panels)),
        set(column, i32.mul(i32.sub(unit, i32.mul(batch, panels)), i32.const(nr))),
        set(columnEnd, min(w.n, i32.add(column, i32.mul(i32.sub(unitEnd, unit), i32.const(nr))))),
        set(unit, i32.mul(i32.add(batch, i32.const(1)), panels)),
        set(aBatch, i32.const(0)),
        set(bBatch, i32.const(0)),
        set(axis, i32.const(0)),
        set(rest, batch),
        when(
          w.axes,
          loop(
            set(aBatch, at(aBatch, i32.remu(rest, axisWord(args, axis, 0)), axisWord(args, axis, 1))),
            set(bBatch, at(bBatch, i32.remu(rest, axisWord(args, axis, 0)), axisWord(args, axis, 2))),
            set(rest, i32.divu(rest, axisWord(args, axis, 0))),
            brIf(0, i32.lt(tee(axis, i32.add(axis, i32.const(1))), w.axes)),
          ),
        ),
        call(multiply, ...GEMM_PARAMS.map(name => gemmArgs[name])),
        brIf(0, i32.lt(unit, unitEnd)),
      ),
    );
  });
}

const axisWord = (args: Local, axis: Local, word: number): Code =>
  i32.load(i32.add(args, i32.mul(axis, i32.const(12))), 4 * (WORDS.length + word));
