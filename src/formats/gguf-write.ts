/**
 * Writes GGUF files, version 3, tensor by tensor: in memory or to a file. ggml-org/ggml docs/gguf.md. Tensors stand in the order
 * given; every tensor starts at a multiple of the alignment, and so does the end of the file.
 */
import { ConfigError } from '../errors.ts';
import { encodeBf16, encodeF16 } from '../util/half.ts';
import type { TensorDType } from './checkpoint.ts';
import { encodeBlocks, isBlockDType } from './gguf-blocks/index.ts';
import { GGUF_TYPES, type GgufMetadata, type GgufNumbers, type GgufValue } from './gguf-metadata.ts';
import {
  ALIGNMENT_KEY,
  aligned,
  alignmentOf,
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
/** A value of the metadata to write: a list holds texts, truth values, lists, or the numbers of one type. */
export type GgufValueToWrite = string | boolean | GgufNumber | GgufNumbers | readonly GgufValueToWrite[];
/** Metadata by key, in the order of the file. */
export type GgufMetadataToWrite = Readonly<Record<string, GgufValueToWrite>>;

const VERSION = 3;
const UTF8 = new TextEncoder();
const ID_OF_DTYPE = new Map(Object.entries(GGUF_DTYPES).map(([id, dtype]) => [dtype, Number(id)]));

/**
 * A GGUF file in memory. The tensors must give their chunks without waiting. Throws ConfigError for names, shapes or metadata
 * that a file cannot hold, CheckpointError for a tensor whose chunks are not as long as its shape says.
 */
export function ggufBytes(tensors: Iterable<TensorToWrite>, metadata: GgufMetadataToWrite): Uint8Array {
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
  metadata: GgufMetadataToWrite,
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

/** The metadata of a file as they are written again, types included. */
export function metadataToWrite({ values, types }: Pick<GgufMetadata, 'values' | 'types'>): GgufMetadataToWrite {
  const nameOf = new Map(Object.entries(NUMBER_TYPES).map(([name, id]) => [id as number, name as NumberType]));
  const again = (value: GgufValue, type: number | undefined): GgufValueToWrite =>
    typeof value === 'number' || typeof value === 'bigint'
      ? { type: nameOf.get(type ?? -1)!, value }
      : (value as GgufValueToWrite);
  return Object.fromEntries([...values].map(([key, value]) => [key, again(value, types.get(key))]));
}

/**
 * The bytes of values in a dtype of weights, rounded to nearest.
 * @throws UnsupportedError, ConfigError as `encodeBlocks` does; UnsupportedError for integers
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

function layOut(tensors: readonly SizedTensor[], metadata: GgufMetadataToWrite): Layout {
  const entries = Object.entries(metadata);
  const alignment = alignmentToWrite(metadata[ALIGNMENT_KEY]);
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
  const values = new Map<string, GgufValue>();
  if (value !== undefined) values.set(ALIGNMENT_KEY, isNumber(value) && value.type === 'U32' ? value.value : 'no U32');
  return alignmentOf({ values }, 'the metadata');
}

const isNumbers = (value: GgufValueToWrite): value is GgufNumbers => ArrayBuffer.isView(value);
const isNumber = (value: GgufValueToWrite): value is GgufNumber =>
  typeof value === 'object' && !Array.isArray(value) && !isNumbers(value);

function typeOf(value: GgufValueToWrite, key: string): number {
  if (typeof value === 'string') return STRING;
  if (typeof value === 'boolean') return BOOL;
  if (typeof value === 'object' && !isNumber(value)) return ARRAY;
  if (isNumber(value) && Object.hasOwn(NUMBER_TYPES, value.type)) return NUMBER_TYPES[value.type];
  throw new ConfigError('not a value of GGUF metadata', {
    seen: typeof value,
    expected: `a text, a truth value, a list, or { type, value } with type one of ${Object.keys(NUMBER_TYPES).join(', ')}`,
    where: key,
  });
}

type Put = (view: DataView, value: number | bigint) => void;
const PUT: Readonly<Record<NumberType, readonly [bytes: number, put: Put]>> = {
  U8: [1, (view, value) => view.setUint8(0, Number(value))],
  I8: [1, (view, value) => view.setInt8(0, Number(value))],
  U16: [2, (view, value) => view.setUint16(0, Number(value), true)],
  I16: [2, (view, value) => view.setInt16(0, Number(value), true)],
  U32: [4, (view, value) => view.setUint32(0, Number(value), true)],
  I32: [4, (view, value) => view.setInt32(0, Number(value), true)],
  F32: [4, (view, value) => view.setFloat32(0, Number(value), true)],
  U64: [8, (view, value) => view.setBigUint64(0, BigInt(value), true)],
  I64: [8, (view, value) => view.setBigInt64(0, BigInt(value), true)],
  F64: [8, (view, value) => view.setFloat64(0, Number(value), true)],
};

/** Throws ConfigError for a number that an integer type does not hold. */
function checkRange({ type, value }: GgufNumber, key: string): void {
  if (type.startsWith('F')) return;
  const bits = BigInt(8 * PUT[type][0]);
  const [low, high] = type.startsWith('I') ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n)] : [0n, 2n ** bits];
  if ((typeof value === 'bigint' || Number.isSafeInteger(value)) && value >= low && value < high) return;
  throw new ConfigError('a number of the metadata does not fit its type', { seen: `${value} as ${type}`, where: key });
}

/** The type of the numbers of a typed array. */
function numbersType(numbers: GgufNumbers): NumberType {
  const [, big, kind, bits] = /^(Big)?(Uint|Int|Float)(\d+)Array$/.exec(numbers[Symbol.toStringTag])!;
  return `${kind === 'Uint' ? 'U' : kind === 'Int' ? 'I' : 'F'}${big ? '64' : bits}` as NumberType;
}

/** Bytes that grow. */
class ByteWriter {
  #bytes = new Uint8Array(1 << 16);
  length = 0;

  #room(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const more = new Uint8Array(Math.max(this.length, 2 * this.#bytes.length));
      more.set(this.#bytes);
      this.#bytes = more;
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
    put(new DataView(this.#bytes.buffer, at, count), value);
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
    } else if (isNumbers(value)) {
      const type = numbersType(value);
      this.#listHead(NUMBER_TYPES[type], value.length);
      for (const number of value) this.number(type, number);
    } else {
      const types = new Set(value.map(element => typeOf(element, key)));
      const numbers = value.some(isNumber);
      if (types.size > 1 || numbers) {
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
