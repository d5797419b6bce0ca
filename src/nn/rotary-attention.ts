/** Self-attention with rotary positions and grouped queries. Su et al. 2021; Ainslie et al. 2023. */
import type { AttentionOptions, Tensor } from '../tensor/index.ts';
import { type Memory, mergeHeads, type SplitHeads, selfAttention, splitHeads } from './attention.ts';
import { Linear, type LinearParams, linear } from './linear.ts';
import { type RopeTable, rope } from './rope.ts';

/** H query heads and G key/value heads of width D in a model of width C. */
export interface RotaryShape {
  readonly width: number;
  readonly heads: number;
  readonly groups: number;
  readonly headDim: number;
}
export const RotaryAttention = (
  { width: C, heads: H, groups: G, headDim: D }: RotaryShape,
  { bias = false, outBias = bias }: { bias?: boolean; outBias?: boolean } = {},
) => ({
  q_proj: Linear(C, H * D, { bias }),
  k_proj: Linear(C, G * D, { bias }),
  v_proj: Linear(C, G * D, { bias }),
  o_proj: Linear(H * D, C, { bias: outBias }),
});
interface RotaryParams {
  readonly q_proj: LinearParams;
  readonly k_proj: LinearParams;
  readonly v_proj: LinearParams;
  readonly o_proj: LinearParams;
}
export interface RotaryOptions extends Pick<AttentionOptions, 'scale' | 'window' | 'softcap'> {
  /** Default true: a token sees itself and those before it. */
  readonly causal?: boolean;
  /** Norms of the projections before they are turned, `[B, heads, T, D]`. */
  readonly normQ?: (q: Tensor) => Tensor;
  readonly normK?: (k: Tensor) => Tensor;
  /** Neighbouring features turn together. Default: feature i with i + half of those that turn. */
  readonly interleaved?: boolean;
}

/** `[B, T, C] -> [B, T, C]`. Names `q`, `k`, `v`, `rot_q`, `rot_k` and `out`. */
export function rotaryAttention(
  p: RotaryParams,
  x: Tensor,
  { heads, groups }: Pick<RotaryShape, 'heads' | 'groups'>,
  table: RopeTable,
  memory: Memory,
  layer: number,
  options?: RotaryOptions,
): Tensor {
  const q = splitHeads(linear(p.q_proj, x), heads);
  const k = splitHeads(linear(p.k_proj, x), groups);
  const v = splitHeads(linear(p.v_proj, x), groups);
  return linear(p.o_proj, turnAndAttend({ q, k, v }, table, memory, layer, options)).named('out');
}

/**
 * Between the projections: q `[B, H, T, D]`, k and v `[B, G, T, D]`, result `[B, T, H * D]`. Names `q`, `k`, `v`, `rot_q`
 * and `rot_k`.
 */
export function turnAndAttend(
  heads: SplitHeads,
  table: RopeTable,
  memory: Memory,
  layer: number,
  { normQ = same, normK = same, interleaved = false, causal = true, ...options }: RotaryOptions = {},
): Tensor {
  const [q, k, v] = [normQ(heads.q).named('q'), normK(heads.k).named('k'), heads.v.named('v')];
  const [rotQ, rotK] = [rope(q, table, interleaved).named('rot_q'), rope(k, table, interleaved).named('rot_k')];
  return mergeHeads(selfAttention(rotQ, rotK, v, memory, layer, { ...options, causal }));
}
const same = (t: Tensor): Tensor => t;
