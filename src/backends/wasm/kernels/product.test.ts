/** linear and matmul against a plain double-precision loop: every tail, every layout, any number of threads. */
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { rowMajor, type Shape, sizeOf } from '../../../tensor/shape.ts';
import type { Features } from '../kernel.ts';
import { type HarnessArray, KernelHarness } from '../kernel-harness.ts';
import { chooseTile, timeTiles } from '../tile.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';
import { pack } from './pack.ts';

// The last level is compiled by the revectoriser where there is one.
if (Number.parseInt(process.versions.v8, 10) >= 13) setFlagsFromString('--experimental-wasm-revectorize');
const relaxedSimd = WebAssembly.validate(
  new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7b, 1, 0x7b, 3, 2, 1, 0],
    ...[10, 13, 1, 11, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0xfd, 0x85, 0x02, 0x0b],
  ]),
);

/** Every tile that `chooseTile` gives, with plain arithmetic everywhere and multiply-add where the engine has it. */
const LEVELS: Features[] = [
  { relaxed: false, dot: 'none', revec: false, threads: 1, tile: { mr: 2, nr: 16 } },
  { relaxed: false, dot: 'none', revec: false, threads: 1, tile: { mr: 6, nr: 8 } },
  ...(relaxedSimd
    ? ([
        { relaxed: true, dot: 'none', revec: false, threads: 1, tile: { mr: 6, nr: 8 } },
        { relaxed: true, dot: 'none', revec: true, threads: 1, tile: { mr: 6, nr: 16 } },
      ] satisfies Features[])
    : []),
];

/** Deterministic values in [-1, 1). */
function values(n: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}
/** Where an element of a strided array of the harness lies in its data. */
const place = ({ view }: HarnessArray, index: readonly number[]): number =>
  view.offset + index.reduce((sum, i, d) => sum + i * view.strides[d]!, 0);
/**
 * Products of values in [-1, 1) have deviation 1/3, so the sum after s of them has sqrt(s)/3, and rounding it adds an
 * error of deviation below 0.6 * 2^-24 of that: together 0.14 k 2^-24. The bound is seven times that.
 */
function expectClose(seen: ArrayLike<number>, wanted: Float64Array, k: number): void {
  expect(seen.length).toBe(wanted.length);
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(seen[i]! - wanted[i]!);
    if (!(error <= worst)) worst = error;
  }
  expect(worst).toBeLessThanOrEqual(2 ** -24 * (4 + k));
}

for (const features of LEVELS) {
  const { mr, nr } = features.tile;
  const title = `${features.relaxed ? 'relaxed' : 'plain'} ${mr} x ${nr}`;
  const harness = new KernelHarness([linear, matmul, pack], features);

  /** A weight [n, k] as plain rows and in panels. */
  function weights(n: number, k: number, data: ArrayLike<number> = values(n * k, 5)) {
    const plain = harness.array([n, k], 'f32', data);
    const panels = harness.array([n, k], 'f32', undefined, {
      elements: Math.ceil(n / nr) * nr * k,
      format: 'panels',
    });
    const bytes = new Uint8Array((plain.data as Float32Array).slice().buffer);
    const attrs = { dtype: 'F32', row: 0, rows: n, transposed: false };
    harness.run('pack', attrs, [harness.array([bytes.length], 'u8', bytes)], panels);
    return { plain, panels };
  }

  describe(`linear, ${title}`, () => {
    const shapes: [m: number, k: number, n: number][] = [
      ...Array.from({ length: 14 }, (_, i): [number, number, number] => [i + 1, 5 + i, 37]),
      ...Array.from({ length: 18 }, (_, i): [number, number, number] => [3, 16, i + 1]),
      [1, 1, 1],
      [1, 1023, 40],
      [2, 0, 3],
      [0, 4, 3],
      [4, 3, 0],
      [193, 9, 17],
      [200, 385, 50],
      [13, 800, 33],
      [40, 7, nr * 70 + 3],
    ];
    it.each(shapes)('[%i, %i] by [%i, ...]', (m, k, n) => {
      const x = harness.array([m, k], 'f32', values(m * k));
      const bias = harness.array([n], 'f32', values(n, 3));
      const { plain, panels } = weights(n, k);
      const [xd, wd, bd] = [x.data, plain.data, bias.data];
      const products = new Float64Array(m * n);
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) for (let s = 0; s < k; s++) products[i * n + j]! += xd[i * k + s]! * wd[j * k + s]!;
      const withBias = products.map((sum, i) => sum + bd[i % n]!);
      for (const weight of [plain, panels])
        for (const threads of [1, 2, 3, 5]) {
          const fresh = () => harness.array([m, n], 'f32', new Float32Array(m * n + 1).fill(Number.NaN));
          const out = fresh();
          const result = harness.run('linear', undefined, [x, weight, bias], out, threads);
          expectClose(result.subarray(0, m * n), withBias, k);
          expect(result[m * n]).toBeNaN();
          expectClose(harness.run('linear', undefined, [x, weight], fresh(), threads).subarray(0, m * n), products, k);
        }
    });

    it.each(Array.from({ length: mr + 2 }, (_, i) => i + 1))('gives the same once V8 has optimised it, %i rows', m => {
      const [k, n] = [50, 3 * nr];
      const x = harness.array([m, k], 'f32', values(m * k));
      const { panels } = weights(n, k);
      const out = harness.array([m, n]);
      const run = harness.prepare('linear', undefined, [x, panels], out);
      run();
      const first = out.data.slice();
      const end = performance.now() + 20;
      while (performance.now() < end) run();
      // Revectorised or not, sums are made in the same order; only the rounding of a fused multiply-add may differ.
      expectClose(out.data, Float64Array.from(first), k);
    });

    it('keeps infinity and NaN where they belong, also beside the padding', () => {
      const inf = Number.POSITIVE_INFINITY;
      const x = harness.array([3, 2], 'f32', [1, 2, inf, 1, Number.NaN, 0]);
      const { plain, panels } = weights(3, 2, [0, 1, 0.5, 1, 2, -1]);
      for (const weight of [plain, panels]) {
        const out = harness.run('linear', undefined, [x, weight], harness.array([3, 3]));
        expect([...out]).toEqual([2, 2.5, 0, Number.NaN, inf, inf, Number.NaN, Number.NaN, Number.NaN]);
      }
    });
  });

  describe(`matmul, ${title}`, () => {
    /** Views that the tensor layer makes: dense, transposed, sliced out of something wider, repeated by stride 0. */
    const layouts = ['dense', 'transposed', 'sliced', 'repeated'] as const;
    function operand(shape: Shape, layout: (typeof layouts)[number], seed: number) {
      const [rows, columns] = shape.slice(-2) as [number, number];
      const outer = shape.slice(0, -2);
      const batches = sizeOf(outer);
      const make = (elements: number, strides: readonly number[], offset = 0) =>
        harness.array(shape, 'f32', values(elements + offset, seed), { strides, offset });
      const size = rows * columns;
      const outerStrides = rowMajor(outer);
      if (layout === 'transposed') return make(batches * size, [...outerStrides.map(s => s * size), 1, rows]);
      if (layout === 'sliced')
        return make(
          batches * (size + rows * 3) + 9,
          [...outerStrides.map(s => s * rows * (columns + 3)), columns + 3, 1],
          2,
        );
      if (layout === 'repeated') return make(size, [...outer.map(() => 0), columns, 1]);
      return make(batches * size, rowMajor(shape));
    }
    const shapes: [a: Shape, b: Shape][] = [
      [
        [1, 1],
        [1, 1],
      ],
      [
        [7, 5],
        [5, 9],
      ],
      [
        [37, 20],
        [20, 1],
      ],
      [
        [1, 20],
        [20, 37],
      ],
      [
        [2, 3, 5, 7],
        [2, 3, 7, 6],
      ],
      [
        [4, 6, 9],
        [9, 33],
      ],
      [
        [6, 9],
        [4, 9, 10],
      ],
      [
        [3, 1, 4, 5],
        [2, 5, 8],
      ],
      [
        [2, 1, 1, 16],
        [2, 4, 16, 30],
      ],
      [
        [5, 1, 8],
        [8, 12],
      ],
      [
        [2, 11, 400],
        [2, 400, 9],
      ],
      [
        [2, 3, 0],
        [2, 0, 4],
      ],
      [
        [0, 3, 2],
        [0, 2, 4],
      ],
      [
        [100, 3],
        [3, 2],
      ],
    ];
    it.each(shapes)('[%j] @ [%j]', (aShape, bShape) => {
      const k = aShape.at(-1)!;
      const rank = Math.max(aShape.length, bShape.length);
      const padded = (s: Shape) => [...new Array<number>(rank - s.length).fill(1), ...s];
      const [pa, pb] = [padded(aShape), padded(bShape)];
      const cShape = pa.map((n, d) => (d === rank - 2 ? n : d === rank - 1 ? pb[d]! : n === 1 ? pb[d]! : n));
      for (const la of layouts)
        for (const lb of layouts) {
          const a = operand(aShape, la, 3);
          const b = operand(bShape, lb, 11);
          const [ad, bd] = [a.data, b.data];
          const wanted = new Float64Array(sizeOf(cShape));
          const strides = rowMajor(cShape);
          for (let i = 0; i < wanted.length; i++) {
            const index = cShape.map((n, d) => Math.floor(i / strides[d]!) % n);
            const own = (s: Shape) => s.map((n, d) => (n === 1 ? 0 : index[d + rank - s.length]!));
            const [ia, ib] = [own(aShape), own(bShape)];
            ia[aShape.length - 1] = 0;
            ib[bShape.length - 2] = 0;
            const [pa, pb] = [place(a, ia), place(b, ib)];
            const [sa, sb] = [a.view.strides.at(-1)!, b.view.strides.at(-2)!];
            for (let s = 0; s < k; s++) wanted[i]! += ad[pa + s * sa]! * bd[pb + s * sb]!;
          }
          for (const threads of [1, 2, 5]) {
            const out = harness.array(cShape, 'f32', new Float32Array(wanted.length).fill(Number.NaN));
            expectClose(harness.run('matmul', undefined, [a, b], out, threads), wanted, k);
          }
        }
    });
  });
}

describe('tiles', () => {
  it('gives each level the panel width that its weights are packed in', () => {
    expect(chooseTile({ relaxed: false, revec: false })).toEqual({ mr: 2, nr: 16 });
    expect(chooseTile({ relaxed: true, revec: false })).toEqual({ mr: 6, nr: 8 });
    expect(chooseTile({ relaxed: true, revec: true })).toEqual({ mr: 6, nr: 16 });
  });
  it('times tiles and checks their numbers', () => {
    const tiles = [
      { mr: 2, nr: 16 },
      { mr: 4, nr: 8 },
    ];
    const timed = timeTiles(tiles, { relaxed: relaxedSimd, revec: false });
    expect(timed.map(t => t.tile)).toEqual(tiles);
    expect(timed.map(t => t.right)).toEqual([true, true]);
    expect(timed.every(t => t.speed > 0)).toBe(true);
  });
});
