/**
 * Marian: translation from one language to another. Junczys-Dowmunt et al. 2018, "Marian: Fast Neural Machine Translation in
 * C++"; Tiedemann & Thottingal 2020 (OPUS-MT, the published checkpoints). The original Transformer with its sinusoidal
 * positions, sines before cosines; the padding token starts the decoder. Languages may have a vocabulary and a table each.
 * Parameter names: the published checkpoints'.
 */
import { Embedding } from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';
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
  postNorm,
  textToText,
} from './seq2seq-layers.ts';

export interface Config extends LayersConfig, EmbeddingsConfig, Seq2SeqHeadConfig {
  /** `vocab_size` is then that of both sides, and otherwise the encoder's. */
  share_encoder_decoder_embeddings: boolean;
  decoder_vocab_size: number;
}
function config(read: ConfigReader): Config {
  expectSharedTable(read);
  const heads = seq2seqHeadConfig(read, { vocab_size: 58101, pad_token_id: 58100, decoder_start_token_id: 58100 });
  const shared = read.boolean('share_encoder_decoder_embeddings', true);
  const own = read.integer('decoder_vocab_size', heads.vocab_size);
  return {
    ...layersConfig(read, 'gelu'),
    ...embeddingsConfig(read, { scale_embedding: false }),
    ...heads,
    share_encoder_decoder_embeddings: shared,
    decoder_vocab_size: shared ? heads.vocab_size : own,
  };
}

// ---- parameters
const OwnTable = (c: Config, rows: number) =>
  c.share_encoder_decoder_embeddings ? undefined : Embedding(rows, c.d_model);
export const Marian = (c: Config) => ({
  shared: c.share_encoder_decoder_embeddings ? Embedding(c.vocab_size, c.d_model) : undefined,
  encoder: { embed_tokens: OwnTable(c, c.vocab_size), layers: EncoderLayers(c) },
  decoder: { embed_tokens: OwnTable(c, c.decoder_vocab_size), layers: DecoderLayers(c) },
});

// ---- computation
const tableOf = (p: Params<typeof Marian>, side: 'encoder' | 'decoder') => (p.shared ?? p[side].embed_tokens)!;
const body = textToText(Marian, {
  embed: (p, side, c, input) => sinusoidalEmbedding(tableOf(p, side), c, input, { layout: 'halves' }),
  norms: postNorm,
});

/** Without a shared table the output is the decoder's. */
function rename(key: string, c: Config): string | undefined {
  if (isSinusoids(key)) return undefined;
  if (c.share_encoder_decoder_embeddings) return sharedTableName(key);
  const name = key.replace(/^model\./, '');
  return name === 'lm_head.weight' ? 'decoder.embed_tokens.weight' : name;
}

export const marian: Architecture<Config> = {
  name: 'marian',
  config,
  rename,
  heads: { seq2seqLM: tableLMHead(body, { table: p => tableOf(p, 'decoder'), rows: c => c.decoder_vocab_size }) },
  vocabSize: c => c.decoder_vocab_size,
  contextLength: c => c.max_position_embeddings,
  sourceVocabSize: c => c.vocab_size,
  sourceLength: c => c.max_position_embeddings,
  generation: () => ({ eos_token_id: 0, forced_eos_token_id: 0 }),
  cache: decoderCache,
};
