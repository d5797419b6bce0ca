/** Tensors on a device that `assign` can fill. */
import { type Backend, type Shape, sizeOf, Tensor } from '../tensor/index.ts';

/** Zeros of a shape, in memory of their own. Dispose them. @throws BackendError when the memory cannot be had */
export function zeros(backend: Backend, shape: Shape): Tensor {
  const values = new Float32Array(sizeOf(shape));
  const buffer = backend.alloc(values.byteLength);
  backend.write(buffer, values);
  return Tensor.fromDevice(buffer, shape);
}
