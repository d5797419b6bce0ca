/** Attention as models use it: heads in and out of the width, and the cache behind the keys. */
import { type AttentionOptions, attention, type Tensor } from '../tensor/index.ts';
import type { KVCache } from './cache.ts';

/** `[B, T, H * D] -> [B, H, T, D]` */
export const splitHeads = (x: Tensor, heads: number): Tensor =>
  x.reshape(x.dim(0), x.dim(1), heads, -1).permute(0, 2, 1, 3);
/** H query heads and G key/value heads: q `[B, H, T, D]`, k and v `[B, G, T, D]`. */
export interface SplitHeads {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
/**
 * One projection of all three, `[B, T, (H + 2 G) * D]`, whose features lie group by group: the H / G queries of the group,
 * its key, its value. G = H is a query, a key and a value per head, G = 1 all queries and the one key and value.
 */
export function splitFusedHeads(x: Tensor, heads: number, groups: number): SplitHeads {
  const [B, T, each] = [x.dim(0), x.dim(1), heads / groups];
  const grouped = x.reshape(B, T, groups, each + 2, -1); // [B, T, G, H / G + 2, D]
  const part = (from: number, to: number) =>
    grouped
      .slice(3, from, to)
      .reshape(B, T, groups * (to - from), -1)
      .permute(0, 2, 1, 3);
  return { q: part(0, each), k: part(each, each + 1), v: part(each + 1, each + 2) };
}
/** `[B, H, T, D] -> [B, T, H * D]` */
export const mergeHeads = (x: Tensor): Tensor => x.permute(0, 2, 1, 3).reshape(x.dim(0), x.dim(2), -1);

/** What the tokens of a call may look back to. */
export interface Memory {
  /** bool `[B, T]` of the call's own tokens; undefined = all real. */
  readonly mask: Tensor | undefined;
  readonly cache?: KVCache | undefined;
}

/**
 * Attention of the call's tokens to each other and, with a cache, to those before: q `[B, H, T, D]`, k and v
 * `[B, G, T, D]`, result `[B, H, T, D]`. Padding is not seen.
 */
export function selfAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  memory: Memory,
  layer: number,
  options: AttentionOptions,
): Tensor {
  if (!memory.cache) return attention(q, k, v, { ...options, mask: memory.mask });
  const seen = memory.cache.append(layer, k, v);
  return attention(q, seen.k, seen.v, { ...options, mask: seen.mask, length: seen.length });
}
