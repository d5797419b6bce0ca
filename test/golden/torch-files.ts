/** Reads the `torch` folder of the reference: tensors by name with their dtypes, and the settings beside them. */
import { bytesSource, openSafetensors, type TensorDType, toFloat32, toInt32 } from '../../src/formats/index.ts';
import { Tensor } from '../../src/tensor/index.ts';
import { type Check, compareFloats, compareGradient, type Expected } from './compare.ts';
import type { GoldenFiles } from './golden-files.ts';

export interface Stored extends Expected {
  readonly dtype: TensorDType;
  readonly data: Float32Array | Int32Array;
  readonly bytes: Uint8Array;
}
export type StoredTensors = ReadonlyMap<string, Stored>;

/** @throws Error when there is no such file */
export async function storedTensors(files: GoldenFiles, path: string): Promise<StoredTensors> {
  const bytes = await files.read(path);
  if (!bytes) throw new Error(`no ${path} in ${files.name}`);
  const checkpoint = await openSafetensors(bytesSource(bytes, path));
  const tensors = new Map<string, Stored>();
  for (const { name, dtype, shape, byteLength } of checkpoint.tensors.values()) {
    const raw = await checkpoint.read(name, 0, byteLength);
    const data = /^(I|U|BOOL)/.test(dtype) ? toInt32(raw, dtype) : toFloat32(raw, dtype);
    tensors.set(name, { dtype, shape, bytes: raw, data });
  }
  return tensors;
}

/** As a leaf: f32, i32 or bool. */
export const leaf = ({ dtype, shape, data }: Stored): Tensor =>
  dtype === 'BOOL' ? Tensor.from(Uint8Array.from(data), shape, 'bool') : Tensor.from(data, shape);

/** Names `prefix/in.0`, `prefix/in.1` ... in order. */
export function numbered(tensors: StoredTensors, prefix: string): Stored[] {
  const found: Stored[] = [];
  for (let next = tensors.get(`${prefix}.0`); next; next = tensors.get(`${prefix}.${found.length}`)) found.push(next);
  return found;
}

/** Compares a result and the gradients that came with it. */
export function* compareAll(
  name: string,
  values: readonly (readonly [part: string, actual: ArrayLike<number>, expected: Expected])[],
  gradients: readonly (readonly [part: string, actual: ArrayLike<number>, expected: Expected])[],
): Generator<Check> {
  for (const [part, actual, expected] of values) yield { name, part, ...compareFloats(actual, expected) };
  for (const [part, actual, expected] of gradients)
    yield { name: `${name}, gradient`, part, ...compareGradient(actual, expected) };
}
