/**
 * StableLM: decoder-only transformer with LLaMA's gated feed-forward and grouped queries, but layer norms, and rotary
 * positions on a part of each head. Bellagente et al. 2024, "Stable LM 2 1.6B Technical Report"; the 12B model has a norm
 * for each head and the two sub-layers side by side. Parameter names: the published checkpoints'.
 */
import { parallelBlock, residualBlock, throughLayers } from '../nn/block.ts';
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { embedding } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat } from '../nn/params.ts';
import { type RopeTable, ropeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import { concat, type Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  attentionShape,
  RotaryDecoder,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
} from './rotary-decoder.ts';

export interface Config extends RotaryDecoderConfig {
  layer_norm_eps: number;
  use_qkv_bias: boolean;
  /** Queries and keys are normed before they turn, with weights of their own for each head. */
  qk_layernorm: boolean;
  /** Attention and feed-forward layer read the same norm. */
  use_parallel_residual: boolean;
}
const config = (read: ConfigReader): Config => ({
  ...rotaryDecoderConfig(read, {
    vocab_size: 50304,
    hidden_size: 2560,
    intermediate_size: 6912,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    max_position_embeddings: 4096,
    partial_rotary_factor: 0.25,
  }),
  layer_norm_eps: read.positive('layer_norm_eps', 1e-5),
  use_qkv_bias: read.boolean('use_qkv_bias', false),
  qk_layernorm: read.boolean('qk_layernorm', false),
  use_parallel_residual: read.boolean('use_parallel_residual', false),
});

// ---- parameters
const HeadNorms = (heads: number, width: number) => ({
  norms: repeat(heads, () => ({ weight: param([width], 'ones') })),
});
const Attention = (c: Config) => ({
  ...RotaryAttention(attentionShape(c), { bias: c.use_qkv_bias, outBias: false }),
  q_layernorm: c.qk_layernorm ? HeadNorms(c.num_attention_heads, c.head_dim) : undefined,
  k_layernorm: c.qk_layernorm ? HeadNorms(c.num_key_value_heads, c.head_dim) : undefined,
});
const Layer = (c: Config) => ({
  self_attn: Attention(c),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size),
  input_layernorm: LayerNorm(c.hidden_size),
  post_attention_layernorm: c.use_parallel_residual ? undefined : LayerNorm(c.hidden_size),
});
export const StableLm = (c: Config) => ({
  model: { ...RotaryDecoder(c, Layer).model, norm: LayerNorm(c.hidden_size) },
});

// ---- computation: B rows, T tokens, C = hidden_size
/** x `[B, heads, T, D]`, each head by itself. */
const normHeads = (p: Params<typeof HeadNorms>, x: Tensor, eps: number): Tensor =>
  concat(
    x.split(p.norms.length, 1).map((head, h) => layerNorm(p.norms[h]!, head, eps)),
    1,
  );
function attend(
  p: Params<typeof Attention>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const { q_layernorm, k_layernorm } = p;
  return rotaryAttention(p, x, attentionShape(c), table, input, i, {
    ...(q_layernorm && { normQ: q => normHeads(q_layernorm, q, c.layer_norm_eps) }),
    ...(k_layernorm && { normK: k => normHeads(k_layernorm, k, c.layer_norm_eps) }),
  });
}
function layer(p: Params<typeof Layer>, x: Tensor, c: Config, table: RopeTable, input: TokenInput, i: number): Tensor {
  const normed = layerNorm(p.input_layernorm, x, c.layer_norm_eps);
  const { post_attention_layernorm: second } = p;
  return (second ? residualBlock : parallelBlock)(
    x,
    () => attend(p.self_attn, normed, c, table, input, i),
    read => gatedMlp(p.mlp, second ? layerNorm(second, read, c.layer_norm_eps) : normed, c.hidden_act),
  );
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ model }: Params<typeof StableLm>, c: Config, input: TokenInput): Tensor {
  const table = ropeTable(c.rope, input);
  const tokens = embedding(model.embed_tokens, input.ids).named('embed');
  const x = throughLayers(model.layers, tokens, (p, x, i) => layer(p, x, c, table, input, i));
  return layerNorm(model.norm, x, c.layer_norm_eps).named('ln_final');
}

export const stablelm = rotaryDecoder({ name: 'stablelm', config, parameters: StableLm, hidden });
