/** A checkpoint as another program names and orders it: tensors under other names, parts of tensors, rows in another order. */
import { FormatError } from '../errors.ts';
import { type Checkpoint, readRange, type TensorEntry, tensorBytes, toFloat32 } from './checkpoint.ts';
import { isBlockDType } from './gguf-blocks/index.ts';
import { quoted } from './quoted.ts';

/** How a tensor is made of one of the checkpoint's. */
export interface TensorView {
  /** The tensor in the checkpoint. */
  readonly source: string;
  /** Which of the equal parts along its first axis, and of how many. Default: all of it. */
  readonly part?: readonly [index: number, parts: number] | undefined;
  /**
   * Rows of a group whose two halves the checkpoint interleaves: its row `2 j + s` of a group is row `s * rows / 2 + j` here.
   */
  readonly interleaved?: number | undefined;
  /** Added to every value, none of which may be in blocks; the result is F32. */
  readonly plus?: number | undefined;
}

interface Viewed extends TensorEntry {
  readonly of: TensorEntry;
  readonly view: TensorView;
  /** Where the part begins in the source, in bytes. */
  readonly begin: number;
}

/**
 * The views by name, in this order, read when they are asked for. Closing it closes the checkpoint.
 * @throws FormatError for a part that does not come out even, or rows that are no whole groups
 */
export function viewCheckpoint(
  checkpoint: Checkpoint,
  views: ReadonlyMap<string, TensorView>,
  where: string,
): Checkpoint {
  const tensors = new Map([...views].map(([name, view]) => [name, describe(checkpoint, name, view, where)] as const));
  return {
    format: checkpoint.format,
    metadata: checkpoint.metadata,
    tensors,
    async read(name, offset, length, into) {
      const tensor = readRange(tensors, name, offset, length, where);
      const out = into?.subarray(0, length) ?? new Uint8Array(length);
      if (tensor.view.plus !== undefined) await readSum(checkpoint, tensor, tensor.view.plus, offset, out);
      else if (tensor.view.interleaved) await readGroups(checkpoint, tensor, tensor.view.interleaved, offset, out);
      else await checkpoint.read(tensor.of.name, tensor.begin + offset, length, out);
      return out;
    },
    close: () => checkpoint.close(),
  };
}

function describe({ tensors }: Checkpoint, name: string, view: TensorView, where: string): Viewed {
  const of = tensors.get(view.source)!;
  const [index, parts] = view.part ?? [0, 1];
  const shape = view.part ? of.shape.slice(1) : of.shape;
  const rows = shape[0] ?? 1;
  const uneven = view.part && of.shape[0] !== parts;
  const broken = view.interleaved && (rows % view.interleaved !== 0 || !Number.isInteger(view.interleaved / 2));
  if (uneven || broken) {
    throw new FormatError('a tensor does not have the rows that the file says it has', {
      seen: `[${of.shape.join(', ')}]`,
      expected: uneven ? `${parts} parts` : `rows in groups of ${view.interleaved}, an even number`,
      where: `tensor ${quoted(of.name)} of ${where}`,
    });
  }
  if (view.plus !== undefined && isBlockDType(of.dtype)) {
    throw new FormatError('a tensor that something is added to is in blocks', {
      seen: of.dtype,
      where: `tensor ${quoted(of.name)} of ${where}`,
    });
  }
  const own = of.byteLength / parts;
  const dtype = view.plus === undefined ? of.dtype : 'F32';
  const byteLength = view.plus === undefined ? own : (tensorBytes('F32', shape) ?? 0);
  return { name, dtype, shape, byteLength, of, view, begin: index * own };
}

/** Reads the values around a range plus a number. */
async function readSum(checkpoint: Checkpoint, tensor: Viewed, plus: number, offset: number, out: Uint8Array) {
  const { of, begin, byteLength } = tensor;
  if (out.length === 0) return;
  const width = of.byteLength / of.shape.reduce((n, d) => n * d, 1);
  const first = Math.floor(offset / 4);
  const last = Math.min(byteLength / 4, Math.ceil((offset + out.length) / 4));
  const bytes = await checkpoint.read(of.name, begin + first * width, (last - first) * width);
  const values = toFloat32(bytes, of.dtype).map(value => value + plus);
  out.set(new Uint8Array(values.buffer, offset - 4 * first, out.length));
}

/** Reads the groups of rows around a range, and puts the range's rows into their order. */
async function readGroups(checkpoint: Checkpoint, tensor: Viewed, group: number, offset: number, out: Uint8Array) {
  const { of, shape, byteLength, begin } = tensor;
  if (out.length === 0) return;
  const rowBytes = byteLength / shape[0]!;
  const groupBytes = group * rowBytes;
  const first = Math.floor(offset / groupBytes) * groupBytes;
  const last = Math.ceil((offset + out.length) / groupBytes) * groupBytes;
  const bytes = await checkpoint.read(of.name, begin + first, last - first);
  for (let at = offset; at < offset + out.length; ) {
    const row = Math.floor(at / rowBytes);
    const within = at - row * rowBytes;
    const place = row % group;
    const source = row - place + 2 * (place % (group / 2)) + Math.floor(place / (group / 2));
    const count = Math.min(rowBytes - within, offset + out.length - at);
    const from = source * rowBytes + within - first;
    out.set(bytes.subarray(from, from + count), at - offset);
    at += count;
  }
}
