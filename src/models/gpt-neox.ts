/**
 * GPT-NeoX and Pythia: decoder-only transformer in which attention and feed-forward layer read the same residual stream
 * side by side, and the first features of each head turn by position. Black et al. 2022, "GPT-NeoX-20B"; Biderman et al.
 * 2023, "Pythia". Parameter names: the released checkpoints', whose fused projection holds query, key and value head by
 * head.
 */
import { splitFusedHeads } from '../nn/attention.ts';
import { parallelBlock, residualBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { type RopeConfig, type RopeTable, ropeTable } from '../nn/rope.ts';
import { turnAndAttend } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';
import { ropeConfig, turnedFeatures } from './rope-config.ts';

export interface Config extends DecoderHeadConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  hidden_act: string;
  max_position_embeddings: number;
  layer_norm_eps: number;
  rope: RopeConfig;
  attention_bias: boolean;
  /** False: the feed-forward layer reads what attention wrote. */
  use_parallel_residual: boolean;
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 6144);
  const heads = read.integer('num_attention_heads', 64);
  read.check(hidden_size % heads === 0, `hidden_size ${hidden_size} is not a multiple of num_attention_heads ${heads}`);
  const max_position_embeddings = read.integer('max_position_embeddings', 2048);
  const turned = turnedFeatures(read, hidden_size / heads, read.number('rotary_pct', 0.25));
  return {
    ...decoderHeadConfig(read, { vocab_size: 50432, tie_word_embeddings: false }),
    hidden_size,
    intermediate_size: read.integer('intermediate_size', 24576),
    num_hidden_layers: read.layers('num_hidden_layers', 44),
    num_attention_heads: heads,
    hidden_act: read.activation('hidden_act', 'gelu'),
    max_position_embeddings,
    layer_norm_eps: read.positive('layer_norm_eps', 1e-5),
    rope: ropeConfig(read, turned, max_position_embeddings, read.number('rotary_emb_base', 10000)),
    attention_bias: read.boolean('attention_bias', true),
    use_parallel_residual: read.boolean('use_parallel_residual', true),
  };
}

// ---- parameters
const Attention = (c: Config) => ({
  query_key_value: Linear(c.hidden_size, 3 * c.hidden_size, { bias: c.attention_bias }),
  dense: Linear(c.hidden_size, c.hidden_size, { bias: c.attention_bias }),
});
const Mlp = (c: Config) => ({
  dense_h_to_4h: Linear(c.hidden_size, c.intermediate_size),
  dense_4h_to_h: Linear(c.intermediate_size, c.hidden_size),
});
const Layer = (c: Config) => ({
  input_layernorm: LayerNorm(c.hidden_size),
  post_attention_layernorm: LayerNorm(c.hidden_size),
  attention: Attention(c),
  mlp: Mlp(c),
});
export const GPTNeoX = (c: Config) => ({
  gpt_neox: {
    embed_in: Embedding(c.vocab_size, c.hidden_size),
    layers: repeat(c.num_hidden_layers, () => Layer(c)),
    final_layer_norm: LayerNorm(c.hidden_size),
  },
});

// ---- computation: B rows, T tokens, C = hidden_size
function layer(p: Params<typeof Layer>, x: Tensor, c: Config, table: RopeTable, input: TokenInput, i: number): Tensor {
  const attend = (read: Tensor) => {
    const qkv = linear(p.attention.query_key_value, layerNorm(p.input_layernorm, read, c.layer_norm_eps));
    const heads = splitFusedHeads(qkv, c.num_attention_heads, c.num_attention_heads);
    return linear(p.attention.dense, turnAndAttend(heads, table, input, i)).named('out');
  };
  const mlp = (read: Tensor) => {
    const normed = layerNorm(p.post_attention_layernorm, read, c.layer_norm_eps);
    return feedForward(p.mlp.dense_h_to_4h, p.mlp.dense_4h_to_h, normed, c.hidden_act);
  };
  return (c.use_parallel_residual ? parallelBlock : residualBlock)(x, attend, mlp);
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ gpt_neox: model }: Params<typeof GPTNeoX>, c: Config, input: TokenInput): Tensor {
  const table = ropeTable(c.rope, input);
  const tokens = embedding(model.embed_in, input.ids).named('embed');
  const x = throughLayers(model.layers, tokens, (p, x, i) => layer(p, x, c, table, input, i));
  return layerNorm(model.final_layer_norm, x, c.layer_norm_eps).named('ln_final');
}

export const gptNeoX: Architecture<Config> = {
  name: 'gpt_neox',
  config,
  /** Masks and rotary tables of older files are not parameters, nor is a tied head's copy. */
  rename(key, c) {
    if (/\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/.test(key)) return undefined;
    if (key === 'embed_out.weight') return c.tie_word_embeddings ? undefined : 'lm_head.weight';
    return /^(embed_in|layers|final_layer_norm)\./.test(key) ? `gpt_neox.${key}` : key;
  },
  heads: decoderHeads({ parameters: GPTNeoX, width: c => c.hidden_size, hidden, embedding: p => p.gpt_neox.embed_in }),
  vocabSize: c => c.vocab_size,
  /** Dynamic scaling stretches with the sequence. */
  contextLength: c => (c.rope.scaling.rope_type === 'dynamic' ? undefined : c.max_position_embeddings),
  cache: c => ({
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    headDim: c.hidden_size / c.num_attention_heads,
  }),
};
