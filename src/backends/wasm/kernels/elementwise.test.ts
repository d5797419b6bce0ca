/** Elementwise kernels over random shapes, layouts, dtypes and threads, against one plain loop. */
import { describe, expect, it } from 'vitest';
import type { DType } from '../../../tensor/dtype.ts';
import type { Shape } from '../../../tensor/shape.ts';
import type { Rng } from '../../../util/rng.ts';
import { ELEMENTWISE_KERNELS } from './elementwise.ts';
import {
  type Arrays,
  broadcastTo,
  distance,
  FEATURE_SETS,
  type LayoutKind,
  nameOf,
  randomArrays,
} from './random-arrays.ts';

type Meaning = (...values: number[]) => number;
interface Sample {
  readonly op: string;
  readonly from: readonly DType[];
  readonly to: DType;
  readonly meaning: Meaning;
}
const sample = (op: string, from: readonly DType[], to: DType, meaning: Meaning): Sample => ({ op, from, to, meaning });
const both = (op: string, meaning: Meaning, to?: DType) =>
  (['f32', 'i32'] as const).map(t => sample(op, [t, t], to ?? t, meaning));
const bools = (op: string, meaning: Meaning) => sample(op, ['bool', 'bool'], 'bool', meaning);
const DTYPES = ['f32', 'i32', 'u8', 'bool'] as const;
const CASTS: Record<DType, Meaning> = {
  f32: x => x!,
  i32: x => Math.trunc(x!),
  u8: x => Math.trunc(x!) & 255,
  bool: x => Number(x !== 0),
};
const SAMPLES: readonly Sample[] = [
  sample('neg', ['f32'], 'f32', x => -x!),
  sample('tanh', ['f32'], 'f32', x => Math.tanh(x!)),
  ...both('add', (x, y) => x! + y!),
  ...both('sub', (x, y) => x! - y!),
  ...both('mul', (x, y) => x! * y!),
  sample('div', ['f32', 'f32'], 'f32', (x, y) => x! / y!),
  sample('minimum', ['f32', 'f32'], 'f32', (x, y) => Math.min(x!, y!)),
  sample('maximum', ['f32', 'f32'], 'f32', (x, y) => Math.max(x!, y!)),
  ...both('less', (x, y) => Number(x! < y!), 'bool'),
  ...both('lessEqual', (x, y) => Number(x! <= y!), 'bool'),
  ...both('equal', (x, y) => Number(x === y), 'bool'),
  bools('and', (x, y) => x! & y!),
  bools('or', (x, y) => x! | y!),
  sample('not', ['bool'], 'bool', x => 1 - x!),
  ...DTYPES.map(t => sample('where', ['bool', t, t], t, (c, x, y) => (c ? x! : y!))),
  ...DTYPES.flatMap(from =>
    DTYPES.filter(to => from !== 'u8' || to !== 'u8').map(to => sample('cast', [from], to, CASTS[to])),
  ),
];

/** A shape that broadcasts to `shape`: axes become 1 or fall away in front. */
function narrowed(shape: Shape, rng: Rng): Shape {
  const some = shape.map(n => (rng.below(3) === 0 ? 1 : n));
  return some.slice(rng.below(3) === 0 ? rng.below(some.length + 1) : 0);
}

function run({ harness, make, output, rng }: Arrays, { op, from, to, meaning }: Sample, shape: Shape, threads: number) {
  const layout = (['dense', 'rows', 'strided'] as const satisfies LayoutKind[])[rng.below(3)]!;
  const value = (dtype: DType) => (r: Rng) =>
    dtype === 'bool'
      ? r.below(2)
      : dtype === 'u8'
        ? r.below(256)
        : dtype === 'i32'
          ? r.below(9) - 4
          : Math.fround(r.normal());
  const inputs = from.map((dtype, i) =>
    make(from.length > 1 && i > 0 ? narrowed(shape, rng) : shape, dtype, layout, value(dtype)),
  );
  const out = output(shape, to);
  expect(
    ELEMENTWISE_KERNELS.find(k => k.name === op)!.accepts!(
      inputs.map(i => i.view),
      undefined,
      out.view,
    ),
  ).toBe(true);
  harness.run(op, { to }, inputs, out, threads);
  const values = inputs.map(input => broadcastTo(input, shape));
  const n = values[0]!.length;
  const right = Array.from({ length: n }, (_, i) => meaning(...values.map(v => v[i]!)));
  const bound = to === 'f32' ? 2e-7 : 0;
  expect(distance(Array.from(out.data).slice(0, n), right), `${op} [${shape}] ${from} ${layout}`).toBeLessThanOrEqual(
    bound,
  );
}

describe.each(FEATURE_SETS.map(f => [nameOf(f), f] as const))('elementwise, %s', (_, features) => {
  const arrays = randomArrays(ELEMENTWISE_KERNELS, features, 11);
  it.each(SAMPLES.map(s => [`${s.op} ${s.from} to ${s.to}`, s] as const))('%s', (_, s) => {
    const { rng } = arrays;
    for (let i = 0; i < 12; i++) {
      const rank = rng.below(6);
      const shape = Array.from({ length: rank }, () => 1 + rng.below(rank > 3 ? 4 : 12));
      run(arrays, s, shape, [1, 2, 3, 5][rng.below(4)]!);
    }
    run(arrays, s, [3, 0, 2], 2);
    run(arrays, s, [5, 301], 3);
  });

  it('walks eight axes, and rows longer than the gathering buffer', () => {
    const add = SAMPLES.find(s => s.op === 'add')!;
    run(arrays, add, [2, 3, 1, 2, 2, 3, 2, 3], 2);
    for (let i = 0; i < 4; i++) run(arrays, add, [3, 5001], 2);
  });

  it('adds a bias, a scalar and a column', () => {
    const { harness, make, output } = arrays;
    const x = make([37, 50]);
    for (const shape of [[50], [1], [], [37, 1]]) {
      const y = make(shape);
      const out = output([37, 50]);
      const values = broadcastTo(y, [37, 50]);
      const sum = harness.run('add', undefined, [x, y], out, 2);
      expect(
        distance(
          sum,
          values.map((v, i) => Math.fround(v + x.data[i]!)),
        ),
      ).toBe(0);
    }
  });

  it('writes over an input', () => {
    const { harness, make } = arrays;
    const [x, y] = [make([3, 333]), make([333])];
    const before = Array.from(x.data);
    harness.run('mul', undefined, [x, y], x, 3);
    expect(
      distance(
        x.data.slice(0, 999),
        before.slice(0, 999).map((v, i) => Math.fround(v * y.data[i % 333]!)),
      ),
    ).toBe(0);
  });

  it('casts floats out of range to the nearest whole number, NaN to 0', () => {
    const x = arrays.harness.array([5], 'f32', [3e9, -3e9, Number.NaN, 2.9, -2.9]);
    const y = arrays.harness.run('cast', { to: 'i32' }, [x], arrays.output([5], 'i32'));
    expect([...y]).toEqual([2147483647, -2147483648, 0, 2, -2]);
  });

  it('keeps a NaN in minimum and maximum', () => {
    const [x, y] = [
      [Number.NaN, 1],
      [1, Number.NaN],
    ].map(v => arrays.harness.array([2], 'f32', v)) as never as [never, never];
    for (const op of ['minimum', 'maximum'])
      expect([...arrays.harness.run(op, undefined, [x, y], arrays.output([2]))]).toEqual([Number.NaN, Number.NaN]);
  });
});
