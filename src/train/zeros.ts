/** Tensors on a device that `assign` can fill. */
import { type Backend, type Shape, sizeOf, Tensor } from '../tensor/index.ts';

/** Memory is filled in pieces of this many numbers. */
const PIECE = 1 << 18;

/** Zeros of a shape, in memory of their own. Dispose them. @throws BackendError when the memory cannot be had */
export function zeros(backend: Backend, shape: Shape): Tensor {
  const size = sizeOf(shape);
  const piece = new Float32Array(Math.min(size, PIECE));
  const buffer = backend.alloc(4 * size);
  for (let at = 0; at < size; at += PIECE) backend.write(buffer, piece.subarray(0, size - at), 4 * at);
  return Tensor.fromDevice(buffer, shape);
}
