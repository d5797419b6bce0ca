/** Attention as models use it: heads in and out of the width, and the cache behind the keys. */
import { type AttentionOptions, attention, type Tensor } from '../tensor/index.ts';
import type { KVCache } from './cache.ts';

/** `[B, T, H * D] -> [B, H, T, D]` */
export const splitHeads = (x: Tensor, heads: number): Tensor =>
  x.reshape(x.dim(0), x.dim(1), heads, -1).permute(0, 2, 1, 3);
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
