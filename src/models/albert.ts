/**
 * ALBERT: BERT with one layer for all depths and narrow embeddings. Lan et al. 2019, "ALBERT: A Lite BERT for
 * Self-supervised Learning of Language Representations". Layers may come in several groups, each for its share of the
 * depth and with several inner layers. Parameter names: the published checkpoints'.
 */
import { postNormBlock, throughLayers } from '../nn/block.ts';
import { bidirectionalAttention, SelfAttention } from '../nn/encoder-layer.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat } from '../nn/params.ts';
import { clsPool } from '../nn/pooling.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { maskedLMHead, OutputMatrix, outputName, poolerHeads, tokenHeads, tokenScores } from './encoder-heads.ts';
import { Embeddings, type EncoderConfig, embedCounted, encoderConfig } from './post-norm-encoder.ts';

export interface Config extends EncoderConfig {
  embedding_size: number;
  /** Layers with parameters of their own, times `inner_group_num`. */
  num_hidden_groups: number;
  /** Layers in a row that a group has. */
  inner_group_num: number;
}
/** More than any model has: what is allocated for each is not the file's to say. */
const MOST_INNER = 16;
function config(read: ConfigReader): Config {
  const shared = encoderConfig(read, {
    ...{ vocab_size: 30000, hidden_size: 4096, num_attention_heads: 64, intermediate_size: 16384 },
    hidden_act: 'gelu_new',
  });
  const groups = read.integer('num_hidden_groups', 1);
  const inner = read.integer('inner_group_num', 1);
  const { num_hidden_layers: depth } = shared;
  read.check(
    depth % groups === 0 && groups <= Math.max(1, depth),
    `num_hidden_layers ${depth} is not a multiple of num_hidden_groups ${groups}`,
  );
  read.check(inner <= MOST_INNER, `inner_group_num ${inner} is above ${MOST_INNER}`);
  return {
    ...shared,
    embedding_size: read.integer('embedding_size', 128),
    num_hidden_groups: groups,
    inner_group_num: inner,
  };
}

// ---- parameters
const Attention = (c: Config) => ({
  ...SelfAttention(c.hidden_size),
  dense: Linear(c.hidden_size, c.hidden_size),
  LayerNorm: LayerNorm(c.hidden_size),
});
const Layer = (c: Config) => ({
  attention: Attention(c),
  ffn: Linear(c.hidden_size, c.intermediate_size),
  ffn_output: Linear(c.intermediate_size, c.hidden_size),
  full_layer_layer_norm: LayerNorm(c.hidden_size),
});
export const Albert = (c: Config) => ({
  embeddings: Embeddings(c, c.embedding_size),
  encoder: {
    embedding_hidden_mapping_in: Linear(c.embedding_size, c.hidden_size),
    albert_layer_groups: repeat(c.num_hidden_groups, () => ({
      albert_layers: repeat(c.inner_group_num, () => Layer(c)),
    })),
  },
});
const Predictions = (c: Config) => ({
  dense: Linear(c.hidden_size, c.embedding_size),
  LayerNorm: LayerNorm(c.embedding_size),
  decoder: OutputMatrix(c, c.embedding_size),
  bias: param([c.vocab_size], 'zeros'),
});
const Pooler = (c: Config) => Linear(c.hidden_size, c.hidden_size);

// ---- computation: B rows, T tokens, C = hidden_size
function layer(p: Params<typeof Layer>, stream: Tensor, c: Config, { mask }: TokenInput): Tensor {
  const { attention, ffn, ffn_output } = p;
  return postNormBlock(
    stream,
    x => linear(attention.dense, bidirectionalAttention(attention, x, c.num_attention_heads, mask)).named('out'),
    x => feedForward(ffn, ffn_output, x, c.hidden_act),
    {
      mid: x => layerNorm(attention.LayerNorm, x, c.layer_norm_eps),
      post: x => layerNorm(p.full_layer_layer_norm, x, c.layer_norm_eps),
    },
  );
}
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
function hidden({ embeddings, encoder }: Params<typeof Albert>, c: Config, input: TokenInput): Tensor {
  const { embedding_hidden_mapping_in: widen, albert_layer_groups: groups } = encoder;
  const each = c.num_hidden_layers / c.num_hidden_groups;
  const layers = repeat(c.num_hidden_layers, i => groups[Math.floor(i / each)]!.albert_layers).flat();
  const embed = linear(widen, embedCounted(embeddings, c, input));
  return throughLayers(layers, embed, (p, x) => layer(p, x, c, input)).named('ln_final');
}
/** tanh(pooler(first token)): `[B, T, C] -> [B, C]` */
const pool = (p: Params<typeof Pooler>, x: Tensor, { mask }: TokenInput): Tensor =>
  linear(p, clsPool(x, mask)).tanh().named('pooler_output');
/** Scores of all tokens, `[B, T, V]`. */
function predict(own: Params<typeof Predictions>, p: Params<typeof Albert>, c: Config, x: Tensor): Tensor {
  const output = { ...p.embeddings.word_embeddings, ...own.decoder, bias: own.bias };
  return tokenScores({ dense: own.dense, norm: own.LayerNorm, output }, x, c.hidden_act, c.layer_norm_eps);
}

const body = { parameters: Albert, width: (c: Config) => c.hidden_size, hidden };
export const albert: Architecture<Config> = {
  name: 'albert',
  config,
  /** Bare encoders have no prefix; position buffers are not parameters. */
  rename(key, c) {
    const name = key.replace(/^albert\./, '');
    return name.endsWith('position_ids') ? undefined : outputName(name, c);
  },
  heads: {
    maskedLM: maskedLMHead(body, {
      parameters: c => ({ predictions: Predictions(c) }),
      logits: (p, c, x) => predict(p.predictions, p, c, x),
    }),
    ...poolerHeads(body, Pooler, pool),
    ...tokenHeads(body),
  },
  vocabSize: c => c.vocab_size,
  typeVocabSize: c => c.type_vocab_size,
  contextLength: c => c.max_position_embeddings,
};
