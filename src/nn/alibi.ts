/**
 * Attention with linear biases: the farther a key, the lower its score, at a rate of each head's own. Press et al. 2021,
 * "Train Short, Test Long".
 */
import { ConfigError } from '../errors.ts';
import { Tensor } from '../tensor/index.ts';
import type { KVCache } from './cache.ts';

/**
 * How much a head's scores fall per token. For H heads, H a power of two, 2^(-8/H), 2^(-16/H) ...; for other numbers those
 * of the largest power of two below, and then every second of those of twice as many.
 */
export function alibiSlopes(heads: number): number[] {
  const powers = (n: number, step: number) => Array.from({ length: n }, (_, i) => 2 ** ((-8 * (1 + step * i)) / n));
  const whole = 2 ** Math.floor(Math.log2(heads));
  return [...powers(whole, 1), ...powers(2 * whole, 2)].slice(0, heads);
}

/**
 * What attention adds to its scores, f32 `[B, H, 1, S]`: minus slope times the distance of each key slot from the last
 * token of its row. The paper counts from the query; that is another constant for all keys of a query, which softmax does
 * not see, so one row serves all queries. Padding does not count as distance.
 * @param input positions i32 `[B, T]` on the host; with a cache S is its capacity, else T
 */
export function alibi(heads: number, { positions, cache }: { positions: Tensor; cache?: KVCache | undefined }): Tensor {
  if (positions.storage?.kind !== 'host') throw new ConfigError('positions must be a leaf on the host');
  const B = positions.dim(0);
  const own = positions.storage.data;
  const slots = cache ? cache.slotPositions() : own;
  const [T, S] = [own.length / B, slots.length / B];
  const distance = new Float32Array(B * S);
  for (let b = 0; b < B; b++) {
    let last = 0;
    for (let t = 0; t < T; t++) last = Math.max(last, own[b * T + t]!);
    for (let s = 0; s < S; s++) distance[b * S + s] = slots[b * S + s]! - last;
  }
  const slopes = Tensor.from(Float32Array.from(alibiSlopes(heads)), [heads, 1, 1]);
  return Tensor.from(distance, [B, 1, 1, S]).mul(slopes);
}
