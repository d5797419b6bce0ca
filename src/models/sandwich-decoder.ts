/**
 * Rotary decoders whose sub-layers stand between two norms each, with (1 + w) norms and embeddings scaled by the square root
 * of the width. Gemma Team 2024. The attention inside is each family's own.
 */
import { residualBlock, throughLayers } from '../nn/block.ts';
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { embedding } from '../nn/linear.ts';
import { OffsetRmsNorm, offsetRmsNorm } from '../nn/norm.ts';
import type { Params, Spec } from '../nn/params.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import { RotaryDecoder, type RotaryDecoderConfig } from './rotary-decoder.ts';

const Layer = <A extends Spec>(c: RotaryDecoderConfig, Attention: A) => ({
  input_layernorm: OffsetRmsNorm(c.hidden_size),
  self_attn: Attention,
  post_attention_layernorm: OffsetRmsNorm(c.hidden_size),
  pre_feedforward_layernorm: OffsetRmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size),
  post_feedforward_layernorm: OffsetRmsNorm(c.hidden_size),
});
export const SandwichDecoder = <C extends RotaryDecoderConfig, A extends Spec>(c: C, Attention: (c: C) => A) =>
  RotaryDecoder(c, c => Layer(c, Attention(c)), OffsetRmsNorm);

/** What scales the scores, and what caps them and the logits; 0 = no cap. */
export interface SandwichConfig {
  /** Its inverse square root scales the scores. */
  query_pre_attn_scalar: number;
  attn_logit_softcapping: number;
  final_logit_softcapping: number;
}

/**
 * Last hidden states `[B, T, C]`, after the final norm.
 * @param attend attention of layer i to the normed stream, `[B, T, C] -> [B, T, C]`
 */
export function throughSandwichLayers<A>(
  { model }: SandwichModel<A>,
  c: RotaryDecoderConfig,
  input: TokenInput,
  attend: (p: A, x: Tensor, i: number) => Tensor,
): Tensor {
  const norm = (p: { weight: Tensor }, x: Tensor) => offsetRmsNorm(p, x, c.rms_norm_eps);
  const embed = embedding(model.embed_tokens, input.ids).mul(Math.sqrt(c.hidden_size)).named('embed');
  const x = throughLayers(model.layers, embed, (p, stream, i) =>
    residualBlock(
      stream,
      x => norm(p.post_attention_layernorm, attend(p.self_attn, norm(p.input_layernorm, x), i)),
      x => norm(p.post_feedforward_layernorm, gatedMlp(p.mlp, norm(p.pre_feedforward_layernorm, x), c.hidden_act)),
    ),
  );
  return norm(model.norm, x).named('ln_final');
}
interface SandwichModel<A> {
  readonly model: {
    readonly embed_tokens: { readonly weight: Tensor };
    readonly layers: readonly (Omit<Params<ReturnType<typeof Layer>>, 'self_attn'> & { readonly self_attn: A })[];
    readonly norm: { readonly weight: Tensor };
  };
}
