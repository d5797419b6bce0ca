import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { createWasmBackend } from '../backends/wasm/index.ts';
import { type Backend, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import { balanceLoss, mixExperts } from './experts.ts';

const [N, E, C, F] = [9, 5, 12, 20];
const rng = createRng(11);
const random = (n: number) => Float32Array.from({ length: n }, () => rng.normal());
const x = random(N * C);
const gates = Array.from({ length: E }, () => random(F * C));
const ups = Array.from({ length: E }, () => random(F * C));
const downs = Array.from({ length: E }, () => random(C * F));
const matrices = (of: Float32Array[], rows: number) =>
  of.map(w => ({ weight: Tensor.from(w, [rows, w.length / rows]) }));
const experts = () => ({ gates: matrices(gates, F), ups: matrices(ups, F), downs: matrices(downs, C) });

const product = (w: Float32Array, v: readonly number[]): number[] =>
  Array.from({ length: w.length / v.length }, (_, i) =>
    v.reduce((sum, value, j) => sum + value * w[i * v.length + j]!, 0),
  );
const expertOf = (e: number, v: readonly number[]): number[] => {
  const up = product(ups[e]!, v);
  return product(
    downs[e]!,
    product(gates[e]!, v).map((a, i) => (a / (1 + Math.exp(-a))) * up[i]!),
  );
};
const softmax = (row: readonly number[]): number[] => {
  const all = row.map(Math.exp);
  return all.map(v => v / all.reduce((a, b) => a + b));
};
const best = (p: readonly number[], k: number): number[] =>
  p
    .map((_, e) => e)
    .sort((a, b) => p[b]! - p[a]! || a - b)
    .slice(0, k);
const rowsOf = (data: ArrayLike<number>, width: number): number[][] =>
  Array.from({ length: data.length / width }, (_, r) => Array.from(data).slice(r * width, (r + 1) * width));

const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend({ threads: 2 }),
};
describe.each(Object.keys(BACKENDS))('a mixture of experts on %s', name => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
    setDefaultBackend(backend);
  });
  afterAll(() => backend.close());

  const scores = random(N * E);
  // Two experts that nothing tells apart, and a token that all experts suit alike.
  scores[E + 3] = scores[E + 1]!;
  scores.fill(0.5, 2 * E, 3 * E);
  it.each([1, 2, 5])('mixes the best %i of each token', async k => {
    const y = mixExperts(Tensor.from(x, [N, C]), Tensor.from(scores, [N, E]), k, experts(), 'silu');
    const right = rowsOf(x, C).map((v, n) => {
      const p = softmax(rowsOf(scores, E)[n]!);
      const chosen = best(p, k);
      const total = chosen.reduce((sum, e) => sum + p[e]!, 0);
      return chosen
        .map(e => expertOf(e, v).map(value => (value * p[e]!) / total))
        .reduce((a, b) => a.map((value, i) => value + b[i]!));
    });
    rowsOf(await y.data(), C).forEach((row, n) => {
      row.forEach((value, i) => {
        expect(value, `token ${n}`).toBeCloseTo(right[n]![i]!, 3);
      });
    });
  });

  it('is balanced, or not', async () => {
    const even = Float32Array.from({ length: E * E }, (_, i) => (i % E === Math.floor(i / E) ? 9 : 0));
    const one = Float32Array.from({ length: E * E }, (_, i) => (i % E === 2 ? 30 : 0));
    const mask = Tensor.from(Uint8Array.of(1, 1, 0, 1, 0), [1, E], 'bool');
    const loss = (of: Float32Array, real?: Tensor) => balanceLoss([Tensor.from(of, [E, E])], 1, real).item();
    expect(await loss(even)).toBeCloseTo(1, 5);
    expect(await loss(one)).toBeCloseTo(E, 5);
    const p = softmax([9, 0, 0, 0, 0]);
    // Of the three real tokens each has an expert of its own, the two others of the five have none.
    const mean = (p[0]! + 2 * p[1]!) / 3;
    expect(await loss(even, mask)).toBeCloseTo(E * mean, 5);
  });
});
