/**
 * Random graphs on the WebAssembly backend against the reference backend: views of views, broadcasting, buffers reused in
 * place, several roots, gradients, tensors computed before or while others are. Seeds are fixed; a failure names its own.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  attention,
  type Backend,
  compute,
  concat,
  dataOfAll,
  gather,
  gelu,
  gradient,
  layerNorm,
  linear,
  logSoftmax,
  rmsNorm,
  setDefaultBackend,
  silu,
  softmax,
  Tensor,
  type TypedArray,
} from '../../src/tensor/index.ts';
import { createRng } from '../../src/util/rng.ts';

/** What a move may draw from: the tensors so far and fresh leaves. */
class Growth {
  readonly leaves: Tensor[] = [];
  readonly pool: Tensor[] = [];
  readonly #rng: ReturnType<typeof createRng>;
  constructor(seed: number) {
    this.#rng = createRng(seed);
  }
  int(below: number): number {
    return below < 1 ? 0 : this.#rng.below(below);
  }
  chance(p: number): boolean {
    return this.#rng.uniform() < p;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }
  any(): Tensor {
    return this.pick(this.pool);
  }
  /** Lengths are small, sometimes 1, sometimes beyond a vector, and with `empty` sometimes 0. */
  length(empty: boolean): number {
    if (empty && this.chance(0.1)) return 0;
    return this.chance(0.15) ? 1 : this.chance(0.1) ? 17 + this.int(40) : 1 + this.int(6);
  }
  leaf(shape: readonly number[]): Tensor {
    const size = shape.reduce((n, d) => n * d, 1);
    const leaf = Tensor.from(
      Float32Array.from({ length: size }, () => 2 * this.#rng.uniform() - 1),
      shape,
    );
    this.leaves.push(leaf);
    return leaf;
  }
}
const bounded = (x: Tensor): Tensor => x.mul(0.3);
const axisOf = (g: Growth, x: Tensor) => g.int(x.rank);

/** One row per kind of step. A move whose shapes do not fit throws, and is left out. */
const MOVES: readonly ((x: Tensor, g: Growth) => Tensor)[] = [
  x => x.neg(),
  x => x.tanh().exp(),
  x => x.mul(x).add(0.5).rsqrt(),
  x => x.abs().add(1).log(),
  (x, g) => x.add(g.any()),
  (x, g) => x.mul(g.any()),
  (x, g) => x.maximum(g.any()),
  (x, g) => x.less(g.any()).where(x, 0.25),
  x => x.sub(x.permute(...x.shape.map((_, d) => x.rank - 1 - d))),
  (x, g) => x.transpose(axisOf(g, x), axisOf(g, x)),
  (x, g) => {
    const axis = axisOf(g, x);
    const from = g.int(x.dim(axis));
    return x.slice(axis, from, from + 1 + g.int(x.dim(axis) - from));
  },
  x => x.reshape(-1),
  x => x.reshape(x.dim(0), 1, ...x.shape.slice(1)),
  x => x.reshape(x.dim(0) * x.dim(1), ...x.shape.slice(2)),
  (x, g) => x.expand([1 + g.int(3), ...x.shape.map(n => (n === 1 ? 1 + g.int(4) : n))]),
  (x, g) => bounded(x.sum(axisOf(g, x))),
  (x, g) => x.mean(axisOf(g, x)),
  (x, g) => x.max(axisOf(g, x)),
  (x, g) => concat([x, g.any(), x], axisOf(g, x)),
  (x, g) => bounded(x.matmul(g.any().transpose())),
  x => bounded(x.matmul(x.transpose())),
  x => softmax(x),
  x => bounded(logSoftmax(x)),
  (x, g) => g.pick([gelu, silu])(x),
  (x, g) => layerNorm(x, g.leaf([x.dim(-1)]), g.leaf([x.dim(-1)]), 1e-2),
  (x, g) => rmsNorm(x, g.leaf([x.dim(-1)]), 1e-2),
  (x, g) => linear(x, g.leaf([1 + g.int(5), x.dim(-1)])),
  (x, g) => gather(x, Tensor.from(Int32Array.from({ length: 1 + g.int(5) }, () => g.int(x.dim(0))))),
  (x, g) => {
    const q = x.reshape(1, ...(x.rank === 3 ? x.shape : [1, ...x.shape]));
    return attention(q, q, q.mul(0.5), { causal: g.chance(0.5), window: g.int(3) });
  },
];

/** Roots of a random graph, and the gradients of their sum of squares for all leaves that they reach. */
function grow(seed: number, empty: boolean): { wanted: Tensor[]; pool: Tensor[] } {
  const g = new Growth(seed);
  for (let i = 0; i < 3; i++) g.pool.push(g.leaf(Array.from({ length: 1 + g.int(4) }, () => g.length(empty))));
  for (let step = 0; step < 14; step++) {
    try {
      const y = g.pick(MOVES)(g.any(), g);
      if (y.size <= 20_000) g.pool.push(y);
    } catch (error) {
      if ((error as Error).name !== 'ShapeError') throw error;
    }
  }
  const roots = [...new Set([g.any(), g.any(), g.pool.at(-1)!])];
  const loss = roots.map(r => r.mul(r).sumAll()).reduce((a, b) => a.add(b));
  return { wanted: [...roots, ...(empty ? [] : g.leaves.flatMap(leaf => gradientIfAny(loss, leaf)))], pool: g.pool };
}
/** A leaf may be reached through comparisons only, or not at all. */
function gradientIfAny(loss: Tensor, leaf: Tensor): Tensor[] {
  try {
    return gradient(loss, [leaf]);
  } catch (error) {
    expect((error as Error).message).toMatch(/does not depend/);
    return [];
  }
}

/** In one plan, with a part computed before, or while something inside is computed. */
const ORDERS: readonly ((wanted: Tensor[], pool: Tensor[]) => Promise<TypedArray[]>)[] = [
  wanted => dataOfAll(...wanted),
  async wanted => {
    await compute(...wanted.filter((_, i) => i % 2));
    return dataOfAll(...wanted);
  },
  async (wanted, pool) =>
    (await Promise.all([dataOfAll(...wanted), pool[pool.length >> 1]!.data(), compute(wanted[0]!)]))[0],
];

describe('random graphs', () => {
  let reference: Backend;
  let wasm: Backend;
  beforeAll(async () => {
    reference = createReferenceBackend();
    wasm = await createWasmBackend({ threads: 2 });
  });
  afterAll(() => wasm.close());

  it.each([
    ['with elements', false, 1],
    ['some without elements', true, 10_001],
  ])('%s: 300 agree with the reference', async (_, empty, first) => {
    for (let seed = first; seed < first + 300; seed++) {
      setDefaultBackend(reference);
      const expected = await dataOfAll(...grow(seed, empty).wanted);
      setDefaultBackend(wasm);
      const { wanted, pool } = grow(seed, empty);
      const actual = await ORDERS[seed % ORDERS.length]!(wanted, pool);
      expected.forEach((e, i) => {
        const errorAt = (x: number, k: number) => Math.abs(x - actual[i]![k]!) / (1 + Math.abs(x));
        // Where the reference overflows or is undefined there is nothing to compare with; anything else must be a number.
        const worst = Math.max(0, ...Array.from(e, (x, k) => (Number.isFinite(x) ? errorAt(x, k) : 0)));
        expect(actual[i]!.length, `seed ${seed}, result ${i}`).toBe(e.length);
        expect(worst, `seed ${seed}, result ${i} [${wanted[i]!.shape}]`).toBeLessThan(1e-3);
      });
    }
  });
});
