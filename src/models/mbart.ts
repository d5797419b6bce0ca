/**
 * mBART and mBART-50: BART in many languages. Liu et al. 2020, "Multilingual Denoising Pre-training for Neural Machine
 * Translation"; Tang et al. 2020, "Multilingual Translation with Extensible Multilingual Pretraining and Finetuning". Norms
 * stand before the sub-layers, one more at the end of each side. Texts carry the code of their language: in mBART at the end,
 * and the decoder starts with that of its own; in mBART-50 in front, and the decoder, which starts with the end token, is made
 * to write its own first (`forced_bos_token_id`). Parameter names: the published checkpoints'.
 */
import { Embedding } from '../nn/linear.ts';
import { LayerNorm } from '../nn/norm.ts';
import type { Architecture } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type EmbeddingsConfig, embeddingsConfig, LearnedPositions, learnedEmbedding } from './seq2seq-embeddings.ts';
import {
  expectSharedTable,
  paddedRows,
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
    ...seq2seqHeadConfig(read, {
      vocab_size: 50265,
      pad_token_id: 1,
      decoder_start_token_id: read.integer('bos_token_id', 0, 0),
    }),
  };
}

const Ends = (c: Config) => ({ ...LearnedPositions(c), layer_norm: LayerNorm(c.d_model) });
export const MBart = (c: Config) => ({
  shared: Embedding(c.vocab_size, c.d_model),
  encoder: { ...Ends(c), layers: EncoderLayers(c) },
  decoder: { ...Ends(c), layers: DecoderLayers(c) },
});
const body = textToText(MBart, {
  embed: (p, side, c, input) => learnedEmbedding(p.shared, p[side], c, input),
  norms: preNorm,
});

/** The last real token of each row goes to the front: the decoder reads it first and writes it last. */
const lastInFront = (labels: readonly ArrayLike<number>[] | ArrayLike<number>, c: Config): number[][] =>
  paddedRows(labels, c).map(row => {
    const real = row.filter(id => id !== c.pad_token_id).length;
    return [row[Math.max(0, real - 1)]!, ...row.slice(0, -1)];
  });

export const mbart: Architecture<Config> = {
  name: 'mbart',
  config,
  rename: sharedTableName,
  heads: {
    seq2seqLM: tableLMHead(body, {
      table: p => p.shared,
      decoderIds: (c, { input_ids, labels = input_ids }) => labels && lastInFront(labels, c),
    }),
  },
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_position_embeddings,
  sourceLength: c => c.max_position_embeddings,
  generation: () => ({ eos_token_id: 2, forced_eos_token_id: 2 }),
  cache: decoderCache,
};
