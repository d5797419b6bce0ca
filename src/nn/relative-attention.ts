/**
 * Attention scores that know how far apart two tokens are by a learned number for each bucket of distances and each head.
 * Raffel et al. 2019 (T5).
 */
import { Tensor } from '../tensor/index.ts';
import type { KVCache } from './cache.ts';
import { embedding } from './linear.ts';
import { type RelativeBucketOptions, relativeBucket } from './relative-buckets.ts';

/** `[buckets, H]` */
interface BiasTable {
  readonly weight: Tensor;
}

/**
 * What attention adds to its scores, f32 `[H, T, S]`, in each layer of a stack: from the layer's own table, or where it has
 * none what the layer before it adds. Distances are counted in slots, so that padding before or behind a row's tokens
 * changes nothing. With a cache S is its capacity and the T tokens are the last of its slots, else S = T.
 * @param tables of the layers; the first one has one
 */
export function relativeBiases(
  tables: readonly (BiasTable | undefined)[],
  T: number,
  cache: KVCache | undefined,
  options: RelativeBucketOptions,
): Tensor[] {
  const S = cache?.capacity ?? T;
  const first = cache ? cache.length - T : 0; // slot of the first token
  // Slot minus number of the token, from 1 - T to S - 1; what is below 0 stands at the end.
  const L = S + T;
  const distances = Int32Array.from({ length: L }, (_, i) => (i < S ? i : i - L) - first);
  const ids = Tensor.from(
    distances.map(distance => relativeBucket(distance, options)),
    [L],
  );
  const biases: Tensor[] = [];
  for (const table of tables) biases.push(table ? diagonals(embedding(table, ids), T, S) : biases.at(-1)!);
  return biases;
}

/**
 * x `[L, H]` with L = S + T becomes `[H, T, S]` with element (h, t, s) that of x at s - t, from the end where that is below 0.
 * T times the same row, read as rows one element shorter, is that row shifted by one more in each.
 */
function diagonals(x: Tensor, T: number, S: number): Tensor {
  const [L, H] = x.shape as [number, number];
  const rows = x
    .permute(1, 0)
    .reshape(H, 1, L)
    .expand([H, T, L])
    .reshape(H, T * L);
  return rows
    .slice(1, 0, T * (L - 1))
    .reshape(H, T, L - 1)
    .slice(2, 0, S);
}
