/**
 * Exact conversion between float32 and the short floats: IEEE 754 binary16 (f16), bfloat16, and the two 8-bit floats of
 * Micikevicius et al. 2022 ("FP8 Formats for Deep Learning"). Rounding is to nearest, ties to even.
 *
 * The single-value functions are the meaning; the array functions give the same bits (payloads of NaN included) at the
 * speed of one table look-up or a few integer operations per value.
 */

const oneFloat = new Float32Array(1);
const oneWord = new Uint32Array(oneFloat.buffer);

function bitsOf(value: number): number {
  oneFloat[0] = value;
  return oneWord[0]!;
}

function floatOf(bits: number): number {
  oneWord[0] = bits;
  return oneFloat[0]!;
}

/** The float32 bits of the f16 with the given bits. */
function widenF16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal: move its leading one to where float32 hides it.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** The f16 bits nearest to the float32 with the given bits. */
function narrowF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >> 13) & 0x3ff);
  // 65520 is half way between the largest f16 and the next power of two: it and all above become infinite.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13);
  }
  // Below 2^-14: count in units of 2^-24, the distance of subnormals.
  const shift = 126 - (magnitude >> 23);
  if (shift > 24) return sign;
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const units = significand >> shift;
  const rest = significand - (units << shift);
  const half = 1 << (shift - 1);
  return sign | (rest > half || (rest === half && (units & 1) === 1) ? units + 1 : units);
}

/** The bfloat16 bits nearest to the float32 with the given bits. */
function narrowBf16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The value of an f8 E4M3 (the variant without infinities: only 0x7f and 0xff are NaN). */
function e4m3Value(byte: number): number {
  const exponent = (byte >> 3) & 0xf;
  const fraction = byte & 7;
  const sign = byte & 0x80 ? -1 : 1;
  if (exponent === 0xf && fraction === 7) return Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10));
}

/** The value of an f16 given as its 16 bits. */
export function f16ToF32(half: number): number {
  return floatOf(widenF16(half));
}

/** The 16 bits of the f16 nearest to `value`, which is first rounded to float32. NaN stays NaN and becomes quiet. */
export function f32ToF16(value: number): number {
  return narrowF16(bitsOf(value));
}

/** The value of a bfloat16 given as its 16 bits. */
export function bf16ToF32(half: number): number {
  return floatOf(half << 16);
}

/** The 16 bits of the bfloat16 nearest to `value`, which is first rounded to float32. NaN stays NaN and becomes quiet. */
export function f32ToBf16(value: number): number {
  return narrowBf16(bitsOf(value));
}

/** A table of float32 bits, filled when it is first needed. */
function lazyTable(size: number, entry: (index: number) => number): () => Uint32Array {
  let table: Uint32Array | undefined;
  return () => (table ??= Uint32Array.from({ length: size }, (_, index) => entry(index)));
}

const f16Table = lazyTable(0x10000, widenF16);
// An E5M2 is the upper byte of an f16.
const e5m2Table = lazyTable(0x100, byte => widenF16(byte << 8));
const e4m3Table = lazyTable(0x100, byte => bitsOf(e4m3Value(byte)));

const wordsOf = (floats: Float32Array) => new Uint32Array(floats.buffer, floats.byteOffset, floats.length);

function lookUp(source: Uint8Array | Uint16Array, table: Uint32Array, out: Float32Array): Float32Array {
  const words = wordsOf(out);
  for (let i = 0; i < source.length; i++) words[i] = table[source[i]!]!;
  return out;
}

/** f16 bits to float32; `out` must hold at least as many values. */
export function decodeF16(source: Uint16Array, out: Float32Array = new Float32Array(source.length)): Float32Array {
  return lookUp(source, f16Table(), out);
}

/** f8 E4M3 (no infinities) to float32; `out` must hold at least as many values. */
export function decodeE4m3(source: Uint8Array, out: Float32Array = new Float32Array(source.length)): Float32Array {
  return lookUp(source, e4m3Table(), out);
}

/** f8 E5M2 to float32; `out` must hold at least as many values. */
export function decodeE5m2(source: Uint8Array, out: Float32Array = new Float32Array(source.length)): Float32Array {
  return lookUp(source, e5m2Table(), out);
}

/** bfloat16 bits to float32; `out` must hold at least as many values. */
export function decodeBf16(source: Uint16Array, out: Float32Array = new Float32Array(source.length)): Float32Array {
  const words = wordsOf(out);
  for (let i = 0; i < source.length; i++) words[i] = source[i]! << 16;
  return out;
}

/** float32 to f16 bits, rounded as in `f32ToF16`; `out` must hold at least as many values. */
export function encodeF16(source: Float32Array, out: Uint16Array = new Uint16Array(source.length)): Uint16Array {
  const words = wordsOf(source);
  for (let i = 0; i < words.length; i++) out[i] = narrowF16(words[i]!);
  return out;
}

/** float32 to bfloat16 bits, rounded as in `f32ToBf16`; `out` must hold at least as many values. */
export function encodeBf16(source: Float32Array, out: Uint16Array = new Uint16Array(source.length)): Uint16Array {
  const words = wordsOf(source);
  for (let i = 0; i < words.length; i++) out[i] = narrowBf16(words[i]!);
  return out;
}
