/**
 * OPT: decoder-only transformer with learned positions and relu. Zhang et al. 2022, "OPT: Open Pre-trained Transformer
 * Language Models". The table of positions begins two rows early. The 350M model differs: layer norm after each sub-layer
 * and none at the end, embeddings narrower than the layers. Parameter names: the published checkpoints'.
 */
import { postNormBlock, residualBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { ProjectedAttention, projectedAttention } from '../nn/projected-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  max_position_embeddings: number;
  hidden_size: number;
  /** Width of the embeddings and of the output. */
  word_embed_proj_dim: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  ffn_dim: number;
  activation_function: string;
  /** Norms stand before the sub-layers and at the end, or else after each sub-layer. */
  do_layer_norm_before: boolean;
  /** Leaves out the norm at the end all the same. */
  _remove_final_layer_norm: boolean;
  enable_bias: boolean;
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 768);
  const heads = read.integer('num_attention_heads', 12);
  read.check(hidden_size % heads === 0, `hidden_size ${hidden_size} is not a multiple of num_attention_heads ${heads}`);
  read.check(
    read.boolean('layer_norm_elementwise_affine', true),
    'layer_norm_elementwise_affine false is not supported: norms have weights',
  );
  return {
    ...decoderHeadConfig(read, { vocab_size: 50272, tie_word_embeddings: true }),
    max_position_embeddings: read.integer('max_position_embeddings', 2048),
    hidden_size,
    word_embed_proj_dim: read.integer('word_embed_proj_dim', hidden_size),
    num_hidden_layers: read.layers('num_hidden_layers', 12),
    num_attention_heads: heads,
    ffn_dim: read.integer('ffn_dim', 3072),
    activation_function: read.activation('activation_function', 'relu'),
    do_layer_norm_before: read.boolean('do_layer_norm_before', true),
    _remove_final_layer_norm: read.boolean('_remove_final_layer_norm', false),
    enable_bias: read.boolean('enable_bias', true),
  };
}
/** Row of the first position in its table. */
const OFFSET = 2;
/** Of all norms; the config has no field for it. */
const EPSILON = 1e-5;

// ---- parameters
const Layer = (c: Config) => ({
  self_attn: ProjectedAttention(c.hidden_size, { bias: c.enable_bias }),
  self_attn_layer_norm: LayerNorm(c.hidden_size),
  fc1: Linear(c.hidden_size, c.ffn_dim, { bias: c.enable_bias }),
  fc2: Linear(c.ffn_dim, c.hidden_size, { bias: c.enable_bias }),
  final_layer_norm: LayerNorm(c.hidden_size),
});
const Decoder = (c: Config) => ({
  embed_tokens: Embedding(c.vocab_size, c.word_embed_proj_dim),
  embed_positions: Embedding(c.max_position_embeddings + OFFSET, c.hidden_size),
  ...(c.word_embed_proj_dim !== c.hidden_size && {
    project_in: Linear(c.word_embed_proj_dim, c.hidden_size, { bias: false }),
    project_out: Linear(c.hidden_size, c.word_embed_proj_dim, { bias: false }),
  }),
  layers: repeat(c.num_hidden_layers, () => Layer(c)),
  ...(c.do_layer_norm_before && !c._remove_final_layer_norm && { final_layer_norm: LayerNorm(c.hidden_size) }),
});
export const OPT = (c: Config) => ({ model: { decoder: Decoder(c) } });

// ---- computation: B rows, T tokens, C = hidden_size
function layer(p: Params<typeof Layer>, x: Tensor, c: Config, input: TokenInput, i: number): Tensor {
  const attend = (t: Tensor) => projectedAttention(p.self_attn, t, c.num_attention_heads, input, i);
  const mlp = (t: Tensor) => feedForward(p.fc1, p.fc2, t, c.activation_function);
  const norms = {
    mid: (t: Tensor) => layerNorm(p.self_attn_layer_norm, t, EPSILON),
    post: (t: Tensor) => layerNorm(p.final_layer_norm, t, EPSILON),
  };
  return c.do_layer_norm_before
    ? residualBlock(
        x,
        t => attend(norms.mid(t)),
        t => mlp(norms.post(t)),
      )
    : postNormBlock(x, attend, mlp, norms);
}
/** Last hidden states `[B, T, word_embed_proj_dim]`, after the final norm where there is one. */
function hidden({ model: { decoder: p } }: Params<typeof OPT>, c: Config, input: TokenInput): Tensor {
  const tokens = embedding(p.embed_tokens, input.ids).named('embed');
  const positions = embedding(p.embed_positions, input.positions.add(OFFSET)).named('pos_embed');
  const embed = (p.project_in ? linear(p.project_in, tokens) : tokens).add(positions);
  let x = throughLayers(p.layers, embed, (params, x, i) => layer(params, x, c, input, i));
  if (p.final_layer_norm) x = layerNorm(p.final_layer_norm, x, EPSILON);
  return (p.project_out ? linear(p.project_out, x) : x).named('ln_final');
}

export const opt: Architecture<Config> = {
  name: 'opt',
  config,
  /** A base model's file has no `model.` prefix; a tied head's copy is not a parameter. */
  rename(key, c) {
    if (key === 'lm_head.weight' && c.tie_word_embeddings) return undefined;
    return key.startsWith('decoder.') ? `model.${key}` : key;
  },
  heads: decoderHeads({
    parameters: OPT,
    width: c => c.word_embed_proj_dim,
    hidden,
    embedding: p => p.model.decoder.embed_tokens,
  }),
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_position_embeddings,
  cache: c => ({
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    headDim: c.hidden_size / c.num_attention_heads,
  }),
};
