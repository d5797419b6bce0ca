/**
 * Phi-3 and Phi-4: the LLaMA layer with its projections fused, query, key and value in one matrix and gate and up in
 * another; long-context files scale each rotary frequency by a factor of its own (longrope, Ding et al. 2024). Abdin et
 * al. 2024, "Phi-3 Technical Report". Parameter names: the published checkpoints'.
 */
import { activation } from '../nn/activation.ts';
import { splitHeads } from '../nn/attention.ts';
import { residualBlock } from '../nn/block.ts';
import { Linear, linear } from '../nn/linear.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import type { RopeTable } from '../nn/rope.ts';
import { turnAndAttend } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  RotaryDecoder,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
  throughRotaryLayers,
} from './rotary-decoder.ts';

export interface Config extends RotaryDecoderConfig {
  /** Slots a token sees, its own included; 0 = all before it. */
  sliding_window: number;
}
const config = (read: ConfigReader): Config => ({
  ...rotaryDecoderConfig(read, {
    vocab_size: 32064,
    hidden_size: 3072,
    intermediate_size: 8192,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
  }),
  sliding_window: read.integer('sliding_window', 0, 0),
});

// ---- parameters
const Attention = ({ hidden_size: C, num_attention_heads: H, num_key_value_heads: G, head_dim: D }: Config) => ({
  qkv_proj: Linear(C, (H + 2 * G) * D, { bias: false }),
  o_proj: Linear(H * D, C, { bias: false }),
});
const Mlp = (c: Config) => ({
  gate_up_proj: Linear(c.hidden_size, 2 * c.intermediate_size, { bias: false }),
  down_proj: Linear(c.intermediate_size, c.hidden_size, { bias: false }),
});
const Layer = (c: Config) => ({
  input_layernorm: RmsNorm(c.hidden_size),
  self_attn: Attention(c),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  mlp: Mlp(c),
});
export const Phi3 = (c: Config) => RotaryDecoder(c, Layer);

// ---- computation: B rows, T tokens, C = hidden_size
function attend(
  p: Params<typeof Attention>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const { num_attention_heads: H, num_key_value_heads: G } = c;
  const heads = splitHeads(linear(p.qkv_proj, x), H + 2 * G); // [B, H + 2 G, T, D]
  const [q, k, v] = [heads.slice(1, 0, H), heads.slice(1, H, H + G), heads.slice(1, H + G, H + 2 * G)];
  return linear(p.o_proj, turnAndAttend({ q, k, v }, table, input, i, { window: c.sliding_window })).named('out');
}
function mlp(p: Params<typeof Mlp>, x: Tensor, c: Config): Tensor {
  const [gate, up] = linear(p.gate_up_proj, x).split(2) as [Tensor, Tensor];
  const act = activation(c.hidden_act)(gate.named('pre')).mul(up).named('act');
  return linear(p.down_proj, act).named('out');
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
    x => attend(p.self_attn, rmsNorm(p.input_layernorm, x, eps), c, table, input, i),
    x => mlp(p.mlp, rmsNorm(p.post_attention_layernorm, x, eps), c),
  );
}

export const phi3 = rotaryDecoder({ name: 'phi3', config, parameters: Phi3, hidden: throughRotaryLayers(layer) });
