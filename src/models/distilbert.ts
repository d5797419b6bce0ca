/**
 * DistilBERT: BERT of half the depth, learned from a whole one; without segments and pooler. Sanh et al. 2019, "DistilBERT,
 * a distilled version of BERT: smaller, faster, cheaper and lighter". Parameter names: the published checkpoints'.
 */
import { postNormBlock, throughLayers } from '../nn/block.ts';
import { bidirectionalAttention } from '../nn/encoder-layer.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat } from '../nn/params.ts';
import { clsPool } from '../nn/pooling.ts';
import { relu, type Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  type EncoderHeadConfig,
  encoderHeadConfig,
  maskedLMHead,
  OutputMatrix,
  sequenceHead,
  tokenHeads,
  tokenScores,
} from './encoder-heads.ts';
import { Embeddings, embedCounted } from './post-norm-encoder.ts';

export interface Config extends EncoderHeadConfig {
  max_position_embeddings: number;
  dim: number;
  hidden_dim: number;
  n_layers: number;
  n_heads: number;
  activation: string;
  /** Of all norms; no field of the checkpoint's config. */
  layer_norm_eps: number;
}
function config(read: ConfigReader): Config {
  const dim = read.integer('dim', 768);
  const n_heads = read.integer('n_heads', 12);
  read.check(dim % n_heads === 0, `dim ${dim} is not a multiple of n_heads ${n_heads}`);
  return {
    ...encoderHeadConfig(read, 30522),
    max_position_embeddings: read.integer('max_position_embeddings', 512),
    dim,
    hidden_dim: read.integer('hidden_dim', 3072),
    n_layers: read.layers('n_layers', 6),
    n_heads,
    activation: read.activation('activation', 'gelu'),
    layer_norm_eps: 1e-12,
  };
}

// ---- parameters
const Attention = (c: Config) => ({
  q_lin: Linear(c.dim, c.dim),
  k_lin: Linear(c.dim, c.dim),
  v_lin: Linear(c.dim, c.dim),
  out_lin: Linear(c.dim, c.dim),
});
const Layer = (c: Config) => ({
  attention: Attention(c),
  sa_layer_norm: LayerNorm(c.dim),
  ffn: { lin1: Linear(c.dim, c.hidden_dim), lin2: Linear(c.hidden_dim, c.dim) },
  output_layer_norm: LayerNorm(c.dim),
});
export const DistilBert = (c: Config) => ({
  embeddings: Embeddings(c, c.dim),
  transformer: { layer: repeat(c.n_layers, () => Layer(c)) },
});
const Vocabulary = (c: Config) => ({
  vocab_transform: Linear(c.dim, c.dim),
  vocab_layer_norm: LayerNorm(c.dim),
  vocab_projector: { ...OutputMatrix(c, c.dim), bias: param([c.vocab_size], 'zeros') },
});

// ---- computation: B rows, T tokens, C = dim
function attend(p: Params<typeof Attention>, x: Tensor, c: Config, { mask }: TokenInput): Tensor {
  const projections = { query: p.q_lin, key: p.k_lin, value: p.v_lin };
  return linear(p.out_lin, bidirectionalAttention(projections, x, c.n_heads, mask)).named('out');
}
function layer(p: Params<typeof Layer>, stream: Tensor, c: Config, input: TokenInput): Tensor {
  return postNormBlock(
    stream,
    x => attend(p.attention, x, c, input),
    x => feedForward(p.ffn.lin1, p.ffn.lin2, x, c.activation),
    {
      mid: x => layerNorm(p.sa_layer_norm, x, c.layer_norm_eps),
      post: x => layerNorm(p.output_layer_norm, x, c.layer_norm_eps),
    },
  );
}
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
function hidden({ embeddings, transformer }: Params<typeof DistilBert>, c: Config, input: TokenInput): Tensor {
  const embed = embedCounted(embeddings, c, input);
  return throughLayers(transformer.layer, embed, (p, x) => layer(p, x, c, input)).named('ln_final');
}
/** Scores of all tokens, `[B, T, V]`. */
function predict(own: Params<typeof Vocabulary>, p: Params<typeof DistilBert>, c: Config, x: Tensor): Tensor {
  const output = { ...p.embeddings.word_embeddings, ...own.vocab_projector };
  const { vocab_transform: dense, vocab_layer_norm: norm } = own;
  return tokenScores({ dense, norm, output }, x, c.activation, c.layer_norm_eps);
}

const body = { parameters: DistilBert, width: (c: Config) => c.dim, hidden };
export const distilbert: Architecture<Config> = {
  name: 'distilbert',
  config,
  /** Bare encoders have no prefix; position buffers and a tied output matrix are not parameters. */
  rename(key, c) {
    const name = key.replace(/^distilbert\./, '');
    if (name.endsWith('position_ids')) return undefined;
    return name === 'vocab_projector.weight' && c.tie_word_embeddings ? undefined : name;
  },
  heads: {
    maskedLM: maskedLMHead(body, { parameters: Vocabulary, logits: (p, c, x) => predict(p, p, c, x) }),
    sequenceClassification: sequenceHead(body, {
      parameters: c => ({ pre_classifier: Linear(c.dim, c.dim), classifier: Linear(c.dim, c.labels.length) }),
      logits: (p, _, x, { mask }) => linear(p.classifier, relu(linear(p.pre_classifier, clsPool(x, mask)))),
    }),
    ...tokenHeads(body),
  },
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_position_embeddings,
};
