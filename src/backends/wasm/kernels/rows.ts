/** What kernels that work row by row share: a thread's range of rows, and where a row of a strided view begins. */
import { bytesOf } from '../../../tensor/dtype.ts';
import type { View } from '../../../tensor/plan.ts';
import { brIf, type Code, call, i32, type Local, loop, set, shuffle32, tee, v128, when } from '../assembler.ts';
import type { ArgWriter, ModuleContext } from '../kernel.ts';

/**
 * Sets `from` and `to` to a thread's contiguous share of `total` units, in whole groups of `unit` (a power of 2).
 * A thread without a share gets `from >= to`.
 */
export const threadRange = (total: Code, thread: Code, threads: Code, unit: number, from: Local, to: Local): Code => [
  set(to, i32.divu(i32.add(total, i32.sub(threads, i32.const(1))), threads)),
  unit > 1 ? set(to, i32.and(i32.add(to, i32.const(unit - 1)), i32.const(-unit))) : [],
  set(from, i32.mul(thread, to)),
  set(to, i32.add(from, to)),
  when(i32.gt(to, total), set(to, total)),
];

/** Rows of a view: the product of all axes but the last. */
export const rowsOf = (view: View): number => view.shape.slice(0, -1).reduce((n, d) => n * d, 1);

/** Writes the collapsed outer axes of a view for `rowOffset`: their number, then length and byte stride, innermost first. */
export function rowArgs(out: ArgWriter, view: View): void {
  const bytes = bytesOf(view.dtype);
  const axes: { n: number; stride: number }[] = [];
  for (let d = view.shape.length - 2; d >= 0; d--) {
    const n = view.shape[d]!;
    const stride = view.strides[d]! * bytes;
    const inner = axes.at(-1);
    if (n === 1) continue;
    if (inner && stride === inner.stride * inner.n) inner.n *= n;
    else axes.push({ n, stride });
  }
  if (axes.length === 0) axes.push({ n: 1, stride: 0 });
  out.i32(axes.length);
  for (const { n, stride } of axes) out.i32(n).i32(stride);
}

/** Byte offset of row number `row`; `axes` is the address of what `rowArgs` wrote. */
export function rowOffset(context: ModuleContext, axes: Code, row: Code): Code {
  const f = context.shared('row offset', () => {
    const made = context.module.func('row offset', ['i32', 'i32'], ['i32']);
    const [at, index] = made.params;
    const [left, sum] = made.i32s(2);
    const n = i32.load(at, 4);
    const stride = i32.load(at, 8);
    return made.emit(
      when(tee(left, i32.sub(i32.load(at), i32.const(1))), [
        loop(
          set(sum, i32.add(sum, i32.mul(i32.remu(index, n), stride))),
          set(index, i32.divu(index, n)),
          set(at, i32.add(at, i32.const(8))),
          brIf(0, tee(left, i32.sub(left, i32.const(1)))),
        ),
      ]),
      i32.add(sum, i32.mul(index, stride)),
    );
  });
  return call(f, axes, row);
}

/** Access to the elements of a row at the loop's position: four at a time, or the first lane only in the tail. */
export interface RowAccess {
  load(base: Code, offset?: number): Code;
  /** Like `load`, but the tail has its element in all lanes. */
  loadSpread(base: Code, offset?: number): Code;
  store(base: Code, value: Code, offset?: number): Code;
  /** Zero in the lanes that hold no element. */
  only(value: Code): Code;
}
const FIRST_LANE = v128.const([255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/**
 * A loop over a row of `bytes` bytes of 4-byte elements; `at` runs over the byte positions.
 * @param body code for the vector number `u` of `unroll`, at 16 u bytes from the position
 */
export function rowLoop(at: Local, bytes: Local, unroll: number, body: (access: RowAccess, u: number) => Code): Code {
  const vector = (u: number): RowAccess => ({
    load: (base, offset = 0) => v128.load(i32.add(base, at), 16 * u + offset),
    loadSpread: (base, offset = 0) => v128.load(i32.add(base, at), 16 * u + offset),
    store: (base, value, offset = 0) => v128.store(i32.add(base, at), value, 16 * u + offset),
    only: value => value,
  });
  const one: RowAccess = {
    load: (base, offset = 0) => v128.load32zero(i32.add(base, at), offset),
    loadSpread: (base, offset = 0) => v128.load32splat(i32.add(base, at), offset),
    store: (base, value, offset = 0) => v128.store32lane(i32.add(base, at), value, 0, offset),
    only: value => v128.and(value, FIRST_LANE),
  };
  /** While `step` more bytes are there. */
  const turns = (step: number, ...code: Code[]): Code =>
    when(
      i32.le(i32.add(at, i32.const(step)), bytes),
      loop(...code, brIf(0, i32.le(i32.add(tee(at, i32.add(at, i32.const(step))), i32.const(step)), bytes))),
    );
  return [
    set(at, i32.const(0)),
    unroll > 1 ? turns(16 * unroll, ...Array.from({ length: unroll }, (_, u) => body(vector(u), u))) : [],
    turns(16, body(vector(0), 0)),
    turns(4, body(one, 0)),
  ];
}

/** A loop over the rows of a thread: `row` runs from `from` to `to`. */
export const eachRow = (row: Local, to: Local, ...body: Code[]): Code =>
  when(i32.lt(row, to), loop(...body, brIf(0, i32.lt(tee(row, i32.add(row, i32.const(1))), to))));

/** All lanes set to the combination of the four lanes of `v`. */
export const acrossLanes = (combine: (x: Code, y: Code) => Code, v: Local): Code => [
  set(v, combine(v, shuffle32(v, v, [2, 3, 0, 1]))),
  combine(v, shuffle32(v, v, [1, 0, 3, 2])),
];
