/** Tensors of a checkpoint as another layout wants them, row by row in single precision: the way out that `checkpoint-view.ts` is the way in of. */
import { type Checkpoint, type TensorEntry, toFloat32 } from './checkpoint.ts';

/** How a tensor is made of those of a checkpoint. */
export interface Arrangement {
  /** Tensors of one shape, one behind the other along the first axis. */
  readonly sources: readonly string[];
  /** The rows are the columns of the source, which is a matrix. */
  readonly transposed?: boolean | undefined;
  /** Rows of a group whose two halves are interleaved: row `s * rows / 2 + j` of a group becomes its row `2 j + s`. */
  readonly interleaved?: number | undefined;
  /** Added to every value. */
  readonly plus?: number | undefined;
}

/** Rows are read in pieces of about this many values. */
const PIECE = 1 << 19;

/**
 * The rows in order, in pieces of whole rows. Only a piece is in memory, and of a matrix that is transposed all of it.
 * Throws what `checkpoint.read` throws.
 */
export async function* arrangedRows(checkpoint: Checkpoint, arrangement: Arrangement): AsyncGenerator<Float32Array> {
  const { sources, transposed = false, interleaved: group = 1, plus = 0 } = arrangement;
  for (const source of sources) {
    const entry = checkpoint.tensors.get(source)!;
    const columns = entry.shape.length > 1 ? entry.shape.at(-1)! : 1;
    const rows = columns ? entry.shape.reduce((n, d) => n * d, 1) / columns : 0;
    if (transposed) {
      yield transpose(await readRows(checkpoint, entry, 0, rows, rows), columns);
      continue;
    }
    const step = Math.max(1, Math.floor(PIECE / (columns * group))) * group;
    for (let row = 0; row < rows; row += step) {
      const values = await readRows(checkpoint, entry, row, Math.min(step, rows - row), rows);
      if (plus !== 0) for (let i = 0; i < values.length; i++) values[i]! += plus;
      yield group > 1 ? interleave(values, columns, group) : values;
    }
  }
}

/** The bytes of a tensor as they are, in pieces. Throws what `checkpoint.read` throws. */
export async function* storedBytes(checkpoint: Checkpoint, name: string): AsyncGenerator<Uint8Array> {
  const { byteLength } = checkpoint.tensors.get(name)!;
  for (let at = 0; at < byteLength; at += 4 * PIECE)
    yield await checkpoint.read(name, at, Math.min(4 * PIECE, byteLength - at));
}

/** `count` of the `rows` of a tensor, from `row` on. */
async function readRows(
  checkpoint: Checkpoint,
  { name, dtype, byteLength }: TensorEntry,
  row: number,
  count: number,
  rows: number,
): Promise<Float32Array> {
  const rowBytes = byteLength / rows;
  return toFloat32(await checkpoint.read(name, row * rowBytes, count * rowBytes), dtype);
}

function transpose(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column]!;
  return out;
}

function interleave(values: Float32Array, columns: number, group: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < values.length / columns; row++) {
    const place = row % group;
    const to = row - place + 2 * (place % (group / 2)) + Math.floor(place / (group / 2));
    out.set(values.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return out;
}
