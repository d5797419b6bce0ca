/** What every block format of GGUF is made of: a fixed number of values in a fixed number of bytes, under a scale. */
import { f16ToF32, f32ToF16 } from '../../util/half.ts';

/** How one block is read and, for formats that can be written, made. Blocks of a row follow each other without gaps. */
export interface BlockCodec {
  /** Values of a block. */
  readonly elements: number;
  readonly bytes: number;
  /** The values of the block at `bytes[at]`, into `out` from `to` on. */
  decode(bytes: Uint8Array, at: number, out: Float32Array, to: number): void;
  /** The block of the finite values at `values[from]`, into `bytes` from `at` on, all of which are 0 before. */
  readonly encode?: (values: Float32Array, from: number, bytes: Uint8Array, at: number) => void;
}

/** The f16 at `bytes[at]`. */
export const half = (bytes: Uint8Array, at: number): number => f16ToF32(bytes[at]! | (bytes[at + 1]! << 8));

/** Writes the f16 nearest to a value, and gives what was written. */
export function putHalf(value: number, bytes: Uint8Array, at: number): number {
  const bits = f32ToF16(value);
  bytes[at] = bits & 0xff;
  bytes[at + 1] = bits >> 8;
  return f16ToF32(bits);
}

/** A byte as a number from -128 to 127. */
export const signed = (byte: number): number => (byte << 24) >> 24;

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** The first of the values with the largest magnitude. */
export function largest(values: Float32Array, from: number, count: number): number {
  let most = 0;
  for (let i = from; i < from + count; i++) if (Math.abs(values[i]!) > Math.abs(most)) most = values[i]!;
  return most;
}
