import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toFloat32 } from '../checkpoint.ts';
import { openCheckpoint } from '../open-checkpoint.ts';
import { type CodebookName, codebook } from './i-codebooks.ts';
import { BLOCK_CODECS, type BlockDType, decodeBlocks, encodeBlocks, isBlockDType, WRITABLE_BLOCKS } from './index.ts';

/** The halves of a block: the scale is 1, what else there is 0.5. */
const ONE = [0x00, 0x3c];
const A_HALF = [0x00, 0x38];
/** Byte i is (37 i + 11) mod 256, but for the halves: values 0, 1, 16, 31 and the last, and the sum of all. */
const CASES: readonly [BlockDType, Record<number, number[]>, number[], number][] = [
  ['Q4_0', { 0: ONE }, [-3, 2, -3, 0, 0], -21],
  ['Q4_1', { 0: ONE, 2: A_HALF }, [15.5, 4.5, 9.5, 12.5, 12.5], 261],
  ['Q5_0', { 0: ONE }, [9, -2, 14, 1, 1], 15],
  ['Q5_1', { 0: ONE, 2: A_HALF }, [19.5, 24.5, 19.5, 5.5, 5.5], 521],
  ['Q8_0', { 0: ONE }, [85, 122, -91, -48, -48], -176],
  ['IQ4_NL', { 0: ONE }, [-35, 25, -35, 1, 1], -257],
  ['Q2_K', { 80: ONE, 82: A_HALF }, [33, 0, -1.5, -1.5, 4.5], 2059],
  ['Q3_K', { 108: ONE }, [81, -108, -96, 64, 42], 958],
  ['Q4_K', { 0: ONE, 2: A_HALF }, [315.5, -25.5, 315.5, 160.5, 48.5], 54440],
  ['Q5_K', { 0: ONE, 2: A_HALF }, [811.5, -25.5, 811.5, 160.5, 108.5], 116216],
  ['Q6_K', { 208: ONE }, [-1431, 1696, -432, -96, -60], 4612],
  ['IQ4_XS', { 0: ONE }, [65, -1, 65, 35, -16], -11005],
];

describe('decodeBlocks', () => {
  it.each(CASES)('reads %s', (dtype, halves, expected, sum) => {
    const block = Uint8Array.from({ length: BLOCK_CODECS[dtype].bytes }, (_, i) => (37 * i + 11) & 255);
    for (const [at, bytes] of Object.entries(halves)) block.set(bytes, Number(at));
    const values = decodeBlocks(block, dtype);
    expect([0, 1, 16, 31].map(i => values[i]).concat(values.at(-1))).toEqual(expected);
    expect(values.reduce((a, b) => a + b)).toBe(sum);
  });

  it('reads Q8_K, whose scale is a float', () => {
    const block = new Uint8Array(292);
    block.set(new Uint8Array(Float32Array.of(0.1).buffer));
    block.set([1, 255, 128], 4);
    expect([...decodeBlocks(block, 'Q8_K').subarray(0, 4)]).toEqual([0.1, -0.1, -12.8, 0].map(Math.fround));
  });

  it('reads digits of base 3', () => {
    const digits = [2, 0, 1, 1, 2];
    const number = digits.reduce((n, digit) => 3 * n + digit, 0);
    const block = new Uint8Array(54);
    block.set([Math.ceil((number * 256) / 243)]);
    block.set(A_HALF, 52);
    const values = decodeBlocks(block, 'TQ1_0');
    expect(digits.map((_, place) => values[32 * place])).toEqual(digits.map(digit => (digit - 1) / 2));
  });

  it.each(Object.keys(BLOCK_CODECS) as BlockDType[])('reads blocks of %s one after the other', dtype => {
    const { bytes, elements } = BLOCK_CODECS[dtype];
    const two = Uint8Array.from({ length: 2 * bytes }, (_, i) => (i * 11) & 63);
    const out = decodeBlocks(two, dtype);
    expect(out.subarray(0, elements)).toEqual(decodeBlocks(two.subarray(0, bytes), dtype));
    expect(out.subarray(elements)).toEqual(decodeBlocks(two.subarray(bytes), dtype));
    expect(() => decodeBlocks(two.subarray(1), dtype)).toThrow(/no whole number of blocks/);
  });

  it('tells block formats from other dtypes', () => {
    expect(['Q4_0', 'F16', 'toString', 'q4_0'].map(isBlockDType)).toEqual([true, false, false, false]);
  });
});

/** Points of each codebook, and the sum of all coordinates times their place, of ggml's tables. */
const CODEBOOKS: readonly [CodebookName, number, number, number][] = [
  ['iq1', 2048, 8, 10703429],
  ['iq2_xxs', 256, 8, 42100955],
  ['iq2_xs', 512, 8, 182044374],
  ['iq2_s', 1024, 8, 720245922],
  ['iq3_xxs', 256, 4, 14912868],
  ['iq3_s', 512, 4, 14404362],
];

describe('codebooks', () => {
  it.each(CODEBOOKS)('%s has the points of ggml, in their order', (name, points, width, sum) => {
    const coordinates = codebook(name);
    expect(coordinates.length).toBe(points * width);
    expect(coordinates.reduce((total, value, i) => total + value * (i + 1), 0)).toBe(sum);
    expect(codebook(name)).toBe(coordinates);
  });

  it('give signs of which an even number is negative', () => {
    const block = new Uint8Array(BLOCK_CODECS.IQ2_XXS.bytes);
    block.set(ONE);
    // All points are the first one; the seven signs of the first eight values say - + - + + + +.
    block.set([5], 6);
    const values = decodeBlocks(block, 'IQ2_XXS');
    expect([...values.subarray(0, 9)]).toEqual([-1, 1, -1, 1, 1, 1, 1, 1, 1]);
    block.set([7], 6);
    expect([...decodeBlocks(block, 'IQ2_XXS').subarray(0, 9)]).toEqual([-1, -1, -1, 1, 1, 1, 1, -1, 1]);
  });
});

/** Bell-shaped values, the same everywhere: sums of draws of a linear congruential generator. */
function bell(count: number, scale: (i: number) => number): Float32Array {
  let state = 1n;
  const draw = () => {
    state = (state * 1103515245n + 12345n) % 2147483648n;
    return Number(state) / 2 ** 31;
  };
  return Float32Array.from({ length: count }, (_, i) => (draw() + draw() + draw() + draw() - 2) * scale(i));
}
const hex = (bytes: Uint8Array) => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

/** What ggml's own library makes of `bell(512, i => (i < 256 ? 0.05 : 3))`, base 64. */
const BY_GGML: Partial<Record<BlockDType, string>> = {
  Q4_K:
    'OQk5FfWuv/Spqr+qYw0/IUNm0YcsxqedS1WGOEl2Q9aUV2A1ZEOZrPqjA1hFTxPJeEsWobeFWzMoOYIYOFZwWkJ6XZaNu5Y1B+2m' +
    'xZWuKPblVBSXmKg9BSixmIsZFIR2qXZMyzJXEG6OR4S2lIlwt3EpZ3k3B59Jo+AIKVB1PKKmOoeVpnUSTFtPSEgDNnV5IiG3LOrt' +
    '7Kfo5Oui8f9hZU6tQYalhGBSkKNQCSuzI6D9TQJPVJhRBmuhFZhiT2mZA2fbMINMI2aB9oBXsz+MOnMIJtlEY0UrI0E79bsDdMfJ' +
    'zXd7b7afXVdNV3hpNbXKlgkqrVubfpiQZ8XhnatsuWoPN7lmiJRyZ+ssej10kMtpdvcni//GNkWJhetpE0lY',
  Q5_K:
    'vgQrFfqy//eqq7+rlx1UECxEAmo5OtZDlaR6dRUAYKayRJS4jJwLU3dOaGkoPYTrl92yH0iMTyuXugxwg+yFvSe/wHnYhyJI5VYF' +
    'oIueJoICiDxSjxundkFkBCFivfC2leWtPQ2IPWsA3E2cOk9B/fu4OT8xYXsLQoMyGDM5Kg1j/Zm3dbAh7S6vGp1KNPCe80PO8l4P' +
    'T5Nm8QBDofpoVGxlL0ptCySYp56AkQdtCwO0HOEs7fDvqunk6qLl/0RYcXMs8hrmsBAK2khRWQas9mMVkD3Q87A0IcKk63wxUXuO' +
    'W4MtWhjBtSBYsBRYeEZB+5wFj6kxsg3YQzsh5Y/TMwbfpmAXmUbcE/wArmZ+KGT3EVyiiNeLV1WSd/uGBumes6sOFu+cT7q/q7/w' +
    '44qKtFwCVWvHRxxQUO6781tm2IPUDn9y3RE488/WWfRr+TCH0+3uTQb/jGyKAwvW0iaCsA==',
  Q6_K:
    'LN94PMdCq6EJVoAIInIAj9qMZ6ZZGrbrQXyt6hMQHaZg9wBb3rlzyVCqjQajglJxmvhmcMTtadeRVE7KfUwbHvRb6XvWtgBlpUek' +
    'VzI5yOAEELpN/zvnw+AdpnCm8yhesdIBtbVAOUYOHVbIMLCoG6sK6ECspGeOtoZmhRETq7auKRPF3JJlBCwqhi0tWo9htlmLbkoa' +
    'ZaThBm4pekjuIWKanlWV1UieaTPVlL1uhmbhVpjg2qkvRERJVlImVaeRY3hHXYBluXNZb2VMdHFuu0WBHwkX6/axElpwUOArExDs' +
    'UcpXk3H7zXhVjwdIbSORKNmFF6Tut30eDaAXy2AbvZnV0HYFmKMFovYOgsAX3of/tXGt3jqRAwBv3KwbeVEYCM6kjmJ8VgW/qvG4' +
    '00XMdOcgsBLzD6c2d+CQtKD02fqJEGgxKor3BuE4+PrjTFi5+p33rxS5bYn0pHwtdKJzjUCcQOjfKIqFm77Eh74VN8hVFWIwGuVY' +
    'o5RMXuw+ajpfg+GZoSLqVgoq6ahVbRya+paqsFq8aVq5XFlNg0+Aml22SuyU',
};

describe('encodeBlocks', () => {
  it.each([
    ['Q4_0', 'c037809191a2a2b3b3c4c4d5d5e6e6f7f7f8'],
    ['Q8_0', 'd0278189919aa2aab2bac3cbd3dbe3ecf4fc040c141d252d353d464e565e666f777f'],
    ['Q5_0', 'c0330000ffff102132435465768798a9bacbdcedfeff'],
    ['Q4_1', '2238c0c380809191a2a2b3b3c4c4d5d5e6e6f7f7'],
  ] as const)('rounds to %s as the reference does', (dtype, expected) => {
    const values = Float32Array.from({ length: 32 }, (_, i) => (i - 15.5) / 4);
    expect(hex(encodeBlocks(values, dtype))).toBe(expected);
  });

  it.each(Object.keys(BY_GGML) as BlockDType[])('finds the scales of %s that ggml finds', dtype => {
    const expected = Uint8Array.from(atob(BY_GGML[dtype]!), c => c.charCodeAt(0));
    expect(
      hex(
        encodeBlocks(
          bell(512, i => (i < 256 ? 0.05 : 3)),
          dtype,
        ),
      ),
    ).toBe(hex(expected));
  });

  it.each(WRITABLE_BLOCKS)('comes as near with %s as its bits allow, and to itself again', dtype => {
    const values = bell(2048, i => 1 + (i >> 8));
    const decoded = decodeBlocks(encodeBlocks(values, dtype), dtype);
    const square = (of: (i: number) => number) => values.reduce((sum, _, i) => sum + of(i) ** 2, 0);
    const error = Math.sqrt(square(i => decoded[i]! - values[i]!) / square(i => values[i]!));
    // 32 values span at most four and a half standard deviations; even steps err by a step over the root of 12.
    const steps = 2 ** Number(dtype[1]) - 1;
    expect(error).toBeLessThan(4.5 / steps / Math.sqrt(12));
    expect(error).toBeGreaterThan(2.5 / steps / Math.sqrt(12));
    const again = decodeBlocks(encodeBlocks(decoded, dtype), dtype);
    expect(Math.sqrt(square(i => again[i]! - decoded[i]!) / square(i => values[i]!))).toBeLessThan(error);
  });

  it.each(WRITABLE_BLOCKS)('keeps zeros, negative and tiny values in %s', dtype => {
    const { elements } = BLOCK_CODECS[dtype];
    const of = (value: (i: number) => number) => Float32Array.from({ length: elements }, (_, i) => value(i));
    const through = (values: Float32Array) => decodeBlocks(encodeBlocks(values, dtype), dtype);
    expect(through(of(() => 0)).every(value => value === 0)).toBe(true);
    expect(through(of(() => 1e-30)).every(value => Math.abs(value) < 1e-7)).toBe(true);
    for (const value of through(of(() => -2))) expect(value).toBeCloseTo(-2, 2);
  });

  it('refuses what no block holds, and formats that are only read', () => {
    expect(() => encodeBlocks(new Float32Array(33), 'Q8_0')).toThrow(/33 values; expected: a multiple of 32/);
    expect(() => encodeBlocks(new Float32Array(32).fill(Number.NaN, 5), 'Q8_0')).toThrow(/seen: NaN at 5/);
    expect(() => encodeBlocks(new Float32Array(256), 'Q2_K')).toThrow(
      /only be read; seen: Q2_K; expected: one of Q4_0/,
    );
  });
});

const FILE = fileURLToPath(new URL('../../../../shared/golden/gguf/quants.safetensors', import.meta.url));
const missing = existsSync(FILE) ? '' : ' (skipped: the shared golden files are not here)';

describe.skipIf(missing)(`blocks of the reference${missing}`, () => {
  it('give its values to the bit, and its bytes from values', async () => {
    const file = await openCheckpoint(FILE);
    const read = (name: string) => file.read(name, 0, file.tensors.get(name)!.byteLength);
    const seen = { read: [] as string[], written: [] as string[] };
    for (const name of file.tensors.keys()) {
      const [dtype = '', part] = name.split('/');
      if (part !== 'blocks' || !isBlockDType(dtype)) continue;
      const blocks = await read(name);
      const bits = (floats: Float32Array) => hex(new Uint8Array(floats.buffer));
      expect(bits(decodeBlocks(blocks, dtype)), dtype).toBe(hex(await read(`${dtype}/values`)));
      seen.read.push(dtype);
      if (!file.tensors.has(`${dtype}/source`) || !WRITABLE_BLOCKS.includes(dtype)) continue;
      expect(hex(encodeBlocks(toFloat32(await read(`${dtype}/source`), 'F32'), dtype)), dtype).toBe(hex(blocks));
      seen.written.push(dtype);
    }
    await file.close();
    expect(seen.read.sort()).toEqual(
      Object.keys(BLOCK_CODECS)
        .filter(dtype => dtype !== 'Q8_K')
        .sort(),
    );
    expect(seen.written).toEqual(['Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0']);
  });
});
