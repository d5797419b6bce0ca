/** Leaves that are overwritten in one plan: what the new values see, what is written in place, what it costs. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  assign,
  type Backend,
  blend,
  compute,
  dataOfAll,
  setDefaultBackend,
  softmax,
  Tensor,
} from '../../src/tensor/index.ts';
import type { Plan } from '../../src/tensor/plan.ts';
import { createRng } from '../../src/util/rng.ts';

const BACKENDS: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['reference', async () => createReferenceBackend()],
  ['wasm, inline', () => createWasmBackend({ threads: 0 })],
  ['wasm, 2 threads', () => createWasmBackend({ threads: 2 })],
];

/** Six tensors that share parts of a random graph over the leaves: four to assign, two to read. */
function randomValues(leaves: readonly Tensor[], seed: number): Tensor[] {
  const rng = createRng(seed, 1);
  const pool = [...leaves];
  const any = () => pool[rng.below(pool.length)]!;
  const moves: readonly (() => Tensor)[] = [
    () => any().add(any()),
    () => any().mul(any().tanh()),
    () => any().transpose(),
    () => any().tanh().matmul(any().tanh()),
    () => any().sub(any().sum(0)),
    () => any().slice(0, 0, 1).expand([3, 3]),
    () => softmax(any()),
    () => blend(any().tanh(), 0.5, any(), Tensor.constant(0.25)),
  ];
  for (let i = 0; i < 8; i++) pool.push(moves[rng.below(moves.length)]!());
  return Array.from({ length: 6 }, any);
}
/** On the reference backend, from leaves that nothing changes. */
function evaluate(values: readonly Tensor[]) {
  setDefaultBackend(createReferenceBackend());
  return dataOfAll(...values);
}

describe.each(BACKENDS)('assign on %s', (name, create) => {
  let backend: Backend;
  let plans: Plan[];
  beforeAll(async () => {
    backend = await create();
    const { prepare } = backend;
    backend.prepare = plan => {
      plans.push(plan);
      return prepare.call(backend, plan);
    };
  });
  beforeEach(() => {
    plans = [];
    setDefaultBackend(backend);
  });
  afterAll(() => backend.close());

  const leaf = async (values: number[], shape = [values.length]) => {
    const t = Tensor.from(values, shape).add(0);
    await compute(t);
    plans = [];
    return t;
  };
  const read = async (t: Tensor) => Array.from(await t.data());
  const steps = () => plans.flatMap(p => p.steps.map(s => s.op));

  it('swaps two leaves', async () => {
    const [a, b] = [await leaf([1, 2]), await leaf([3, 4])];
    await assign([
      [a, b],
      [b, a],
    ]);
    expect([await read(a), await read(b)]).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });
  it('turns three leaves round, each a function of the next', async () => {
    const [a, b, c] = [await leaf([1]), await leaf([10]), await leaf([100])];
    await assign([
      [a, b.add(1)],
      [b, c.add(2)],
      [c, a.add(3)],
    ]);
    expect([await read(a), await read(b), await read(c)]).toEqual([[11], [102], [4]]);
  });
  it('computes everything from the old values, the reads too', async () => {
    const [a, b] = [await leaf([1, 2]), await leaf([3, 4])];
    const sum = a.add(b);
    const reads = await assign(
      [
        [a, sum],
        [b, sum.mul(a)],
      ],
      a,
      b.reshape(2, 1),
      sum,
    );
    expect(reads.map(r => Array.from(r))).toEqual([
      [1, 2],
      [3, 4],
      [4, 6],
    ]);
    expect([await read(a), await read(b)]).toEqual([
      [4, 6],
      [4, 12],
    ]);
  });
  it('takes views, broadcast constants and one value for two leaves', async () => {
    const [a, b, c] = [await leaf([1, 2, 3, 4], [2, 2]), await leaf([0, 0, 0, 0], [2, 2]), await leaf([9, 9])];
    await assign([
      [a, a.transpose()],
      [b, a.transpose()],
      [c, Tensor.full([2], 7)],
    ]);
    expect([await read(a), await read(b), await read(c)]).toEqual([
      [1, 3, 2, 4],
      [1, 3, 2, 4],
      [7, 7],
    ]);
    const double = b.add(b);
    await assign([
      [a, double],
      [b, double],
    ]);
    expect([await read(a), await read(b)]).toEqual([
      [2, 6, 4, 8],
      [2, 6, 4, 8],
    ]);
  });
  it('an operand in another order keeps a step from writing over it', async () => {
    const a = await leaf([1, 2, 3, 4], [2, 2]);
    await assign([[a, a.add(a.transpose())]]);
    expect(await read(a)).toEqual([2, 5, 5, 8]);
  });
  it('a value that another reads is written first', async () => {
    const [m, p, g] = [await leaf([1, 1]), await leaf([5, 5]), await leaf([2, 3])];
    const next = m.mul(0.5).add(g);
    await assign([
      [m, next],
      [p, p.sub(next)],
    ]);
    expect([await read(m), await read(p)]).toEqual([
      [2.5, 3.5],
      [2.5, 1.5],
    ]);
  });
  it('the graph stays as it is and can be run again', async () => {
    const a = await leaf([1]);
    const [doubled, fed] = [a.mul(2), new Float32Array([1])];
    const next = doubled.add(Tensor.from(fed));
    const before = backend.memory().used;
    for (let i = 0; i < 1000; i++) {
      fed[0] = i % 2;
      const [seen] = await assign([[a, next.mul(0.25)]], doubled);
      expect(seen!.length).toBe(1);
    }
    // x <- x / 2, then x <- x / 2 + 1 / 4: the fixed points are 1/6 and 1/3.
    expect((await read(a))[0]).toBeCloseTo(1 / 3, 6);
    expect(plans.length).toBe(1);
    expect(backend.memory().used).toBeLessThanOrEqual(before + (1 << 20));
    const settled = backend.memory().used;
    for (let i = 0; i < 1000; i++) await assign([[a, next.mul(0.25)]], doubled);
    expect(backend.memory().used).toBe(settled);
  });
  it('100 random sets of updates give what the values are by themselves', async () => {
    for (let seed = 0; seed < 100; seed++) {
      const rng = createRng(seed);
      const start = Array.from({ length: 4 }, () => Array.from({ length: 9 }, () => 2 * rng.uniform() - 1));
      const targets: Tensor[] = [];
      for (const values of start) targets.push(await leaf(values, [3, 3]));
      const twins = start.map(values => Tensor.from(Float64Array.from(values), [3, 3]));
      const expected = await evaluate(randomValues(twins, seed));
      setDefaultBackend(backend);
      const values = randomValues(targets, seed);
      const reads = await assign(
        targets.map((t, i) => [t, values[i]!]),
        ...values.slice(4),
      );
      const after = [...(await Promise.all(targets.map(t => t.data()))), ...reads];
      expected.forEach((e, i) => {
        for (const [at, x] of e.entries()) expect(after[i]![at], `seed ${seed}, value ${i}`).toBeCloseTo(x, 4);
      });
    }
  });
  it('says what cannot be assigned', async () => {
    const a = await leaf([1, 2]);
    await expect(assign([[Tensor.from([1]), a.sum()]])).rejects.toThrow(/plain leaf on the device.*on the host/);
    await expect(assign([[a.mul(2), a]])).rejects.toThrow(/not computed/);
    await expect(assign([[a, a.sum()]])).rejects.toThrow(/does not fit.*\[1\].*\[2\]/);
    await expect(
      assign([
        [a, a.mul(2)],
        [a, a.mul(3)],
      ]),
    ).rejects.toThrow(/twice/);
    expect(await read(a)).toEqual([1, 2]);
  });
  it('can be looked at node by node, and stays as it is', async () => {
    const a = await leaf([4, 0]);
    const next = a.reciprocal().mul(2);
    vi.stubEnv('HEED_DEBUG', '1');
    const lines = vi.spyOn(console, 'error').mockImplementation(() => {});
    await expect(assign([[a, next]])).rejects.toThrow(/reciprocal gave Infinity/);
    await assign([[a, a.add(1)]]);
    expect(lines.mock.calls.flat().join()).toMatch(/add {2,}\[2\]/);
    vi.unstubAllEnvs();
    lines.mockRestore();
    await assign([[a, next]]);
    expect(await read(a)).toEqual([expect.closeTo(0.4, 6), 2]);
  });
  it.skipIf(name === 'reference')('writes into the leaves without copies', async () => {
    const [m, p, g] = [await leaf([1, 1]), await leaf([5, 5]), await leaf([2, 3])];
    const next = m.add(g);
    const result = await assign(
      [
        [p, p.sub(next)],
        [m, next],
      ],
      p.mul(p).sum(),
    );
    expect(Array.from(result[0]!)).toEqual([50]);
    expect(steps()).not.toContain('copy');
    expect([await read(m), await read(p)]).toEqual([
      [3, 4],
      [2, 1],
    ]);
  });
  it.skipIf(name === 'reference')('a failed run says that the leaves may be half new', async () => {
    const a = await leaf([1, 2]);
    const { run } = backend;
    backend.run = () => Promise.reject(new Error('worker died'));
    await expect(assign([[a, a.mul(2)]])).rejects.toThrow(/changes tensors failed: worker died.*old and some new/);
    backend.run = run;
  });
});
