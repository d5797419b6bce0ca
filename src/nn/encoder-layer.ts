/**
 * BERT's encoder layer under its parameter names, around any self-attention: every sub-layer is followed by the sum with its
 * input and a layer norm. Devlin et al. 2018, after Vaswani et al. 2017.
 */
import { attention, type Tensor } from '../tensor/index.ts';
import { mergeHeads, splitHeads } from './attention.ts';
import { postNormBlock } from './block.ts';
import { feedForward } from './feed-forward.ts';
import { Linear, type LinearParams, linear } from './linear.ts';
import { LayerNorm, layerNorm } from './norm.ts';
import type { Spec } from './params.ts';

/** What a layer needs to know of a config. */
export interface EncoderLayerConfig {
  hidden_size: number;
  intermediate_size: number;
  hidden_act: string;
  layer_norm_eps: number;
}

/** A projection back to the width, and the norm after its sum. */
const Projected = (nIn: number, width: number) => ({ dense: Linear(nIn, width), LayerNorm: LayerNorm(width) });
interface ProjectedParams {
  readonly dense: LinearParams;
  readonly LayerNorm: { readonly weight: Tensor; readonly bias: Tensor };
}

/** Declares a layer around `self`, the parameters of its attention up to the output projection. */
export const EncoderLayer = <A extends Spec>(
  c: Pick<EncoderLayerConfig, 'hidden_size' | 'intermediate_size'>,
  self: A,
) => ({
  attention: { self, output: Projected(c.hidden_size, c.hidden_size) },
  intermediate: { dense: Linear(c.hidden_size, c.intermediate_size) },
  output: Projected(c.intermediate_size, c.hidden_size),
});
export interface EncoderLayerParams<A> {
  readonly attention: { readonly self: A; readonly output: ProjectedParams };
  readonly intermediate: { readonly dense: LinearParams };
  readonly output: ProjectedParams;
}

/**
 * `[B, T, C] -> [B, T, C]`. Names `resid_pre`, `attn.out`, `resid_mid`, `mlp.{pre,act,out}` and `resid_post`.
 * @param attend from the layer's input to what the heads found, `[B, T, C]`, before the output projection; it runs in the
 *   scope `attn`
 */
export function encoderLayer<A>(
  { attention, intermediate, output }: EncoderLayerParams<A>,
  x: Tensor,
  c: Pick<EncoderLayerConfig, 'hidden_act' | 'layer_norm_eps'>,
  attend: (self: A, x: Tensor) => Tensor,
): Tensor {
  return postNormBlock(
    x,
    x => linear(attention.output.dense, attend(attention.self, x)).named('out'),
    x => feedForward(intermediate.dense, output.dense, x, c.hidden_act),
    {
      mid: x => layerNorm(attention.output.LayerNorm, x, c.layer_norm_eps),
      post: x => layerNorm(output.LayerNorm, x, c.layer_norm_eps),
    },
  );
}

/** Projections to queries, keys and values. */
export const SelfAttention = (width: number) => ({
  query: Linear(width, width),
  key: Linear(width, width),
  value: Linear(width, width),
});

/**
 * Every real token looks at every real token: `[B, T, C] -> [B, T, C]`, the heads side by side. Names `q`, `k` and `v`.
 * @param mask bool `[B, T]`, false at padding; undefined = all real
 * @param bias added to the scores, broadcasts to `[B, H, T, T]`
 */
export function bidirectionalAttention(
  p: { readonly query: LinearParams; readonly key: LinearParams; readonly value: LinearParams },
  x: Tensor,
  heads: number,
  mask: Tensor | undefined,
  bias?: Tensor,
): Tensor {
  const q = splitHeads(linear(p.query, x), heads).named('q');
  const k = splitHeads(linear(p.key, x), heads).named('k');
  const v = splitHeads(linear(p.value, x), heads).named('v');
  return mergeHeads(attention(q, k, v, { mask, bias }));
}
