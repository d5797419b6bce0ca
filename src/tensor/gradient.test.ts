import { beforeEach, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { compute, cost, dataOfAll, gradient, linear, setDefaultBackend, sigmoid, Tensor } from './index.ts';

beforeEach(() => setDefaultBackend(createReferenceBackend()));

const numbers = (...shape: number[]) => {
  const n = shape.reduce((a, b) => a * b, 1);
  return Tensor.from(
    Array.from({ length: n }, (_, i) => Math.sin(1 + 1.3 * i)),
    shape,
  );
};
/** Gradient of `f` by central differences. The backend computes in double precision between single ones. */
async function differences(f: (x: Tensor) => Tensor, x: Tensor): Promise<number[]> {
  const data = Array.from(await x.data());
  const at = async (i: number, h: number) => f(Tensor.from(data.with(i, data[i]! + h), x.shape)).item();
  return Promise.all(data.map(async (_, i) => ((await at(i, 1e-2)) - (await at(i, -1e-2))) / 2e-2));
}
async function expectGradient(f: (x: Tensor) => Tensor, x: Tensor): Promise<void> {
  const [got] = await dataOfAll(gradient(f(x), [x])[0]!);
  const wanted = await differences(f, x);
  for (const [i, w] of wanted.entries()) expect(got![i]!, `element ${i}`).toBeCloseTo(w, 3);
}
const square = (x: Tensor, factor: number) => x.mul(x).mul(factor).sumAll();

describe('slices of one tensor', () => {
  const slices: [name: string, ranges: [axis: number, from: number, to: number][]][] = [
    [
      'side by side',
      [
        [1, 0, 2],
        [1, 2, 3],
        [1, 3, 6],
      ],
    ],
    [
      'with gaps, in any order',
      [
        [1, 4, 5],
        [1, 1, 2],
      ],
    ],
    [
      'that overlap',
      [
        [1, 0, 4],
        [1, 2, 6],
        [1, 3, 5],
        [1, 4, 5],
      ],
    ],
    [
      'taken twice',
      [
        [1, 1, 3],
        [1, 1, 3],
      ],
    ],
    [
      'of two axes',
      [
        [1, 0, 4],
        [0, 0, 1],
        [1, 4, 6],
        [0, 1, 2],
      ],
    ],
    [
      'without elements',
      [
        [1, 2, 2],
        [1, 2, 4],
      ],
    ],
  ];
  it.each(slices)('%s', async (_, ranges) => {
    const f = (x: Tensor) =>
      ranges.map(([axis, from, to], i) => square(x.slice(axis, from, to), i + 1)).reduce((a, b) => a.add(b));
    await expectGradient(f, numbers(2, 6, 2));
  });
  it('beside other uses', async () => {
    await expectGradient(
      x =>
        square(x.slice(0, 0, 2), 1)
          .add(square(x, 2))
          .add(square(x.slice(0, 2, 4), 3)),
      numbers(4, 2),
    );
  });
  it('cost no more than the tensor has elements', () => {
    const steps = (T: number) => {
      const x = numbers(T, 8);
      const loss = Array.from({ length: T }, (_, t) => square(x.slice(0, t, t + 1), 1)).reduce((a, b) => a.add(b));
      return cost(...gradient(loss, [x]));
    };
    expect(steps(500).bytes / steps(50).bytes).toBeLessThan(10.5);
  });
});

describe('a weight that is used for few rows at a time', () => {
  const steps = (w: Tensor) => {
    let h = numbers(1, 6);
    for (let t = 0; t < 5; t++) h = linear(h, w, numbers(6).mul(t)).tanh();
    return square(h, 1);
  };
  it('has the gradient of all uses', async () => {
    await expectGradient(steps, numbers(6, 6).mul(0.3));
  });
  it('gets it from one product', async () => {
    const w = numbers(6, 6);
    const products = cost(...gradient(steps(w), [w])).ops.get('matmul')!.count;
    expect(products).toBe(5); // one for the weight, four for the state between the steps
  });
  it('is summed up where the rows would take more room than the products', () => {
    const w = numbers(3, 2);
    const loss = square(linear(numbers(9, 2), w).add(linear(numbers(9, 2), w)), 1);
    expect(cost(...gradient(loss, [w])).ops.get('concat')).toBeUndefined();
  });
});

it('the gradient of a sigmoid stays finite where it is flat', async () => {
  const x = Tensor.from([-1000, -90, 90, 1000]);
  const [g] = gradient(sigmoid(x).sumAll(), [x]);
  await compute(g!);
  for (const value of await g!.data()) expect(value).toBeCloseTo(0, 12);
});
