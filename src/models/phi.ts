/**
 * Phi: decoder-only transformer in which attention and feed-forward layer read one norm side by side, rotary positions on
 * a part of each head, biases everywhere, the output layer included. Gunasekar et al. 2023, "Textbooks Are All You Need";
 * Li et al. 2023, "phi-1.5". Parameter names: the published checkpoints'.
 */
import { parallelBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { type RopeTable, ropeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { attentionShape, type RotaryDecoderConfig, rotaryDecoder, rotaryDecoderConfig } from './rotary-decoder.ts';

export interface Config extends RotaryDecoderConfig {
  layer_norm_eps: number;
  /** Queries and keys are normed head by head before they turn. */
  qk_layernorm: boolean;
}
const config = (read: ConfigReader): Config => ({
  ...rotaryDecoderConfig(read, {
    vocab_size: 51200,
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 24,
    num_attention_heads: 32,
    max_position_embeddings: 2048,
    partial_rotary_factor: 0.5,
    hidden_act: 'gelu_new',
  }),
  layer_norm_eps: read.positive('layer_norm_eps', 1e-5),
  qk_layernorm: read.boolean('qk_layernorm', false),
});

// ---- parameters
const Attention = (c: Config) => {
  const { o_proj: dense, ...projections } = RotaryAttention(attentionShape(c), { bias: true });
  const norm = c.qk_layernorm ? LayerNorm(c.head_dim) : undefined;
  return { ...projections, dense, q_layernorm: norm, k_layernorm: norm };
};
const Mlp = (c: Config) => ({
  fc1: Linear(c.hidden_size, c.intermediate_size),
  fc2: Linear(c.intermediate_size, c.hidden_size),
});
const Layer = (c: Config) => ({ self_attn: Attention(c), mlp: Mlp(c), input_layernorm: LayerNorm(c.hidden_size) });
export const Phi = (c: Config) => ({
  model: {
    embed_tokens: Embedding(c.vocab_size, c.hidden_size),
    layers: repeat(c.num_hidden_layers, () => Layer(c)),
    final_layernorm: LayerNorm(c.hidden_size),
  },
});

// ---- computation: B rows, T tokens, C = hidden_size
function attend(
  p: Params<typeof Attention>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const { dense: o_proj, q_layernorm, k_layernorm } = p;
  return rotaryAttention({ ...p, o_proj }, x, attentionShape(c), table, input, i, {
    ...(q_layernorm && { normQ: q => layerNorm(q_layernorm, q, c.layer_norm_eps) }),
    ...(k_layernorm && { normK: k => layerNorm(k_layernorm, k, c.layer_norm_eps) }),
  });
}
function layer(p: Params<typeof Layer>, x: Tensor, c: Config, table: RopeTable, input: TokenInput, i: number): Tensor {
  const normed = layerNorm(p.input_layernorm, x, c.layer_norm_eps);
  return parallelBlock(
    x,
    () => attend(p.self_attn, normed, c, table, input, i),
    () => feedForward(p.mlp.fc1, p.mlp.fc2, normed, c.hidden_act),
  );
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ model }: Params<typeof Phi>, c: Config, input: TokenInput): Tensor {
  const table = ropeTable(c.rope, input);
  const tokens = embedding(model.embed_tokens, input.ids).named('embed');
  const x = throughLayers(model.layers, tokens, (p, x, i) => layer(p, x, c, table, input, i));
  return layerNorm(model.final_layernorm, x, c.layer_norm_eps).named('ln_final');
}

export const phi = rotaryDecoder({ name: 'phi', config, parameters: Phi, hidden, headBias: true });
