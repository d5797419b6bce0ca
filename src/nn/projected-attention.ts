/** Self-attention with a projection each for queries, keys and values. Vaswani et al. 2017. */
import type { AttentionOptions, Tensor } from '../tensor/index.ts';
import { type Memory, mergeHeads, selfAttention, splitHeads } from './attention.ts';
import { Linear, type LinearParams, linear } from './linear.ts';

export const ProjectedAttention = (
  width: number,
  { bias = true, keyBias = bias, outBias = bias }: { bias?: boolean; keyBias?: boolean; outBias?: boolean } = {},
) => ({
  q_proj: Linear(width, width, { bias }),
  k_proj: Linear(width, width, { bias: keyBias }),
  v_proj: Linear(width, width, { bias }),
  out_proj: Linear(width, width, { bias: outBias }),
});
interface ProjectedParams {
  readonly q_proj: LinearParams;
  readonly k_proj: LinearParams;
  readonly v_proj: LinearParams;
  readonly out_proj: LinearParams;
}

/** `[B, T, C] -> [B, T, C]`, causal unless the options say otherwise. Names `q`, `k`, `v` and `out`. */
export function projectedAttention(
  p: ProjectedParams,
  x: Tensor,
  heads: number,
  memory: Memory,
  layer: number,
  options: Pick<AttentionOptions, 'causal' | 'scale' | 'window' | 'bias'> = {},
): Tensor {
  const q = splitHeads(linear(p.q_proj, x), heads).named('q');
  const k = splitHeads(linear(p.k_proj, x), heads).named('k');
  const v = splitHeads(linear(p.v_proj, x), heads).named('v');
  return linear(p.out_proj, mergeHeads(selfAttention(q, k, v, memory, layer, { causal: true, ...options }))).named(
    'out',
  );
}
