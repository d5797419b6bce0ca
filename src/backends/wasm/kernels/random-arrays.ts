/** Random inputs in random layouts for kernel tests, read back in logical order. */
import type { DType } from '../../../tensor/dtype.ts';
import { rowMajor, type Shape, sizeOf } from '../../../tensor/shape.ts';
import { createRng, type Rng } from '../../../util/rng.ts';
import { f32x4, ModuleBuilder, v128 } from '../assembler.ts';
import type { Features, WasmKernel } from '../kernel.ts';
import { type HarnessArray, KernelHarness, PLAIN } from '../kernel-harness.ts';

function hasRelaxed(): boolean {
  const builder = new ModuleBuilder();
  builder.func('madd', ['i32']).emit(v128.store([0x20, 0], f32x4.madd(v128.zero, v128.zero, v128.zero)));
  return WebAssembly.validate(builder.bytes({ shared: false, initial: 1, maximum: 1 }));
}
/** What to test on this engine: plain SIMD always, relaxed SIMD and its tiles where it is there. */
export const FEATURE_SETS: readonly Features[] = [
  PLAIN,
  ...(hasRelaxed()
    ? [
        { ...PLAIN, relaxed: true, tile: { mr: 6, nr: 8 } },
        { ...PLAIN, relaxed: true, tile: { mr: 6, nr: 16 } },
      ]
    : []),
];
export const nameOf = ({ relaxed, tile }: Features): string => `${relaxed ? 'relaxed' : 'plain'} ${tile.mr}x${tile.nr}`;

/** dense = row-major; rows = innermost axis contiguous, the others in any order with gaps; strided = any. */
export type LayoutKind = 'dense' | 'rows' | 'strided';

export interface Arrays {
  readonly harness: KernelHarness;
  readonly rng: Rng;
  /** Values from a function of the random generator; default: normal for f32, small integers otherwise. */
  make(shape: Shape, dtype?: DType, layout?: LayoutKind, value?: (rng: Rng) => number): HarnessArray;
  /** An output, filled with a value that no kernel writes. */
  output(shape: Shape, dtype?: DType, strides?: readonly number[]): HarnessArray;
}

export function randomArrays(kernels: readonly WasmKernel[], features: Features, seed: number): Arrays {
  const harness = new KernelHarness(kernels, features);
  const rng = createRng(seed);
  return {
    harness,
    rng,
    make(shape, dtype = 'f32', layout = 'dense', value) {
      const order = shape.map((_, d) => d);
      const movable = layout === 'strided' ? order.length : layout === 'rows' ? order.length - 1 : 0;
      for (let i = movable - 1; i > 0; i--) {
        const j = rng.below(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const strides = new Array<number>(shape.length).fill(1);
      let step = 1;
      for (const d of order.reverse()) {
        strides[d] = step;
        step *= shape[d]! + (layout === 'dense' ? 0 : rng.below(3));
        if (layout === 'strided') step += rng.below(2);
      }
      const offset = layout === 'dense' ? 0 : rng.below(5);
      const draw = value ?? (dtype === 'f32' ? r => r.normal() : r => r.below(dtype === 'bool' ? 2 : 7));
      const data = Array.from({ length: step + offset + 1 }, () => draw(rng));
      return harness.array(shape, dtype, data, { strides, offset });
    },
    output: (shape, dtype = 'f32', strides = rowMajor(shape)) =>
      harness.array(shape, dtype, new Array<number>(Math.max(1, sizeOf(shape))).fill(77), { strides }),
  };
}

/** Offsets of the elements of a shape, in row-major order of their indices. */
export function offsets(shape: Shape, strides: readonly number[], offset = 0): number[] {
  let all = [offset];
  shape.forEach((n, d) => {
    all = all.flatMap(at => Array.from({ length: n }, (_, i) => at + i * strides[d]!));
  });
  return all;
}
/** The elements of an array in row-major order, whatever its layout. */
export const elements = ({ view, data }: HarnessArray): number[] =>
  offsets(view.shape, view.strides, view.offset).map(at => data[at]!);
/** Strides of a view after broadcasting to `shape`. */
export const broadcastTo = ({ view, data }: HarnessArray, shape: Shape): number[] => {
  const strides = shape.map((_, d) => {
    const own = d - shape.length + view.shape.length;
    return own < 0 || view.shape[own] === 1 ? 0 : view.strides[own]!;
  });
  return offsets(shape, strides, view.offset).map(at => data[at]!);
};

/** Largest |actual - expected| / (1 + |expected|); infinite where one is not a number and the other is. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = actual.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (Object.is(a, e) || a === e) continue;
    const d = Math.abs(a - e) / (1 + Math.abs(e));
    worst = Number.isNaN(d) ? Infinity : Math.max(worst, d);
  }
  return worst;
}
