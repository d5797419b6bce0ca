/**
 * OLMo 2: rotary decoder whose sub-layers read the stream as it is and are normalised on their way back into it, and whose
 * queries and keys are normalised over all heads together before they turn. OLMo team 2024, "2 OLMo 2 Furious". Parameter
 * names: the published checkpoints'.
 */
import { splitHeads } from '../nn/attention.ts';
import { residualBlock } from '../nn/block.ts';
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { linear } from '../nn/linear.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import type { RopeTable } from '../nn/rope.ts';
import { RotaryAttention, turnAndAttend } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  attentionShape,
  RotaryDecoder,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
  throughRotaryLayers,
} from './rotary-decoder.ts';

export type Config = RotaryDecoderConfig;
const config = (read: ConfigReader): Config =>
  rotaryDecoderConfig(read, {
    vocab_size: 50304,
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
  });

// ---- parameters
const Attention = (c: Config) => ({
  ...RotaryAttention(attentionShape(c), { bias: c.attention_bias }),
  q_norm: RmsNorm(c.num_attention_heads * c.head_dim),
  k_norm: RmsNorm(c.num_key_value_heads * c.head_dim),
});
const Layer = (c: Config) => ({
  self_attn: Attention(c),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size),
  post_feedforward_layernorm: RmsNorm(c.hidden_size),
});
export const Olmo2 = (c: Config) => RotaryDecoder(c, Layer);

// ---- computation: B rows, T tokens, C = hidden_size
function attend(
  p: Params<typeof Attention>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const q = splitHeads(rmsNorm(p.q_norm, linear(p.q_proj, x), c.rms_norm_eps), c.num_attention_heads);
  const k = splitHeads(rmsNorm(p.k_norm, linear(p.k_proj, x), c.rms_norm_eps), c.num_key_value_heads);
  const v = splitHeads(linear(p.v_proj, x), c.num_key_value_heads);
  return linear(p.o_proj, turnAndAttend({ q, k, v }, table, input, i)).named('out');
}
function layer(
  p: Params<typeof Layer>,
  stream: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const eps = c.rms_norm_eps;
  return residualBlock(
    stream,
    x => rmsNorm(p.post_attention_layernorm, attend(p.self_attn, x, c, table, input, i), eps),
    x => rmsNorm(p.post_feedforward_layernorm, gatedMlp(p.mlp, x, c.hidden_act), eps),
  );
}

export const olmo2 = rotaryDecoder({ name: 'olmo2', config, parameters: Olmo2, hidden: throughRotaryLayers(layer) });
