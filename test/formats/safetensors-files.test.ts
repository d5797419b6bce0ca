/** Every file of `data/`: valid ones are read bit by bit, corrupt ones are refused with their fault; and real checkpoints are written back. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  blobSource,
  bytesSource,
  FILE_DTYPES,
  type FileDType,
  openCheckpoint,
  openSafetensors,
  safetensorsBytes,
  type TensorToWrite,
  toFloat32,
} from '../../src/formats/index.ts';

const path = (name: string) => fileURLToPath(new URL(`data/${name}`, import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(path(name)));
const filesIn = (folder: string) =>
  readdirSync(path(folder)).flatMap(name =>
    name.endsWith('.safetensors') ? [name.replace(/\.safetensors$/, '')] : [],
  );

type Value = number | string | boolean;
type Nested = Value | Nested[];
interface Expected {
  metadata: Record<string, string> | null;
  tensors: Record<string, { dtype: FileDType; shape: number[]; values: Nested }>;
}
const expected = JSON.parse(readFileSync(path('safetensors-valid/expected.json'), 'utf8')) as Record<string, Expected>;

/** Reads one element with the language's own means. Short floats, which have none, are left to toFloat32. */
const ELEMENT: Partial<Record<FileDType, (view: DataView, index: number) => number | bigint>> = {
  F64: (view, i) => view.getFloat64(8 * i, true),
  F32: (view, i) => view.getFloat32(4 * i, true),
  I64: (view, i) => view.getBigInt64(8 * i, true),
  U64: (view, i) => view.getBigUint64(8 * i, true),
  I32: (view, i) => view.getInt32(4 * i, true),
  U32: (view, i) => view.getUint32(4 * i, true),
  I16: (view, i) => view.getInt16(2 * i, true),
  U16: (view, i) => view.getUint16(2 * i, true),
  I8: (view, i) => view.getInt8(i),
  U8: (view, i) => view.getUint8(i),
  BOOL: (view, i) => view.getUint8(i),
};

const SPECIAL: Record<string, number> = {
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
};

const flatten = (values: Nested): Value[] => (Array.isArray(values) ? values.flatMap(flatten) : [values]);

/** The value that a file holds for an entry of expected.json. */
function fileValue(value: Value, dtype: FileDType): number | bigint {
  if (dtype === 'I64' || dtype === 'U64') return BigInt(value as number | string);
  const number = typeof value === 'string' ? (SPECIAL[value] as number) : Number(value);
  return /^(F32|F16|BF16)$/.test(dtype) ? Math.fround(number) : number;
}

describe('valid files', () => {
  it('are all described', () => {
    expect(filesIn('safetensors-valid').sort()).toEqual(Object.keys(expected).sort());
    expect(Object.keys(expected).length).toBe(21);
  });

  it.each(Object.keys(expected))('%s is read bit by bit', async name => {
    const { metadata, tensors } = expected[name]!;
    const bytes = bytesOf(`safetensors-valid/${name}.safetensors`);
    for (const source of [bytesSource(bytes), blobSource(new Blob([bytes]))]) {
      const checkpoint = await openSafetensors(source);
      expect(checkpoint.metadata).toEqual(metadata ?? {});
      expect([...checkpoint.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
      for (const [key, { dtype, shape, values }] of Object.entries(tensors)) {
        const entry = checkpoint.tensors.get(key)!;
        expect([entry.dtype, entry.shape]).toEqual([dtype, shape]);
        const raw = await checkpoint.read(key, 0, entry.byteLength);
        const wanted = flatten(values).map(value => fileValue(value, dtype));
        const floats = toFloat32(raw, dtype);
        expect([...floats]).toEqual(wanted.map(value => Math.fround(Number(value))));
        const element = ELEMENT[dtype];
        const view = new DataView(raw.buffer, raw.byteOffset);
        if (element) expect(wanted.map((_, i) => element(view, i))).toEqual(wanted);
      }
    }
  });
});

/** What the message about each corrupt file must say. */
const FAULTS: Record<string, RegExp> = {
  empty_file: /too short to be safetensors; seen: 0 bytes/,
  five_bytes: /too short to be safetensors; seen: 5 bytes/,
  truncated_header: /header ends after the end of the file/,
  header_length_too_large: /header ends after the end of the file/,
  header_length_huge: /longer than the format allows.*seen: 9223372036854775808 bytes/,
  header_length_max: /longer than the format allows.*seen: 18446744073709551615 bytes/,
  header_length_zero: /does not start with '\{'; seen: an empty header/,
  truncated_data: /tensor reaches past the end of the file.*tensor "b"/,
  trailing_bytes: /bytes at the end of the file belong to no tensor/,
  overlap: /tensors overlap; seen: tensor "b" begins at byte \d+; expected: byte \d+, where tensor "a" ends/,
  same_range: /tensors overlap/,
  gap: /hole in the data.*tensor "b" begins at byte 16; expected: byte 8, where tensor "a" ends/,
  start_not_zero: /hole in the data.*expected: byte 0, where the header ends/,
  out_of_range: /reaches past the end of the file; seen: end at byte 1000000016.*tensor "b"/,
  reversed_offsets: /data_offsets end before they begin.*tensor "a"/,
  negative_offset: /not a whole number of 0 or more; seen: "-16".*"a" > "data_offsets"/,
  float_offset: /not a whole number of 0 or more; seen: "0\.0".*"a" > "data_offsets"/,
  duplicate_keys: /a key is given twice in the same object; seen: "a"/,
  duplicate_keys_same_range: /a key is given twice in the same object; seen: "a"/,
  duplicate_metadata: /a key is given twice in the same object; seen: "__metadata__"/,
  invalid_json: /not the expected JSON; seen: '; expected: a string/,
  json_array: /does not start with '\{'; seen: "\["/,
  trailing_json: /seen: x; expected: nothing but spaces after the end of the JSON/,
  invalid_utf8: /not valid UTF-8 \(in the header of/,
  nul_padding: /seen: the byte 0x00; expected: nothing but spaces after the end/,
  leading_space: /does not start with '\{'; seen: " "/,
  wrong_size: /do not fit dtype and shape; seen: 16 bytes; expected: \d+ bytes/,
  wrong_dtype_size: /do not fit dtype and shape; seen: 16 bytes; expected: 32 bytes \(F64 of shape \[4\]\)/,
  unknown_dtype: /unknown dtype; seen: "F33".*"a" > "dtype"/,
  lowercase_dtype: /unknown dtype; seen: "f32"/,
  negative_shape: /not a whole number of 0 or more; seen: "-8".*"a" > "shape"/,
  overflow_shape: /shape overflows; seen: F32 of shape \[8589934592, 8589934592, 4\].*tensor "a"/,
  overflow_to_zero: /shape overflows; seen: F32 of shape \[4294967296, 4294967296\]/,
  float_shape: /not a whole number of 0 or more; seen: "8\.5"/,
  missing_shape: /tensor lacks shape/,
  missing_offsets: /tensor lacks data_offsets/,
  three_offsets: /data_offsets are no pair; seen: 3 numbers/,
  metadata_not_string: /seen: 1; expected: a string.*"__metadata__" > "a"/,
  metadata_nested: /seen: \{; expected: a string.*"__metadata__"/,
  deep_nesting: /seen: \[; expected: an object.*at "a"/,
};

describe('corrupt files', () => {
  /** The format says nothing about further fields, and the reference takes them. */
  const accepted = 'extra_field';

  it('are all described', () => {
    expect(filesIn('safetensors-corrupt').sort()).toEqual([...Object.keys(FAULTS), accepted].sort());
  });

  it.each(Object.entries(FAULTS))('%s is refused by file name and fault', async (name, message) => {
    const file = path(`safetensors-corrupt/${name}.safetensors`);
    await expect(openCheckpoint(file)).rejects.toThrow(message);
    await expect(openCheckpoint(file)).rejects.toThrow(expect.objectContaining({ name: 'FormatError' }));
    await expect(openCheckpoint(file)).rejects.toThrow(`${name}.safetensors`);
  });

  it(`${accepted} is read`, async () => {
    const checkpoint = await openCheckpoint(path(`safetensors-corrupt/${accepted}.safetensors`));
    expect(checkpoint.tensors.get('a')?.shape).toEqual([8]);
    await checkpoint.close();
  });
});

const BAD_SHARDS: Record<string, RegExp> = {
  'missing-key':
    /names 1 tensors that are not in their shard; seen: "model\.layers\.0\.self_attn\.q_proj\.extra" in "model-00001-of/,
  'missing-shard': /shard cannot be opened; seen: "model-00002-of-00002\.safetensors": .*ENOENT/,
  'missing-weight': /hold less than the index says.*seen: 98944 bytes in 2 shards; expected: 105088 bytes/,
  'path-traversal':
    /shard name leaves the folder.*seen: "\.\.\/\.\.\/\.\.\/llama\/model\.safetensors".*tensor "lm_head\.weight"/,
};

describe('bad shard indexes', () => {
  it('are all described', () =>
    expect(readdirSync(path('sharded-bad')).sort()).toEqual(Object.keys(BAD_SHARDS).sort()));

  it.each(Object.entries(BAD_SHARDS))('%s is refused with its fault', async (name, message) => {
    await expect(openCheckpoint(path(`sharded-bad/${name}`))).rejects.toThrow(message);
    await expect(openCheckpoint(path(`sharded-bad/${name}`))).rejects.toThrow(/model\.safetensors\.index\.json/);
  });
});

/** Reads all tensors of a file and writes them again. */
async function rewritten(bytes: Uint8Array): Promise<Uint8Array> {
  const checkpoint = await openSafetensors(bytesSource(bytes));
  const tensors: TensorToWrite[] = [];
  for (const { name, dtype, shape, byteLength } of checkpoint.tensors.values()) {
    const raw = await checkpoint.read(name, 0, byteLength);
    tensors.push({ name, dtype, shape, chunks: () => [raw] });
  }
  return safetensorsBytes(tensors.reverse(), checkpoint.metadata);
}

const differs = (a: Uint8Array, b: Uint8Array) => a.length !== b.length || a.some((byte, i) => byte !== b[i]);

describe('writing back', () => {
  it('gives the bytes of the reference implementation, for every dtype', async () => {
    const bytes = bytesOf('reference-order.safetensors');
    const { tensors } = await openSafetensors(bytesSource(bytes));
    expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(FILE_DTYPES));
    expect(differs(await rewritten(bytes), bytes)).toBe(false);
  });
});

const golden = fileURLToPath(new URL('../../../shared/golden/', import.meta.url));

describe.skipIf(!existsSync(golden))('golden checkpoints (skipped where ../shared/golden is absent)', () => {
  it.each(['gpt2/model', 'gpt2-f16/model', 'llama-bf16/model', 'llama-sharded/model-00001-of-00002'])(
    '%s is written back byte for byte',
    async name => {
      const bytes = new Uint8Array(readFileSync(`${golden}${name}.safetensors`));
      expect(differs(await rewritten(bytes), bytes)).toBe(false);
    },
  );

  it('sharded and single checkpoints hold the same tensors', async () => {
    const [single, sharded] = [await openCheckpoint(`${golden}llama`), await openCheckpoint(`${golden}llama-sharded`)];
    expect([...sharded.tensors.keys()].sort()).toEqual([...single.tensors.keys()].sort());
    for (const { name, byteLength } of single.tensors.values()) {
      expect(differs(await single.read(name, 0, byteLength), await sharded.read(name, 0, byteLength))).toBe(false);
    }
    await single.close();
    await sharded.close();
  });
});
