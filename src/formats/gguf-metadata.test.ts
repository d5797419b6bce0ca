import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedError } from '../errors.ts';
import { parseGgufMetadata, readGgufMetadata } from './gguf-metadata.ts';
import { bytesSource } from './source.ts';

/** A number in `bytes` bytes, little-endian. */
const integer = (value: number | bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
const u32 = (value: number) => integer(value, 4);
const u64 = (value: number | bigint) => integer(value, 8);
const text = (value: string) => {
  const bytes = new TextEncoder().encode(value);
  return [...u64(bytes.length), ...bytes];
};
const float = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)];
const double = (value: number) => [...new Uint8Array(Float64Array.of(value).buffer)];
const pair = (key: string, type: number, value: readonly number[]) => [...text(key), ...u32(type), ...value];
const list = (type: number, count: number | bigint, items: readonly number[]) => [
  ...u32(type),
  ...u64(count),
  ...items,
];
const file = (pairs: readonly (readonly number[])[], version = 3, tensors = 0, count: number | bigint = pairs.length) =>
  Uint8Array.from([0x47, 0x47, 0x55, 0x46, ...u32(version), ...u64(tensors), ...u64(count), ...pairs.flat()]);
const parse = (bytes: Uint8Array, size = bytes.length) => parseGgufMetadata(bytes, size, 'x.gguf');

describe('parseGgufMetadata', () => {
  it('reads every kind of value', () => {
    const bytes = file([
      pair('u8', 0, [200]),
      pair('i8', 1, [200]),
      pair('u16', 2, integer(60000, 2)),
      pair('i16', 3, integer(60000, 2)),
      pair('u32', 4, u32(4e9)),
      pair('i32', 5, u32(4e9)),
      pair('f32', 6, float(0.5)),
      pair('yes', 7, [1]),
      pair('text', 8, text('Straße')),
      pair('u64', 10, u64(7)),
      pair('huge', 10, u64(2n ** 63n)),
      pair('i64', 11, u64(2n ** 64n - 3n)),
      pair('f64', 12, double(0.1)),
      pair('floats', 9, list(6, 2, [...float(1), ...float(-2)])),
      pair('texts', 9, list(8, 2, [...text('a'), ...text('')])),
      pair('flags', 9, list(7, 2, [0, 1])),
      pair('longs', 9, list(10, 1, u64(2n ** 60n))),
      pair('lists', 9, list(9, 2, [...list(0, 1, [5]), ...list(8, 0, [])])),
    ]);
    const metadata = parse(bytes)!;
    expect(Object.fromEntries(metadata.values)).toEqual({
      u8: 200,
      i8: -56,
      u16: 60000,
      i16: -5536,
      u32: 4e9,
      i32: 4e9 - 2 ** 32,
      f32: 0.5,
      yes: true,
      text: 'Straße',
      u64: 7,
      huge: 2n ** 63n,
      i64: -3,
      f64: 0.1,
      floats: Float32Array.of(1, -2),
      texts: ['a', ''],
      flags: [false, true],
      longs: BigUint64Array.of(2n ** 60n),
      lists: [Uint8Array.of(5), []],
    });
    expect([metadata.version, metadata.tensorCount, metadata.end]).toEqual([3, 0, bytes.length]);
  });

  it('makes lists of lists and of truth values each time that they are asked for', () => {
    const metadata = parse(
      file([
        pair('flags', 9, list(7, 2, [0, 1])),
        pair('lists', 9, list(9, 2, [...list(8, 1, text('x')), ...list(7, 1, [1])])),
      ]),
    )!;
    const { values } = metadata;
    const expected = { flags: [false, true], lists: [['x'], [true]] };
    expect(values.get('lists')).not.toBe(values.get('lists'));
    expect([values.size, values.has('flags'), values.has('x'), values.get('x')]).toEqual([2, true, false, undefined]);
    expect(Object.fromEntries(values)).toEqual(expected);
    expect([...values.keys()]).toEqual(Object.keys(expected));
    expect([...values.values()]).toEqual(Object.values(expected));
    const seen: Record<string, unknown> = {};
    values.forEach((value, key) => {
      seen[key] = value;
    });
    expect(seen).toEqual(expected);
  });

  it('asks for more bytes at every place where they end too early', () => {
    const bytes = file([pair('a', 8, text('xyz')), pair('b', 9, list(4, 3, [...u32(1), ...u32(2), ...u32(3)]))]);
    for (let length = 0; length < bytes.length; length++)
      expect(parse(bytes.subarray(0, length), bytes.length)).toBeUndefined();
    expect(parse(bytes)).toBeDefined();
  });

  it.each([
    ['another file', Uint8Array.of(0x50, 0x4b, 3, 4), 'not a GGUF'],
    ['an empty file', new Uint8Array(0), 'ends within'],
    ['more keys than fit', file([], 3, 0, 2n ** 60n), 'more keys'],
    ['more tensors than fit', file([], 3, 2 ** 40), 'more tensors'],
    ['a key of 2^63 bytes', file([[...u64(2n ** 63n), ...Array(40).fill(0)]]), 'wrong length'],
    ['a text of 4 GB', file([pair('a', 8, [...u64(2 ** 32), 0])]), 'beyond its end'],
    ['a list of 4 GB', file([pair('a', 9, list(4, 2 ** 30, [0, 0, 0, 0]))]), 'longer than the file'],
    ['a list of 2^61 texts', file([pair('a', 9, list(8, 2n ** 61n, Array(9).fill(0)))]), 'longer than the file'],
    ['an unknown type', file([pair('a', 13, [0, 0, 0, 0])]), 'unknown type'],
    ['a list of an unknown type', file([pair('a', 9, list(99, 1, [0]))]), 'unknown type'],
    ['a truth value of 2', file([pair('a', 7, [2])]), 'neither'],
    ['an empty key', file([pair('', 0, [1, 0, 0, 0, 0, 0])]), 'wrong length'],
    ['a key twice', file([pair('a', 0, [1]), pair('a', 0, [2])]), 'twice'],
    [
      'lists in lists without end',
      file([
        pair(
          'a',
          9,
          Array(40)
            .fill(list(9, 1, []))
            .flat(),
        ),
      ]),
      'too deeply',
    ],
    ['a truth value of 2 in a list', file([pair('a', 9, list(7, 2, [1, 2]))]), 'neither'],
    ['a list in a list that is longer than the file', file([pair('a', 9, list(9, 1, list(8, 9, [])))]), 'longer than'],
    [
      'more keys than any model has',
      file(Array.from({ length: 65_537 }, (_, i) => pair(i.toString(36), 0, [1]))),
      'too many keys',
    ],
    ['a file cut within a value', file([pair('a', 12, [0, 0])]), 'ends within'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parse(bytes)).toThrow(FormatError);
    expect(() => parse(bytes)).toThrow(message);
  });

  it('names versions that it does not read', () => {
    expect(() => parse(file([], 1))).toThrow(UnsupportedError);
    expect(() => parse(file([], 0x03000000))).toThrow('big-endian');
  });
});

describe('readGgufMetadata', () => {
  it('reads only as much of a file as it needs', async () => {
    const long = 'x'.repeat(3_000_000);
    const head = file([pair('long', 8, text(long)), pair('a', 0, [1])]);
    const bytes = new Uint8Array(20_000_000);
    bytes.set(head);
    const source = bytesSource(bytes);
    let most = 0;
    const counted = {
      ...source,
      read: (offset: number, length: number) => {
        most = Math.max(most, offset + length);
        return source.read(offset, length);
      },
    };
    const metadata = await readGgufMetadata(counted);
    expect(metadata.values.get('long')).toBe(long);
    expect(metadata.end).toBe(head.length);
    expect(most).toBe(4 << 20);
  });
});
