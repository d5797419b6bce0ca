import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, HeedError } from '../errors.ts';
import { createRng } from '../util/rng.ts';
import type { TensorDType } from './checkpoint.ts';
import { ggufNames, openGguf } from './gguf.ts';
import { encodeBlocks } from './gguf-blocks/index.ts';
import {
  encodeValues,
  type GgufMetadataToWrite,
  type GgufValueToWrite,
  ggufBytes,
  metadataToWrite,
  writeGguf,
} from './gguf-write.ts';
import { type ByteSource, bytesSource } from './source.ts';
import type { TensorToWrite } from './tensor-stream.ts';

const tensor = (name: string, dtype: TensorDType, shape: number[], bytes: Uint8Array): TensorToWrite => ({
  name,
  dtype,
  shape,
  chunks: () => [bytes.subarray(0, 3), bytes.subarray(3)],
});
const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i + 1);
const open = (bytes: Uint8Array, name = 'm.gguf') => openGguf(bytesSource(bytes, name));

/** Every type of value that the format has. */
const METADATA: GgufMetadataToWrite = {
  'general.architecture': 'test',
  u8: { type: 'U8', value: 255 },
  i8: { type: 'I8', value: -128 },
  u16: { type: 'U16', value: 65535 },
  i16: { type: 'I16', value: -32768 },
  u32: { type: 'U32', value: 4294967295 },
  i32: { type: 'I32', value: -2147483648 },
  f32: { type: 'F32', value: 0.15625 },
  u64: { type: 'U64', value: 2n ** 64n - 1n },
  i64: { type: 'I64', value: -(2n ** 63n) },
  f64: { type: 'F64', value: 1.1 },
  yes: true,
  no: false,
  text: 'Größe ✓\n',
  empty: '',
  texts: ['a', '', 'ü'],
  flags: [true, false],
  lists: [['a'], [], ['b', 'c']],
  none: [],
  numbers: Int16Array.of(-1, 2),
  floats: Float32Array.of(0.5, -1),
  large: BigInt64Array.of(-1n, 2n ** 62n),
};

describe('ggufBytes and openGguf', () => {
  it('give metadata of every type back', async () => {
    const { head, metadata, format } = await open(ggufBytes([], METADATA));
    expect(format).toBe('GGUF');
    const plain = Object.entries(METADATA).map(([key, value]) => [
      key,
      typeof value === 'object' && 'value' in value ? value.value : value,
    ]);
    expect(Object.fromEntries(head.values)).toEqual(Object.fromEntries(plain));
    expect(metadata).toMatchObject({
      yes: 'true',
      i64: '-9223372036854775808',
      texts: '[a, , ü]',
      large: '[-1, 4611686018427387904]',
    });
  });

  it('write again what they read, byte for byte and in its order', async () => {
    const count = (n: number) => [n, 0, 0, 0, 0, 0, 0, 0];
    const stored = (type: 'STRING' | 'ARRAY', ...bytes: number[]) => ({ type, stored: Uint8Array.from(bytes) });
    const metadata = new Map<string, GgufValueToWrite>([
      ...Object.entries(METADATA),
      ['2', 'second'],
      ['1', 'first'],
      ['no flags', stored('ARRAY', 7, 0, 0, 0, ...count(0))],
      ['no lists', stored('ARRAY', 9, 0, 0, 0, ...count(0))],
      ['a list of no flags', stored('ARRAY', 9, 0, 0, 0, ...count(1), 7, 0, 0, 0, ...count(0))],
      ['broken', stored('STRING', ...count(2), 0x61, 0xff)],
      ['broken ones', stored('ARRAY', 8, 0, 0, 0, ...count(2), ...count(1), 0xc3, ...count(0))],
      ['replaced', '\ufffd'],
    ]);
    const bytes = ggufBytes([], metadata);
    const { head } = await open(bytes);
    expect(head.values.get('broken')).toBe('a\ufffd');
    expect(head.values.get('broken ones')).toEqual(['\ufffd', '']);
    expect([...head.stored.keys()]).toEqual(['flags', 'lists'].concat([...metadata.keys()].slice(-6, -1)));
    expect([...head.values.keys()]).toEqual([...metadata.keys()]);
    expect(ggufBytes([], metadataToWrite(head))).toEqual(bytes);
  });

  it('give tensors back, in any part, with the fastest dimension last', async () => {
    const bytes = ggufBytes(
      [
        tensor('a', 'F32', [2, 3], counting(24)),
        tensor('q', 'Q4_0', [3, 64], counting(108)),
        tensor('k', 'Q2_K', [2, 1, 256], counting(168)),
        tensor('h', 'BF16', [5], counting(10)),
        tensor('i', 'I64', [1], counting(8)),
        tensor('nothing', 'F16', [0, 7], counting(0)),
      ],
      { 'general.alignment': { type: 'U32', value: 64 } },
    );
    const { tensors, read } = await open(bytes);
    expect([...tensors.values()].map(({ name, dtype, shape, byteLength }) => [name, dtype, shape, byteLength])).toEqual(
      [
        ['a', 'F32', [2, 3], 24],
        ['q', 'Q4_0', [3, 64], 108],
        ['k', 'Q2_K', [2, 1, 256], 168],
        ['h', 'BF16', [5], 10],
        ['i', 'I64', [1], 8],
        ['nothing', 'F16', [0, 7], 0],
      ],
    );
    expect([...tensors.values()].every(({ begin }) => begin % 64 === 0)).toBe(true);
    expect(bytes.length % 64).toBe(0);
    // A row of four blocks' bytes in the middle.
    expect([...(await read('q', 36, 36))]).toEqual([...counting(72).subarray(36)]);
    const into = new Uint8Array(12);
    await read('h', 8, 2, into);
    expect([...into.subarray(0, 3)]).toEqual([9, 10, 0]);
    await expect(read('q', 100, 9)).rejects.toThrow(/outside the tensor.*"q" of m\.gguf/);
    await expect(read('x', 0, 1)).rejects.toThrow(/no such tensor/);
  });

  it('writes the same bytes to a file, and nothing when it fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heed-gguf-'));
    try {
      const path = join(folder, 'm.gguf');
      const tensors = [tensor('a', 'F32', [3], counting(12)), tensor('b', 'Q8_0', [1, 32], counting(34))];
      const steps: number[] = [];
      await writeGguf(path, tensors, METADATA, { onProgress: ({ writtenBytes }) => steps.push(writtenBytes) });
      expect(new Uint8Array(await readFile(path))).toEqual(ggufBytes(tensors, METADATA));
      expect(steps.at(-1)).toBe(46);
      const short = tensor('b', 'Q8_0', [2, 32], counting(34));
      await expect(writeGguf(join(folder, 'n.gguf'), [short], {})).rejects.toThrow(/not as long as the tensor/);
      await expect(writeGguf(path, [short], {}, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow(
        'stop',
      );
      expect(await readdir(folder)).toEqual(['m.gguf']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each<[string, readonly TensorToWrite[], GgufMetadataToWrite, RegExp]>([
    ['a long name', [tensor('n'.repeat(65), 'I8', [1], counting(1))], {}, /tensor name has a length.*65 bytes/],
    ['five dimensions', [tensor('a', 'F32', [1, 1, 1, 1, 1], counting(4))], {}, /four dimensions at most/],
    [
      'rows that are no blocks',
      [tensor('a', 'Q4_0', [2, 16], counting(18))],
      {},
      /not a shape.*rows that Q4_0 can hold/,
    ],
    ['a dtype of another format', [tensor('a', 'F8_E4M3', [1], counting(1))], {}, /unknown dtype; seen: F8_E4M3/],
    [
      'a number without a type',
      [],
      { n: 5 as unknown as string },
      /not a value of GGUF metadata; seen: Number.*\(in n\)/,
    ],
    ['nothing', [], { n: null as unknown as string }, /not a value of GGUF metadata; seen: Null/],
    ['nothing in a list', [], { n: ['a', null as unknown as string] }, /not a value of GGUF metadata; seen: Null/],
    ['a view', [], { n: new DataView(new ArrayBuffer(8)) as unknown as string }, /not a value .*seen: DataView/],
    ['an unknown type', [], { n: { type: 'F16', value: 1 } as unknown as string }, /not a value .*seen: Object/],
    ['a number too large', [], { n: { type: 'F32', value: 1e300 } }, /does not fit its type; seen: 1e\+300 as F32/],
    ['a long integer too large', [], { n: { type: 'F64', value: 10n ** 400n } }, /does not fit its type/],
    ['no number as an integer', [], { n: { type: 'U8', value: Number.NaN } }, /seen: NaN as U8/],
    [
      'stored bytes that are none',
      [],
      { n: { type: 'STRING', stored: 'a' as unknown as Uint8Array } },
      /not a value of GGUF metadata; seen: Object/,
    ],
    ['a text as a number', [], { n: { type: 'F64', value: '1' as unknown as number } }, /seen: "1" as F64/],
    [
      'stored bytes that are too few',
      [],
      { n: { type: 'STRING', stored: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 1) } },
      /text of a GGUF file reaches beyond its end.*metadata "n"/,
    ],
    [
      'stored bytes that are too many',
      [],
      { n: { type: 'STRING', stored: new Uint8Array(9) } },
      /left behind a value; seen: 1 bytes/,
    ],
    ['a number beyond its type', [], { n: { type: 'U8', value: 256 } }, /256 as U8/],
    ['half a number', [], { n: { type: 'I32', value: 0.5 } }, /0\.5 as I32/],
    ['a list of two kinds', [], { n: ['a', true] }, /texts, truth values or lists/],
    ['a list of numbers', [], { n: [{ type: 'U8', value: 1 }] }, /give numbers as a typed array/],
    [
      'a crooked alignment',
      [],
      { 'general.alignment': { type: 'U32', value: 24 } },
      /expected: a power of two from 1 to 1048576/,
    ],
    ['a huge alignment', [], { 'general.alignment': { type: 'U32', value: 2 ** 31 } }, /seen: 2147483648 as U32/],
    ['an alignment as a text', [], { 'general.alignment': '32' }, /not an alignment .*seen: string/],
    ['half a character', [], { n: '\ud800' }, /half a surrogate pair/],
  ])('refuses to write %s', (_, tensors, metadata, message) => {
    expect(() => ggufBytes(tensors, metadata)).toThrow(message);
  });

  it('writes numbers that single precision has no finite value for only where they are none themselves', async () => {
    const numbers = { inf: Number.NEGATIVE_INFINITY, nan: Number.NaN, most: 3.4028234663852886e38 };
    const metadata = Object.entries(numbers).map(([key, value]) => [key, { type: 'F32', value }] as const);
    const { head } = await open(ggufBytes([], Object.fromEntries(metadata)));
    expect(Object.fromEntries(head.values)).toEqual(numbers);
  });

  it('writes values in every dtype of weights', () => {
    const values = Float32Array.from({ length: 256 }, (_, i) => i - 128);
    expect(encodeValues(values, 'F32').length).toBe(1024);
    expect([...encodeValues(values, 'BF16').subarray(-2)]).toEqual([0xfe, 0x42]);
    expect([...encodeValues(values, 'F16').subarray(0, 2)]).toEqual([0x00, 0xd8]);
    expect(encodeValues(values, 'Q6_K')).toEqual(encodeBlocks(values, 'Q6_K'));
    expect(() => encodeValues(values, 'I8')).toThrow(ConfigError);
    expect(() => encodeValues(values, 'I8')).toThrow(/not written in this dtype; seen: I8/);
  });
});

describe('split files', () => {
  const part = (no: number, count: number, tensors: TensorToWrite[], more: GgufMetadataToWrite = {}) =>
    ggufBytes(tensors, {
      'split.no': { type: 'U16', value: no },
      'split.count': { type: 'U16', value: count },
      'split.tensors.count': { type: 'I32', value: 2 },
      ...more,
    });
  const parts: Record<string, Uint8Array> = {
    'm-00001-of-00002.gguf': part(0, 2, [tensor('a', 'I8', [4], counting(4))], { 'general.name': 'm' }),
    'm-00002-of-00002.gguf': part(1, 2, [tensor('b', 'I8', [5], counting(5))]),
  };
  const opened = async (files: Record<string, Uint8Array>, first = 'm-00001-of-00002.gguf') => {
    const state = { open: 0 };
    const from = async (file: string): Promise<ByteSource | undefined> => {
      if (!files[file]) return undefined;
      state.open++;
      const source = bytesSource(files[file], `somewhere/${file}`);
      return { ...source, close: async () => void state.open-- };
    };
    return { checkpoint: await openGguf((await from(first))!, from).catch((e: Error) => e), state };
  };

  it('are read as one, whichever part is given', async () => {
    for (const first of Object.keys(parts)) {
      const { checkpoint, state } = await opened(parts, first);
      if (checkpoint instanceof Error) throw checkpoint;
      expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
      expect(checkpoint.metadata['general.name']).toBe('m');
      expect([...(await checkpoint.read('b', 2, 3))]).toEqual([3, 4, 5]);
      expect(state.open).toBe(2);
      await checkpoint.close();
      expect(state.open).toBe(0);
    }
  });

  const second = 'm-00002-of-00002.gguf';
  it.each<[string, Record<string, Uint8Array>, RegExp]>([
    ['that miss a part', { [second]: new Uint8Array(0) }, /ends within its metadata/],
    [
      'of another count',
      { [second]: part(1, 3, []) },
      /do not belong together; seen: part 2 of 3; expected: part 2 of 2/,
    ],
    ['in another order', { [second]: part(0, 2, []) }, /do not belong together; seen: part 1 of 2/],
    [
      'with the same tensor',
      { [second]: part(1, 2, [tensor('a', 'I8', [1], counting(1))]) },
      /a tensor is in two parts; seen: "a"/,
    ],
    ['with too few tensors', { [second]: part(1, 2, []) }, /another number of tensors.*seen: 1; expected: 2/],
  ])('%s are refused, and closed', async (_, changed, message) => {
    const { checkpoint, state } = await opened({ ...parts, ...changed });
    expect((checkpoint as Error).message).toMatch(message);
    expect(state.open).toBe(0);
  });

  it('need their parts and their names', async () => {
    const { [second]: _, ...one } = parts;
    expect(((await opened(one)).checkpoint as Error).message).toMatch(
      /part of a split file is missing; seen: no "m-00002-of-00002/,
    );
    await expect(open(parts[second]!, 'm.gguf')).rejects.toThrow(
      /does not say which part it is; seen: "m\.gguf"; expected: .* -00002-of-00002\.gguf/,
    );
    await expect(open(parts[second]!, second)).rejects.toThrow(/missing; seen: no "m-00001/);
    expect(ggufNames(['b.gguf', 'a-00002-of-00002.gguf', 'a-00001-of-00002.gguf', 'c.bin'])).toEqual([
      'a-00001-of-00002.gguf',
      'b.gguf',
    ]);
  });
});

describe('hostile files', () => {
  it('reads the head of a large file only', async () => {
    const bytes = ggufBytes([tensor('a', 'I8', [4], counting(4))], METADATA);
    const reads: number[] = [];
    const source = bytesSource(bytes);
    await openGguf({
      ...source,
      size: 2 ** 40,
      read: async (offset, length, into) => {
        reads.push(length);
        const out = into ?? new Uint8Array(length);
        out.set(bytes.subarray(offset, offset + length));
        return out;
      },
    });
    expect(reads).toEqual([1 << 20]);
  });

  it('refuse or give right values after any change, in bounded time', async () => {
    const whole = ggufBytes(
      [
        tensor('a', 'F32', [2, 3], counting(24)),
        tensor('q', 'Q5_K', [1, 256], counting(176)),
        tensor('z', 'F16', [2], counting(4)),
      ],
      METADATA,
    );
    const rng = createRng(5);
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = whole.slice(0, rng.uniform() < 0.1 ? rng.below(whole.length) : whole.length);
      for (let changes = 1 + rng.below(3); changes > 0 && bytes.length > 0; changes--) {
        bytes[rng.below(bytes.length)] = [0, 1, 0x7f, 0x80, 0xff, rng.below(256)][rng.below(6)]!;
      }
      const requests: number[] = [];
      const source = bytesSource(bytes, 'm');
      const watched: ByteSource = {
        ...source,
        read: (offset, length, into) => {
          requests.push(length);
          return source.read(offset, length, into);
        },
      };
      try {
        const checkpoint = await openGguf(watched);
        for (const { name, byteLength } of checkpoint.tensors.values()) {
          expect(byteLength).toBeLessThanOrEqual(bytes.length);
          expect((await checkpoint.read(name, 0, byteLength)).length).toBe(byteLength);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(HeedError);
        expect((error as Error).message.length).toBeLessThan(600);
        refused++;
      }
      expect(Math.max(0, ...requests)).toBeLessThanOrEqual(bytes.length);
    }
    expect(refused).toBeGreaterThan(500);
    expect(refused).toBeLessThan(2900);
  });
});
