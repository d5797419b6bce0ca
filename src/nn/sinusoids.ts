/**
 * Sinusoidal positions: each pair of features turns at a rate of its own, from one radian per token down to 1/10000 of
 * that. Vaswani et al. 2017. Published models differ in where sines and cosines stand and in how the rates are spaced.
 */
import { ConfigError } from '../errors.ts';
import { Tensor } from '../tensor/index.ts';

export interface SinusoidOptions {
  /** `halves`: all sines, then all cosines. `interleaved`: sine at even features, cosine at odd ones, as in the paper. */
  readonly layout: 'halves' | 'interleaved';
  /** The slowest rate is 1/10000 itself. Default: the one that would come after it, as in the paper. */
  readonly reachesSlowest?: boolean;
}

/**
 * The table of positions 0 to `count` - 1, `[count, width]` row by row, rounded from double precision.
 * @throws ConfigError when `width` is odd or too small for the rates
 */
export const sinusoids = (count: number, width: number, options: SinusoidOptions): Float32Array<ArrayBuffer> =>
  rowsOf(
    Array.from({ length: count }, (_, position) => position),
    width,
    options,
  );

/**
 * The rows of a batch's positions, i32 `[B, T] -> [B, T, width]`.
 * @param first what the first token's position counts as; default 0
 * @throws ConfigError as above
 */
export function sinusoidalPositions(positions: Tensor, width: number, options: SinusoidOptions, first = 0): Tensor {
  if (positions.storage?.kind !== 'host') throw new ConfigError('positions must be a leaf on the host');
  const counted = Array.from(positions.storage.data, position => position + first);
  return Tensor.from(rowsOf(counted, width, options), [...positions.shape, width]);
}

function rowsOf(
  positions: readonly number[],
  width: number,
  { layout, reachesSlowest = false }: SinusoidOptions,
): Float32Array<ArrayBuffer> {
  const half = width / 2;
  const steps = reachesSlowest ? half - 1 : half;
  if (!Number.isInteger(half) || steps < 1)
    throw new ConfigError('sinusoidal positions need pairs of features', {
      seen: `width ${width}`,
      expected: `an even number from ${reachesSlowest ? 4 : 2} on`,
    });
  const rates = Array.from({ length: half }, (_, i) => 10_000 ** (-i / steps));
  const rows = new Float32Array(positions.length * width);
  // From a sine to the next, and from a sine to its cosine.
  const [next, pair] = layout === 'halves' ? [1, half] : [2, 1];
  positions.forEach((position, row) => {
    for (let i = 0; i < half; i++) {
      const sine = row * width + next * i;
      rows[sine] = Math.sin(position * rates[i]!);
      rows[sine + pair] = Math.cos(position * rates[i]!);
    }
  });
  return rows;
}
