/**
 * Weights into panels and out of them: `pack` converts rows of a file while a weight is loaded, `toRows` gives a packed
 * weight back as plain rows for kernels that know no panels.
 */
import { sizeOf } from '../../../tensor/shape.ts';
import { brIf, type Code, call, i32, type Local, loop, ret, select, set, tee, when } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import type { PackAttrs } from '../weights.ts';
import { copyLane, packLanes, SOURCE_BYTES, SOURCE_TYPES } from './pack-lanes.ts';
import { KEPT_FORMATS, PANEL_ROWS } from './quantized-layout.ts';
import { unpackRowOf, writeRowSource } from './quantized-rows.ts';
import { eachRow, threadRange } from './rows.ts';

/**
 * Words of a `pack` step. The lanes are cut into units of `unit` lanes, the first one `skip` short; unit u is written
 * `dstUnit` bytes after unit u - 1. After the last lane come `padding` lanes of zeros.
 */
const WORDS = [
  'src',
  'dst',
  'type',
  'lanes',
  'unit',
  'skip',
  'laneStride',
  'stepStride',
  'steps',
  'dstUnit',
  'pitch',
  'padding',
] as const;
type Word = (typeof WORDS)[number];

/** pack [bytes u8] -> rows attrs.row .. attrs.row + attrs.rows of the weight (columns, if the source is transposed). */
export const pack: WasmKernel = {
  name: 'pack',
  banked: true,
  emit(context) {
    const { module } = context;
    const memories = { dst: context.weights };
    const packs = SOURCE_TYPES.map(type => packLanes(context, type, memories));
    const zeros = copyLane(context, 'F32', memories);
    const f = module.func('pack', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const w = Object.fromEntries(WORDS.map(name => [name, f.local('i32')])) as Record<Word, Local>;
    const [u, end, first, count, dst, zero] = f.i32s(6);
    const total = i32.add(w.lanes, w.skip);
    return f.emit(
      WORDS.map((name, i) => set(w[name], i32.load(args, 4 * i))),
      threadRange(i32.divu(i32.add(total, i32.sub(w.unit, i32.const(1))), w.unit), thread, threads, 1, u, end),
      set(zero, context.scratch(thread)),
      i32.store(zero, i32.const(0)),
      when(
        i32.lt(u, end),
        loop(
          set(first, select(i32.sub(i32.mul(u, w.unit), w.skip), i32.const(0), u)),
          set(count, i32.sub(i32.mul(i32.add(u, i32.const(1)), w.unit), i32.add(w.skip, first))),
          when(i32.gt(count, i32.sub(w.lanes, first)), set(count, i32.sub(w.lanes, first))),
          set(
            dst,
            i32.add(i32.add(w.dst, i32.mul(u, w.dstUnit)), select(i32.const(0), i32.shl(w.skip, i32.const(2)), u)),
          ),
          packs.map((copy, type) =>
            when(
              i32.eq(w.type, i32.const(type)),
              call(
                copy,
                i32.add(w.src, i32.mul(first, w.laneStride)),
                w.laneStride,
                count,
                w.stepStride,
                w.steps,
                dst,
                w.pitch,
              ),
            ),
          ),
          when(
            i32.eq(i32.add(first, count), w.lanes),
            when(w.padding, [
              set(dst, i32.add(dst, i32.shl(count, i32.const(2)))),
              loop(
                call(zeros, zero, i32.const(0), w.steps, dst, w.pitch),
                set(dst, i32.add(dst, i32.const(4))),
                brIf(0, tee(w.padding, i32.sub(w.padding, i32.const(1)))),
              ),
            ]),
          ),
          brIf(0, i32.lt(tee(u, i32.add(u, i32.const(1))), end)),
        ),
      ),
    );
  },
  args(step, out, { tile: { nr } }) {
    const { dtype, row, rows, transposed } = step.attrs as PackAttrs;
    const { shape, format } = step.output;
    const bytes = SOURCE_BYTES[dtype];
    const n = shape[0] ?? 1;
    const k = sizeOf(shape.slice(1));
    const panel = 4 * nr * k;
    const tail = (nr - (n % nr)) % nr;
    const cases = {
      panels: transposed
        ? {
            ...{ start: 4 * nr * row, lanes: n, unit: nr, skip: 0, dstUnit: panel, padding: tail },
            ...{ laneStride: bytes, stepStride: n * bytes, steps: rows, pitch: 4 * nr },
          }
        : {
            ...{ start: Math.floor(row / nr) * panel, lanes: rows, unit: nr, skip: row % nr, dstUnit: panel },
            ...{ laneStride: k * bytes, stepStride: bytes, steps: k, pitch: 4 * nr },
            padding: row + rows === n ? tail : 0,
          },
      plain: transposed
        ? {
            ...{ start: 4 * row, lanes: rows, unit: 16, skip: 0, dstUnit: 64, padding: 0 },
            ...{ laneStride: n * bytes, stepStride: bytes, steps: n, pitch: 4 * k },
          }
        : {
            ...{ start: 4 * row * k, lanes: rows * k, unit: 4096, skip: 0, dstUnit: 4 * 4096, padding: 0 },
            ...{ laneStride: bytes, stepStride: 0, steps: 1, pitch: 0 },
          },
    };
    const { start, ...words } = cases[format === 'panels' ? 'panels' : 'plain'];
    const rest: Partial<Record<Word, number>> = { ...words, type: SOURCE_TYPES.indexOf(dtype) };
    out.address(step.inputs[0]!);
    out.address({ ...step.output, offset: step.output.offset + start / 4 });
    for (const name of WORDS.slice(2)) out.i32(rest[name]!);
  },
  work: ({ inputs: [bytes] }) => sizeOf(bytes!.shape),
};

/** toRows [N, K] in panels of any format -> [N, K] dense. Threads split the panels. */
export const toRows: WasmKernel = {
  name: 'toRows',
  formats: [['panels', ...KEPT_FORMATS]],
  banked: true,
  emit(context) {
    const { nr } = context.features.tile;
    const copy = packLanes(context, 'F32', { src: context.weights });
    const f = context.module.func('toRows', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [src, dst, n, k, kind, units, panelRows, panelBytes, panel, end, rows] = f.i32s(11);
    const floats = (count: Code): Code => i32.shl(count, i32.const(2));
    const row = panel;
    const kept: Code = [
      threadRange(n, thread, threads, PANEL_ROWS, row, end),
      eachRow(
        row,
        end,
        unpackRowOf(context, { kind, units, panelRows, panelBytes }, src, row, i32.add(dst, i32.mul(row, floats(k)))),
      ),
      ret,
    ];
    return f.emit(
      [src, dst, n, k, kind, units, panelRows, panelBytes].map((word, i) => set(word, i32.load(args, 4 * i))),
      when(kind, kept),
      threadRange(i32.divu(i32.add(n, i32.const(nr - 1)), i32.const(nr)), thread, threads, 1, panel, end),
      when(
        i32.lt(panel, end),
        loop(
          set(rows, i32.sub(n, i32.mul(panel, i32.const(nr)))),
          when(i32.gt(rows, i32.const(nr)), set(rows, i32.const(nr))),
          // Lanes run along k here: the panel is read as k rows of nr and written as nr rows of k.
          call(
            copy,
            i32.add(src, floats(i32.mul(panel, i32.mul(k, i32.const(nr))))),
            i32.const(4 * nr),
            k,
            i32.const(4),
            rows,
            i32.add(dst, floats(i32.mul(panel, i32.mul(k, i32.const(nr))))),
            floats(k),
          ),
          brIf(0, i32.lt(tee(panel, i32.add(panel, i32.const(1))), end)),
        ),
      ),
    );
  },
  args({ inputs: [weight], output }, out, features) {
    const [n, k] = output.shape as [number, number];
    out.address(weight!).address(output).i32(n).i32(k);
    writeRowSource(weight!, k, out, features);
  },
};
