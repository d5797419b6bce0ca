import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { cost, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import { disentangledAttention, relativeRows } from './disentangled-attention.ts';
import { columnDistances } from './relative-shift.ts';

setDefaultBackend(createReferenceBackend());

const random = (stream: number, ...shape: number[]) => {
  const rng = createRng(3, stream);
  return Tensor.from(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => rng.uniform() * 2 - 1),
    shape,
  );
};
const half = (distance: number) => Math.trunc(distance / 2);

describe('relativeRows', () => {
  it.each([
    ['a row for each distance', 4, 9, (d: number) => d],
    ['fewer rows than distances', 9, 3, (d: number) => d],
    ['buckets', 9, 3, half],
    ['one token', 1, 5, half],
  ])('%s: every column finds its row, and none is there that no distance needs', async (_, T, reach, bucket) => {
    const { rows, fromQuery, fromKey } = relativeRows(T, reach, bucket);
    const [all, query, key] = await Promise.all([rows.data(), fromQuery.data(), fromKey.data()]);
    const row = (d: number) => Math.min(2 * reach - 1, Math.max(0, bucket(d) + reach));
    columnDistances(T).forEach((d, column) => {
      expect(all[query[column]!]).toBe(row(d));
      expect(all[key[column]!]).toBe(row(-d));
    });
    expect(all.length).toBeLessThanOrEqual(2 * T + 1);
    expect(Math.max(...query, ...key)).toBe(all.length - 1);
    expect(Math.min(...query, ...key)).toBe(0);
  });
});

describe('disentangledAttention', () => {
  const [B, H, T, D, reach] = [2, 2, 7, 3, 4];
  const [q, k, v] = [random(0, B, H, T, D), random(1, B, H, T, D), random(2, B, H, T, D)];
  const [keys, queries] = [random(3, 2 * reach, H * D), random(4, 2 * reach, H * D)];
  const real = [1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0];

  it.each([
    ['c2p', true, false],
    ['p2c', false, true],
    ['both', true, true],
    ['neither', false, false],
  ])('adds %s to the scores, pair by pair', async (_, c2p, p2c) => {
    const relative = relativeRows(T, reach, half);
    const rows = await relative.rows.data();
    const seen = (table: Tensor) => table.slice(0, rows[0]!, rows.at(-1)! + 1);
    const scale = 0.7;
    const z = disentangledAttention(
      { q, k, v, positionKeys: c2p ? seen(keys) : undefined, positionQueries: p2c ? seen(queries) : undefined },
      relative,
      { mask: Tensor.from(Uint8Array.from(real), [B, T], 'bool'), scale },
    );
    const [Q, K, V, PK, PQ] = await Promise.all([q, k, v, keys, queries].map(t => t.data()));
    const dot = (a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number) =>
      Array.from({ length: D }, (_, d) => a[i + d]! * b[j + d]!).reduce((x, y) => x + y);
    const expected = new Array<number>(B * T * H * D).fill(0);
    for (let b = 0; b < B; b++)
      for (let h = 0; h < H; h++)
        for (let i = 0; i < T; i++) {
          const at = (t: number) => ((b * H + h) * T + t) * D;
          const scores = Array.from({ length: T }, (_, j) => {
            const row = Math.min(2 * reach - 1, Math.max(0, half(i - j) + reach)) * H * D + h * D;
            const terms = dot(Q!, at(i), K!, at(j)) + (c2p ? dot(Q!, at(i), PK!, row) : 0);
            return real[b * T + j] ? scale * (terms + (p2c ? dot(K!, at(j), PQ!, row) : 0)) : Number.NEGATIVE_INFINITY;
          });
          const sum = scores.reduce((n, s) => n + Math.exp(s), 0);
          scores.forEach((s, j) => {
            for (let d = 0; d < D; d++)
              expected[(b * T + i) * H * D + h * D + d]! += (Math.exp(s) / sum) * V![at(j) + d]!;
          });
        }
    const actual = await z.data();
    for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, 6);
  });

  it('costs no more than the square of the length', () => {
    const flops = (T: number) => {
      const x = Tensor.full([1, H, T, D], 0);
      const relative = relativeRows(T, 4, half);
      const vectors = Tensor.full([relative.rows.dim(0), H * D], 0);
      const heads = { q: x, k: x, v: x, positionKeys: vectors, positionQueries: vectors };
      return cost(disentangledAttention(heads, relative, { mask: undefined, scale: 1 })).flops;
    };
    expect(flops(512) / flops(256)).toBeLessThan(4.01);
    expect(flops(512) / flops(256)).toBeGreaterThan(3.5);
  });
});
