/**
 * Writes GGUF files, version 3, tensor by tensor: in memory or to a file. ggml-org/ggml docs/gguf.md. Tensors stand in the order
 * given; every tensor starts at a multiple of the alignment, and so does the end of the file.
 */
import { ConfigError } from '../errors.ts';
import { encodeBf16, encodeF16 } from '../util/half.ts';
import type { TensorDType } from './checkpoint.ts';
import { encodeBlocks, isBlockDType } from './gguf-blocks/index.ts';
import { GGUF_TYPES, GgufCursor, type GgufMetadata, type GgufNumbers } from './gguf-metadata.ts';
import {
  ALIGNMENT_KEY,
  aligned,
  DEFAULT_ALIGNMENT,
  GGUF_DTYPES,
  type GgufTensor,
  MAX_DIMENSIONS,
  MAX_NAME_BYTES,
} from './gguf-tensors.ts';
import { type FileToWrite, writeFiles } from './node-files.ts';
import { quoted } from './quoted.ts';
import {
  checkText,
  copyTensor,
  progressOver,
  type SizedTensor,
  type StreamOptions,
  sizeTensors,
  streamTensor,
  type TensorToWrite,
} from './tensor-stream.ts';

const { STRING, BOOL, ARRAY, ...NUMBER_TYPES } = GGUF_TYPES;
type NumberType = keyof typeof NUMBER_TYPES;

/** A number with its type, which readers of the format insist on. */
export interface GgufNumber {
  readonly type: NumberType;
  readonly value: number | bigint;
}
/** A text or a list byte by byte as a file has it: what an empty list is one of, and texts that are not UTF-8, stay so. */
export interface GgufStored {
  readonly type: 'STRING' | 'ARRAY';
  readonly stored: Uint8Array;
}
/** A value of the metadata to write: a list holds texts, truth values, lists, or the numbers of one type. */
export type GgufValueToWrite = string | boolean | GgufNumber | GgufNumbers | GgufStored | readonly GgufValueToWrite[];
/** Metadata by key, in the order of the file. Objects put keys that are whole numbers first; a Map keeps any order. */
export type GgufMetadataToWrite = Readonly<Record<string, GgufValueToWrite>>;
type MetadataToWrite = GgufMetadataToWrite | Map<string, GgufValueToWrite>;

const VERSION = 3;
/** More than a page of any machine; the gaps before tensors are as long as this at most. */
const MAX_ALIGNMENT = 1 << 20;
const UTF8 = new TextEncoder();
const ID_OF_DTYPE = new Map(Object.entries(GGUF_DTYPES).map(([id, dtype]) => [dtype, Number(id)]));

/**
 * A GGUF file in memory. The tensors must give their chunks without waiting. Throws ConfigError for names, shapes or metadata
 * that a file cannot hold, FormatError for stored values that are damaged, CheckpointError for a tensor whose chunks are not as
 * long as its shape says.
 */
export function ggufBytes(tensors: Iterable<TensorToWrite>, metadata: MetadataToWrite): Uint8Array {
  const { head, placed, end } = layOut(sizeGguf(tensors), metadata);
  const out = new Uint8Array(end);
  out.set(head);
  for (const { tensor, begin } of placed) copyTensor(tensor, out, begin);
  return out;
}

/**
 * Writes a GGUF file, in Node. No more than a chunk is in memory; the file appears under its name when it is complete.
 * Throws what `ggufBytes` throws, and the reason of `signal`.
 */
export async function writeGguf(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: MetadataToWrite,
  options: StreamOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const sized = sizeGguf(tensors);
  const { head, placed, end } = layOut(sized, metadata);
  const progress = progressOver(sized, options);
  const file: FileToWrite = {
    path,
    async produce(take) {
      await take(head);
      let at = head.length;
      for (const { tensor, begin } of placed) {
        await take(new Uint8Array(begin - at));
        await streamTensor(tensor, take, options.signal, progress);
        at = begin + tensor.byteLength;
      }
      await take(new Uint8Array(end - at));
    },
  };
  await writeFiles([file]);
}

/** The metadata of a file as they are written again byte for byte, in the order of the file. */
export function metadataToWrite({
  values,
  types,
  stored,
}: Pick<GgufMetadata, 'values' | 'types' | 'stored'>): Map<string, GgufValueToWrite> {
  const nameOf = new Map(Object.entries(NUMBER_TYPES).map(([name, id]) => [id as number, name as NumberType]));
  const again = (key: string): GgufValueToWrite => {
    const type = types.get(key)!;
    const bytes = stored.get(key);
    if (bytes) return { type: type === ARRAY ? 'ARRAY' : 'STRING', stored: bytes };
    const value = values.get(key)!;
    return typeof value === 'number' || typeof value === 'bigint'
      ? { type: nameOf.get(type)!, value }
      : (value as GgufValueToWrite);
  };
  return new Map(Array.from(values.keys(), key => [key, again(key)]));
}

/**
 * The bytes of values in a dtype of weights, rounded to nearest.
 * @throws UnsupportedError, ConfigError as `encodeBlocks` does; ConfigError for integers
 */
export function encodeValues(values: Float32Array, dtype: TensorDType): Uint8Array {
  if (isBlockDType(dtype)) return encodeBlocks(values, dtype);
  const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (dtype === 'F32') return bytes(values);
  if (dtype === 'F16') return bytes(encodeF16(values));
  if (dtype === 'BF16') return bytes(encodeBf16(values));
  throw new ConfigError('weights are not written in this dtype', { seen: dtype, expected: 'F32, F16, BF16 or blocks' });
}

function sizeGguf(tensors: Iterable<TensorToWrite>): SizedTensor[] {
  const sized = sizeTensors(
    tensors,
    (dtype): dtype is TensorDType => ID_OF_DTYPE.has(dtype),
    name => checkName(name, MAX_NAME_BYTES, 'a tensor name'),
  );
  for (const { name, shape } of sized) {
    if (shape.length <= MAX_DIMENSIONS) continue;
    throw new ConfigError('a tensor of a GGUF file has four dimensions at most', {
      seen: `[${shape.join(', ')}]`,
      where: `tensor ${quoted(name)}`,
    });
  }
  return sized;
}

function checkName(name: string, most: number, what: string): void {
  checkText(name, what);
  const { length } = UTF8.encode(name);
  if (length > 0 && length <= most) return;
  throw new ConfigError(`${what} has a length that GGUF files cannot hold`, {
    seen: `${quoted(name)}, ${length} bytes`,
    expected: `1 to ${most} bytes`,
  });
}

interface Layout {
  readonly head: Uint8Array;
  readonly placed: readonly { readonly tensor: SizedTensor; readonly begin: GgufTensor['begin'] }[];
  /** Length of the file. */
  readonly end: number;
}

function layOut(tensors: readonly SizedTensor[], metadata: MetadataToWrite): Layout {
  const entries: [string, GgufValueToWrite][] = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  const alignment = alignmentToWrite(entries.find(([key]) => key === ALIGNMENT_KEY)?.[1]);
  const out = new ByteWriter();
  out.bytes(UTF8.encode('GGUF'));
  out.number('U32', VERSION);
  out.number('U64', tensors.length);
  out.number('U64', entries.length);
  for (const [key, value] of entries) {
    checkName(key, 65535, 'a metadata key');
    out.text(key);
    out.number('U32', typeOf(value, key));
    out.value(value, key);
  }
  let offset = 0;
  const offsets = tensors.map(({ name, shape, dtype, byteLength }) => {
    out.text(name);
    out.number('U32', shape.length);
    for (const size of [...shape].reverse()) out.number('U64', size);
    out.number('U32', ID_OF_DTYPE.get(dtype)!);
    out.number('U64', offset);
    const own = offset;
    offset = aligned(offset + byteLength, alignment);
    return own;
  });
  out.bytes(new Uint8Array(aligned(out.length, alignment) - out.length));
  const head = out.result();
  const placed = tensors.map((tensor, i) => ({ tensor, begin: head.length + offsets[i]! }));
  return { head, placed, end: head.length + offset };
}

function alignmentToWrite(value: GgufValueToWrite | undefined): number {
  if (value === undefined) return DEFAULT_ALIGNMENT;
  const [type, alignment] = isNumber(value) ? [value.type, Number(value.value)] : [typeof value, 0];
  const isPower = alignment > 0 && Number.isInteger(Math.log2(alignment));
  if (type === 'U32' && isPower && alignment <= MAX_ALIGNMENT) return alignment;
  throw new ConfigError('not an alignment that a GGUF file is written with', {
    seen: isNumber(value) ? `${value.value} as ${type}` : type,
    expected: `a power of two from 1 to ${MAX_ALIGNMENT} as U32`,
    where: ALIGNMENT_KEY,
  });
}

const hasType = (value: GgufValueToWrite) => typeof value === 'object' && value !== null && 'type' in value;
const isNumbers = (value: GgufValueToWrite): value is GgufNumbers =>
  ArrayBuffer.isView(value) && numbersType(value) !== undefined;
const isNumber = (value: GgufValueToWrite): value is GgufNumber =>
  hasType(value) && Object.hasOwn(NUMBER_TYPES, (value as GgufNumber).type);
const isStored = (value: GgufValueToWrite): value is GgufStored =>
  hasType(value) &&
  (value as GgufStored).stored instanceof Uint8Array &&
  /^(STRING|ARRAY)$/.test((value as GgufStored).type);

function typeOf(value: GgufValueToWrite, key: string): number {
  if (typeof value === 'string') return STRING;
  if (typeof value === 'boolean') return BOOL;
  if (Array.isArray(value) || isNumbers(value)) return ARRAY;
  if (isNumber(value)) return NUMBER_TYPES[value.type];
  if (isStored(value)) return GGUF_TYPES[value.type];
  throw new ConfigError('not a value of GGUF metadata', {
    seen: Object.prototype.toString.call(value).slice(8, -1),
    expected: `a text, a truth value, a list, or { type, value } with type one of ${Object.keys(NUMBER_TYPES).join(', ')}`,
    where: key,
  });
}

type Put = (view: DataView, at: number, value: number | bigint) => void;
const PUT: Readonly<Record<NumberType, readonly [bytes: number, put: Put]>> = {
  U8: [1, (view, at, value) => view.setUint8(at, Number(value))],
  I8: [1, (view, at, value) => view.setInt8(at, Number(value))],
  U16: [2, (view, at, value) => view.setUint16(at, Number(value), true)],
  I16: [2, (view, at, value) => view.setInt16(at, Number(value), true)],
  U32: [4, (view, at, value) => view.setUint32(at, Number(value), true)],
  I32: [4, (view, at, value) => view.setInt32(at, Number(value), true)],
  F32: [4, (view, at, value) => view.setFloat32(at, Number(value), true)],
  U64: [8, (view, at, value) => view.setBigUint64(at, BigInt(value), true)],
  I64: [8, (view, at, value) => view.setBigInt64(at, BigInt(value), true)],
  F64: [8, (view, at, value) => view.setFloat64(at, Number(value), true)],
};

/** Throws ConfigError for what is no number, or one that its type does not hold. */
function checkRange({ type, value }: GgufNumber, key: string): void {
  if (holds(type, value)) return;
  const seen = typeof value === 'string' ? quoted(value) : String(value).slice(0, 100);
  throw new ConfigError('a number of the metadata does not fit its type', { seen: `${seen} as ${type}`, where: key });
}

function holds(type: NumberType, value: unknown): boolean {
  if (typeof value !== 'number' && typeof value !== 'bigint') return false;
  if (type.startsWith('F')) {
    const own = Number(value);
    const rounded = type === 'F32' ? Math.fround(own) : own;
    // What is finite stays so.
    return Number.isFinite(rounded) || (typeof value === 'number' && !Number.isFinite(value));
  }
  const bits = BigInt(8 * PUT[type][0]);
  const [low, high] = type.startsWith('I') ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n)] : [0n, 2n ** bits];
  return (typeof value === 'bigint' || Number.isSafeInteger(value)) && value >= low && value < high;
}

/** The type of the numbers of a typed array; undefined for views that the format has no type for. */
function numbersType(numbers: ArrayBufferView): NumberType | undefined {
  const name = Object.prototype.toString.call(numbers).slice(8, -1);
  const [, kind = '', bits = ''] = /^(?:Big)?(U|I|F)(?:int|nt|loat)(\d+)Array$/.exec(name) ?? [];
  return Object.hasOwn(NUMBER_TYPES, kind + bits) ? ((kind + bits) as NumberType) : undefined;
}

/** Throws FormatError for bytes that are not one value of their type. */
function checkStored({ type, stored }: GgufStored, key: string): void {
  const cursor = new GgufCursor(stored, stored.length, `metadata ${quoted(key)}`);
  cursor.kept(GGUF_TYPES[type]);
  if (cursor.at < stored.length) cursor.fail('bytes are left behind a value', `${stored.length - cursor.at} bytes`);
}

/** Bytes that grow. */
class ByteWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  #room(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const more = new Uint8Array(Math.max(this.length, 2 * this.#bytes.length));
      more.set(this.#bytes);
      this.#bytes = more;
      this.#view = new DataView(more.buffer);
    }
    return at;
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  number(type: NumberType, value: number | bigint): void {
    const [count, put] = PUT[type];
    const at = this.#room(count);
    put(this.#view, at, value);
  }

  text(text: string): void {
    const bytes = UTF8.encode(text);
    this.number('U64', bytes.length);
    this.bytes(bytes);
  }

  /** A value without its type; `key` is for messages. */
  value(value: GgufValueToWrite, key: string): void {
    if (typeof value === 'string') {
      checkText(value, `metadata ${quoted(key)}`);
      this.text(value);
    } else if (typeof value === 'boolean') {
      this.number('U8', value ? 1 : 0);
    } else if (isNumber(value)) {
      checkRange(value, key);
      this.number(value.type, value.value);
    } else if (isStored(value)) {
      checkStored(value, key);
      this.bytes(value.stored);
    } else if (isNumbers(value)) {
      const type = numbersType(value)!;
      this.#listHead(NUMBER_TYPES[type], value.length);
      for (const number of value) this.number(type, number);
    } else {
      const types = new Set(Array.from(value, element => typeOf(element, key)));
      const numbers = value.some(isNumber);
      if (types.size > 1 || numbers || value.some(isStored)) {
        throw new ConfigError('a list of the metadata is not one of texts, truth values or lists', {
          fix: numbers ? 'give numbers as a typed array' : undefined,
          where: key,
        });
      }
      this.#listHead([...types][0] ?? STRING, value.length);
      for (const element of value) this.value(element, key);
    }
  }

  #listHead(type: number, count: number): void {
    this.number('U32', type);
    this.number('U64', count);
  }

  result(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}
