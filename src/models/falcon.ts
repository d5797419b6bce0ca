/**
 * Falcon: decoder-only transformer in which attention and feed-forward layer read the residual stream side by side, with
 * one key and value for all queries (7B) or for each group of them (40B, 180B and 11B, the "new decoder architecture",
 * which may have a norm for each of the two). Almazrouei et al. 2023, "The Falcon Series of Open Language Models".
 * Parameter names: the published checkpoints', whose fused projection holds queries, key and value group by group.
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
import { ropeConfig } from './rope-config.ts';

export interface Config extends DecoderHeadConfig {
  hidden_size: number;
  ffn_hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  /** Keys and values: 1, or one for each group of queries, or for each query. */
  num_kv_heads: number;
  activation: string;
  max_position_embeddings: number;
  layer_norm_epsilon: number;
  rope: RopeConfig;
  bias: boolean;
  /** How the two sub-layers of a layer read: one after the other, one norm, or a norm each. */
  norms: 'sequential' | 'shared' | 'own';
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 4544);
  const heads = read.integer('num_attention_heads', 71);
  const grouped = read.boolean('new_decoder_architecture', false);
  const parallel = read.boolean('parallel_attn', true);
  const ungrouped = read.boolean('multi_query', true) ? 1 : heads;
  const num_kv_heads = grouped ? read.integer('num_kv_heads', heads) : ungrouped;
  const max_position_embeddings = read.integer('max_position_embeddings', 2048);
  read.check(hidden_size % heads === 0, `hidden_size ${hidden_size} is not a multiple of num_attention_heads ${heads}`);
  read.check(
    heads % num_kv_heads === 0,
    `num_attention_heads ${heads} is not a multiple of num_kv_heads ${num_kv_heads}`,
  );
  read.check(
    (hidden_size / heads) % 2 === 0,
    `heads of ${hidden_size / heads} features cannot turn by position: an odd number`,
  );
  read.check(
    !read.boolean('alibi', false),
    'alibi is not supported: this family rounds and scales its biases in a way of its own',
  );
  read.check(parallel || !grouped, 'new_decoder_architecture without parallel_attn is not defined');
  const norms = read.integer('num_ln_in_parallel_attn', grouped ? 2 : 1);
  read.check(
    norms === 1 || (norms === 2 && grouped),
    `num_ln_in_parallel_attn is ${norms}: 1, or 2 with new_decoder_architecture`,
  );
  return {
    ...decoderHeadConfig(read, { vocab_size: 65024, tie_word_embeddings: true }),
    hidden_size,
    ffn_hidden_size: read.integer('ffn_hidden_size', 4 * hidden_size),
    num_hidden_layers: read.layers('num_hidden_layers', 32),
    num_attention_heads: heads,
    num_kv_heads,
    activation: read.activation('activation', 'gelu'),
    max_position_embeddings,
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-5),
    rope: ropeConfig(read, hidden_size / heads, max_position_embeddings),
    bias: read.boolean('bias', false),
    norms: !parallel ? 'sequential' : norms === 2 ? 'own' : 'shared',
  };
}

// ---- parameters
const headDim = (c: Config) => c.hidden_size / c.num_attention_heads;
const Attention = (c: Config) => ({
  query_key_value: Linear(c.hidden_size, (c.num_attention_heads + 2 * c.num_kv_heads) * headDim(c), { bias: c.bias }),
  dense: Linear(c.hidden_size, c.hidden_size, { bias: c.bias }),
});
const Mlp = (c: Config) => ({
  dense_h_to_4h: Linear(c.hidden_size, c.ffn_hidden_size, { bias: c.bias }),
  dense_4h_to_h: Linear(c.ffn_hidden_size, c.hidden_size, { bias: c.bias }),
});
const Layer = (c: Config) => {
  const norm = (there: boolean) => (there ? LayerNorm(c.hidden_size) : undefined);
  return {
    self_attention: Attention(c),
    mlp: Mlp(c),
    input_layernorm: norm(c.norms !== 'own'),
    post_attention_layernorm: norm(c.norms === 'sequential'),
    ln_attn: norm(c.norms === 'own'),
    ln_mlp: norm(c.norms === 'own'),
  };
};
export const Falcon = (c: Config) => ({
  transformer: {
    word_embeddings: Embedding(c.vocab_size, c.hidden_size),
    h: repeat(c.num_hidden_layers, () => Layer(c)),
    ln_f: LayerNorm(c.hidden_size),
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
  const heads = splitFusedHeads(linear(p.query_key_value, x), c.num_attention_heads, c.num_kv_heads);
  return linear(p.dense, turnAndAttend(heads, table, input, i)).named('out');
}
const mlp = (p: Params<typeof Mlp>, x: Tensor, c: Config): Tensor =>
  feedForward(p.dense_h_to_4h, p.dense_4h_to_h, x, c.activation);
function layer(p: Params<typeof Layer>, x: Tensor, c: Config, table: RopeTable, input: TokenInput, i: number): Tensor {
  const first = layerNorm((p.input_layernorm ?? p.ln_attn)!, x, c.layer_norm_epsilon);
  const second = p.post_attention_layernorm ?? p.ln_mlp;
  return (c.norms === 'sequential' ? residualBlock : parallelBlock)(
    x,
    () => attend(p.self_attention, first, c, table, input, i),
    read => mlp(p.mlp, second ? layerNorm(second, read, c.layer_norm_epsilon) : first, c),
  );
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ transformer: model }: Params<typeof Falcon>, c: Config, input: TokenInput): Tensor {
  const table = ropeTable(c.rope, input);
  const tokens = embedding(model.word_embeddings, input.ids).named('embed');
  const x = throughLayers(model.h, tokens, (p, x, i) => layer(p, x, c, table, input, i));
  return layerNorm(model.ln_f, x, c.layer_norm_epsilon).named('ln_final');
}

export const falcon: Architecture<Config> = {
  name: 'falcon',
  config,
  /** Old files hold rotary tables; a base model's file has no `transformer.` prefix; a tied head's matrix is a copy. */
  rename(key, c) {
    if (key.endsWith('.rotary_emb.inv_freq') || key.endsWith('.maybe_rotary.inv_freq')) return undefined;
    if (key === 'lm_head.weight' && c.tie_word_embeddings) return undefined;
    return /^(word_embeddings|h|ln_f)\./.test(key) ? `transformer.${key}` : key;
  },
  heads: decoderHeads({
    parameters: Falcon,
    width: c => c.hidden_size,
    hidden,
    embedding: p => p.transformer.word_embeddings,
  }),
  vocabSize: c => c.vocab_size,
  /** Dynamic scaling stretches with the sequence. */
  contextLength: c => (c.rope.scaling.rope_type === 'dynamic' ? undefined : c.max_position_embeddings),
  cache: c => ({ layers: c.num_hidden_layers, heads: c.num_kv_heads, headDim: headDim(c) }),
};
