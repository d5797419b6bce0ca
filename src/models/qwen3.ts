/**
 * Qwen3: the LLaMA layer with an RMS norm of each head's query and key before they turn, which keeps scores in bounds
 * where Qwen2 had biases. Yang et al. 2025, "Qwen3 Technical Report". The width of a head is set apart from that of the
 * model. Parameter names: the published checkpoints'.
 */
import { residualBlock } from '../nn/block.ts';
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import type { RopeTable } from '../nn/rope.ts';
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
  throughRotaryLayers,
  type WindowConfig,
  windowConfig,
  windowOf,
} from './rotary-decoder.ts';

export type Config = RotaryDecoderConfig & WindowConfig;
function config(read: ConfigReader): Config {
  const common = rotaryDecoderConfig(read, {
    vocab_size: 151936,
    hidden_size: 4096,
    intermediate_size: 22016,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    head_dim: 128,
    max_position_embeddings: 32768,
  });
  const window = read.boolean('use_sliding_window', false) ? read.integer('sliding_window', 4096) : 0;
  const firstWindow = read.integer('max_window_layers', 28, 0);
  return { ...common, ...windowConfig(read, common.num_hidden_layers, window, i => i >= firstWindow) };
}

// ---- parameters
const Attention = (c: Config) => ({
  ...RotaryAttention(attentionShape(c), { bias: c.attention_bias }),
  q_norm: RmsNorm(c.head_dim),
  k_norm: RmsNorm(c.head_dim),
});
const Layer = (c: Config) => ({
  input_layernorm: RmsNorm(c.hidden_size),
  self_attn: Attention(c),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size),
});
export const Qwen3 = (c: Config) => RotaryDecoder(c, Layer);

// ---- computation: B rows, T tokens, C = hidden_size
function layer(
  p: Params<typeof Layer>,
  stream: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const eps = c.rms_norm_eps;
  const options = {
    window: windowOf(c, i),
    normQ: (q: Tensor) => rmsNorm(p.self_attn.q_norm, q, eps),
    normK: (k: Tensor) => rmsNorm(p.self_attn.k_norm, k, eps),
  };
  return residualBlock(
    stream,
    x => rotaryAttention(p.self_attn, rmsNorm(p.input_layernorm, x, eps), attentionShape(c), table, input, i, options),
    x => gatedMlp(p.mlp, rmsNorm(p.post_attention_layernorm, x, eps), c.hidden_act),
  );
}

export const qwen3 = rotaryDecoder({ name: 'qwen3', config, parameters: Qwen3, hidden: throughRotaryLayers(layer) });
