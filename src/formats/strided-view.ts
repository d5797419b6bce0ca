/**
 * Reads parts of a tensor whose elements do not lie one after another: transposed, sliced, repeated. A request is cut into
 * boxes that lie densely enough in the file, so that the bytes read stay within a small factor of the bytes asked for, and no
 * more memory is taken than a few pages beside the result.
 */

/** Elements of a storage as a tensor; offset and strides count elements and are not negative. */
export interface StridedView {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly elementBytes: number;
}

/** Bytes of the storage, as `ByteSource.read`. */
export type ReadBytes = (offset: number, length: number, into?: Uint8Array) => Promise<Uint8Array>;

/** A block of elements. */
interface Box {
  readonly sizes: readonly number[];
  /** Between neighbours in the storage. */
  readonly strides: readonly number[];
  /** Between neighbours in the result. */
  readonly steps: readonly number[];
  /** First element in the storage. */
  readonly at: number;
  /** First element in the result. */
  readonly to: number;
}

/** What is always read at once: less is no cheaper. */
const PAGE_BYTES = 4096;
/** What is read at once at most, with the gaps between the wanted elements. */
const SPAN_BYTES = 1 << 22;
/** Bytes read for each that is wanted, at most, beyond a page. */
const SPARSITY = 4;

/** Whether the elements lie one after another in row-major order. */
export function isContiguous({ shape, strides }: StridedView): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== expected) return false;
    expected *= shape[d]!;
  }
  return true;
}

/**
 * Fills `out` with the row-major bytes of the view from byte `offset` on, which must lie within it.
 */
export async function readStrided(view: StridedView, offset: number, out: Uint8Array, read: ReadBytes): Promise<void> {
  const { elementBytes: size } = view;
  const first = Math.floor(offset / size);
  const end = Math.ceil((offset + out.length) / size);
  const skipped = offset - first * size;
  // A request may begin and end within elements.
  const whole = (end - first) * size === out.length;
  const elements = whole ? out : new Uint8Array((end - first) * size);
  for (const box of boxesOf(view, first, end)) await readBox(box, size, elements, read);
  if (!whole) out.set(elements.subarray(skipped, skipped + out.length));
}

/** Cuts a range of elements in row-major order into blocks: the rest of a row, whole rows, the start of a row; at every depth. */
function* boxesOf({ shape, strides, offset }: StridedView, first: number, end: number, to = 0): Generator<Box> {
  if (first >= end) return;
  if (shape.length === 0) {
    yield { sizes: [], strides: [], steps: [], at: offset, to };
    return;
  }
  const steps = rowMajor(shape);
  const [rowElements, stride] = [steps[0]!, strides[0]!];
  const inner = (row: number) => ({
    shape: shape.slice(1),
    strides: strides.slice(1),
    offset: offset + row * stride,
    elementBytes: 0,
  });
  const row = Math.floor(first / rowElements);
  const head = first - row * rowElements;
  if (head > 0 || end < (row + 1) * rowElements) {
    const stop = Math.min(end, (row + 1) * rowElements);
    yield* boxesOf(inner(row), head, stop - row * rowElements, to);
    yield* boxesOf({ shape, strides, offset, elementBytes: 0 }, stop, end, to + stop - first);
    return;
  }
  const rows = Math.floor(end / rowElements) - row;
  yield { sizes: [rows, ...shape.slice(1)], strides, steps, at: offset + row * stride, to };
  yield* boxesOf({ shape, strides, offset, elementBytes: 0 }, first + rows * rowElements, end, to + rows * rowElements);
}

/** Strides of elements that lie one after another. */
function rowMajor(shape: readonly number[]): number[] {
  const steps = shape.map(() => 1);
  for (let d = shape.length - 2; d >= 0; d--) steps[d] = steps[d + 1]! * shape[d + 1]!;
  return steps;
}

/** Reads a box at once where it lies densely, else halves it along its longest way through the storage. */
async function readBox(box: Box, size: number, out: Uint8Array, read: ReadBytes): Promise<void> {
  const { sizes, strides, steps, at, to } = box;
  const reaches = sizes.map((n, d) => (n - 1) * strides[d]!);
  const span = size * reaches.reduce((sum, reach) => sum + reach, 1);
  const wanted = size * sizes.reduce((product, n, d) => (strides[d] === 0 ? product : product * n), 1);
  if (span <= PAGE_BYTES || (span <= SPAN_BYTES && span <= SPARSITY * wanted)) {
    scatter(await read(at * size, span), box, size, out, 0, 0, to * size);
    return;
  }
  const longest = reaches.indexOf(Math.max(...reaches));
  const half = sizes[longest]! >> 1;
  const part = (n: number, from: number): Box => ({
    sizes: sizes.with(longest, n),
    strides,
    steps,
    at: at + from * strides[longest]!,
    to: to + from * steps[longest]!,
  });
  await readBox(part(half, 0), size, out, read);
  await readBox(part(sizes[longest]! - half, half), size, out, read);
}

/** Copies the elements of a box from the bytes of its span to their places; `from` and `to` in bytes. */
function scatter(
  span: Uint8Array,
  box: Box,
  size: number,
  out: Uint8Array,
  dimension: number,
  from: number,
  to: number,
): void {
  if (box.sizes.length === 0) {
    out.set(span, to);
    return;
  }
  const [count, stride, step] = [box.sizes[dimension]!, box.strides[dimension]! * size, box.steps[dimension]! * size];
  if (dimension < box.sizes.length - 1) {
    for (let i = 0; i < count; i++) scatter(span, box, size, out, dimension + 1, from + i * stride, to + i * step);
  } else if (stride === size && step === size) {
    out.set(span.subarray(from, from + count * size), to);
  } else {
    for (let i = 0; i < count; i++) {
      for (let b = 0; b < size; b++) out[to + i * step + b] = span[from + i * stride + b]!;
    }
  }
}
