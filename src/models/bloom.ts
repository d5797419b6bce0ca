/**
 * BLOOM: decoder-only transformer whose attention knows positions by linear biases (ALiBi) only, with a layer norm behind
 * the embedding. BigScience 2022, "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model". The fused projection
 * holds query, key and value of each head side by side. Parameter names: the published checkpoints'.
 */
import { alibi } from '../nn/alibi.ts';
import { mergeHeads, selfAttention, splitFusedHeads } from '../nn/attention.ts';
import { throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  hidden_size: number;
  n_layer: number;
  n_head: number;
  layer_norm_epsilon: number;
  /** The residual stream goes on from the normed input of a sub-layer, not from the input itself. */
  apply_residual_connection_post_layernorm: boolean;
}
function config(read: ConfigReader): Config {
  // The first published files name some fields otherwise.
  const either = (name: string, old: string, fallback: number, min = 1) =>
    read.integer(read.has(old) ? old : name, fallback, min);
  const hidden_size = either('hidden_size', 'n_embed', 64);
  const n_head = either('n_head', 'num_attention_heads', 8);
  read.check(hidden_size % n_head === 0, `hidden_size ${hidden_size} is not a multiple of n_head ${n_head}`);
  return {
    ...decoderHeadConfig(read, { vocab_size: 250880, tie_word_embeddings: true }),
    hidden_size,
    n_layer: read.layers(read.has('num_hidden_layers') ? 'num_hidden_layers' : 'n_layer', 2),
    n_head,
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-5),
    apply_residual_connection_post_layernorm: read.boolean('apply_residual_connection_post_layernorm', false),
  };
}

// ---- parameters
const Attention = (c: Config) => ({
  query_key_value: Linear(c.hidden_size, 3 * c.hidden_size),
  dense: Linear(c.hidden_size, c.hidden_size),
});
const Mlp = (c: Config) => ({
  dense_h_to_4h: Linear(c.hidden_size, 4 * c.hidden_size),
  dense_4h_to_h: Linear(4 * c.hidden_size, c.hidden_size),
});
const Block = (c: Config) => ({
  input_layernorm: LayerNorm(c.hidden_size),
  self_attention: Attention(c),
  post_attention_layernorm: LayerNorm(c.hidden_size),
  mlp: Mlp(c),
});
export const Bloom = (c: Config) => ({
  word_embeddings: Embedding(c.vocab_size, c.hidden_size),
  word_embeddings_layernorm: LayerNorm(c.hidden_size),
  h: repeat(c.n_layer, () => Block(c)),
  ln_f: LayerNorm(c.hidden_size),
});

// ---- computation: B rows, T tokens, C = hidden_size
function layer(p: Params<typeof Block>, x: Tensor, c: Config, bias: Tensor, input: TokenInput, i: number): Tensor {
  const residual = (stream: Tensor, normed: Tensor) => (c.apply_residual_connection_post_layernorm ? normed : stream);
  const attend = (t: Tensor) => {
    const { q, k, v } = splitFusedHeads(linear(p.self_attention.query_key_value, t), c.n_head, c.n_head);
    const z = selfAttention(q.named('q'), k.named('k'), v.named('v'), input, i, { causal: true, bias });
    return linear(p.self_attention.dense, mergeHeads(z)).named('out');
  };
  const mlp = (t: Tensor) => feedForward(p.mlp.dense_h_to_4h, p.mlp.dense_4h_to_h, t, 'gelu_new');

  const first = layerNorm(p.input_layernorm, x.named('resid_pre'), c.layer_norm_epsilon);
  const middle = residual(x, first)
    .add(scope('attn', () => attend(first)))
    .named('resid_mid');
  const second = layerNorm(p.post_attention_layernorm, middle, c.layer_norm_epsilon);
  return residual(middle, second)
    .add(scope('mlp', () => mlp(second)))
    .named('resid_post');
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden(p: Params<typeof Bloom>, c: Config, input: TokenInput): Tensor {
  const bias = alibi(c.n_head, input);
  const tokens = embedding(p.word_embeddings, input.ids).named('embed');
  const embed = layerNorm(p.word_embeddings_layernorm, tokens, c.layer_norm_epsilon);
  const x = throughLayers(p.h, embed, (params, x, i) => layer(params, x, c, bias, input, i));
  return layerNorm(p.ln_f, x, c.layer_norm_epsilon).named('ln_final');
}

export const bloom: Architecture<Config> = {
  name: 'bloom',
  config,
  /** A base model's file has no prefix; a tied head's copy is not a parameter. */
  rename: (key, c) =>
    key === 'lm_head.weight' && c.tie_word_embeddings ? undefined : key.replace(/^transformer\./, ''),
  heads: decoderHeads({ parameters: Bloom, width: c => c.hidden_size, hidden, embedding: p => p.word_embeddings }),
  vocabSize: c => c.vocab_size,
  /** Biases have no end. */
  contextLength: () => undefined,
  cache: c => ({ layers: c.n_layer, heads: c.n_head, headDim: c.hidden_size / c.n_head }),
};
