/**
 * A plan: the kernel calls of a graph in order, with every buffer's place decided. Plain data, made once per graph
 * structure (`planner.ts`) and run many times by a backend.
 */
import type { DType } from './dtype.ts';
import type { Shape } from './shape.ts';

/** Where the bytes of a view live. */
export type Slot =
  /** Intermediate, at a byte offset of the arena that all plans of a backend share. */
  | { readonly kind: 'arena'; readonly offset: number; readonly bytes: number }
  /** Small host data (ids, positions, masks, constants) copied into the arena at the start of each run. */
  | { readonly kind: 'upload'; readonly offset: number; readonly bytes: number; readonly index: number }
  /** A buffer that outlives the run: a parameter, a cache. Bound at each run. */
  | { readonly kind: 'leaf'; readonly index: number }
  /** A result that becomes a buffer of its own. Bound at each run. */
  | { readonly kind: 'result'; readonly index: number; readonly bytes: number };

/** A tensor as kernels see it. Offset and strides in elements. */
export interface View {
  readonly slot: Slot;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly dtype: DType;
  /** Physical layout if not plain strided elements: see `DeviceBuffer.format`. */
  readonly format?: string | undefined;
}

/** One kernel call. */
export interface Step {
  readonly op: string;
  readonly attrs: unknown;
  readonly inputs: readonly View[];
  readonly output: View;
  /** Scope path of the node, for error messages and profiles. */
  readonly path: string;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Bytes of the arena this plan needs, uploads included. Offsets are multiples of 64. */
  readonly arenaBytes: number;
  /** Upload slots by index. */
  readonly uploads: readonly { readonly offset: number; readonly bytes: number; readonly dtype: DType }[];
  /** Views copied to the host at the end of the run: plain row-major. */
  readonly reads: readonly View[];
}
