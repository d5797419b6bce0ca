/**
 * ELECTRA: BERT's encoder with narrow embeddings, trained to tell which tokens a small masked language model has replaced.
 * Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators". Generator and
 * discriminator are checkpoints of this one form. Parameter names: the published checkpoints'.
 */
import { activation } from '../nn/activation.ts';
import { Linear, linear } from '../nn/linear.ts';
import { LayerNorm } from '../nn/norm.ts';
import { type Params, param } from '../nn/params.ts';
import { clsPool } from '../nn/pooling.ts';
import { gelu, type Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  maskedLMHead,
  OutputMatrix,
  replacedTokenHead,
  sequenceHead,
  tokenHeads,
  tokenScores,
} from './encoder-heads.ts';
import { Embeddings, Encoder, type EncoderConfig, embedCounted, encode, encoderConfig } from './post-norm-encoder.ts';

export interface Config extends EncoderConfig {
  embedding_size: number;
}
const config = (read: ConfigReader): Config => ({
  ...encoderConfig(read, { hidden_size: 256, num_attention_heads: 4, intermediate_size: 1024 }),
  embedding_size: read.integer('embedding_size', 128),
});

// ---- parameters
export const Electra = (c: Config) => ({
  embeddings: Embeddings(c, c.embedding_size),
  embeddings_project: c.embedding_size === c.hidden_size ? undefined : Linear(c.embedding_size, c.hidden_size),
  encoder: Encoder(c),
});
const Generator = (c: Config) => ({
  generator_predictions: {
    dense: Linear(c.hidden_size, c.embedding_size),
    LayerNorm: LayerNorm(c.embedding_size),
  },
  generator_lm_head: { ...OutputMatrix(c, c.embedding_size), bias: param([c.vocab_size], 'zeros') },
});
const Discriminator = (c: Config) => ({
  dense: Linear(c.hidden_size, c.hidden_size),
  dense_prediction: Linear(c.hidden_size, 1),
});
const Classifier = (c: Config) => ({
  dense: Linear(c.hidden_size, c.hidden_size),
  out_proj: Linear(c.hidden_size, c.labels.length),
});

// ---- computation: B rows, T tokens, C = hidden_size
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
function hidden(p: Params<typeof Electra>, c: Config, input: TokenInput): Tensor {
  const x = embedCounted(p.embeddings, c, input);
  return encode(p.encoder, p.embeddings_project ? linear(p.embeddings_project, x) : x, c, input);
}
/** The generator's scores of all tokens, `[B, T, V]`. */
function generate(own: Params<typeof Generator>, p: Params<typeof Electra>, c: Config, x: Tensor): Tensor {
  const { dense, LayerNorm: norm } = own.generator_predictions;
  const output = { ...p.embeddings.word_embeddings, ...own.generator_lm_head };
  return tokenScores({ dense, norm, output }, x, 'gelu', c.layer_norm_eps);
}
/** How much each token looks replaced, `[B, T]`: above 0 more likely than not. */
function discriminate(p: Params<typeof Discriminator>, c: Config, x: Tensor): Tensor {
  const scores = linear(p.dense_prediction, activation(c.hidden_act)(linear(p.dense, x))); // [B, T, 1]
  return scores.reshape(x.dim(0), x.dim(1));
}

const body = { parameters: Electra, width: (c: Config) => c.hidden_size, hidden };
export const electra: Architecture<Config> = {
  name: 'electra',
  config,
  /** Bare encoders have no prefix; position buffers and a tied output matrix are not parameters. */
  rename(key, c) {
    const name = key.replace(/^electra\./, '');
    if (name.endsWith('position_ids')) return undefined;
    return name === 'generator_lm_head.weight' && c.tie_word_embeddings ? undefined : name;
  },
  heads: {
    maskedLM: maskedLMHead(body, { parameters: Generator, logits: (p, c, x) => generate(p, p, c, x) }),
    replacedToken: replacedTokenHead(body, {
      parameters: c => ({ discriminator_predictions: Discriminator(c) }),
      logits: (p, c, x) => discriminate(p.discriminator_predictions, c, x),
    }),
    sequenceClassification: sequenceHead(body, {
      parameters: c => ({ classifier: Classifier(c) }),
      logits: ({ classifier }, _, x, { mask }) =>
        linear(classifier.out_proj, gelu(linear(classifier.dense, clsPool(x, mask)))),
    }),
    ...tokenHeads(body),
  },
  vocabSize: c => c.vocab_size,
  typeVocabSize: c => c.type_vocab_size,
  contextLength: c => c.max_position_embeddings,
};
