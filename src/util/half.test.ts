import { describe, expect, it } from 'vitest';
import {
  bf16ToF32,
  decodeBf16,
  decodeE4m3,
  decodeE5m2,
  decodeF16,
  encodeBf16,
  encodeF16,
  f16ToF32,
  f32ToBf16,
  f32ToF16,
} from './half.ts';

/** The definition of a small float: sign, exponent, fraction; nothing shared with the code under test. */
function smallFloat(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> (exponentBits + fractionBits) ? -1 : 1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

const all16 = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
const all8 = Uint8Array.from({ length: 0x100 }, (_, i) => i);

/** The float32 whose bits are `step` away; for finite values away from 0. */
function neighbour(value: number, step: number): number {
  const float = new Float32Array([value]);
  new Int32Array(float.buffer)[0]! += step;
  return float[0]!;
}

function expectSame(actual: ArrayLike<number>, expected: (index: number) => number): void {
  for (let i = 0; i < actual.length; i++) {
    if (!Object.is(actual[i], expected(i))) expect.fail(`entry ${i}: ${actual[i]} instead of ${expected(i)}`);
  }
}

describe('decoding', () => {
  it('gives the value of every f16, alone and in bulk', () => {
    expectSame(decodeF16(all16), i => smallFloat(i, 5, 10));
    expectSame(Array.from(all16, f16ToF32), i => smallFloat(i, 5, 10));
  });

  it('gives the value of every bfloat16, alone and in bulk', () => {
    expectSame(decodeBf16(all16), i => smallFloat(i, 8, 7));
    expectSame(Array.from(all16, bf16ToF32), i => smallFloat(i, 8, 7));
  });

  it('gives the value of every f8', () => {
    expectSame(decodeE5m2(all8), i => smallFloat(i, 5, 2));
    // E4M3 has no infinities: its top exponent holds seven more finite values and NaN.
    const top = (i: number) => ((i & 7) === 7 ? Number.NaN : (i & 0x80 ? -1 : 1) * (1 + (i & 7) / 8) * 2 ** 8);
    expectSame(decodeE4m3(all8), i => ((i & 0x78) === 0x78 ? top(i) : smallFloat(i, 4, 3)));
  });

  it('keeps the payload of NaN in bulk', () => {
    const words = (floats: Float32Array) => [...new Uint32Array(floats.buffer)];
    expect(words(decodeF16(Uint16Array.of(0x7c01, 0xfe55)))).toEqual([0x7f802000, 0xffcaa000]);
    expect(words(decodeBf16(Uint16Array.of(0x7f81, 0xffc5)))).toEqual([0x7f810000, 0xffc50000]);
  });

  it('writes where it is told to', () => {
    const out = new Float32Array(4);
    decodeF16(Uint16Array.of(0x3c00, 0xc000), out.subarray(1));
    expect([...out]).toEqual([0, 1, -2, 0]);
  });
});

describe.each([
  { type: 'f16', bulk: encodeF16, single: f32ToF16, exponentBits: 5, fractionBits: 10 },
  { type: 'bf16', bulk: encodeBf16, single: f32ToBf16, exponentBits: 8, fractionBits: 7 },
])('encoding $type', ({ bulk, single, exponentBits, fractionBits }) => {
  const infinity = ((1 << exponentBits) - 1) << fractionBits;
  const encode = (value: number) => {
    expect(bulk(Float32Array.of(value))[0]).toBe(single(value));
    return single(value);
  };

  it('returns every value to its bits', () => {
    for (const bits of all16) {
      const value = smallFloat(bits, exponentBits, fractionBits);
      if (!Number.isNaN(value) && single(value) !== bits) expect.fail(`${bits} became ${single(value)}`);
    }
  });

  it('rounds to nearest and ties to even between all neighbours', () => {
    const faults: string[] = [];
    for (let low = 0; low < infinity; low++) {
      // Above the largest finite value lies what the next exponent would be.
      const next =
        low + 1 === infinity ? 2 ** (2 ** (exponentBits - 1)) : smallFloat(low + 1, exponentBits, fractionBits);
      const middle = (smallFloat(low, exponentBits, fractionBits) + next) / 2;
      for (const sign of [0, 1 << (exponentBits + fractionBits)]) {
        const value = sign ? -middle : middle;
        const found = [...bulk(Float32Array.of(neighbour(value, -1), value, neighbour(value, 1)))];
        const expected = [low, low & 1 ? low + 1 : low, low + 1].map(bits => bits | sign);
        if (found.join() !== expected.join()) faults.push(`${value}: ${found} instead of ${expected}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('keeps infinities and signed zeros, overflows to infinity, and makes NaN quiet', () => {
    const sign = 1 << (exponentBits + fractionBits);
    expect(encode(Number.POSITIVE_INFINITY)).toBe(infinity);
    expect(encode(Number.NEGATIVE_INFINITY)).toBe(infinity | sign);
    expect(encode(3.4e38)).toBe(infinity);
    expect(encode(0)).toBe(0);
    expect(encode(-0)).toBe(sign);
    expect(encode(-1e-45)).toBe(sign);
    expect(Number.isNaN(smallFloat(encode(Number.NaN), exponentBits, fractionBits))).toBe(true);
    // A NaN whose payload lies only in the bits that are cut must not become infinite.
    const signalling = new Float32Array(Uint32Array.of(0x7f800001).buffer);
    expect(bulk(signalling)[0]).toBe(infinity | (1 << (fractionBits - 1)));
  });
});
