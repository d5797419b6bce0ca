/**
 * Pegasus: writes summaries, and was trained to write the sentences that a text lacks. Zhang et al. 2019, "PEGASUS:
 * Pre-training with Extracted Gap-sentences for Abstractive Summarization". Norms before the sub-layers and at the end of
 * each side, sinusoidal positions with sines before cosines; the padding token starts the decoder. Parameter names: the
 * published checkpoints'.
 */
import { Embedding } from '../nn/linear.ts';
import { LayerNorm } from '../nn/norm.ts';
import type { Architecture } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type EmbeddingsConfig, embeddingsConfig, isSinusoids, sinusoidalEmbedding } from './seq2seq-embeddings.ts';
import {
  expectSharedTable,
  type Seq2SeqHeadConfig,
  seq2seqHeadConfig,
  sharedTableName,
  tableLMHead,
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
    ...layersConfig(read, 'gelu'),
    ...embeddingsConfig(read, { scale_embedding: false }),
    ...seq2seqHeadConfig(read, { vocab_size: 50265, pad_token_id: 0, decoder_start_token_id: 0 }),
  };
}

export const Pegasus = (c: Config) => ({
  shared: Embedding(c.vocab_size, c.d_model),
  encoder: { layers: EncoderLayers(c), layer_norm: LayerNorm(c.d_model) },
  decoder: { layers: DecoderLayers(c), layer_norm: LayerNorm(c.d_model) },
});
const body = textToText(Pegasus, {
  embed: (p, _side, c, input) => sinusoidalEmbedding(p.shared, c, input, { layout: 'halves' }),
  norms: preNorm,
});

export const pegasus: Architecture<Config> = {
  name: 'pegasus',
  config,
  rename: key => (isSinusoids(key) ? undefined : sharedTableName(key)),
  heads: { seq2seqLM: tableLMHead(body, { table: p => p.shared }) },
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_position_embeddings,
  sourceLength: c => c.max_position_embeddings,
  generation: () => ({ eos_token_id: 1, forced_eos_token_id: 1 }),
  cache: decoderCache,
};
