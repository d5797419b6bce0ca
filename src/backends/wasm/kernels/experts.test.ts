/** The products of a mixture of experts against plain loops, in panels and as rows; and that only what is chosen is read. */
import { describe, expect, it } from 'vitest';
import type { HarnessArray } from '../kernel-harness.ts';
import { EXPERT_KERNELS } from './experts.ts';
import { pack } from './pack.ts';
import { FEATURE_SETS, nameOf, randomArrays } from './random-arrays.ts';

describe.each(FEATURE_SETS.map(f => [nameOf(f), f] as const))('experts, %s', (_, features) => {
  const { harness, make, rng } = randomArrays([...EXPERT_KERNELS, pack], features, 9);
  const { nr } = features.tile;
  const ids = (values: readonly number[]) => harness.array([values.length], 'i32', values);
  const canary = (size: number) => new Float32Array(size + 1).fill(Number.NaN);

  /** A weight in panels. */
  function panels(weight: HarnessArray): HarnessArray {
    const [n, k] = weight.view.shape as [number, number];
    const elements = Math.ceil(n / nr) * nr * k;
    const packed = harness.array([n, k], 'f32', undefined, { elements, format: 'panels' });
    const bytes = new Uint8Array((weight.data as Float32Array).slice(0, n * k).buffer);
    const attrs = { dtype: 'F32', row: 0, rows: n, transposed: false };
    harness.run('pack', attrs, [harness.array([bytes.length], 'u8', bytes)], packed);
    return packed;
  }
  function expectClose(seen: ArrayLike<number>, wanted: readonly number[], k: number): void {
    wanted.forEach((value, i) => {
      expect(Math.abs(seen[i]! - value), `element ${i}`).toBeLessThanOrEqual(1e-6 * (4 + k));
    });
    expect(seen[wanted.length], 'behind the output').toBeNaN();
  }

  it.each([
    ['one row', [0], 5, 7],
    ['a row each', [3, 1], 33, 40],
    ['runs', [0, 0, 1, 1, 1, 3], 16, 16],
    ['rows in any order, and some of no expert', [2, 0, 2, 2, 0, 3, -1, 9, 1], 37, 19],
    ['long runs', Array.from({ length: 60 }, (_, i) => Math.floor(i / 16)), 400, 3 * nr + 1],
    ['nothing to sum', [1, 1], 0, 3],
    ['no columns', [1, 2], 4, 0],
  ] as const)('expertLinear, %s', (_name, expert, k, n) => {
    const x = make([expert.length, k]);
    const weights = Array.from({ length: 4 }, () => make([n, k]));
    const wanted = expert.flatMap((e, r) =>
      Array.from({ length: n }, (_, j) => {
        let sum = 0;
        if (weights[e]) for (let s = 0; s < k; s++) sum += x.data[r * k + s]! * weights[e].data[j * k + s]!;
        return sum;
      }),
    );
    const packed = weights.map(panels);
    for (const form of [weights, packed, [weights[0]!, packed[1]!, weights[2]!, packed[3]!]])
      for (const threads of [1, 2, 3, 5]) {
        const out = harness.array([expert.length, n], 'f32', canary(expert.length * n));
        expectClose(harness.run('expertLinear', undefined, [x, ids(expert), ...form], out, threads), wanted, k);
      }
  });

  it('reads no weight that is not chosen', () => {
    const [k, n] = [24, 40];
    const x = make([3, k]);
    const chosen = panels(make([n, k]));
    // Behind the end of the memory: reading it would trap.
    const slot = { kind: 'arena', offset: harness.memory.buffer.byteLength, bytes: 4 * n * k } as const;
    const outside = { data: chosen.data, view: { ...chosen.view, slot } };
    const run = (expert: readonly number[]) =>
      harness.run('expertLinear', undefined, [x, ids(expert), outside, chosen, outside], harness.array([3, n]), 2);
    expect(() => run([1, 1, 1])).not.toThrow();
    expect(() => run([1, 2, 1])).toThrow(WebAssembly.RuntimeError);
  });

  it('expertOuter sums over the rows of one expert', () => {
    const expert = [0, 0, 0, 2, 2, 2, 2, 2, 3, -1];
    const [m, n] = [21, 2 * nr + 5];
    const [g, x] = [make([expert.length, m]), make([expert.length, n])];
    for (const own of [0, 1, 2, 3])
      for (const threads of [1, 2, 5]) {
        const wanted = Array.from({ length: m * n }, (_, at) =>
          expert.reduce((sum, e, r) => {
            const [i, j] = [Math.floor(at / n), at % n];
            return e === own ? sum + g.data[r * m + i]! * x.data[r * n + j]! : sum;
          }, 0),
        );
        const out = harness.array([m, n], 'f32', canary(m * n));
        expectClose(harness.run('expertOuter', { expert: own }, [g, x, ids(expert)], out, threads), wanted, 5);
      }
  });

  it('groupOrder keeps the order within a group, with what is no group last', () => {
    for (let i = 0; i < 20; i++) {
      const group = Array.from({ length: 1 + rng.below(40) }, () => rng.below(7) - 1);
      const key = (r: number) => (group[r]! >= 0 && group[r]! < 5 ? group[r]! : 5);
      const right = group.map((_, r) => r).sort((a, b) => key(a) - key(b) || a - b);
      const out = harness.array([group.length], 'i32');
      const seen = harness.run('groupOrder', { groups: 5 }, [ids(group)], out, 1 + rng.below(3));
      expect([...seen]).toEqual(right);
    }
  });
});
