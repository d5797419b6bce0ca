/**
 * DeBERTa, second and third generation: far distances share a vector on a logarithmic scale, these vectors are normed, and a
 * layer projects them as it does the tokens. The large models of the second generation add a convolution over neighbouring
 * tokens to the first layer. He et al. 2020, "DeBERTa", and 2021, "DeBERTaV3: Improving DeBERTa using ELECTRA-Style
 * Pre-Training with Gradient-Disentangled Embedding Sharing". Parameter names: the published checkpoints'. Heads:
 * disentangled-encoder.ts.
 */
import { activation } from '../nn/activation.ts';
import { splitHeads } from '../nn/attention.ts';
import { Conv1d, conv1d } from '../nn/conv1d.ts';
import type { DisentangledHeads } from '../nn/disentangled-attention.ts';
import { Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import type { Tensor } from '../tensor/index.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  type DisentangledConfig,
  disentangledConfig,
  disentangledEncoder,
  withoutPadding,
} from './disentangled-encoder.ts';

export interface Config extends DisentangledConfig {
  /** The positions are projected by the matrices of the tokens. */
  share_att_key: boolean;
  norm_rel_ebd: boolean;
  /** Tokens that a window of the convolution sees; 0 = there is none. */
  conv_kernel_size: number;
  conv_groups: number;
  conv_act: string;
}
function config(read: ConfigReader): Config {
  const common = disentangledConfig(read, {
    vocab_size: 128100,
    hidden_size: 1536,
    num_hidden_layers: 24,
    num_attention_heads: 24,
    intermediate_size: 6144,
  });
  const kernel = read.integer('conv_kernel_size', 0, 0);
  const groups = read.integer('conv_groups', 1);
  read.check(kernel === 0 || kernel % 2 === 1, `conv_kernel_size ${kernel} is not odd: it has no middle`);
  read.check(
    common.hidden_size % groups === 0,
    `hidden_size ${common.hidden_size} does not divide by ${groups} groups`,
  );
  const buckets = Math.max(0, read.integer('position_buckets', -1, -1));
  // The logarithmic scale runs from half of the buckets to the farthest distance.
  const spread = buckets === 0 || (buckets > 1 && buckets >> 1 < common.max_relative_positions - 1);
  read.check(spread, `position_buckets ${buckets} do not fit max_relative_positions ${common.max_relative_positions}`);
  const norms = read.string('norm_rel_ebd', 'none').toLowerCase().split('|');
  return {
    ...common,
    position_buckets: buckets,
    share_att_key: read.boolean('share_att_key', false),
    norm_rel_ebd: norms.some(norm => norm.trim() === 'layer_norm'),
    conv_kernel_size: kernel,
    conv_groups: groups,
    conv_act: read.activation('conv_act', 'tanh'),
  };
}

// ---- parameters
function Attention(c: Config) {
  const C = c.hidden_size;
  const own = (term: 'c2p' | 'p2c') => c.relative_attention && !c.share_att_key && c.pos_att_type.includes(term);
  return {
    query_proj: Linear(C, C),
    key_proj: Linear(C, C),
    value_proj: Linear(C, C),
    pos_key_proj: own('c2p') ? Linear(C, C) : undefined,
    pos_query_proj: own('p2c') ? Linear(C, C) : undefined,
  };
}
const Convolution = (c: Config) => ({
  conv: Conv1d(c.hidden_size, c.hidden_size, c.conv_kernel_size, { groups: c.conv_groups }),
  LayerNorm: LayerNorm(c.hidden_size),
});
const Extras = (c: Config) => ({
  LayerNorm: c.norm_rel_ebd ? LayerNorm(c.hidden_size) : undefined,
  conv: c.conv_kernel_size > 0 ? Convolution(c) : undefined,
});

// ---- computation: B rows, T tokens, C = hidden_size
function project(
  p: Params<typeof Attention>,
  c: Config,
  x: Tensor,
  context: Tensor,
  relative: Tensor | undefined,
): DisentangledHeads {
  const H = c.num_attention_heads;
  const has = (term: 'c2p' | 'p2c') => c.pos_att_type.includes(term);
  return {
    q: splitHeads(linear(p.query_proj, x), H),
    k: splitHeads(linear(p.key_proj, context), H),
    v: splitHeads(linear(p.value_proj, context), H),
    positionKeys: relative && has('c2p') ? linear(p.pos_key_proj ?? p.key_proj, relative) : undefined,
    positionQueries: relative && has('p2c') ? linear(p.pos_query_proj ?? p.query_proj, relative) : undefined,
  };
}
const prepare = (p: Params<typeof Extras>, c: Config, table: Tensor): Tensor =>
  p.LayerNorm ? layerNorm(p.LayerNorm, table, c.layer_norm_eps) : table;
/** norm(x + act(convolution of the embeddings)), zeros at padding. */
function refine(p: Params<typeof Extras>, c: Config, x: Tensor, embedded: Tensor, mask: Tensor | undefined): Tensor {
  if (!p.conv) return x;
  const { conv, LayerNorm } = p.conv;
  const padding = (c.conv_kernel_size - 1) / 2;
  const near = withoutPadding(conv1d(conv, embedded, { padding, groups: c.conv_groups }), mask);
  return withoutPadding(layerNorm(LayerNorm, x.add(activation(c.conv_act)(near)), c.layer_norm_eps), mask);
}

export const debertaV2 = disentangledEncoder({
  name: 'deberta-v2',
  config,
  Attention,
  Extras,
  project,
  prepare,
  refine,
});
