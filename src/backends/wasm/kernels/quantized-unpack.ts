/**
 * The numbers of quantised weights out of panels, as vectors that a dot product takes: a group of four values of k for four
 * rows, or of two values, widened to 16 bits. The order of the bits is made for this (`quantized-pack.ts`): a group is a
 * shift and a mask away.
 *
 * Group `t` of a chunk lies in the low bits at position `t >> 2` of vector `t & 3`. Of the high bits, bit t of each lane
 * belongs to group t; where there are two, bits 2s and 2s + 1 belong to group s of that half of the chunk.
 */
import { type Code, type Func, f32, i8x16, i16x8, i32, i32x4, type Local, set, v128 } from '../assembler.ts';
import type { PanelLayout } from './quantized-layout.ts';

/** Halves are stored 2^10 times too large, so that none is subnormal, as f16 or f32: that would cost hundreds of cycles. */
export const STORED_SCALE = 2 ** 10;
/** What `scales4` has to be multiplied with: the exponent's bias is left out, and scales are stored too large. */
export const SCALE_FACTOR = 2 ** 112 / STORED_SCALE;
/** The same in two steps, so that nothing overflows or becomes subnormal: of the activations' scales, and of the sums. */
export const ACTIVATION_FACTOR = 2 ** 51;
export const SUM_FACTOR = SCALE_FACTOR / ACTIVATION_FACTOR;

/** Where a half has its sign, exponent and fraction, once it is moved. */
export const SCALE_BITS = i32x4.const(0x8fff_ffff);

/** Constant vectors of a function as locals: V8 would make them anew at each use, which costs as much as the products. */
export interface Masks {
  /** The low bits of lanes. */
  readonly low: Local;
  /** The bits above them. */
  readonly high: Local;
  /** `SCALE_BITS`. */
  readonly scale: Local;
}
/** Declares the masks of a layout and sets them, so it comes before what uses them. */
export function masksOf(f: Func, layout: PanelLayout): Masks {
  const [low, high, scale] = f.v128s(3);
  f.emit(
    layout.bits < 8 ? set(low, lanes(layout, 0x0f)) : [],
    layout.bits === 5 || layout.bits === 6 ? set(high, lanes(layout, layout.bits === 5 ? 0x10 : 0x30)) : [],
    set(scale, SCALE_BITS),
  );
  return { low, high, scale };
}
/**
 * Four scales as f32x4, to be multiplied with `SCALE_FACTOR`: the bits of the half, moved to where an f32 has them.
 * @param bits a local that holds `SCALE_BITS`
 */
export const scales4 = (address: Code, offset: number, bits: Local): Code =>
  v128.and(i32x4.shl(v128.load16x4s(address, offset), i32.const(13)), bits);
/** One scale as f32, ready. */
export const scale1 = (address: Code, offset: number): Code => {
  const moved = i32.shr(i32.shl(i32.load16u(address, offset), i32.const(16)), i32.const(3));
  return f32.mul(f32.reinterpretI32(i32.and(moved, i32.const(0x8fff_ffff))), f32.const(SCALE_FACTOR));
};

const lanes = ({ laneBits }: PanelLayout, n: number): Code => (laneBits === 8 ? i8x16.const(n) : i16x8.const(n));
/** Moves bits within lanes, up if `by` > 0; what crosses from lane to lane has to be masked. */
const moved = (x: Code, by: number): Code =>
  by === 0 ? x : by > 0 ? i16x8.shl(x, i32.const(by)) : i16x8.shru(x, i32.const(-by));

/** Where position `p` of the low bits begins in a lane. In 16 bits the low halves of two bytes lie between their high ones. */
const lowShift = ({ laneBits }: PanelLayout, p: number): number => 4 * (laneBits === 8 ? p : [0, 2, 1, 3][p]!);
/** Positions of the low bits in a lane. */
export const positions = ({ laneBits }: PanelLayout): number => laneBits / 4;

/** The low four bits at position `p` of a vector. */
export function lowBits(layout: PanelLayout, vector: Code, p: number, { low }: Masks): Code {
  const shift = lowShift(layout, p);
  const down = moved(vector, -shift);
  return layout.laneBits === 16 && shift === 12 ? down : v128.and(down, low);
}

/** The high bits of group `t` for four rows, at their place above the low ones. */
function highBits(layout: PanelLayout, at: Code, rows: number, t: number, masks: Masks): Code {
  const { bits, highAt, words } = layout;
  const half = words / 2;
  const [vector, from] = bits === 5 ? [0, t] : [t < half ? 0 : 1, 2 * (t % half)];
  const high = v128.load(at, highAt + 32 * vector + 16 * rows);
  return v128.and(moved(high, 4 - from), masks.high);
}

/**
 * Group `t` for four rows, in 8-bit or 16-bit lanes.
 * @param at address of the chunk
 * @param rows 0 or 1: which four of the eight rows
 * @param low the vector `t & 3` of the low bits, loaded before by `lowVector`; unused by bytes
 */
export function unpackGroup(layout: PanelLayout, masks: Masks, at: Local, rows: number, low: Local, t: number): Code {
  const { bits, lowAt, laneBits } = layout;
  if (bits === 8)
    return laneBits === 8 ? v128.load(at, lowAt + 32 * t + 16 * rows) : v128.load8x8s(at, lowAt + 16 * t + 8 * rows);
  const number = lowBits(layout, low, t >> 2, masks);
  return bits === 4 ? number : v128.or(number, highBits(layout, at, rows, t, masks));
}

/** The low bits of groups g, g + 4, g + 8 ... for four rows. */
export const lowVector = ({ lowAt }: PanelLayout, at: Code, rows: number, g: number): Code =>
  v128.load(at, lowAt + 32 * g + 16 * rows);

/** Lanes 4i .. 4i + 3 of a vector of 8-bit or 16-bit numbers, widened to 32 bits. */
export function widened(vector: Local, laneBits: 8 | 16, signed: boolean, i: number): Code {
  const halves = signed
    ? [i16x8.extendLowI8x16s, i16x8.extendHighI8x16s]
    : [i16x8.extendLowI8x16u, i16x8.extendHighI8x16u];
  const quarters = signed
    ? [i32x4.extendLowI16x8s, i32x4.extendHighI16x8s]
    : [i32x4.extendLowI16x8u, i32x4.extendHighI16x8u];
  const words = laneBits === 8 ? halves[i >> 1]!(vector) : vector;
  return quarters[i & 1]!(words);
}
