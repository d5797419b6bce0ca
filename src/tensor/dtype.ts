/** Element types of tensors and the typed arrays that hold them on the host. */
import { DTypeError } from '../errors.ts';

/** `bool` holds 0 or 1 in a byte. */
export type DType = 'f32' | 'i32' | 'u8' | 'bool';
/** Host data. The reference backend answers with `Float64Array` for `f32`, so that an oracle is not rounded. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

const BYTES: Record<DType, number> = { f32: 4, i32: 4, u8: 1, bool: 1 };

/** Bytes of one element. */
export const bytesOf = (dtype: DType): number => BYTES[dtype];

/** A zeroed host array of `n` elements. */
export function allocate(dtype: DType, n: number): TypedArray {
  return dtype === 'f32' ? new Float32Array(n) : dtype === 'i32' ? new Int32Array(n) : new Uint8Array(n);
}

/** The dtype a host array holds; `Uint8Array` is `u8`. */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array || data instanceof Float64Array) return 'f32';
  if (data instanceof Int32Array) return 'i32';
  if (data instanceof Uint8Array) return 'u8';
  throw new DTypeError('a tensor cannot hold this kind of array', {
    seen: Object.prototype.toString.call(data),
    expected: 'Float32Array, Float64Array, Int32Array or Uint8Array',
  });
}
