/** A 53-bit hash of a text: few enough collisions to find equal rows among hundreds of millions, small enough for a number. */

/** Two lanes of multiply and rotate over the code units, finished as in MurmurHash3 (public domain). */
export function textHash(text: string, seed = 0): number {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88 ^ Math.imul(seed, 0x85ebca6b);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0xcc9e2d51);
    a = (a << 15) | (a >>> 17);
    b = Math.imul(b ^ unit, 0x1b873593);
    b = (b << 13) | (b >>> 19);
  }
  a = finished(a ^ text.length ^ b);
  b = finished(b ^ a);
  return (b >>> 11) * 0x100000000 + (a >>> 0);
}
function finished(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}
/** What `textHash` is below. */
export const HASH_RANGE = 2 ** 53;
