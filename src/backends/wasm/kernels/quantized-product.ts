/** Products with a weight that keeps the numbers of its file, as a step: its argument words, and its split over threads. */
import type { View } from '../../../tensor/plan.ts';
import { type Code, type Func, i32, type Local, ret, select, set, when } from '../assembler.ts';
import { type ArgWriter, type Features, KERNEL_PARAMS, type ModuleContext } from '../kernel.ts';
import { callKept, MR } from './quantized-gemm.ts';
import { type KeptFormat, panelBytes, panelRows, wholeRows } from './quantized-layout.ts';
import { threadRange } from './rows.ts';

/** Words in the order in which they are written, behind the kind. */
const WORDS = ['kind', 'x', 'w', 'panelRows', 'panelBytes', 'bias', 'c', 'm', 'n', 'k'] as const;

/** x `[m, k]`, weight `[n, k]`, c `[m, n]`, all but the weight dense. */
export interface KeptProduct {
  readonly x: View;
  readonly weight: View;
  readonly bias?: View | undefined;
  readonly c: View;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export function writeKeptProduct(p: KeptProduct, out: ArgWriter, features: Features): void {
  const format = p.weight.format as KeptFormat;
  out
    .address(p.x)
    .address(p.weight)
    .i32(panelRows(format, features))
    .i32(panelBytes(p.k, format, features));
  if (p.bias) out.address(p.bias);
  else out.i32(0);
  out.address(p.c).i32(p.m).i32(p.n).i32(p.k);
}

/**
 * Kernel function over the kind and the words of `writeKeptProduct`. Threads split the panels, so that each streams its
 * own part of the weight and quantises all rows for itself; many rows that meet few panels are split instead.
 */
export function keptProduct(context: ModuleContext): Func {
  return context.shared('keptProduct', () => {
    const columns = wholeRows(context.features);
    const f = context.module.func('keptProduct', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const w = Object.fromEntries(WORDS.map(name => [name, f.local('i32')])) as Record<(typeof WORDS)[number], Local>;
    const [tiles, from, to, row, rowEnd] = f.i32s(5);
    const floats = (count: Code): Code => i32.shl(count, i32.const(2));
    const min = (x: Code, y: Code): Code => select(x, y, i32.lt(x, y));
    const rows = i32.divu(i32.add(w.m, i32.const(MR - 1)), i32.const(MR));
    return f.emit(
      WORDS.map((name, i) => set(w[name], i32.load(args, 4 * i))),
      set(tiles, i32.divu(i32.add(w.n, i32.const(columns - 1)), i32.const(columns))),
      set(to, tiles),
      set(rowEnd, w.m),
      when(
        i32.and(i32.lt(tiles, i32.shl(threads, i32.const(2))), i32.ge(w.m, i32.mul(threads, i32.const(2 * MR)))),
        [
          threadRange(rows, thread, threads, 1, row, rowEnd),
          set(row, min(w.m, i32.mul(row, i32.const(MR)))),
          set(rowEnd, min(w.m, i32.mul(rowEnd, i32.const(MR)))),
        ],
        threadRange(tiles, thread, threads, 1, from, to),
      ),
      when(i32.ge(from, to), ret),
      set(from, i32.mul(from, i32.const(columns))),
      callKept(context, w.kind, {
        x: i32.add(w.x, floats(i32.mul(row, w.k))),
        xRow: floats(w.k),
        w: i32.add(w.w, i32.mul(i32.divu(from, w.panelRows), w.panelBytes)),
        panelBytes: w.panelBytes,
        c: i32.add(w.c, floats(i32.add(i32.mul(row, w.n), from))),
        ldc: floats(w.n),
        m: i32.sub(rowEnd, row),
        n: i32.sub(min(w.n, i32.mul(to, i32.const(columns))), from),
        k: w.k,
        bias: select(i32.add(w.bias, floats(from)), i32.const(0), w.bias),
        scratch: context.scratch(thread),
      }),
    );
  });
}
