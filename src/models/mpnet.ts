/**
 * MPNet: encoder with learned positions and, on the scores of all layers alike, a bias by buckets of relative distances.
 * Song et al. 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding". Without segments. Parameter
 * names: the published checkpoints'.
 */
import { postNormBlock, throughLayers } from '../nn/block.ts';
import { bidirectionalAttention } from '../nn/encoder-layer.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { relativeBiases } from '../nn/relative-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { outputName } from './encoder-heads.ts';
import {
  type FairseqConfig as Config,
  checkPositions,
  embedAfterPadding,
  fairseqHeads,
  positionsOf,
} from './fairseq-heads.ts';
import { Embeddings, encoderConfig } from './post-norm-encoder.ts';

/** Of relative distances. Like the padding id these are the reference's own: it does not ask the config. */
const BUCKETS = { bidirectional: true, buckets: 32, maxDistance: 128 } as const;
const PADDING = 1;

function config(read: ConfigReader): Config {
  const c = { ...encoderConfig(read, { vocab_size: 30527 }), pad_token_id: PADDING };
  const buckets = read.integer('relative_attention_num_buckets', BUCKETS.buckets);
  const all = BUCKETS.buckets;
  read.check(buckets === all, `relative_attention_num_buckets ${buckets} is not supported: it has to be ${all}`);
  checkPositions(read, c);
  return c;
}

// ---- parameters
const Attention = (c: Config) => ({
  q: Linear(c.hidden_size, c.hidden_size),
  k: Linear(c.hidden_size, c.hidden_size),
  v: Linear(c.hidden_size, c.hidden_size),
  o: Linear(c.hidden_size, c.hidden_size),
});
const Layer = (c: Config) => ({
  attention: { attn: Attention(c), LayerNorm: LayerNorm(c.hidden_size) },
  intermediate: { dense: Linear(c.hidden_size, c.intermediate_size) },
  output: { dense: Linear(c.intermediate_size, c.hidden_size), LayerNorm: LayerNorm(c.hidden_size) },
});
export const MPNet = (c: Config) => ({
  embeddings: Embeddings({ ...c, type_vocab_size: 0 }, c.hidden_size),
  encoder: {
    layer: repeat(c.num_hidden_layers, () => Layer(c)),
    relative_attention_bias: Embedding(BUCKETS.buckets, c.num_attention_heads),
  },
});

// ---- computation: B rows, T tokens, C = hidden_size
function attend(p: Params<typeof Attention>, x: Tensor, c: Config, { mask }: TokenInput, bias: Tensor): Tensor {
  const projections = { query: p.q, key: p.k, value: p.v };
  return linear(p.o, bidirectionalAttention(projections, x, c.num_attention_heads, mask, bias)).named('out');
}
function layer(
  { attention, intermediate, output }: Params<typeof Layer>,
  stream: Tensor,
  c: Config,
  input: TokenInput,
  bias: Tensor,
): Tensor {
  return postNormBlock(
    stream,
    x => attend(attention.attn, x, c, input, bias),
    x => feedForward(intermediate.dense, output.dense, x, c.hidden_act),
    {
      mid: x => layerNorm(attention.LayerNorm, x, c.layer_norm_eps),
      post: x => layerNorm(output.LayerNorm, x, c.layer_norm_eps),
    },
  );
}
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
function hidden({ embeddings, encoder }: Params<typeof MPNet>, c: Config, input: TokenInput): Tensor {
  const [bias] = relativeBiases([encoder.relative_attention_bias], input.ids.dim(1), undefined, BUCKETS);
  const embed = embedAfterPadding(embeddings, c, input);
  return throughLayers(encoder.layer, embed, (p, x) => layer(p, x, c, input, bias!)).named('ln_final');
}

export const mpnet: Architecture<Config> = {
  name: 'mpnet',
  config,
  /** Bare encoders have no prefix; position buffers are not parameters. */
  rename(key, c) {
    const name = key.replace(/^mpnet\./, '');
    return name.endsWith('position_ids') ? undefined : outputName(name, c);
  },
  heads: fairseqHeads(
    { parameters: MPNet, width: (c: Config) => c.hidden_size, hidden },
    p => p.embeddings.word_embeddings,
  ),
  vocabSize: c => c.vocab_size,
  contextLength: positionsOf,
};
