/** What a step of training may hold at once, seen in its plan: nothing is run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  adamStep,
  attention,
  type Backend,
  blend,
  blendSquare,
  compute,
  crossEntropy,
  gradient,
  linear,
  setDefaultBackend,
  Tensor,
} from '../../src/tensor/index.ts';
import { planGraph, type Wanted } from '../../src/tensor/planner.ts';

describe('the plan of a step of training', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createWasmBackend({ threads: 1 });
    setDefaultBackend(backend);
  });
  afterAll(() => backend.close());
  const leaf = async (...shape: number[]) => {
    const t = Tensor.full(shape, 0.5);
    await compute(t);
    return t;
  };
  const planOf = (...wanted: (Tensor | readonly [Tensor, Tensor])[]) =>
    planGraph(
      backend,
      wanted.map((w): Wanted => (w instanceof Tensor ? { tensor: w, as: 'device' } : { tensor: w[1], as: w[0] })),
    ).plan;

  it('holds the logits once: their gradient takes their place', async () => {
    const [rows, width, classes] = [64, 8, 5000];
    const [x, w] = [await leaf(rows, width), await leaf(classes, width)];
    const loss = crossEntropy(linear(x, w), Tensor.from(new Int32Array(rows)));
    const { arenaBytes } = planOf(loss, ...gradient(loss, [x, w]));
    expect(arenaBytes).toBeLessThan(1.1 * 4 * rows * classes);
  });
  it('holds no matrix of scores', async () => {
    const T = 512;
    const q = await leaf(1, 1, T, 8);
    const loss = attention(q, q, q, { causal: true }).sumAll();
    expect(planOf(loss, ...gradient(loss, [q])).arenaBytes).toBeLessThan(0.2 * 4 * T * T);
  });
  it('changes moments and parameters where they lie', async () => {
    const [p, m, v] = [await leaf(300, 300), await leaf(300, 300), await leaf(300, 300)];
    const g = p.mul(2);
    const m1 = blend(m, 0.9, g, 0.1);
    const v1 = blendSquare(v, 0.99, g, 0.01);
    const { arenaBytes, steps } = planOf(
      [m, m1],
      [v, v1],
      [p, adamStep(p, m1, v1, { shrink: 1, rate: 0.1, root: 1, eps: 1e-8 })],
    );
    expect(steps.map(s => s.op)).toEqual(['mul', 'blend', 'blendSquare', 'adamStep']);
    expect(steps.slice(1).map(s => s.output.slot.kind)).toEqual(['leaf', 'leaf', 'leaf']);
    expect(arenaBytes).toBeLessThan(1.1 * 4 * 300 * 300);
  });
  it('computes the gradient of a weight when its layer is passed, not at the end', async () => {
    const [layers, width, rows] = [10, 64, 512];
    const weights: Tensor[] = [];
    for (let i = 0; i < layers; i++) weights.push(await leaf(width, width));
    const x = await leaf(rows, width);
    const loss = weights.reduce((h, w) => linear(h, w), x).sumAll();
    const { arenaBytes } = planOf(loss, ...gradient(loss, weights));
    // The values of the layers, and two gradients between them.
    expect(arenaBytes).toBeLessThan(1.1 * 4 * rows * width * (layers + 2));
  });
});
