/** Files that say as much as they can in few bytes: what a reader makes of a byte is to be small all the same. */
import { bytesOf, global, int, joined, text, torchLegacy, tuple, u32, u64, zipBytes } from './torch-builder.ts';

/** Names of three letters, all different. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_';
const nameOf = (i: number) =>
  LETTERS[i & 63]! + LETTERS[(i >> 6) & 63]! + LETTERS[(i >> 12) & 63]! + LETTERS[(i >> 18) & 63]!;
const many = (count: number, part: (i: number) => string) => Array.from({ length: count }, (_, i) => part(i)).join(',');
const utf8 = (value: string) => new TextEncoder().encode(value);

function safetensors(header: string): Uint8Array {
  const json = utf8(header);
  return joined([u64(json.length), json]);
}

/** Parts one after the other until there are `bytes` bytes; all the same where a part is given and no function. */
function filled(bytes: number, part: Uint8Array | ((i: number) => Uint8Array)) {
  const partOf = typeof part === 'function' ? part : () => part;
  const { length } = partOf(0);
  const count = Math.floor(bytes / length);
  const parts = new Uint8Array(count * length);
  for (let i = 0; i < count; i++) parts.set(partOf(i), i * length);
  return { parts, count };
}

const ggufName = (i: number) => bytesOf(u64(4), nameOf(i));
const gguf = (tensors: number, pairs: number, ...parts: readonly Uint8Array[]) =>
  joined([bytesOf('GGUF', u32(3), u64(tensors), u64(pairs)), ...parts]);
const list = (bytes: number, type: number, item: Parameters<typeof filled>[1]) => {
  const { parts, count } = filled(bytes, item);
  return gguf(0, 1, ggufName(0), u32(9), u32(type), u64(count), parts);
};
const archive = (data: Uint8Array) =>
  zipBytes([
    { name: 'a/data.pkl', data },
    { name: 'a/data/0', data: bytesOf() },
  ]);
const opcodes = (bytes: number, codes: Uint8Array, first = bytesOf()) =>
  archive(bytesOf(0x80, 2, first, filled(bytes, codes).parts, '.'));

/** By the name that they are opened under, of about so many bytes. */
export const HOSTILE: Readonly<Record<string, (bytes: number) => Uint8Array>> = {
  'tensors.safetensors': bytes =>
    safetensors(`{${many(bytes / 52, i => `"${nameOf(i)}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`),
  'metadata.safetensors': bytes => safetensors(`{"__metadata__":{${many(bytes / 10, i => `"${nameOf(i)}":""`)}}}`),
  'objects.safetensors': bytes => safetensors(`{"a":{"x":[${many(bytes / 3, () => '{}')}]}}`),
  'dimensions.safetensors': bytes => safetensors(`{"a":{"dtype":"U8","shape":[${many(bytes / 2, () => '1')}]}}`),
  'keys.gguf': bytes => {
    const { parts, count } = filled(bytes, i => bytesOf(ggufName(i), u32(0), 0));
    return gguf(0, count, parts);
  },
  'tensors.gguf': bytes => {
    const { parts, count } = filled(bytes, i => bytesOf(ggufName(i), u32(0), u32(0), u64(32 * i)));
    return joined([gguf(count, 0, parts), new Uint8Array(32 * count + 64)]);
  },
  'texts.gguf': bytes => list(bytes, 8, i => bytesOf(u64(2), LETTERS[i & 63]!, LETTERS[(i >> 6) & 63]!)),
  'no-texts.gguf': bytes => list(bytes, 8, u64(0)),
  'flags.gguf': bytes => list(bytes, 7, bytesOf(1)),
  'lists.gguf': bytes => list(bytes, 9, bytesOf(u32(0), u64(0))),
  'bytes.gguf': bytes => list(bytes, 9, bytesOf(u32(0), u64(1), 7)),
  'members.bin': bytes =>
    zipBytes(
      Array.from({ length: Math.floor(bytes / 90) }, (_, i) => ({ name: `a/${nameOf(i)}`, data: bytesOf() })),
      { wide: true },
    ),
  'lists.bin': bytes => opcodes(bytes, bytesOf(']')),
  'dicts.bin': bytes => opcodes(bytes, bytesOf('}')),
  'tuples.bin': bytes => opcodes(bytes, bytesOf('N', 0x85)),
  'memo.bin': bytes => opcodes(bytes, bytesOf(0x94), bytesOf('N')),
  'numbered-memo.bin': bytes => archive(bytesOf(0x80, 2, 'N', filled(bytes, i => bytesOf('r', u32(i))).parts, '.')),
  'marks.bin': bytes => opcodes(bytes, bytesOf('(')),
  'calls.bin': bytes => opcodes(bytes, bytesOf('h', 0, ')R'), bytesOf(global('collections.OrderedDict'), 'q', 0)),
  'storages.bin': bytes =>
    opcodes(
      bytes,
      bytesOf('h', 0, 'Q'),
      bytesOf(tuple(text('storage'), global('torch.FloatStorage'), text('0'), text('cpu'), int(0)), 'q', 0),
    ),
  'legacy.bin': bytes => torchLegacy(filled(bytes, bytesOf(']')).parts, {}),
  'model.safetensors.index.json': bytes => utf8(`{"weight_map":{${many(bytes / 11, i => `"${nameOf(i)}":"x"`)}}}`),
  'array.safetensors.index.json': bytes => utf8(`{"weight_map":[${many(bytes / 3, () => '[]')}]}`),
};
