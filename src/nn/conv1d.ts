/**
 * Convolution over time: each output frame is a product with a window of input frames. The windows are laid out one below
 * the other, so that a layer is one matrix product.
 */
import { ShapeError } from '../errors.ts';
import { concat, linear, Tensor } from '../tensor/index.ts';
import { param } from './params.ts';

export interface Conv1dParams {
  /** `[out, in / groups, kernel]` */
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}
export const Conv1d = (
  nIn: number,
  nOut: number,
  kernel: number,
  { bias = true, groups = 1 }: { bias?: boolean; groups?: number } = {},
) => ({
  weight: param([nOut, nIn / groups, kernel], 'normal'),
  bias: bias ? param([nOut], 'zeros') : undefined,
});

export interface Conv1dOptions {
  /** Input frames from one window to the next. Default 1. */
  readonly stride?: number;
  /** Frames of zeros before the first and after the last. Default 0. */
  readonly padding?: number;
  /** Slices of the features that do not see each other. Default 1. */
  readonly groups?: number;
}

/**
 * `[B, T, in] -> [B, T', out]` with T' = floor((T + 2 padding - kernel) / stride) + 1.
 * @throws ShapeError when the features do not fit the weight, or the frames are fewer than a window
 */
export function conv1d(
  { weight, bias }: Conv1dParams,
  x: Tensor,
  { stride = 1, padding = 0, groups = 1 }: Conv1dOptions = {},
): Tensor {
  const [nOut, width, kernel] = weight.shape as [number, number, number];
  const frames = Math.floor((x.dim(1) + 2 * padding - kernel) / stride) + 1;
  if (x.rank !== 3 || x.dim(2) !== width * groups || nOut % groups !== 0 || frames < 1)
    throw new ShapeError('conv1d: sizes differ', {
      seen: `input [${x.shape}], weight [${weight.shape}], ${groups} groups, padding ${padding}`,
      expected: 'input [B, T, in], weight [out, in / groups, kernel], at least one window of frames',
    });
  const taps = tapsOf(x, frames, kernel, stride, padding);
  // A window lies frame by frame, which copies whole frames; the weight's order of feature and tap follows.
  const matrix = weight.permute(0, 2, 1).reshape(nOut, kernel * width);
  if (groups === 1) return linear(concat(taps, 2), matrix, bias);
  const rows = matrix.split(groups, 0);
  const parts = rows.map((rowsOfGroup, g) => {
    const seen = taps.map(tap => tap.slice(2, g * width, (g + 1) * width));
    return linear(concat(seen, 2), rowsOfGroup);
  });
  const y = concat(parts, 2);
  return bias ? y.add(bias) : y;
}

/** Frame k of every window, for each k: `kernel` tensors `[B, frames, C]`. */
function tapsOf(x: Tensor, frames: number, kernel: number, stride: number, padding: number): Tensor[] {
  const [B, T, C] = x.shape as [number, number, number];
  // Whole strides, so that every stride-th frame is a slice: tap k lies k frames after the first.
  const strides = frames + Math.floor((kernel - 1) / stride);
  const after = strides * stride - padding - T;
  const zeros = (n: number) => (n > 0 ? [Tensor.full([B, n, C], 0)] : []);
  const padded = concat([...zeros(padding), after < 0 ? x.slice(1, 0, T + after) : x, ...zeros(after)], 1);
  const byStride = padded.reshape(B, strides, stride, C);
  return Array.from({ length: kernel }, (_, k) => {
    const first = Math.floor(k / stride);
    return byStride
      .slice(1, first, first + frames)
      .slice(2, k % stride, (k % stride) + 1)
      .reshape(B, frames, C);
  });
}
