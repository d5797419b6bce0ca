/** Gives the intermediates of a plan their places in one arena: a buffer's bytes are reused after its last step. */
import type { ViewLayout } from './op.ts';
import { isRowMajor } from './shape.ts';

/** A buffer of a plan in the making. */
export interface Buffer {
  kind: 'temporary' | 'upload' | 'leaf' | 'result';
  readonly bytes: number;
  /** Which leaf, upload or result. */
  index?: number;
  /** Byte offset in the arena. */
  offset?: number;
  /** Read after the last step. */
  pinned?: boolean;
  /** More than one value looks into it. */
  shared?: boolean;
}
export const temporary = (bytes: number, kind: Buffer['kind'] = 'temporary'): Buffer => ({ kind, bytes });

interface Use extends ViewLayout {
  readonly buffer: Buffer;
}
interface Lifetimes {
  readonly inputs: readonly Use[];
  readonly output: Use;
  /** The kernel may write over an input of the same size. */
  readonly inPlace: boolean;
}

/** Cache lines, and the alignment of every vector type. */
const ALIGN = 64;
const aligned = (bytes: number) => Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);

/** Sets `offset` of every upload and temporary; returns the bytes of the arena. Uploads come first and stay. */
export function assignArena(steps: readonly Lifetimes[], uploads: readonly Buffer[]): number {
  let top = 0;
  for (const upload of uploads) {
    upload.offset = top;
    top += aligned(upload.bytes);
  }
  const lastUse = new Map<Buffer, number>();
  steps.forEach((step, i) => {
    for (const { buffer } of [...step.inputs, step.output]) lastUse.set(buffer, buffer.pinned ? steps.length : i);
  });

  const holes: { offset: number; bytes: number }[] = [];
  const take = (bytes: number): number => {
    let best = -1;
    holes.forEach((h, i) => {
      if (h.bytes >= bytes && (best < 0 || h.bytes < holes[best]!.bytes)) best = i;
    });
    if (best >= 0) {
      const hole = holes[best]!;
      const { offset } = hole;
      hole.offset += bytes;
      hole.bytes -= bytes;
      if (hole.bytes === 0) holes.splice(best, 1);
      return offset;
    }
    // The last hole may lie at the end of the arena: grow it instead of starting behind it.
    const end = holes.find(h => h.offset + h.bytes === top);
    const offset = end ? end.offset : top;
    if (end) holes.splice(holes.indexOf(end), 1);
    top = offset + bytes;
    return offset;
  };
  const give = (offset: number, bytes: number): void => {
    let hole = { offset, bytes };
    for (let i = holes.length - 1; i >= 0; i--) {
      const h = holes[i]!;
      if (h.offset + h.bytes !== hole.offset && hole.offset + hole.bytes !== h.offset) continue;
      hole = { offset: Math.min(h.offset, hole.offset), bytes: h.bytes + hole.bytes };
      holes.splice(i, 1);
    }
    holes.push(hole);
  };

  const handedOn = new Set<Buffer>();
  steps.forEach((step, i) => {
    const { buffer } = step.output;
    if (buffer.kind === 'temporary' && buffer.offset === undefined) {
      const heir = step.inPlace ? inheritable(step, i, lastUse) : undefined;
      if (heir) handedOn.add(heir);
      buffer.offset = heir ? heir.offset! : take(aligned(buffer.bytes));
    }
    for (const used of new Set([...step.inputs.map(v => v.buffer), buffer]))
      if (used.kind === 'temporary' && used.offset !== undefined && lastUse.get(used) === i && !handedOn.has(used))
        give(used.offset!, aligned(used.bytes));
  });
  return top;
}

/** An input whose last use this is and that lies exactly as the output will. */
function inheritable(step: Lifetimes, i: number, lastUse: ReadonlyMap<Buffer, number>): Buffer | undefined {
  const { buffer, shape, strides } = step.output;
  if (!isRowMajor(shape, strides)) return undefined;
  const fits = (v: Use) =>
    v.buffer.kind === 'temporary' &&
    v.buffer.bytes === buffer.bytes &&
    v.offset === 0 &&
    lastUse.get(v.buffer) === i &&
    v.shape.length === shape.length &&
    v.shape.every((n, d) => n === shape[d]) &&
    isRowMajor(v.shape, v.strides);
  const candidate = step.inputs.find(fits)?.buffer;
  // Another operand may look into the same buffer in another order (x + xᵀ): then nothing may be overwritten.
  return candidate && step.inputs.every(v => v.buffer !== candidate || fits(v)) ? candidate : undefined;
}
