/**
 * BART: an encoder that reads a damaged text and a decoder that writes the whole one. Lewis et al. 2019, "BART: Denoising
 * Sequence-to-Sequence Pre-training for Natural Language Generation, Translation, and Comprehension". The original
 * Transformer with learned positions, whose table begins two rows early, and a norm after the embeddings. For classes and
 * answers it reads one text on both sides. Parameter names: the published checkpoints'.
 */
import { Embedding } from '../nn/linear.ts';
import type { Architecture } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { baseHead, questionHead } from './encoder-heads.ts';
import { type EmbeddingsConfig, embeddingsConfig, LearnedPositions, learnedEmbedding } from './seq2seq-embeddings.ts';
import {
  expectSharedTable,
  overDecoder,
  type Seq2SeqHeadConfig,
  seq2seqHeadConfig,
  sharedTableName,
  shiftedRight,
  sourceClassHead,
  tableLMHead,
} from './seq2seq-heads.ts';
import {
  DecoderLayers,
  decoderCache,
  EncoderLayers,
  type LayersConfig,
  layersConfig,
  postNorm,
  textToText,
} from './seq2seq-layers.ts';

export interface Config extends LayersConfig, EmbeddingsConfig, Seq2SeqHeadConfig {
  eos_token_id: number;
  labels: string[];
}
function config(read: ConfigReader): Config {
  expectSharedTable(read);
  return {
    ...layersConfig(read, 'gelu'),
    ...embeddingsConfig(read, { scale_embedding: false }),
    ...seq2seqHeadConfig(read, { vocab_size: 50265, pad_token_id: 1, decoder_start_token_id: 2 }),
    eos_token_id: read.integer('eos_token_id', 2, 0),
    labels: read.labels(),
  };
}

export const BART = (c: Config) => ({
  shared: Embedding(c.vocab_size, c.d_model),
  encoder: { ...LearnedPositions(c), layers: EncoderLayers(c) },
  decoder: { ...LearnedPositions(c), layers: DecoderLayers(c) },
});
const body = textToText(BART, {
  embed: (p, side, c, input) => learnedEmbedding(p.shared, p[side], c, input),
  norms: postNorm,
});

export const bart: Architecture<Config> = {
  name: 'bart',
  config,
  rename: sharedTableName,
  heads: {
    /** Without labels the decoder reads the source, as it does where a blank is to be filled. */
    seq2seqLM: tableLMHead(body, {
      table: p => p.shared,
      decoderIds: (c, { input_ids, labels = input_ids }) => labels && shiftedRight(labels, c),
    }),
    sequenceClassification: sourceClassHead(body),
    questionAnswering: overDecoder(body, questionHead(body)),
    base: overDecoder(body, baseHead(body)),
  },
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_position_embeddings,
  sourceLength: c => c.max_position_embeddings,
  generation: () => ({ eos_token_id: 2, forced_eos_token_id: 2 }),
  cache: decoderCache,
};
