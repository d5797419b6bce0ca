/** Builds zip archives and pickles byte by byte, right ones and wrong ones. */
import { crc32 } from '../../src/formats/zip.ts';

/** Bytes of texts (one per character), single bytes and other bytes, one after the other. */
export function bytesOf(...parts: readonly (string | number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap(part =>
      typeof part === 'number'
        ? [part]
        : typeof part === 'string'
          ? [...part].map(character => character.charCodeAt(0))
          : [...part],
    ),
  );
}
export const u16 = (value: number) => bytesOf(value & 255, (value >> 8) & 255);
export const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
export const u64 = (value: number | bigint) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  /** Packed with method 8. */
  readonly deflated?: Uint8Array;
  readonly crc?: number;
  readonly flags?: number;
  readonly method?: number;
  /** What the directory says instead of the truth. */
  readonly size?: number;
  readonly packedSize?: number;
  readonly headerOffset?: number;
  /** Name in the local header. */
  readonly localName?: string;
  /** Bytes between the local name and the data. */
  readonly padding?: number;
  /** Sizes and place in a zip64 field, and all ones in their 32 bits. */
  readonly wide?: boolean;
}
export interface ZipOptions {
  readonly comment?: string;
  /** What the end record says instead of the truth. */
  readonly count?: number;
  readonly disk?: number;
  /** A zip64 end record besides, the true numbers only there. */
  readonly wide?: boolean;
}

export function zipBytes(entries: readonly ZipEntry[], options: ZipOptions = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (...more: Uint8Array[]) => {
    for (const part of more) {
      parts.push(part);
      at += part.length;
    }
  };
  for (const entry of entries) {
    const body = entry.deflated ?? entry.data;
    const method = entry.method ?? (entry.deflated ? 8 : 0);
    const flags = entry.flags ?? 0;
    const headerOffset = entry.headerOffset ?? at;
    const described = (flags & 8) !== 0;
    const crc = entry.crc ?? crc32(entry.data);
    const [packed, size] = [entry.packedSize ?? body.length, entry.size ?? entry.data.length];
    const utf8 = (name: string) => new TextEncoder().encode(name);
    const local = utf8(entry.localName ?? entry.name);
    add(
      bytesOf('PK\x03\x04', u16(20), u16(flags), u16(method), u32(0)),
      ...(described ? [u32(0), u32(0), u32(0)] : [u32(crc), u32(packed), u32(size)]),
      bytesOf(u16(local.length), u16(entry.padding ?? 0), local, new Uint8Array(entry.padding ?? 0)),
      body,
    );
    if (described) add(bytesOf('PK\x07\x08', u32(crc), u32(packed), u32(size)));
    const name = utf8(entry.name);
    const extra = entry.wide ? bytesOf(u16(1), u16(24), u64(size), u64(packed), u64(headerOffset)) : bytesOf();
    const numbers = entry.wide ? [u32(2 ** 32 - 1), u32(2 ** 32 - 1)] : [u32(packed), u32(size)];
    directory.push(
      bytesOf('PK\x01\x02', u16(20), u16(20), u16(flags), u16(method), u32(0), u32(crc), ...numbers),
      bytesOf(u16(name.length), u16(extra.length), u16(0), u16(0), u16(0), u32(0)),
      bytesOf(entry.wide ? u32(2 ** 32 - 1) : u32(headerOffset), name, extra),
    );
  }
  const start = at;
  add(joined(directory));
  const length = at - start;
  const count = options.count ?? entries.length;
  if (options.wide) {
    const end = at;
    add(bytesOf('PK\x06\x06', u64(44), u16(45), u16(45), u32(0), u32(0)));
    add(u64(count), u64(count), u64(length), u64(start), bytesOf('PK\x06\x07', u32(0), u64(end), u32(1)));
  }
  const comment = bytesOf(options.comment ?? '');
  const short = options.wide
    ? [u16(0xffff), u16(0xffff), u32(2 ** 32 - 1), u32(2 ** 32 - 1)]
    : [u16(count), u16(count), u32(length), u32(start)];
  add(bytesOf('PK\x05\x06', u16(options.disk ?? 0), u16(0), ...short, u16(comment.length), comment));
  return joined(parts);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Pickle opcodes that push a value. */
export const text = (value: string) => {
  const utf8 = new TextEncoder().encode(value);
  return bytesOf('X', u32(utf8.length), utf8);
};
export const int = (value: number) => bytesOf('J', u32(value));
export const tuple = (...items: readonly Uint8Array[]) => joined([bytesOf('('), ...items, bytesOf('t')]);
export const global = (path: string) => bytesOf(`c${path.replace(/\.(?=[^.]*$)/, '\n')}\n`);
export const call = (path: string, ...args: readonly Uint8Array[]) =>
  joined([global(path), tuple(...args), bytesOf('R')]);
export const dict = (entries: Readonly<Record<string, Uint8Array>>) =>
  joined([bytesOf('}('), ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), bytesOf('u')]);
export const pickle = (value: Uint8Array) => bytesOf(0x80, 2, value, '.');

export interface TensorSpec {
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly offset?: number;
  readonly key?: string;
  readonly count?: number;
  readonly storage?: string;
}
/** A tensor as PyTorch pickles it. */
export function tensor({ shape, strides, offset = 0, key = '0', count, storage = 'torch.FloatStorage' }: TensorSpec) {
  const elements = shape.reduce((n, d) => n * d, 1);
  const rows = shape.map((_, d) => shape.slice(d + 1).reduce((n, size) => n * size, 1));
  const id = tuple(text('storage'), global(storage), text(key), text('cpu'), int(count ?? elements));
  return call(
    'torch._utils._rebuild_tensor_v2',
    joined([id, bytesOf('Q')]),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...(strides ?? rows).map(int)),
    bytesOf(0x89),
    call('collections.OrderedDict'),
  );
}

/** A file as torch.save writes it. */
export function torchZip(
  value: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>>,
  more: readonly ZipEntry[] = [],
): Uint8Array {
  return zipBytes([
    { name: 'archive/data.pkl', data: pickle(value) },
    { name: 'archive/byteorder', data: bytesOf('little') },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data, padding: 13 })),
    ...more,
  ]);
}

/** A file of the older form; the counts in front of the storages are of elements of four bytes. */
export function torchLegacy(value: Uint8Array, storages: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const keys = Object.keys(storages);
  return joined([
    pickle(bytesOf(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19)),
    pickle(bytesOf('M', u16(1001))),
    pickle(dict({ little_endian: bytesOf(0x88) })),
    pickle(value),
    pickle(joined([bytesOf(']('), ...keys.map(text), bytesOf('e')])),
    ...Object.values(storages).flatMap(data => [u64(data.length / 4), data]),
  ]);
}

export const floats = (...values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);
