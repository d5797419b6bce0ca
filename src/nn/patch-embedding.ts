/**
 * Images as sequences: a grid of patches, each projected to a vector, and learned positions for the places of the grid.
 * Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words", section 3.
 */
import { ShapeError } from '../errors.ts';
import { cubicWeight } from '../preprocess/resize.ts';
import { linear, Tensor } from '../tensor/index.ts';
import { param } from './params.ts';

/** Declares a convolution with windows side by side, as files have it: `[width, channels, size, size]`. */
export const PatchProjection = (channels: number, size: number, width: number) => ({
  weight: param([width, channels, size, size], 'normal'),
  bias: param([width], 'zeros'),
});
/** The grid of an image: rows and columns of patches. */
export type PatchGrid = readonly [rows: number, columns: number];

/**
 * Pixels `[B, channels, H, W]` as patches in reading order, `[B, rows * columns, width]`.
 * @throws ShapeError when the sides are no multiples of the patch, or the channels not the projection's
 */
export function patchEmbedding(p: { readonly weight: Tensor; readonly bias: Tensor }, pixels: Tensor): Tensor {
  const [width, channels, size] = p.weight.shape as [number, number, number, number];
  const [B, C] = pixels.shape as [number, number, number, number];
  const [rows, columns] = gridOf(pixels, size);
  if (C !== channels)
    throw new ShapeError('pixels of another number of channels', {
      seen: `[${pixels.shape}]`,
      expected: `${channels}`,
    });
  const patches = pixels
    .reshape(B, C, rows, size, columns, size)
    .permute(0, 2, 4, 1, 3, 5)
    .reshape(B, rows * columns, C * size * size);
  return linear(patches, p.weight.reshape(width, C * size * size), p.bias);
}
/** @throws ShapeError when the sides of the pixels `[B, channels, H, W]` are no multiples of the patch */
export function gridOf(pixels: Tensor, patch: number): PatchGrid {
  const [rows, columns] = [pixels.dim(2) / patch, pixels.dim(3) / patch];
  if (!(Number.isInteger(rows) && Number.isInteger(columns) && rows > 0 && columns > 0))
    throw new ShapeError('an image that does not consist of patches', {
      seen: `${pixels.dim(2)} x ${pixels.dim(3)}`,
      expected: `multiples of ${patch}`,
    });
  return [rows, columns];
}

/**
 * Positions of one grid for another, by bicubic interpolation: `[rows * columns, C] -> [rows' * columns', C]`. The grids lie
 * over the same picture, corner on corner; past the edge counts what is at the edge.
 */
export function interpolateGrid(positions: Tensor, from: PatchGrid, to: PatchGrid): Tensor {
  if (`${from}` === `${to}`) return positions;
  const C = positions.dim(-1);
  const down = interpolation(from[0], to[0]).matmul(positions.reshape(from[0], from[1] * C));
  const turned = down
    .reshape(to[0], from[1], C)
    .permute(1, 0, 2)
    .reshape(from[1], to[0] * C);
  const across = interpolation(from[1], to[1]).matmul(turned);
  return across
    .reshape(to[1], to[0], C)
    .permute(1, 0, 2)
    .reshape(to[0] * to[1], C);
}
/** What each of `to` points takes from each of `from`, `[to, from]`. */
function interpolation(from: number, to: number): Tensor {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = ((i + 0.5) * from) / to - 0.5;
    const first = Math.floor(centre) - 1;
    for (let k = first; k < first + 4; k++)
      weights[i * from + Math.min(Math.max(k, 0), from - 1)]! += cubicWeight(k - centre, -0.75);
  }
  return Tensor.from(weights, [to, from]);
}
