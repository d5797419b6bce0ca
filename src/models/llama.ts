/**
 * LLaMA: decoder-only transformer with rotary positions, RMS norm before each sub-layer, gated feed-forward and grouped
 * queries. Touvron et al. 2023, "LLaMA" and "Llama 2"; "The Llama 3 Herd of Models" 2024. Mistral (Jiang et al. 2023) is
 * the same with a sliding window, Qwen2 (2024) with biases on the queries, keys and values. Parameter names: the published
 * checkpoints'.
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

export interface Config extends RotaryDecoderConfig, WindowConfig {
  /** Bias of `o_proj`; as `attention_bias` unless a family says otherwise. */
  attention_out_bias: boolean;
  mlp_bias: boolean;
}
function config(read: ConfigReader): Config {
  const common = rotaryDecoderConfig(read, {
    vocab_size: 32000,
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    max_position_embeddings: 2048,
  });
  const window = read.boolean('use_sliding_window', true) ? read.integer('sliding_window', 0, 0) : 0;
  const firstWindow = read.integer('max_window_layers', 0, 0);
  return {
    ...common,
    attention_out_bias: read.boolean('attention_out_bias', common.attention_bias),
    mlp_bias: read.boolean('mlp_bias', false),
    ...windowConfig(read, common.num_hidden_layers, window, i => i >= firstWindow),
  };
}

// ---- parameters
const Layer = (c: Config) => ({
  input_layernorm: RmsNorm(c.hidden_size),
  self_attn: RotaryAttention(attentionShape(c), { bias: c.attention_bias, outBias: c.attention_out_bias }),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size, c.mlp_bias),
});
export const Llama = (c: Config) => RotaryDecoder(c, Layer);

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
  const options = { window: windowOf(c, i) };
  return residualBlock(
    stream,
    x => rotaryAttention(p.self_attn, rmsNorm(p.input_layernorm, x, eps), attentionShape(c), table, input, i, options),
    x => gatedMlp(p.mlp, rmsNorm(p.post_attention_layernorm, x, eps), c.hidden_act),
  );
}

export const llama = rotaryDecoder({ name: 'llama', config, parameters: Llama, hidden: throughRotaryLayers(layer) });
