/**
 * The innermost loop of products with quantised weights: one register tile, C[h, columns] = init + A[h, k] W[columns, k]^T.
 *
 * Integer sums of a chunk (or of half of one, where scales cover 16 values) start from the correction, then become floats
 * under the scales of both sides. One panel is one stream of memory, which is what a few rows are limited by. The code is
 * plain gets and sets like that of `micro-kernel.ts`, for the same reasons: the revectoriser packs each pair of neighbouring
 * vectors, from the stores at the end backwards, only in this form.
 */
import {
  brIf,
  type Code,
  type Func,
  f32x4,
  i16x8,
  i32,
  i32x4,
  type Local,
  loop,
  set,
  tee,
  v128,
} from '../assembler.ts';
import type { ModuleContext } from '../kernel.ts';
import { multiplyAdd } from './micro-kernel.ts';
import { chunkRowBytes, correctionAt, wordAt } from './quantized-activations.ts';
import { PANEL_ROWS, type PanelLayout } from './quantized-layout.ts';
import { lowVector, masksOf, positions, SUM_FACTOR, scales4, unpackGroup } from './quantized-unpack.ts';

/** Parameters of a tile, all i32: strides in bytes, `blocks` of k; `init` is a row of floats that every row starts from. */
export const TILE_PARAMS = ['w', 'panelBytes', 'a', 'blocks', 'c', 'ldc', 'init'] as const;

/** The tile of `height` rows by `panels` panels, which lie in memory number `memory`. */
export function quantizedTile(
  context: ModuleContext,
  layout: PanelLayout,
  height: number,
  panels: number,
  memory: number,
): Func {
  const { features, module } = context;
  const { chunks, laneBits, pairGroups, parts, words, least, excess, headerBytes, chunkBytes } = layout;
  const name = `${layout.format}x${height}x${panels}${memory ? ` memory ${memory}` : ''}`;
  return context.shared(name, () => {
    const f = module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [w, panelBytes, a, blocks, c, ldc, init] = f.params;
    const vectors = 2 * panels;
    const inLocals = features.revec;
    const masks = masksOf(f, layout);
    const row = (): Local[] => f.v128s(vectors);
    const rows = (): Local[][] => Array.from({ length: height }, row);
    /** Addresses of the panels, at the header of the block and at the chunk. */
    const pointers = () => Array.from({ length: panels }, () => f.local('i32').into(memory));
    const at = pointers();
    const head = chunks > 1 ? pointers() : at;
    const left = f.local('i32');
    const [sums, pairSums, outs] = [rows(), rows(), rows()];
    const [ws, low, scale, lowest, short] = [row(), row(), row(), row(), row()];
    const [x, sumOfX, ones] = f.v128s(3);
    /** Addresses of the rows of C. */
    const cs = Array.from({ length: height }, () => f.local('i32'));
    const each = <T extends Code>(body: (j: number) => T): T[] => Array.from({ length: vectors }, (_, j) => body(j));
    const eachSum = (body: (i: number, j: number) => Code): Code => sums.map((_, i) => each(j => body(i, j)));
    /** Where a chunk lies behind its address. */
    const inChunk: PanelLayout =
      chunks > 1 ? layout : { ...layout, highAt: layout.highAt + headerBytes, lowAt: layout.lowAt + headerBytes };

    /** Products of group `t` into their sums. `first`: nothing has been added to the sums of pairs. */
    const dots = (t: number, first: boolean): Code => [
      each(j => set(ws[j]!, unpackGroup(inChunk, masks, at[j >> 1]!, j & 1, low[j]!, t))),
      sums.map((sumI, i) => [
        set(x, v128.load32splat(a, wordAt(layout, height, t) + 4 * i)),
        sumI.map((sum, j) => {
          const numbers = ws[j]!;
          if (laneBits === 16) return set(sum, i32x4.add(sum, i32x4.dotI16x8(x, numbers)));
          if (!pairGroups) return set(sum, i32x4.relaxedDotI8x16(x, numbers, sum));
          const pairs = pairSums[i]![j]!;
          const dot = i16x8.relaxedDotI8x16(x, numbers);
          return set(pairs, first ? dot : i16x8.add(pairs, dot));
        }),
      ]),
    ];
    const addPairs: Code = eachSum((i, j) =>
      set(sums[i]![j]!, i32x4.add(sums[i]![j]!, i32x4.dotI16x8(pairSums[i]![j]!, ones))),
    );
    /** All groups of a part; the vectors of the low bits are loaded once for all their positions. */
    const groups = (part: number): Code => {
      if (layout.bits === 8) return Array.from({ length: words }, (_, t) => dots(t, false));
      const own = positions(layout) / parts;
      const order = [0, 1, 2, 3].flatMap(g => Array.from({ length: own }, (_, p) => g + 4 * (own * part + p)));
      return order.map((t, n) => [
        n % own === 0 ? each(j => set(low[j]!, lowVector(inChunk, at[j >> 1]!, j & 1, t & 3))) : [],
        dots(t, pairGroups > 0 && n % pairGroups === 0),
        pairGroups > 0 && n % pairGroups === pairGroups - 1 ? addPairs : [],
      ]);
    };
    /** Scales (or least values) of four rows: of the block, times the short ones of the part. */
    const scales = (into: readonly Local[], headerAt: number, part: number): Code => {
      const ofBlock = (j: number) => scales4(head[j >> 1]!, headerAt + 8 * (j & 1), masks.scale);
      if (chunks === 1) return each(j => set(into[j]!, ofBlock(j)));
      const extend = [i32x4.extendLowI16x8s, i32x4.extendHighI16x8s] as const;
      const load = layout.group === 16 ? v128.load8x8s : v128.load8x8u;
      return [
        at.map((panel, p) => set(short[2 * p]!, load(panel, PANEL_ROWS * part))),
        each(j => set(into[j]!, f32x4.mul(ofBlock(j), f32x4.convertI32x4(extend[j & 1]!(short[j & ~1]!))))),
      ];
    };
    /** C in the making. Only the revectoriser needs it in locals: else they would be spilled, which costs more. */
    const put = (i: number, j: number, value: Code): Code =>
      inLocals ? set(outs[i]![j]!, value) : v128.store(cs[i]!, value, 16 * j);
    const sum = (i: number, j: number): Code => (inLocals ? outs[i]![j]! : v128.load(cs[i]!, 16 * j));
    /** Adds what a part came to. */
    const finish = (part: number): Code => [
      scales(scale, 0, part),
      least ? scales(lowest, 2 * PANEL_ROWS, 1) : [],
      sums.map((_, i) => [
        set(x, v128.load32splat(a, 4 * i)),
        least ? set(sumOfX, v128.load32splat(a, correctionAt(height, 0) + 4 * i)) : [],
        each(j => {
          const start = least ? multiplyAdd(features, lowest[j]!, sumOfX, sum(i, j)) : sum(i, j);
          return put(i, j, multiplyAdd(features, f32x4.convertI32x4(sums[i]![j]!), f32x4.mul(scale[j]!, x), start));
        }),
      ]),
    ];
    const start = (part: number): Code =>
      excess
        ? eachSum((i, j) => set(sums[i]![j]!, v128.load32splat(a, correctionAt(height, part) + 4 * i)))
        : eachSum((i, j) => set(sums[i]![j]!, v128.zero));
    const chunk: Code = [
      Array.from({ length: parts }, (_, part) => [start(part), groups(part), finish(part)]),
      at.map(panel => set(panel, i32.add(panel, i32.const(chunks > 1 ? chunkBytes : layout.blockBytes)))),
      set(a, i32.add(a, i32.const(height * chunkRowBytes(layout)))),
    ];
    const block: Code =
      chunks === 1
        ? chunk
        : [
            head.map((local, p) => set(local, at[p]!)),
            at.map(panel => set(panel, i32.add(panel, i32.const(headerBytes)))),
            set(left, i32.const(chunks)),
            loop(chunk, brIf(0, tee(left, i32.sub(left, i32.const(1))))),
          ];
    return f.emit(
      at.map((panel, p) => set(panel, p ? i32.add(at[p - 1]!, panelBytes) : w)),
      pairGroups ? set(ones, i16x8.const(1)) : [],
      cs.map((ci, i) => set(ci, i ? i32.add(cs[i - 1]!, ldc) : c)),
      eachSum((i, j) => put(i, j, v128.zero)),
      loop(block, brIf(0, tee(blocks, i32.sub(blocks, i32.const(1))))),
      eachSum((i, j) => put(i, j, f32x4.add(f32x4.mul(sum(i, j), f32x4.const(SUM_FACTOR)), v128.load(init, 16 * j)))),
      inLocals ? eachSum((i, j) => v128.store(cs[i]!, outs[i]![j]!, 16 * j)) : [],
    );
  });
}
