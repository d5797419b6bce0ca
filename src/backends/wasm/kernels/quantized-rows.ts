/** Rows of quantised panels back as floats, to the bit what the blocks of the file stand for. */

import type { View } from '../../../tensor/plan.ts';
import {
  brIf,
  type Code,
  type Func,
  f32,
  f32x4,
  i8x16,
  i32,
  i32x4,
  type Local,
  loop,
  set,
  tee,
  v128,
} from '../assembler.ts';
import type { ArgWriter, Features, ModuleContext } from '../kernel.ts';
import {
  CHUNK,
  HALF_FORMATS,
  HALVES,
  isKept,
  kindOf,
  PANEL_ROWS,
  type PanelLayout,
  panelBytes,
  panelLayout,
  panelRows,
  QUANTIZED_FORMATS,
  unitsOf,
} from './quantized-layout.ts';
import { lowBits, masksOf, positions, scale1, widened } from './quantized-unpack.ts';

/** `(panel, lane, blocks, dst) -> ()`: one row of a panel as f32. */
function unpackRow(context: ModuleContext, layout: PanelLayout): Func {
  const { bits, zero, least, group, headerBytes, blockBytes, chunks, chunkBytes, laneBits, parts, flipped } = layout;
  const name = `unpackRow ${layout.format}`;
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32']);
    const [panel, lane, blocks, dst] = f.params;
    const masks = masksOf(f, layout);
    /** Addresses of the row's halves, words and bytes in the block. */
    const [halves, words, bytes] = f.i32s(3).map(local => local.into(context.weights)) as [Local, Local, Local];
    const left = f.local('i32');
    const [step, base] = [f.local('f32'), f.local('f32')];
    const [low, numbers, scale, lowest] = f.v128s(4);
    /** Where things lie in a chunk; a block of one chunk is not left for it. */
    const before = chunks === 1 ? headerBytes : 0;
    const [highAt, lowAt] = [before + layout.highAt, before + layout.lowAt];
    const advance = (at: Local, by: number): Code => set(at, i32.add(at, i32.const(by)));

    /** Stores the values of all numbers, `lanesOf` bits each, which follow each other from value `k` of the chunk on. */
    const put = (k: number, lanesOf: 8 | 16): Code =>
      Array.from({ length: 32 / lanesOf }, (_, i) => {
        const integers = widened(numbers, lanesOf, bits === 8, i);
        const value = f32x4.convertI32x4(zero ? i32x4.sub(integers, i32x4.const(zero)) : integers);
        const scaled = f32x4.mul(value, scale);
        return v128.store(dst, least ? f32x4.add(scaled, lowest) : scaled, 4 * (k + 4 * i));
      });
    const eightBits: Code = [0, 1].map(i => {
      const pieces = laneBits === 8 ? [0, 1, 2, 3] : [0, 1, 2, 3, 4, 5, 6, 7];
      const at = lowAt + (CHUNK / 2) * PANEL_ROWS * i;
      return [
        set(numbers, v128.zero),
        pieces.map(g =>
          set(
            numbers,
            laneBits === 8
              ? v128.load32lane(words, numbers, g, at + 32 * g)
              : v128.load16lane(halves, numbers, g, at + 16 * g),
          ),
        ),
        flipped ? set(numbers, v128.xor(numbers, i8x16.const(0x80))) : [],
        put(16 * i, 8),
      ];
    });
    /** The high bits of the four words at position `p` of the low ones, at their place above them. */
    const highBits = (p: number): Code => {
      const ofWord = (g: number): Code => {
        const t = 4 * p + g;
        const half = layout.words / 2;
        const [vector, from] = bits === 5 ? [0, t] : [t < half ? 0 : 1, 2 * (t % half)];
        const word = i32.load(words, highAt + 32 * vector);
        return from > 4 ? i32.shru(word, i32.const(from - 4)) : i32.shl(word, i32.const(4 - from));
      };
      const four = [1, 2, 3].reduce((all, g) => i32x4.replace(all, g, ofWord(g)), i32x4.splat(ofWord(0)));
      return v128.and(four, masks.high);
    };
    const fewerBits = (part: number): Code => {
      const own = positions(layout) / parts;
      return Array.from({ length: own }, (_, i) => {
        const p = own * part + i;
        const number = lowBits(layout, low, p, masks);
        return [
          set(numbers, bits === 4 ? number : v128.or(number, highBits(p))),
          put((CHUNK / positions(layout)) * p, laneBits),
        ];
      });
    };
    const shortScale = (part: number): Code =>
      f32.convertI32((group === 16 ? i32.load8s : i32.load8u)(bytes, PANEL_ROWS * part));
    const chunk: Code = [
      bits === 8 ? [] : [0, 1, 2, 3].map(g => set(low, v128.load32lane(words, low, g, lowAt + 32 * g))),
      Array.from({ length: parts }, (_, part) => [
        set(scale, f32x4.splat(group ? f32.mul(step, shortScale(part)) : step)),
        least ? set(lowest, f32x4.splat(group ? f32.mul(base, shortScale(1)) : base)) : [],
        bits === 8 ? eightBits : fewerBits(part),
      ]),
      advance(dst, 4 * CHUNK),
    ];
    return f.emit(
      set(halves, i32.add(panel, i32.shl(lane, i32.const(1)))),
      set(words, i32.add(panel, i32.shl(lane, i32.const(2)))),
      set(bytes, i32.add(panel, lane)),
      loop(
        set(step, scale1(halves, 0)),
        least ? set(base, scale1(halves, 2 * PANEL_ROWS)) : [],
        chunks === 1
          ? [chunk, advance(words, blockBytes)]
          : [
              advance(words, headerBytes),
              advance(bytes, headerBytes),
              set(left, i32.const(chunks)),
              loop(
                chunk,
                advance(words, chunkBytes),
                advance(bytes, chunkBytes),
                brIf(0, tee(left, i32.sub(left, i32.const(1)))),
              ),
            ],
        advance(halves, blockBytes),
        brIf(0, tee(blocks, i32.sub(blocks, i32.const(1)))),
      ),
    );
  });
}

/** The same for halves: a step of k is a unit, and panels have `nr` rows. */
function unpackHalves(context: ModuleContext, type: 'F16' | 'BF16'): Func {
  const pitch = 2 * context.features.tile.nr;
  const name = `unpackRow ${type}`;
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32']);
    const [pointer, lane, k, dst] = f.params;
    const panel = pointer.into(context.weights);
    const value = type === 'F16' ? scale1(panel, 0) : f32.reinterpretI32(i32.shl(i32.load16u(panel), i32.const(16)));
    return f.emit(
      set(panel, i32.add(panel, i32.shl(lane, i32.const(1)))),
      loop(
        f32.store(dst, value),
        set(panel, i32.add(panel, i32.const(pitch))),
        set(dst, i32.add(dst, i32.const(4))),
        brIf(0, tee(k, i32.sub(k, i32.const(1)))),
      ),
    );
  });
}

/** Words that say how the rows of a weight lie: its kind (0 = floats), units of a row, rows and bytes of a panel. */
export const ROW_SOURCE = ['kind', 'units', 'panelRows', 'panelBytes'] as const;

/** Writes the words of `ROW_SOURCE` for a weight with rows of `k`. */
export function writeRowSource({ format }: View, k: number, out: ArgWriter, features: Features): void {
  if (isKept(format))
    out
      .i32(kindOf(format))
      .i32(unitsOf(k, format).count)
      .i32(panelRows(format, features))
      .i32(panelBytes(k, format, features));
  else out.i32(0).i32(0).i32(0).i32(0);
}

/** Writes row number `row` of the weight at `weight` to `dst` as f32. The kind is not 0. */
export function unpackRowOf(
  context: ModuleContext,
  source: Record<(typeof ROW_SOURCE)[number], Local>,
  weight: Code,
  row: Code,
  dst: Code,
): Code {
  const { module, features } = context;
  const rows = [
    ...QUANTIZED_FORMATS.map(format => unpackRow(context, panelLayout(format, features))),
    ...HALF_FORMATS.map(format => unpackHalves(context, HALVES[format])),
  ];
  const [first] = rows.map(unpack => module.tableIndex(unpack)) as [number];
  return module.callTable(
    rows[0]!,
    i32.add(source.kind, i32.const(first - 1)),
    i32.add(weight, i32.mul(i32.divu(row, source.panelRows), source.panelBytes)),
    i32.remu(row, source.panelRows),
    source.units,
    dst,
  );
}
