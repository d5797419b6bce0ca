import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { setDefaultBackend, Tensor } from '../tensor/index.ts';
import { interpolateGrid, type PatchGrid, patchEmbedding } from './patch-embedding.ts';

setDefaultBackend(async () => createReferenceBackend());
const counted = (shape: number[]) =>
  Tensor.from(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (((i * 37 + 11) % 23) - 11) / 7),
    shape,
  );

describe('patchEmbedding', () => {
  it('is the convolution whose windows lie side by side', async () => {
    const [B, C, H, W, size, width] = [2, 3, 4, 6, 2, 5];
    const [pixels, weight, bias] = [counted([B, C, H, W]), counted([width, C, size, size]), counted([width])];
    const [x, w, b] = [await pixels.data(), await weight.data(), await bias.data()];
    const expected: number[] = [];
    for (let n = 0; n < B; n++)
      for (let row = 0; row < H / size; row++)
        for (let column = 0; column < W / size; column++)
          for (let out = 0; out < width; out++) {
            let sum = b[out]!;
            for (let c = 0; c < C; c++)
              for (let i = 0; i < size; i++)
                for (let j = 0; j < size; j++)
                  sum +=
                    w[((out * C + c) * size + i) * size + j]! *
                    x[((n * C + c) * H + row * size + i) * W + column * size + j]!;
            expected.push(sum);
          }
    const patches = patchEmbedding({ weight, bias }, pixels);
    expect(patches.shape).toEqual([B, 6, width]);
    (await patches.data()).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
  });
  it('refuses sides that are no multiples of the patch, and other channels', () => {
    const p = { weight: counted([5, 3, 2, 2]), bias: counted([5]) };
    expect(() => patchEmbedding(p, counted([1, 3, 4, 5]))).toThrow(/seen: 4 x 5; expected: multiples of 2/);
    expect(() => patchEmbedding(p, counted([1, 4, 4, 4]))).toThrow(/seen: \[1,4,4,4\]; expected: 3/);
  });
});

/** PyTorch 2.13, interpolate(mode='bicubic', align_corners=False) in double precision over the values of `counted`. */
const BICUBIC: { from: PatchGrid; to: PatchGrid; values: number[] }[] = [
  {
    from: [2, 2],
    to: [3, 5],
    values: [
      ...[-0.2342032, -1.4884722, -0.0420486, -1.3511508, 0.375744, -1.0525794, 0.7935367, -0.7540079, 0.9856913],
      ...[-0.6166865, 0.8166607, -0.6501786, 0.6381429, -0.5128571, 0.25, -0.2142857, -0.1381429, 0.0842857],
      ...[-0.3166607, 0.2216071, 1.8675247, 0.1881151, 1.3183343, 0.3254365, 0.124256, 0.6240079, -1.0698224],
      ...[0.9225794, -1.6190128, 1.0599008],
    ],
  },
  {
    from: [5, 3],
    to: [2, 4],
    values: [
      ...[-1.1860763, 0.440918, -0.5098512, 1.1878725, 0.3248326, 0.5017052, 0.7164481, -1.1230875],
      ...[-0.5984647, -1.1148856, 0.0777604, -0.6034137, 0.9124443, -0.2817154, 1.3040597, -0.3816272],
    ],
  },
  { from: [1, 1], to: [2, 2], values: [0, -1.2857143, 0, -1.2857143, 0, -1.2857143, 0, -1.2857143] },
];
describe('interpolateGrid', () => {
  it.each(BICUBIC)('$from to $to: the reference values', async ({ from, to, values }) => {
    const made = await interpolateGrid(counted([from[0] * from[1], 2]), from, to).data();
    expect(made.length).toBe(values.length);
    made.forEach((value, i) => {
      expect(value).toBeCloseTo(values[i]!, 6);
    });
  });
  it('leaves a grid of the same size as it is', () => {
    const positions = counted([6, 2]);
    expect(interpolateGrid(positions, [2, 3], [2, 3])).toBe(positions);
  });
});
