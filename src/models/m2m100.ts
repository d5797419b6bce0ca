/**
 * M2M-100 and NLLB: translation between any two of many languages. Fan et al. 2020, "Beyond English-Centric Multilingual
 * Machine Translation"; NLLB Team 2022, "No Language Left Behind". Norms before the sub-layers and at the end of each side.
 * Sinusoidal positions as in fairseq: the slowest rate is 1/10000 itself, and positions are numbered after the padding id.
 * Texts begin with the code of their language; the decoder starts with the end token and is made to write the code of its own
 * (`forced_bos_token_id`). Parameter names: the published checkpoints'.
 */
import { Embedding, linear } from '../nn/linear.ts';
import { LayerNorm } from '../nn/norm.ts';
import type { Architecture } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type EmbeddingsConfig, embeddingsConfig, isSinusoids, sinusoidalEmbedding } from './seq2seq-embeddings.ts';
import {
  expectSharedTable,
  type Seq2SeqHeadConfig,
  seq2seqHeadConfig,
  seq2seqLMHead,
  sharedTableName,
} from './seq2seq-heads.ts';
import {
  DecoderLayers,
  decoderCache,
  EncoderLayers,
  type LayersConfig,
  layersConfig,
  preNorm,
  textToText,
} from './seq2seq-layers.ts';

export interface Config extends LayersConfig, EmbeddingsConfig, Seq2SeqHeadConfig {}

function config(read: ConfigReader): Config {
  expectSharedTable(read);
  return {
    ...layersConfig(read, 'relu'),
    ...embeddingsConfig(read, { scale_embedding: true }),
    ...seq2seqHeadConfig(read, { vocab_size: 128112, pad_token_id: 1, decoder_start_token_id: 2 }),
  };
}

export const M2M100 = (c: Config) => ({
  shared: Embedding(c.vocab_size, c.d_model),
  encoder: { layers: EncoderLayers(c), layer_norm: LayerNorm(c.d_model) },
  decoder: { layers: DecoderLayers(c), layer_norm: LayerNorm(c.d_model) },
});
const body = textToText(M2M100, {
  embed: (p, _side, c, input) =>
    sinusoidalEmbedding(p.shared, c, input, { layout: 'halves', reachesSlowest: true, afterPadding: true }),
  norms: preNorm,
});

export const m2m100: Architecture<Config> = {
  name: 'm2m_100',
  config,
  rename: key => (isSinusoids(key) ? undefined : sharedTableName(key)),
  heads: {
    seq2seqLM: seq2seqLMHead(body, { parameters: () => ({}), logits: (p, _c, x) => linear(p.shared, x) }),
  },
  vocabSize: c => c.vocab_size,
  /** Sinusoids have no end. */
  contextLength: () => undefined,
  generation: () => ({ eos_token_id: 2 }),
  cache: decoderCache,
};
