/**
 * Activations on their way into integer products: each chunk of 32 values of a row becomes signed bytes under one scale, as
 * the values' own rounding noise allows (Dettmers et al., "LLM.int8()", 2022, does so by row; blocks are finer).
 *
 * Rows of a register tile lie together: for each chunk `[scale f32][corrections][words]`, each for all rows of the tile, a
 * word being four values (or two, widened). A correction is what a product needs of the sum of a chunk: what the excess of
 * stored numbers adds up to, or what a least value is multiplied with.
 */
import {
  brIf,
  type Code,
  type Func,
  f32,
  f32x4,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type Local,
  loop,
  select,
  set,
  tee,
  v128,
} from '../assembler.ts';
import type { ModuleContext } from '../kernel.ts';
import { CHUNK, type PanelLayout } from './quantized-layout.ts';
import { ACTIVATION_FACTOR } from './quantized-unpack.ts';
import { acrossLanes } from './rows.ts';

/** Largest magnitude of a quantised value. */
const MOST = 127;
/** A chunk with no larger magnitude counts as zeros: its scale would have no inverse. */
const TINY = 2 ** -100;
/** Added to a small float, it leaves the nearest integer in the lowest bits. */
const ROUND = 1.5 * 2 ** 23;
const ROUND_BITS = 0x4b40_0000;

/** Corrections of a chunk. */
const corrections = ({ excess, least, parts }: PanelLayout): number => (excess || least ? parts : 0);
/** Bytes that a chunk takes for each row of its tile. */
export const chunkRowBytes = (layout: PanelLayout): number => 4 * (1 + corrections(layout) + layout.words);
/** Where the corrections of a part and the words of a chunk begin, in a tile of `height` rows. */
export const correctionAt = (height: number, part: number): number => 4 * height * (1 + part);
export const wordAt = (layout: PanelLayout, height: number, t: number): number =>
  4 * height * (1 + corrections(layout) + t);

/**
 * `(x, rowBytes, height, chunks, dst) -> ()`: quantises a tile of rows that lie `rowBytes` apart. A row with a NaN or an
 * infinity gets a scale of NaN in that chunk, so that every product with it is NaN.
 */
export function quantizeRows(context: ModuleContext, layout: PanelLayout): Func {
  const { laneBits, excess, least, parts, words } = layout;
  const name = `quantizeRows${laneBits}x${least ? 'least' : excess}x${parts}`;
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
    const [x, rowBytes, height, chunks, dst] = f.params;
    const [i, from, to, left, word, chunkBytes] = f.i32s(6);
    const [most, scale] = [f.local('f32'), f.local('f32')];
    const vs: Local[] = f.v128s(CHUNK / 4);
    const [v, total, ones, round, roundBits] = f.v128s(5);
    /** All lanes of `total`, then lane 0 of that. */
    const sumOf = (pairs: readonly Local[]): Code => [
      set(
        total,
        pairs.map(p => i32x4.dotI16x8(p, ones)).reduce((sum, p) => i32x4.add(sum, p)),
      ),
      set(total, acrossLanes(i32x4.add, total)),
    ];
    const pairs = vs.slice(0, 4);
    const correction = (part: number): Code => [
      sumOf(pairs.slice((4 / parts) * part, (4 / parts) * (part + 1))),
      set(word, i32.add(word, i32.shl(height, i32.const(2)))),
      least
        ? f32.store(word, f32.mul(scale, f32.convertI32(i32x4.extract(total, 0))))
        : i32.store(word, i32.mul(i32x4.extract(total, 0), i32.const(-excess))),
    ];
    const putWords = (vectors: readonly Local[]): Code =>
      vectors.flatMap(vector =>
        [0, 1, 2, 3].map(lane => [
          set(word, i32.add(word, i32.shl(height, i32.const(2)))),
          v128.store32lane(word, vector, lane),
        ]),
      );
    const bytes = vs.slice(4, 4 + words / 4);
    return f.emit(
      set(chunkBytes, i32.mul(height, i32.const(chunkRowBytes(layout)))),
      set(ones, i16x8.const(1)),
      set(round, f32x4.const(ROUND)),
      set(roundBits, i32x4.const(ROUND_BITS)),
      loop(
        set(from, i32.add(x, i32.mul(i, rowBytes))),
        set(to, i32.add(dst, i32.shl(i, i32.const(2)))),
        set(left, chunks),
        loop(
          vs.map((local, j) => set(local, v128.load(from, 16 * j))),
          // Magnitudes are in order as integers too, NaN above infinity.
          set(
            v,
            vs.map<Code>(local => f32x4.abs(local)).reduce((a, b) => i32x4.max(a, b)),
          ),
          set(v, acrossLanes(i32x4.max, v)),
          set(most, f32x4.extract(v, 0)),
          set(v, f32x4.splat(select(f32.const(0), f32.div(f32.const(MOST), most), f32.lt(most, f32.const(TINY))))),
          // The difference is 0, or NaN for what is not finite.
          set(scale, f32.add(f32.mul(most, f32.const(1 / MOST)), f32.sub(most, most))),
          f32.store(to, tee(scale, f32.mul(scale, f32.const(ACTIVATION_FACTOR)))),
          vs.map(local => set(local, i32x4.sub(f32x4.add(f32x4.mul(local, v), round), roundBits))),
          pairs.map((pair, j) => set(pair, i16x8.narrowI32x4s(vs[2 * j]!, vs[2 * j + 1]!))),
          set(word, to),
          Array.from({ length: corrections(layout) }, (_, part) => correction(part)),
          laneBits === 16
            ? putWords(pairs)
            : [bytes.map((b, j) => set(b, i8x16.narrowI16x8s(pairs[2 * j]!, pairs[2 * j + 1]!))), putWords(bytes)],
          set(from, i32.add(from, i32.const(4 * CHUNK))),
          set(to, i32.add(to, chunkBytes)),
          brIf(0, tee(left, i32.sub(left, i32.const(1)))),
        ),
        brIf(0, i32.lt(tee(i, i32.add(i, i32.const(1))), height)),
      ),
    );
  });
}
