import { beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { dataOfAll, order, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { previous, scan } from './recurrent-scan.ts';

beforeAll(() => setDefaultBackend(createReferenceBackend()));

const numbers = (...shape: number[]) =>
  Tensor.from(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
    shape,
  );

describe('a scan', () => {
  it.each([1, 2, 3, 7, 8, 9])('sums up what came before, %i steps', async T => {
    const [sums] = scan([numbers(2, T, 1)], ([a], [b]) => [a!.add(b!)]);
    const expected = [0, T].flatMap(first => {
      let sum = 0;
      return Array.from({ length: T }, (_, t) => (sum += first + t + 1));
    });
    expect(Array.from(await sums!.data())).toEqual(expected);
  });
  it('keeps the order of steps, and says how many stand behind the later side', async () => {
    // x' = x / 2 + input, over inputs 1, 2, 3, ...
    const T = 11;
    const [states] = scan([numbers(1, T, 1)], ([a], [b], span) => [a!.mul(0.5 ** span).add(b!)]);
    let x = 0;
    for (const [t, state] of (await states!.data()).entries()) {
      x = x / 2 + t + 1;
      expect(state).toBeCloseTo(x, 12);
    }
  });
  it('grows with the logarithm of the steps', () => {
    const nodes = (T: number) => order(scan([numbers(1, T, 1)], ([a], [b]) => [a!.add(b!)])).length;
    expect(nodes(4096) / nodes(64)).toBeCloseTo(2, 0);
  });
});

describe('the token before', () => {
  const start = Tensor.from([-1, -2], [2, 1]);
  const values = async (mask?: number[]) => {
    const real = mask && Tensor.from(Uint8Array.from(mask), [2, 4], 'bool');
    const { before, last } = previous(numbers(2, 4, 1), start, real);
    expect([before.shape, last.shape]).toEqual([
      [2, 4, 1],
      [2, 1],
    ]);
    return (await dataOfAll(before, last)).map(data => Array.from(data));
  };
  it('is what the state held, at first', async () => {
    expect(await values()).toEqual([
      [-1, 1, 2, 3, -2, 5, 6, 7],
      [4, 8],
    ]);
  });
  it('is never padding', async () => {
    const [before, last] = await values([0, 0, 1, 1, 1, 0, 1, 0]);
    expect(before).toEqual([-1, -1, -1, 3, -2, 5, 5, 7]);
    expect(last).toEqual([4, 7]);
    expect((await values([0, 0, 0, 0, 1, 0, 0, 0]))[1]).toEqual([-1, 5]);
  });
});
