/** What every weights file gives, whatever its format: named tensors whose bytes are read in parts, and their values as numbers. */
import { CheckpointError, DTypeError, FormatError } from '../errors.ts';
import { typedView } from '../util/bytes.ts';
import { decodeBf16, decodeE4m3, decodeE5m2, decodeF16 } from '../util/half.ts';
import { BLOCK_CODECS, type BlockDType, decodeBlocks, isBlockDType } from './gguf-blocks/index.ts';
import { quoted } from './quoted.ts';

/** Bytes per element. The order is the one in which the reference implementation of safetensors lays out tensors. */
const ELEMENT_BYTES = {
  U64: 8,
  I64: 8,
  F64: 8,
  F32: 4,
  U32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  U16: 2,
  I16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

/** A dtype of a weights file that holds every value by itself. */
export type FileDType = keyof typeof ELEMENT_BYTES;

/** Any dtype of a weights file; those of GGUF may hold the values of a row in blocks. */
export type TensorDType = FileDType | BlockDType;

/** All file dtypes, widest elements first. */
export const FILE_DTYPES = Object.keys(ELEMENT_BYTES) as readonly FileDType[];

/** A tensor of a file: row-major, little-endian. A shape of no dimensions is a single value; a dimension may be 0. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: TensorDType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** An open weights file or a set of files that belong together. Only its directory is in memory. */
export interface Checkpoint {
  readonly format: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /**
   * Raw little-endian bytes of part of a tensor; offset and length in bytes within the tensor. With `into`, the bytes go to
   * its start, and the result is that part of it. Throws CheckpointError for an unknown name and FormatError for bytes
   * outside the tensor.
   */
  read(name: string, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * The tensor that a read is from. Throws what `Checkpoint.read` throws: CheckpointError for an unknown name, FormatError for
 * bytes outside the tensor. `where` names the file.
 */
export function readRange<T extends TensorEntry>(
  tensors: ReadonlyMap<string, T>,
  name: string,
  offset: number,
  length: number,
  where: string,
): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new CheckpointError('no such tensor', { seen: quoted(name), where });
  if (!(offset >= 0 && length >= 0 && offset + length <= tensor.byteLength)) {
    throw new FormatError('read outside the tensor', {
      seen: `${length} bytes from ${offset} on`,
      expected: `a range within ${tensor.byteLength} bytes`,
      where: `tensor ${quoted(name)} of ${where}`,
    });
  }
  return tensor;
}

/** Whether a text names a file dtype. */
export function isFileDType(text: string): text is FileDType {
  return Object.hasOwn(ELEMENT_BYTES, text);
}

/** Bytes of one element. */
export function elementBytes(dtype: FileDType): number {
  return ELEMENT_BYTES[dtype];
}

/**
 * Bytes of a tensor, or undefined if there is no such tensor: more bytes than a number can count exactly (2^53), or rows that
 * are no whole number of blocks.
 */
export function tensorBytes(dtype: TensorDType, shape: readonly number[]): number | undefined {
  const codec = isBlockDType(dtype) ? BLOCK_CODECS[dtype] : undefined;
  const row = codec ? (shape.at(-1) ?? 1) / codec.elements : 1;
  if (!Number.isInteger(row)) return undefined;
  let bytes = codec ? codec.bytes * row : elementBytes(dtype as FileDType);
  for (const size of codec ? shape.slice(0, -1) : shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

const TO_FLOAT32: Readonly<Record<FileDType, (bytes: Uint8Array) => Float32Array>> = {
  F64: bytes => new Float32Array(typedView(Float64Array, bytes)),
  F32: bytes => new Float32Array(typedView(Float32Array, bytes)),
  F16: bytes => decodeF16(typedView(Uint16Array, bytes)),
  BF16: bytes => decodeBf16(typedView(Uint16Array, bytes)),
  F8_E4M3: bytes => decodeE4m3(bytes),
  F8_E5M2: bytes => decodeE5m2(bytes),
  I64: bytes => Float32Array.from(typedView(BigInt64Array, bytes), Number),
  I32: bytes => new Float32Array(typedView(Int32Array, bytes)),
  I16: bytes => new Float32Array(typedView(Int16Array, bytes)),
  I8: bytes => new Float32Array(typedView(Int8Array, bytes)),
  U64: bytes => Float32Array.from(typedView(BigUint64Array, bytes), Number),
  U32: bytes => new Float32Array(typedView(Uint32Array, bytes)),
  U16: bytes => new Float32Array(typedView(Uint16Array, bytes)),
  U8: bytes => new Float32Array(bytes),
  BOOL: bytes => Float32Array.from(bytes, byte => (byte === 0 ? 0 : 1)),
};

/**
 * Converts a chunk of whole elements or blocks to float32, in new memory. Values that float32 cannot hold are rounded to
 * nearest; booleans become 0 and 1. Throws FormatError if the chunk ends within an element or a block.
 */
export function toFloat32(bytes: Uint8Array, dtype: TensorDType): Float32Array {
  return isBlockDType(dtype) ? decodeBlocks(bytes, dtype) : TO_FLOAT32[dtype](bytes);
}

function u32ToInt32(values: Uint32Array): Int32Array {
  const wrong = values.findIndex(value => value > 0x7fffffff);
  if (wrong >= 0) throw doesNotFit(values[wrong]!, wrong);
  return new Int32Array(values);
}

/** The low words of 64-bit values, refused where the high word is not what a value of 32 bits has there. */
function wideToInt32(values: BigInt64Array | BigUint64Array): Int32Array {
  const signed = values instanceof BigInt64Array;
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const out = new Int32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const low = words[2 * i]!;
    const high = words[2 * i + 1]!;
    if (signed ? high !== low >> 31 : high !== 0 || low < 0) throw doesNotFit(values[i]!, i);
    out[i] = low;
  }
  return out;
}

function doesNotFit(value: number | bigint, index: number): FormatError {
  return new FormatError('value does not fit into 32 bits', {
    seen: `${value} at element ${index} of the chunk`,
    expected: '-2147483648 to 2147483647',
  });
}

/**
 * Converts a chunk of whole elements of an integer or boolean dtype to int32, in new memory. Throws FormatError, with the
 * value, if one does not fit, DTypeError for a float dtype.
 */
export function toInt32(bytes: Uint8Array, dtype: TensorDType): Int32Array {
  switch (dtype) {
    case 'I64':
      return wideToInt32(typedView(BigInt64Array, bytes));
    case 'U64':
      return wideToInt32(typedView(BigUint64Array, bytes));
    case 'I32':
      return new Int32Array(typedView(Int32Array, bytes));
    case 'U32':
      return u32ToInt32(typedView(Uint32Array, bytes));
    case 'I16':
      return new Int32Array(typedView(Int16Array, bytes));
    case 'U16':
      return new Int32Array(typedView(Uint16Array, bytes));
    case 'I8':
      return new Int32Array(typedView(Int8Array, bytes));
    case 'U8':
      return new Int32Array(bytes);
    case 'BOOL':
      return Int32Array.from(bytes, byte => (byte === 0 ? 0 : 1));
    default:
      throw new DTypeError('floats are not read as integers', { seen: dtype, expected: 'an integer dtype or BOOL' });
  }
}
