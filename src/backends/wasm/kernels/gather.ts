/** Rows of a table by number, and the gradient of that. */
import { sizeOf } from '../../../tensor/shape.ts';
import {
  brIf,
  type Code,
  call,
  f32,
  f32x4,
  i32,
  type Local,
  loop,
  memory,
  set,
  tee,
  v128,
  when,
} from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { copyLane } from './pack-lanes.ts';
import { KEPT_FORMATS } from './quantized-layout.ts';
import { unpackRowOf, writeRowSource } from './quantized-rows.ts';
import { threadRange } from './rows.ts';

const floats = (count: Code): Code => i32.shl(count, i32.const(2));
const advance = (pointer: Local, by: Code): Code => set(pointer, i32.add(pointer, by));

/** gather [table [N, C], ids i32 [...]] -> [..., C]; an id outside 0..N-1 gives zeros. Threads split the ids. */
export const gather: WasmKernel = {
  name: 'gather',
  formats: [['panels', ...KEPT_FORMATS], undefined],
  banked: true,
  emit(context) {
    const { nr } = context.features.tile;
    const lane = copyLane(context, 'F32', { src: context.weights });
    const f = context.module.func('gather', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [table, ids, dst, count, n, c, panels, kind, units, panelRows, panelBytes] = f.i32s(11);
    const [i, end, id, bytes] = f.i32s(4);
    const fromPanel = i32.add(
      i32.add(table, i32.mul(i32.divu(id, i32.const(nr)), i32.mul(bytes, i32.const(nr)))),
      floats(i32.remu(id, i32.const(nr))),
    );
    const kept = unpackRowOf(context, { kind, units, panelRows, panelBytes }, table, id, dst);
    return f.emit(
      [table, ids, dst, count, n, c, panels, kind, units, panelRows, panelBytes].map((word, w) =>
        set(word, i32.load(args, 4 * w)),
      ),
      threadRange(count, thread, threads, 1, i, end),
      set(bytes, floats(c)),
      advance(dst, i32.mul(i, bytes)),
      when(
        i32.lt(i, end),
        loop(
          set(id, i32.load(i32.add(ids, floats(i)))),
          when(
            i32.geu(id, n),
            memory.fill(dst, i32.const(0), bytes),
            when(
              panels,
              call(lane, fromPanel, i32.const(4 * nr), c, dst, i32.const(4)),
              when(kind, kept, memory.copy(dst, i32.add(table, i32.mul(id, bytes)), bytes)),
            ),
          ),
          advance(dst, bytes),
          brIf(0, i32.lt(tee(i, i32.add(i, i32.const(1))), end)),
        ),
      ),
    );
  },
  args({ inputs: [table, ids], output }, out, features) {
    const [n, c] = table!.shape as [number, number];
    out.address(table!).address(ids!).address(output).i32(sizeOf(ids!.shape)).i32(n).i32(c);
    out.i32(table!.format === 'panels' ? 1 : 0);
    writeRowSource(table!, c, out, features);
  },
};

/**
 * scatterAdd [g [..., C], ids i32 [...]] attrs { rows } -> [rows, C]: row r is the sum of all g whose id is r. Threads
 * split the rows of the result and all read all ids, so that equal ids meet in one thread and sum in their order.
 */
export const scatterAdd: WasmKernel = {
  name: 'scatterAdd',
  emit({ module }) {
    const f = module.func('scatterAdd', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [g, ids, dst, count, n, c] = f.i32s(6);
    const [from, to, id, row, left, bytes] = f.i32s(6);
    const addRow: Code = [
      set(row, i32.add(dst, i32.mul(id, bytes))),
      set(left, c),
      when(
        i32.ge(left, i32.const(4)),
        loop(
          v128.store(row, f32x4.add(v128.load(row), v128.load(g))),
          advance(row, i32.const(16)),
          advance(g, i32.const(16)),
          brIf(0, i32.ge(tee(left, i32.sub(left, i32.const(4))), i32.const(4))),
        ),
      ),
      when(
        left,
        loop(
          f32.store(row, f32.add(f32.load(row), f32.load(g))),
          advance(row, i32.const(4)),
          advance(g, i32.const(4)),
          brIf(0, tee(left, i32.sub(left, i32.const(1)))),
        ),
      ),
    ];
    return f.emit(
      [g, ids, dst, count, n, c].map((word, w) => set(word, i32.load(args, 4 * w))),
      threadRange(n, thread, threads, 1, from, to),
      set(bytes, floats(c)),
      when(i32.lt(from, to), [
        memory.fill(i32.add(dst, i32.mul(from, bytes)), i32.const(0), i32.mul(i32.sub(to, from), bytes)),
        when(
          count,
          loop(
            set(id, i32.load(ids)),
            when(i32.and(i32.ge(id, from), i32.lt(id, to)), addRow, advance(g, bytes)),
            advance(ids, i32.const(4)),
            brIf(0, tee(count, i32.sub(count, i32.const(1)))),
          ),
        ),
      ]),
    );
  },
  args({ inputs: [g, ids], output }, out) {
    const [n, c] = output.shape as [number, number];
    out.address(g!).address(ids!).address(output).i32(sizeOf(ids!.shape)).i32(n).i32(c);
  },
  work: ({ inputs: [g], output }) => sizeOf(g!.shape) + sizeOf(output.shape),
};
