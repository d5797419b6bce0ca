/** Causal self-attention with rotary positions and grouped queries. Su et al. 2021; Ainslie et al. 2023. */
import type { AttentionOptions, Tensor } from '../tensor/index.ts';
import { type Memory, mergeHeads, selfAttention, splitHeads } from './attention.ts';
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
  /** Norms of the projections before they are turned, `[B, heads, T, D]`. */
  readonly normQ?: (q: Tensor) => Tensor;
  readonly normK?: (k: Tensor) => Tensor;
}

/** `[B, T, C] -> [B, T, C]`. Names `q`, `k`, `v`, `rot_q`, `rot_k` and `out`. */
export function rotaryAttention(
  p: RotaryParams,
  x: Tensor,
  shape: Pick<RotaryShape, 'heads' | 'groups'>,
  table: RopeTable,
  memory: Memory,
  layer: number,
  { normQ = same, normK = same, ...options }: RotaryOptions = {},
): Tensor {
  const q = normQ(splitHeads(linear(p.q_proj, x), shape.heads)).named('q');
  const k = normK(splitHeads(linear(p.k_proj, x), shape.groups)).named('k');
  const v = splitHeads(linear(p.v_proj, x), shape.groups).named('v');
  const [rotQ, rotK] = [rope(q, table).named('rot_q'), rope(k, table).named('rot_k')];
  const z = selfAttention(rotQ, rotK, v, memory, layer, { ...options, causal: true });
  return linear(p.o_proj, mergeHeads(z)).named('out');
}
const same = (t: Tensor): Tensor => t;
