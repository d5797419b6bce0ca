/** What every weights file gives, whatever its format: named tensors whose bytes are read in parts, and their values as numbers. */
import { DTypeError, FormatError } from '../errors.ts';
import { typedView } from '../util/bytes.ts';
import { decodeBf16, decodeE4m3, decodeE5m2, decodeF16 } from '../util/half.ts';

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

/** A dtype of a weights file. Block-quantised formats of other files have dtypes of their own. */
export type FileDType = keyof typeof ELEMENT_BYTES;

/** All file dtypes, widest elements first. */
export const FILE_DTYPES = Object.keys(ELEMENT_BYTES) as readonly FileDType[];

/** A tensor of a file: row-major, little-endian. A shape of no dimensions is a single value; a dimension may be 0. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: FileDType;
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

/** Whether a text names a file dtype. */
export function isFileDType(text: string): text is FileDType {
  return Object.hasOwn(ELEMENT_BYTES, text);
}

/** Bytes of one element. */
export function elementBytes(dtype: FileDType): number {
  return ELEMENT_BYTES[dtype];
}

/** Bytes of a tensor, or undefined if that is more than a number can count exactly (2^53). */
export function tensorBytes(dtype: FileDType, shape: readonly number[]): number | undefined {
  let bytes = elementBytes(dtype);
  for (const size of shape) {
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
 * Converts a chunk of whole elements to float32, in new memory. Values that float32 cannot hold are rounded to nearest;
 * booleans become 0 and 1. Throws FormatError if the chunk ends within an element.
 */
export function toFloat32(bytes: Uint8Array, dtype: FileDType): Float32Array {
  return TO_FLOAT32[dtype](bytes);
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
export function toInt32(bytes: Uint8Array, dtype: FileDType): Int32Array {
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
