/**
 * Gemma 3, text: Gemma 2 with norms of each head's query and key in place of the caps, five layers with a sliding window to
 * one without, and rotary positions of two kinds, with a short base in the former and a long, scaled one in the latter.
 * Gemma Team 2025, "Gemma 3 Technical Report". Parameter names: the published checkpoints'.
 */
import { softcap } from '../nn/activation.ts';
import { residualBlock, throughLayers } from '../nn/block.ts';
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { embedding } from '../nn/linear.ts';
import { OffsetRmsNorm, offsetRmsNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { type RopeConfig, ropeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  attentionShape,
  RotaryDecoder,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
  type WindowConfig,
  windowConfig,
  windowOf,
} from './rotary-decoder.ts';

export interface Config extends RotaryDecoderConfig, WindowConfig {
  /** Its inverse square root scales the scores. */
  query_pre_attn_scalar: number;
  /** 0 = no cap, as for the logits'. */
  attn_logit_softcapping: number;
  final_logit_softcapping: number;
  /** Rotary positions of the layers with a window. */
  localRope: RopeConfig;
}
function config(read: ConfigReader): Config {
  const common = rotaryDecoderConfig(read, {
    vocab_size: 262208,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 131072,
    rope_theta: 1e6,
    tie_word_embeddings: true,
  });
  const query_pre_attn_scalar = read.number('query_pre_attn_scalar', 256);
  read.check(query_pre_attn_scalar > 0, `query_pre_attn_scalar is ${query_pre_attn_scalar}, not above 0`);
  read.check(!read.raw('use_bidirectional_attention'), 'use_bidirectional_attention is not supported');
  const window = read.integer('sliding_window', 4096);
  const period = read.integer('sliding_window_pattern', read.integer('_sliding_window_pattern', 6));
  const newer = read.object('rope_parameters')?.object('sliding_attention');
  const theta = newer ? newer.number('rope_theta', 10000) : read.number('rope_local_base_freq', 10000);
  return {
    ...common,
    hidden_act: read.activation('hidden_activation', 'gelu_pytorch_tanh'),
    query_pre_attn_scalar,
    attn_logit_softcapping: read.number('attn_logit_softcapping', 0),
    final_logit_softcapping: read.number('final_logit_softcapping', 0),
    ...windowConfig(read, common.num_hidden_layers, window, i => (i + 1) % period !== 0),
    localRope: { ...common.rope, theta, scaling: { rope_type: 'default' } },
  };
}

// ---- parameters
const Attention = (c: Config) => ({
  ...RotaryAttention(attentionShape(c), { bias: c.attention_bias }),
  q_norm: OffsetRmsNorm(c.head_dim),
  k_norm: OffsetRmsNorm(c.head_dim),
});
const Layer = (c: Config) => ({
  input_layernorm: OffsetRmsNorm(c.hidden_size),
  self_attn: Attention(c),
  post_attention_layernorm: OffsetRmsNorm(c.hidden_size),
  pre_feedforward_layernorm: OffsetRmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size),
  post_feedforward_layernorm: OffsetRmsNorm(c.hidden_size),
});
export const Gemma3 = (c: Config) => RotaryDecoder(c, Layer, OffsetRmsNorm);

// ---- computation: B rows, T tokens, C = hidden_size
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ model }: Params<typeof Gemma3>, c: Config, input: TokenInput): Tensor {
  const norm = (p: { weight: Tensor }, x: Tensor) => offsetRmsNorm(p, x, c.rms_norm_eps);
  const tables = { full: ropeTable(c.rope, input), local: ropeTable(c.localRope, input) };
  const attend = (p: Params<typeof Layer>, x: Tensor, i: number) => {
    const table = c.layer_types[i] === 'sliding_attention' ? tables.local : tables.full;
    return rotaryAttention(p.self_attn, norm(p.input_layernorm, x), attentionShape(c), table, input, i, {
      normQ: q => norm(p.self_attn.q_norm, q),
      normK: k => norm(p.self_attn.k_norm, k),
      scale: c.query_pre_attn_scalar ** -0.5,
      softcap: c.attn_logit_softcapping,
      window: windowOf(c, i),
    });
  };
  const mlp = (p: Params<typeof Layer>, x: Tensor) =>
    gatedMlp(p.mlp, norm(p.pre_feedforward_layernorm, x), c.hidden_act);
  const embed = embedding(model.embed_tokens, input.ids).mul(Math.sqrt(c.hidden_size)).named('embed');
  const x = throughLayers(model.layers, embed, (p, stream, i) =>
    residualBlock(
      stream,
      x => norm(p.post_attention_layernorm, attend(p, x, i)),
      x => norm(p.post_feedforward_layernorm, mlp(p, x)),
    ),
  );
  return norm(model.norm, x).named('ln_final');
}

export const gemma3 = rotaryDecoder({
  name: 'gemma3_text',
  config,
  parameters: Gemma3,
  hidden,
  scores: (logits, c) => softcap(logits, c.final_logit_softcapping),
});
