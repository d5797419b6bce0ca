/** GGUF files of the reference: every metadata type, corrupt files, and the files that llama.cpp's Python package wrote. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HeedError } from '../../src/errors.ts';
import { bytesSource, ggufBytes, metadataToWrite, openGguf, toFloat32 } from '../../src/formats/index.ts';

const FOLDER = fileURLToPath(new URL('../../../shared/golden/gguf/', import.meta.url));
const missing = existsSync(FOLDER) ? '' : ' (skipped: the shared golden files are not here)';
const filesIn = (folder: string) => (missing ? [] : readdirSync(folder).filter(name => name.endsWith('.gguf')));
const open = (path: string) => openGguf(bytesSource(readFileSync(path), path));

describe.skipIf(missing)(`GGUF files of the reference${missing}`, () => {
  it('hold what their description says', async () => {
    const expected = JSON.parse(readFileSync(`${FOLDER}metadata.expected.json`, 'utf8'));
    const { head, tensors, read } = await open(`${FOLDER}metadata.gguf`);
    const plain = (value: unknown): unknown =>
      typeof value === 'bigint'
        ? String(value)
        : typeof value === 'object'
          ? Array.from(value as ArrayLike<unknown>)
          : value;
    expect(Object.fromEntries([...head.values].map(([key, value]) => [key, plain(value)]))).toEqual(expected.metadata);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected.tensors).sort());
    for (const { name, shape, dtype, byteLength } of tensors.values()) {
      const { shape_rows_first, values } = expected.tensors[name];
      expect(shape).toEqual(shape_rows_first);
      const bytes = await read(name, 0, byteLength);
      const numbers =
        dtype === 'F64'
          ? [...new Float64Array(bytes.buffer)]
          : dtype === 'I64'
            ? [...new BigInt64Array(bytes.buffer)].map(String)
            : [...toFloat32(bytes, dtype)];
      const wanted = values.map((value: number | string) =>
        dtype === 'I64' ? String(value) : dtype === 'F64' ? value : Math.fround(Number(value)),
      );
      expect(numbers).toEqual(wanted);
    }
  });

  it.each(filesIn(FOLDER))('%s is written again byte for byte', async name => {
    const bytes = new Uint8Array(readFileSync(FOLDER + name));
    const { head, tensors, read } = await open(FOLDER + name);
    const again = await Promise.all(
      [...tensors.values()].map(async tensor => {
        const raw = await read(tensor.name, 0, tensor.byteLength);
        return { ...tensor, chunks: () => [raw] };
      }),
    );
    expect(Buffer.compare(ggufBytes(again, metadataToWrite(head)), bytes)).toBe(0);
  });

  it.each(filesIn(`${FOLDER}corrupt`).filter(name => name !== 'ok.gguf'))(
    'corrupt/%s is refused with its fault',
    async name => {
      const error = await open(`${FOLDER}corrupt/${name}`).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(HeedError);
      expect((error as HeedError).name).toMatch(/FormatError|UnsupportedError/);
      expect((error as HeedError).message).toMatch(FAULTS[name.replace('.gguf', '')]!);
    },
  );

  it('has a sound file that the corrupt ones were made from', async () => {
    expect((await open(`${FOLDER}corrupt/ok.gguf`)).tensors.size).toBe(2);
    expect(filesIn(`${FOLDER}corrupt`).length).toBe(Object.keys(FAULTS).length + 1);
  });
});

const FAULTS: Readonly<Record<string, RegExp>> = {
  empty: /file ends within its metadata/,
  bad_magic: /not a GGUF file/,
  old_ggml: /not a GGUF file/,
  version_1: /version is not supported; seen: version 1/,
  version_99: /version is not supported; seen: version 99/,
  big_endian: /big-endian/,
  truncated_header: /more tensors than fit/,
  truncated_data: /beyond the end of the file/,
  tensor_count_huge: /more tensors than fit/,
  kv_count_huge: /more keys than fit/,
  string_length_huge: /more keys than fit/,
  array_length_huge: /list of a GGUF file is longer/,
  array_nested_deep: /nested too deeply/,
  unknown_value_type: /unknown type; seen: 77/,
  bool_2: /truth value.*seen: 2/,
  unknown_tensor_type: /unknown tensor type; seen: 999/,
  removed_tensor_type: /tensor type is not supported; seen: Q4_2/,
  dims_5: /too many dimensions; seen: 5/,
  dims_overflow: /shape overflows/,
  dim_zero_with_offset: /beyond the end of the file/,
  offset_out_of_range: /beyond the end of the file/,
  offset_unaligned: /not aligned; seen: offset 4/,
  overlap: /tensors overlap; seen: "a"/,
  duplicate_tensor: /tensor stands twice.*"a"/,
  duplicate_key: /key stands twice.*"x"/,
  alignment_zero: /no power of two; seen: "0"/,
  alignment_not_power_of_two: /no power of two; seen: "33"/,
  row_not_multiple_of_block: /rows are no whole blocks/,
  name_too_long: /tensor name.*wrong length; seen: 300/,
  key_invalid_utf8: /not valid UTF-8.*a key/,
};
