import { describe, expect, it } from 'vitest';
import {
  elementBytes,
  FILE_DTYPES,
  type FileDType,
  isFileDType,
  tensorBytes,
  toFloat32,
  toInt32,
} from './checkpoint.ts';

const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** The same values in every dtype that holds them. */
const same: [FileDType, ArrayBufferView, number[]][] = [
  ['F64', Float64Array.of(0.1, -2, 1e300), [Math.fround(0.1), -2, Number.POSITIVE_INFINITY]],
  ['F32', Float32Array.of(0.1, -0, 3e38), [Math.fround(0.1), -0, Math.fround(3e38)]],
  ['F16', Uint16Array.of(0x3c00, 0x0001, 0xfc00), [1, 2 ** -24, Number.NEGATIVE_INFINITY]],
  ['BF16', Uint16Array.of(0x3f80, 0xc040, 0x7f80), [1, -3, Number.POSITIVE_INFINITY]],
  ['F8_E4M3', Uint8Array.of(0x38, 0xfe, 0x01), [1, -448, 2 ** -9]],
  ['F8_E5M2', Uint8Array.of(0x3c, 0xfc, 0x01), [1, Number.NEGATIVE_INFINITY, 2 ** -16]],
  ['I64', BigInt64Array.of(-1n, 2147483647n, -2147483648n), [-1, 2147483648, -2147483648]],
  ['I32', Int32Array.of(-1, 16777217, 7), [-1, 16777216, 7]],
  ['I16', Int16Array.of(-32768, 32767), [-32768, 32767]],
  ['I8', Int8Array.of(-128, 127), [-128, 127]],
  ['U64', BigUint64Array.of(0n, 2147483647n), [0, 2147483648]],
  ['U32', Uint32Array.of(0, 2147483647), [0, 2147483648]],
  ['U16', Uint16Array.of(0, 65535), [0, 65535]],
  ['U8', Uint8Array.of(0, 255), [0, 255]],
  ['BOOL', Uint8Array.of(0, 1, 2), [0, 1, 1]],
];

describe('dtypes', () => {
  it('have the widths of their names, widest first', () => {
    for (const dtype of FILE_DTYPES) {
      const bits = /BOOL|F8/.test(dtype) ? 8 : Number(/\d+/.exec(dtype)![0]);
      expect(elementBytes(dtype) * 8).toBe(bits);
    }
    expect(FILE_DTYPES.map(elementBytes)).toEqual([8, 8, 8, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1, 1]);
  });

  it('are told from other texts', () => {
    expect(['F32', 'f32', 'toString', 'F4'].map(isFileDType)).toEqual([true, false, false, false]);
  });

  it('count bytes exactly or not at all', () => {
    expect(tensorBytes('F64', [])).toBe(8);
    expect(tensorBytes('F16', [3, 0, 2 ** 52])).toBe(0);
    expect(tensorBytes('U8', [2 ** 26, 2 ** 26])).toBe(2 ** 52);
    expect(tensorBytes('U8', [2 ** 27, 2 ** 26])).toBeUndefined();
    expect(tensorBytes('F32', [2 ** 40, 2 ** 40, 0])).toBeUndefined();
  });
});

describe('toFloat32', () => {
  it('covers every dtype', () => expect(same.map(([dtype]) => dtype).sort()).toEqual([...FILE_DTYPES].sort()));

  it.each(same)('converts %s, also from unaligned bytes', (dtype, values, expected) => {
    const bytes = bytesOf(values);
    expect([...toFloat32(bytes, dtype)]).toEqual(expected);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const converted = toFloat32(shifted.subarray(1), dtype);
    expect([...converted]).toEqual(expected);
    expect(converted.buffer).not.toBe(shifted.buffer);
  });

  it('gives memory of its own', () => {
    const values = Float32Array.of(1, 2);
    toFloat32(bytesOf(values), 'F32').fill(9);
    expect([...values]).toEqual([1, 2]);
  });

  it.each(FILE_DTYPES.filter(dtype => elementBytes(dtype) > 1))('refuses half an element of %s', dtype => {
    expect(() => toFloat32(new Uint8Array(elementBytes(dtype) + 1), dtype)).toThrow(/whole number of elements/);
  });
});

describe('toInt32', () => {
  const integers = same.filter(([dtype]) => !/F/.test(dtype));

  it.each(integers)('converts %s exactly', (dtype, values) => {
    const expected = dtype === 'BOOL' ? [0, 1, 1] : Array.from(values as unknown as ArrayLike<number | bigint>, Number);
    expect([...toInt32(bytesOf(values), dtype)]).toEqual(expected);
  });

  it.each([
    ['I64', BigInt64Array.of(5n, 2147483648n), /2147483648 at element 1/],
    ['I64', BigInt64Array.of(-2147483649n), /-2147483649 at element 0/],
    ['I64', BigInt64Array.of(9007199254740993n), /9007199254740993/],
    ['U64', BigUint64Array.of(18446744073709551615n), /18446744073709551615/],
    ['U64', BigUint64Array.of(4294967295n), /4294967295/],
    ['U32', Uint32Array.of(1, 4294967295), /4294967295 at element 1/],
  ] as const)('refuses a value of %s that does not fit, and shows it', (dtype, values, message) => {
    expect(() => toInt32(bytesOf(values), dtype)).toThrow(message);
  });

  it('refuses half a 64-bit integer, and floats', () => {
    expect(() => toInt32(new Uint8Array(12), 'I64')).toThrow(/multiple of 8/);
    expect(() => toInt32(new Uint8Array(4), 'F32')).toThrow(/floats are not read as integers; seen: F32/);
  });
});
