import { beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { ShapeError } from '../errors.ts';
import { dataOfAll, gradient, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import { Conv1d, conv1d } from './conv1d.ts';
import { countParams } from './params.ts';

beforeAll(() => setDefaultBackend(createReferenceBackend()));
const rng = createRng(5);
const random = (n: number) => Float64Array.from({ length: n }, () => rng.normal());

/** B, T, in, out, kernel, and the options. */
const CASES = [
  [2, 7, 3, 4, 3, {}],
  [2, 9, 3, 4, 3, { stride: 2, padding: 1 }],
  [1, 8, 2, 3, 3, { stride: 2, padding: 1 }],
  [1, 8, 2, 3, 1, { stride: 3 }],
  [2, 7, 2, 3, 4, { stride: 4 }],
  [1, 5, 4, 6, 3, { padding: 1, groups: 2 }],
  [1, 2, 2, 2, 5, { padding: 2, stride: 5 }],
] as const;

describe.each(CASES)('conv1d of [%i, %i, %i] to %i, kernel %i, %j', (B, T, nIn, nOut, kernel, options) => {
  const { stride = 1, padding = 0, groups = 1 } = options as { stride?: number; padding?: number; groups?: number };
  const x = random(B * T * nIn);
  const w = random((nOut * nIn * kernel) / groups);
  const bias = random(nOut);
  const frames = Math.floor((T + 2 * padding - kernel) / stride) + 1;
  const each = (visit: (out: number, input: number, weight: number, o: number) => void) => {
    for (let b = 0; b < B; b++)
      for (let t = 0; t < frames; t++)
        for (let o = 0; o < nOut; o++)
          for (let c = 0; c < nIn / groups; c++)
            for (let k = 0; k < kernel; k++) {
              const at = t * stride + k - padding;
              const feature = Math.floor(o / (nOut / groups)) * (nIn / groups) + c;
              if (at >= 0 && at < T)
                visit(
                  (b * frames + t) * nOut + o,
                  (b * T + at) * nIn + feature,
                  (o * (nIn / groups) + c) * kernel + k,
                  o,
                );
            }
  };
  const leaves = () =>
    [Tensor.from(x, [B, T, nIn]), Tensor.from(w, [nOut, nIn / groups, kernel]), Tensor.from(bias, [nOut])] as const;

  it('is the sum over its windows', async () => {
    const [input, weight, b] = leaves();
    const y = conv1d({ weight, bias: b }, input, options);
    expect(y.shape).toEqual([B, frames, nOut]);
    const right = Array.from({ length: y.size }, (_, i) => bias[i % nOut]!);
    each((out, i, j) => {
      right[out]! += x[i]! * w[j]!;
    });
    const data = await y.data();
    right.forEach((value, i) => {
      expect(data[i]).toBeCloseTo(value, 10);
    });
  });
  it('has the gradient of that', async () => {
    const [input, weight, b] = leaves();
    const y = conv1d({ weight, bias: b }, input, options);
    const g = random(y.size);
    const loss = y.mul(Tensor.from(g, y.shape)).sumAll();
    const [dx, dw] = await dataOfAll(...gradient(loss, [input, weight]));
    const [rightX, rightW] = [new Float64Array(x.length), new Float64Array(w.length)];
    each((out, i, j) => {
      rightX[i]! += g[out]! * w[j]!;
      rightW[j]! += g[out]! * x[i]!;
    });
    rightX.forEach((value, i) => {
      expect(dx![i]).toBeCloseTo(value, 10);
    });
    rightW.forEach((value, i) => {
      expect(dw![i]).toBeCloseTo(value, 10);
    });
  });
});

describe('conv1d', () => {
  it('declares its parameters', () => {
    expect(countParams(Conv1d(8, 6, 3))).toBe(8 * 6 * 3 + 6);
    expect(countParams(Conv1d(8, 6, 3, { bias: false, groups: 2 }))).toBe(4 * 6 * 3);
  });
  it('says what does not fit', () => {
    const weight = Tensor.full([4, 3, 5], 1);
    expect(() => conv1d({ weight }, Tensor.full([1, 4, 3], 1))).toThrow(ShapeError);
    expect(() => conv1d({ weight }, Tensor.full([1, 9, 2], 1))).toThrow(/input \[1,9,2\], weight \[4,3,5\]/);
  });
});
