/** Gradients of every op against finite differences, on the reference backend in double precision. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { gradient, setDefaultBackend, Tensor } from '../../src/tensor/index.ts';
import { OPS, type OpCase, valuesOf } from './table.ts';

beforeAll(() => setDefaultBackend(createReferenceBackend()));

/** A weighted sum, so that no element's gradient can hide behind another's. */
function weighted(y: Tensor): Tensor {
  const weights = Tensor.from(
    Float64Array.from({ length: y.size }, (_, i) => Math.sin(0.37 * i) + 1.3),
    [y.size],
  );
  return y.reshape(-1).mul(weights).sumAll();
}
const leaves = (c: OpCase, values: readonly Float64Array[]) => values.map((v, i) => Tensor.from(v, c.inputs[i]!.shape));

describe('gradients against finite differences', () => {
  for (const c of OPS.filter(o => o.differentiable))
    it(c.name, async () => {
      const values = valuesOf(c).map(v => Float64Array.from(v));
      const inputs = leaves(c, values);
      const analytic = await Promise.all(gradient(weighted(c.build(...inputs)), inputs).map(g => g.data()));
      const loss = () => weighted(c.build(...leaves(c, values))).item();
      for (const [i, v] of values.entries())
        for (let k = 0; k < v.length; k += Math.max(1, Math.floor(v.length / 12))) {
          const x = v[k]!;
          const h = 1e-5;
          v[k] = x + h;
          const above = await loss();
          v[k] = x - h;
          const below = await loss();
          v[k] = x;
          const numeric = (above - below) / (2 * h);
          expect(
            Math.abs(analytic[i]![k]! - numeric),
            `input ${i}, element ${k}: ${analytic[i]![k]} against ${numeric}`,
          ).toBeLessThan(1e-6 * Math.max(1, Math.abs(numeric)));
        }
    });
});

describe('a gradient', () => {
  it('is asked for a scalar only', () => {
    const x = Tensor.from([1, 2]);
    expect(() => gradient(x.mul(2), [x])).toThrow(/scalar/);
  });
  it('names the tensor that the loss does not reach', () => {
    const x = Tensor.from([1, 2]);
    const y = Tensor.from([1, 2]).named('unused');
    expect(() => gradient(x.sumAll(), [x, y])).toThrow(/unused/);
  });
  it('walks 100,000 nodes without overflow', async () => {
    const x = Tensor.from([1]);
    let y = x;
    for (let i = 0; i < 100_000; i++) y = y.add(1e-6);
    const g = gradient(y.sumAll(), [x])[0]!;
    expect((await g.data())[0]).toBe(1);
  });
});
