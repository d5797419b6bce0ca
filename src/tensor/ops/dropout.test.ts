import { beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../backends/reference/index.ts';
import { setDefaultBackend } from '../compute.ts';
import { gradient } from '../gradient.ts';
import { Tensor } from '../tensor.ts';
import { dropout } from './dropout.ts';

const N = 60_000;
const seeded = (seed: number) => Tensor.from(Int32Array.of(seed), []);
/** 1 where the element stays. */
const kept = async (p: number, seed: number) =>
  Array.from(await dropout(Tensor.full([N], 1), p, seeded(seed)).data(), x => (x === 0 ? 0 : 1));
const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
/** Of two lists of zeros and ones. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  const both = mean(a.map((x, i) => x * (b[i] ?? 0)));
  return (both - ma * mb) / Math.sqrt(ma * (1 - ma) * mb * (1 - mb));
}
/** Five deviations of a mean of N independent values between -1 and 1. */
const FIVE = 5 / Math.sqrt(N);

describe('dropout', () => {
  beforeAll(() => setDefaultBackend(createReferenceBackend()));

  it.each([0.01, 0.1, 0.5, 0.9])('drops a share of %f, whatever the seed', async p => {
    for (const seed of [0, 1, 2, -1, 2 ** 31 - 1]) {
      const share = 1 - mean(await kept(p, seed));
      expect(Math.abs(share - p), `seed ${seed}`).toBeLessThan(FIVE * Math.sqrt(p * (1 - p)));
    }
  });
  it('drops others with other seeds and at other places', async () => {
    const first = await kept(0.5, 7);
    for (const seed of [6, 8, 9, 7 + 1664525, -7])
      expect(Math.abs(correlation(first, await kept(0.5, seed))), `seed ${seed}`).toBeLessThan(FIVE);
    const next = await kept(0.5, 8);
    for (const shift of [1, 2, 3, 4, 64, 384, 1024]) {
      expect(Math.abs(correlation(first.slice(0, N - shift), first.slice(shift))), `shift ${shift}`).toBeLessThan(FIVE);
      expect(Math.abs(correlation(first.slice(0, N - shift), next.slice(shift))), `shift ${shift}`).toBeLessThan(FIVE);
    }
  });
  it('keeps the mean, and gives the gradient to what stayed', async () => {
    const x = Tensor.from(Float32Array.from({ length: 1000 }, (_, i) => i + 1));
    const y = dropout(x, 0.2, seeded(3));
    const [g] = gradient(y.sumAll(), [x]);
    const [values, slopes] = [await y.data(), await g!.data()];
    for (const [i, value] of values.entries()) {
      expect(slopes[i]).toBeCloseTo(value === 0 ? 0 : 1.25, 6);
      if (value !== 0) expect(value).toBeCloseTo(1.25 * (i + 1), 3);
    }
  });
  it('with 0 is x itself, and takes no other numbers', () => {
    const x = Tensor.full([4], 1);
    expect(dropout(x, 0, seeded(1))).toBe(x);
    for (const p of [1, -0.1, Number.NaN]) expect(() => dropout(x, p, seeded(1))).toThrow(/not a probability/);
  });
});
