/** Tensors on their way into files. */
import { CheckpointError } from '../errors.ts';
import { encodeValues, type TensorToWrite } from '../formats/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { ParamSpec } from './params.ts';

/** Values are handed to the disk in pieces of about this many bytes. */
const PIECE_BYTES = 4 << 20;

/** Elements that the weights of a file may have. */
export type SavedDType = 'F32' | 'F16' | 'BF16';

/**
 * A tensor on its way into a file, with its rows as columns where the declaration says so. Throws CheckpointError, while it is
 * written, for values that the dtype cannot hold.
 */
export function tensorToWrite(
  name: string,
  tensor: Tensor,
  { transposed = false }: Pick<ParamSpec, 'transposed'> = {},
  dtype: SavedDType = 'F32',
): TensorToWrite {
  const { shape } = tensor;
  return {
    name,
    dtype,
    shape: transposed ? [...shape].reverse() : shape,
    async *chunks() {
      const values = await tensor.data();
      const [rows, columns] = transposed ? (shape as [number, number]) : [1, values.length];
      const at = transposed ? (i: number) => (i % rows) * columns + Math.floor(i / rows) : (i: number) => i;
      const length = PIECE_BYTES / 4;
      for (let from = 0; from < values.length; from += length) {
        const piece = new Float32Array(Math.min(length, values.length - from));
        for (let i = 0; i < piece.length; i++) piece[i] = values[at(from + i)]!;
        if (dtype === 'F16') checkHalf(piece, name);
        yield encodeValues(piece, dtype);
      }
    },
  };
}

/** From here on a half becomes infinite. */
const HALF_LIMIT = 65520;

function checkHalf(values: Float32Array, name: string): void {
  const wrong = values.find(value => Math.abs(value) >= HALF_LIMIT && Number.isFinite(value));
  if (wrong === undefined) return;
  throw new CheckpointError('a weight is too large for half precision', {
    seen: `${wrong}`,
    fix: 'save it as bf16 or f32',
    where: `tensor ${name}`,
  });
}
