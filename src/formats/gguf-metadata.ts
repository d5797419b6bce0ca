/**
 * The head of GGUF files, versions 2 and 3: the counts and the key-value pairs, without the tensors. ggml-org/ggml docs/gguf.md.
 * Every count and length is compared with the bytes that are left in the file before anything is made for it, and what takes many
 * times its bytes in memory is kept as it stands in the file.
 */
import { FormatError, UnsupportedError } from '../errors.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { quoted } from './quoted.ts';
import type { ByteSource } from './source.ts';

/** Numbers of an array of one type; 64-bit ones stay bigints there. */
export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/** A value of the metadata. 64-bit numbers are bigints where a number cannot hold them. */
export type GgufValue = number | bigint | boolean | string | GgufNumbers | readonly string[] | readonly GgufValue[];

/** What stands before the tensor descriptions. */
export interface GgufMetadata {
  readonly version: 2 | 3;
  readonly tensorCount: number;
  readonly values: ReadonlyMap<string, GgufValue>;
  /** The number that the format gives the type of each value; see `GGUF_TYPES`. */
  readonly types: ReadonlyMap<string, number>;
  /**
   * Values that `values` does not tell completely, byte by byte as in the file: lists of lists and of truth values, which may be
   * empty, and texts that are not UTF-8.
   */
  readonly stored: ReadonlyMap<string, Uint8Array>;
  /** Where the tensor descriptions begin, in bytes. */
  readonly end: number;
}

/** The same with what is known of lists without making them. */
export interface ParsedMetadata extends GgufMetadata {
  /** How many values each list has, those of lists within it among them. */
  readonly lengths: ReadonlyMap<string, number>;
}

const MAGIC = 0x46554747;
/** The types of values by name, with the numbers that the format gives them. */
export const GGUF_TYPES = {
  U8: 0,
  I8: 1,
  U16: 2,
  I16: 3,
  U32: 4,
  I32: 5,
  F32: 6,
  BOOL: 7,
  STRING: 8,
  ARRAY: 9,
  U64: 10,
  I64: 11,
  F64: 12,
} as const;
const { STRING, BOOL, ARRAY } = GGUF_TYPES;
const MAX_KEY_BYTES = 65535;
const MAX_DEPTH = 8;
/** More than any model has by far. A key takes many times its bytes in memory. */
const MOST_KEYS = 1 << 16;
/** The least that a tensor description takes: a name's length, dimensions, type, offset. */
const LEAST_TENSOR_BYTES = 24;
/** A key's length, one byte of it, a type, one byte of value. */
const LEAST_PAIR_BYTES = 14;
const FIRST_READ = 1 << 20;
/** What stands in a decoded text for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

type NumberReader = (view: DataView, at: number) => number | bigint;
type NumbersMaker = new (length: number) => GgufNumbers;
const NUMBERS: Readonly<Record<number, readonly [bytes: number, read: NumberReader, Numbers: NumbersMaker]>> = {
  0: [1, (view, at) => view.getUint8(at), Uint8Array],
  1: [1, (view, at) => view.getInt8(at), Int8Array],
  2: [2, (view, at) => view.getUint16(at, true), Uint16Array],
  3: [2, (view, at) => view.getInt16(at, true), Int16Array],
  4: [4, (view, at) => view.getUint32(at, true), Uint32Array],
  5: [4, (view, at) => view.getInt32(at, true), Int32Array],
  6: [4, (view, at) => view.getFloat32(at, true), Float32Array],
  10: [8, (view, at) => view.getBigUint64(at, true), BigUint64Array],
  11: [8, (view, at) => view.getBigInt64(at, true), BigInt64Array],
  12: [8, (view, at) => view.getFloat64(at, true), Float64Array],
};

/** The bytes at hand end before the metadata do. */
const MORE = Symbol('more bytes are needed');

/** Reads from the beginning of a file of `size` bytes; throws MORE where the bytes at hand are too few. */
export class GgufCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #size: number;
  readonly #where: string;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
  /** Whether a text since this was last cleared was not UTF-8. */
  #broken = false;
  at = 0;

  constructor(bytes: Uint8Array, size: number, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#size = size;
    this.#where = where;
  }

  fail(what: string, seen: string, expected?: string): never {
    throw new FormatError(what, { seen, expected, where: `${this.#where}, byte ${this.at}` });
  }

  /** The place of the next `length` bytes. */
  take(length: number): number {
    this.fits(1, length, 'the file ends within its metadata');
    const { at } = this;
    if (at + length > this.#bytes.length) throw MORE;
    this.at += length;
    return at;
  }

  /** Refuses `count` things of at least `bytes` bytes that the rest of the file cannot hold. */
  fits(count: number, bytes: number, what: string): void {
    const left = this.#size - this.at;
    if (count * bytes > left) this.fail(what, `${count} times ${bytes} bytes`, `at most the ${left} that are left`);
  }

  u32(): number {
    return this.#view.getUint32(this.take(4), true);
  }

  /** A count or a length. Larger than any file is told apart by the caller's check. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.take(8), true));
  }

  text(): string {
    const bytes = this.#textBytes();
    const text = this.#decoder.decode(bytes);
    if (text.includes(REPLACEMENT)) this.#broken ||= !this.#isUtf8(bytes);
    return text;
  }

  #isUtf8(bytes: Uint8Array): boolean {
    try {
      this.#strict.decode(bytes);
      return true;
    } catch {
      return false;
    }
  }

  #textBytes(): Uint8Array {
    const length = this.u64();
    this.fits(length, 1, 'a text of a GGUF file reaches beyond its end');
    const start = this.take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A name of at most `most` bytes in valid UTF-8, which texts need not be in: tokens are pieces of it. */
  name(most: number, what: string): string {
    const length = this.u64();
    if (length === 0 || length > most)
      this.fail(`${what} of a GGUF file has a wrong length`, `${length} bytes`, `1 to ${most}`);
    const start = this.take(length);
    return decodeUtf8(this.#bytes.subarray(start, start + length), `${what} of ${this.#where}, byte ${start}`);
  }

  /** A value as it is kept: lists that are large in memory are passed and not made. */
  kept(type: number): Kept {
    const start = this.at;
    const stored = () => this.#bytes.slice(start, this.at);
    const inner = type === ARRAY ? this.u32() : undefined;
    this.at = start;
    if (inner !== ARRAY && inner !== BOOL) {
      this.#broken = false;
      const value = this.value(type);
      const length = type === ARRAY ? (value as GgufNumbers | readonly GgufValue[]).length : undefined;
      return { value, length, stored: this.#broken ? stored() : undefined };
    }
    const length = this.#pass(type, 0) - 1;
    const bytes = stored();
    return { packed: () => new GgufCursor(bytes, bytes.length, this.#where).value(type), length, stored: bytes };
  }

  /** Checks a value without making it; of how many it consists, itself included. */
  #pass(type: number, depth: number): number {
    if (type === BOOL) this.#flag();
    else if (type === STRING) this.#textBytes();
    else if (type !== ARRAY) this.take(this.#numbers(type)[0]);
    else {
      const [inner, count] = this.#listHead(depth);
      let values = 1;
      for (let i = 0; i < count; i++) values += this.#pass(inner, depth + 1);
      return values;
    }
    return 1;
  }

  value(type: number, depth = 0): GgufValue {
    if (type === STRING) return this.text();
    if (type === BOOL) return this.#flag();
    if (type === ARRAY) return this.#list(depth);
    const [bytes, read] = this.#numbers(type);
    const value = read(this.#view, this.take(bytes));
    return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #flag(): boolean {
    const value = this.#view.getUint8(this.take(1));
    return value <= 1 ? value === 1 : this.fail('a truth value of a GGUF file is neither', `${value}`, '0 or 1');
  }

  #numbers(type: number): readonly [number, NumberReader, NumbersMaker] {
    return NUMBERS[type] ?? this.fail('a value of a GGUF file has an unknown type', `${type}`, '0 to 12');
  }

  /** What a list holds and how many; so many fit into the file. */
  #listHead(depth: number): readonly [type: number, count: number] {
    if (depth >= MAX_DEPTH) this.fail('lists of a GGUF file are nested too deeply', `more than ${MAX_DEPTH} levels`);
    const type = this.u32();
    const count = this.u64();
    const least = type === STRING ? 8 : type === BOOL ? 1 : type === ARRAY ? 12 : this.#numbers(type)[0];
    this.fits(count, least, 'a list of a GGUF file is longer than the file');
    return [type, count];
  }

  #list(depth: number): GgufValue {
    const [type, count] = this.#listHead(depth);
    if (type === STRING || type === BOOL || type === ARRAY) {
      const list: GgufValue[] = [];
      for (let i = 0; i < count; i++) list.push(this.value(type, depth + 1));
      return list;
    }
    const [bytes, read, Numbers] = this.#numbers(type);
    const start = this.take(count * bytes);
    const numbers = new Numbers(count);
    for (let i = 0; i < count; i++) numbers[i] = read(this.#view, start + i * bytes);
    return numbers;
  }
}

/** A value, or what makes it. */
type Kept = { readonly length: number | undefined; readonly stored: Uint8Array | undefined } & (
  | { readonly value: GgufValue; readonly packed?: undefined }
  | { readonly packed: () => GgufValue }
);

/** Values by key. Lists of lists and of truth values are made each time that they are asked for. */
class GgufValues implements ReadonlyMap<string, GgufValue> {
  readonly #kept: ReadonlyMap<string, Kept>;

  constructor(kept: ReadonlyMap<string, Kept>) {
    this.#kept = kept;
  }
  get size(): number {
    return this.#kept.size;
  }
  has(key: string): boolean {
    return this.#kept.has(key);
  }
  get(key: string): GgufValue | undefined {
    const kept = this.#kept.get(key);
    return kept?.packed ? kept.packed() : kept?.value;
  }
  keys(): MapIterator<string> {
    return this.#kept.keys();
  }
  *entries(): Generator<[string, GgufValue], undefined> {
    for (const key of this.keys()) yield [key, this.get(key)!];
  }
  *values(): Generator<GgufValue, undefined> {
    for (const key of this.keys()) yield this.get(key)!;
  }
  forEach(visit: (value: GgufValue, key: string, map: ReadonlyMap<string, GgufValue>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }
  [Symbol.iterator](): Generator<[string, GgufValue], undefined> {
    return this.entries();
  }
}

/** The metadata, from the beginning of the file on. */
export function parseMetadata(cursor: GgufCursor): ParsedMetadata {
  const magic = cursor.u32();
  if (magic !== MAGIC) cursor.fail('not a GGUF file', `0x${magic.toString(16)}`, 'the letters GGUF');
  const version = cursor.u32();
  if (version !== 2 && version !== 3) {
    // Version 3 may be big-endian; the number itself tells.
    const swapped = version === 0x02000000 || version === 0x03000000;
    throw new UnsupportedError(
      swapped ? 'big-endian GGUF files are not supported' : 'this GGUF version is not supported',
      {
        seen: `version ${version}`,
        expected: '2 or 3, little-endian',
      },
    );
  }
  const tensorCount = cursor.u64();
  const pairs = cursor.u64();
  cursor.fits(tensorCount, LEAST_TENSOR_BYTES, 'a GGUF file has more tensors than fit');
  cursor.fits(pairs, LEAST_PAIR_BYTES, 'a GGUF file has more keys than fit');
  if (pairs > MOST_KEYS) cursor.fail('a GGUF file has too many keys', `${pairs}`, `at most ${MOST_KEYS}`);
  const kept = new Map<string, Kept>();
  const lengths = new Map<string, number>();
  const types = new Map<string, number>();
  const stored = new Map<string, Uint8Array>();
  for (let i = 0; i < pairs; i++) {
    const key = cursor.name(MAX_KEY_BYTES, 'a key');
    if (kept.has(key)) cursor.fail('a key stands twice in a GGUF file', quoted(key));
    const type = cursor.u32();
    types.set(key, type);
    const value = cursor.kept(type);
    kept.set(key, value);
    if (value.length !== undefined) lengths.set(key, value.length);
    if (value.stored) stored.set(key, value.stored);
  }
  return { version, tensorCount, values: new GgufValues(kept), types, stored, lengths, end: cursor.at };
}

/** The metadata of a GGUF file of `size` bytes from its first bytes; undefined if these are too few. Throws FormatError, UnsupportedError. */
export function parseGgufMetadata(bytes: Uint8Array, size: number, where: string): GgufMetadata | undefined {
  return enough(() => parseMetadata(new GgufCursor(bytes, size, where)));
}

/** What a function reads, or undefined where the bytes at hand ended before. */
function enough<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error === MORE) return undefined;
    throw error;
  }
}

/** What `parse` makes of the beginning of a file, of which more and more is read until it is enough. */
export async function readGgufHead<T>(source: ByteSource, parse: (cursor: GgufCursor) => T): Promise<T> {
  for (let length = FIRST_READ; ; length *= 2) {
    const bytes = await source.read(0, Math.min(length, source.size));
    const head = enough(() => parse(new GgufCursor(bytes, source.size, source.name)));
    if (head !== undefined) return head;
  }
}

/** Reads the metadata of a GGUF file and nothing behind it but the rest of the last block. Throws FormatError, UnsupportedError. */
export const readGgufMetadata = (source: ByteSource): Promise<GgufMetadata> => readGgufHead(source, parseMetadata);
