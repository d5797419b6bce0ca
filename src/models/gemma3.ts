/**
 * Gemma 3, text: Gemma 2 with norms of each head's query and key in place of the caps, five layers with a sliding window to
 * one without, and rotary positions of two kinds, with a short base in the former and a long, scaled one in the latter.
 * Gemma Team 2025, "Gemma 3 Technical Report". Parameter names: the published checkpoints'.
 */
import { softcap } from '../nn/activation.ts';
import { OffsetRmsNorm, offsetRmsNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { type RopeConfig, ropeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  attentionShape,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
  type WindowConfig,
  windowConfig,
  windowOf,
} from './rotary-decoder.ts';
import { type SandwichConfig, SandwichDecoder, throughSandwichLayers } from './sandwich-decoder.ts';

export interface Config extends RotaryDecoderConfig, WindowConfig, SandwichConfig {
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
export const Gemma3 = (c: Config) => SandwichDecoder(c, Attention);

// ---- computation: B rows, T tokens, C = hidden_size
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden(p: Params<typeof Gemma3>, c: Config, input: TokenInput): Tensor {
  const tables = { full: ropeTable(c.rope, input), local: ropeTable(c.localRope, input) };
  return throughSandwichLayers<Params<typeof Attention>>(p, c, input, (p, x, i) => {
    const table = c.layer_types[i] === 'sliding_attention' ? tables.local : tables.full;
    return rotaryAttention(p, x, attentionShape(c), table, input, i, {
      normQ: q => offsetRmsNorm(p.q_norm, q, c.rms_norm_eps),
      normK: k => offsetRmsNorm(p.k_norm, k, c.rms_norm_eps),
      scale: c.query_pre_attn_scalar ** -0.5,
      softcap: c.attn_logit_softcapping,
      window: windowOf(c, i),
    });
  });
}

export const gemma3 = rotaryDecoder({
  name: 'gemma3_text',
  config,
  parameters: Gemma3,
  hidden,
  scores: (logits, c) => softcap(logits, c.final_logit_softcapping),
});
