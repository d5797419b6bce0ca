/**
 * DiffusER: text by edits, made by two networks in turn. The tagger says of each token whether it stays, goes, gives way to other
 * text or has text put behind it; the generator writes what is to come. Reid, Hellendoorn, Neubig 2023, "DiffusER: Discrete Diffusion
 * via Edit-based Reconstruction". Both are the original Transformer with sinusoidal positions; tagger and generator are
 * checkpoints of this one form. The authors published no code and no weights, so the parameter names are BART's, and what the paper
 * leaves open is decided in `edits.ts`. Token types tell the generator where text is wanted, and both what is source.
 */
import { Embedding, embedding } from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';
import { scope, Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { TAGS, TOKEN_TYPE_COUNT } from './edits.ts';
import { tokenHead } from './encoder-heads.ts';
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
  encoderStack,
  type LayersConfig,
  layersConfig,
  postNorm,
  textToText,
} from './seq2seq-layers.ts';

export interface Config extends LayersConfig, EmbeddingsConfig, Seq2SeqHeadConfig {
  tie_word_embeddings: boolean;
  eos_token_id: number;
  /** The tags. */
  labels: string[];
}
/** Where a config says nothing: the sizes of the paper, which are the original base model's. */
function config(read: ConfigReader): Config {
  expectSharedTable(read);
  return {
    ...layersConfig(read, 'relu', { d_model: 512, layers: 6, attention_heads: 8, ffn_dim: 2048 }),
    ...embeddingsConfig(read, { scale_embedding: true }),
    ...seq2seqHeadConfig(read, { vocab_size: 32128, pad_token_id: 0, decoder_start_token_id: 0 }),
    tie_word_embeddings: true,
    eos_token_id: read.integer('eos_token_id', 1, 0),
    labels: [...TAGS],
  };
}

// ---- parameters
const Tagger = (c: Config) => ({
  shared: Embedding(c.vocab_size, c.d_model),
  encoder: { embed_types: Embedding(TOKEN_TYPE_COUNT, c.d_model), layers: EncoderLayers(c) },
});
export const Diffuser = (c: Config) => ({ ...Tagger(c), decoder: { layers: DecoderLayers(c) } });

// ---- computation: B rows, T tokens, C = d_model
const place = (p: Params<typeof Tagger>, c: Config, input: TokenInput): Tensor =>
  sinusoidalEmbedding(p.shared, c, input, { layout: 'interleaved' });
/** Tokens, positions and types, `[B, T, C]`. */
function read(p: Params<typeof Tagger>, c: Config, input: TokenInput): Tensor {
  const { types = Tensor.full([1], 0, 'i32') } = input;
  return place(p, c, input).add(embedding(p.encoder.embed_types, types));
}
const tag = (p: Params<typeof Tagger>, c: Config, input: TokenInput): Tensor =>
  scope('encoder', () => encoderStack(p.encoder, read(p, c, input), c, input.mask, postNorm));
const generator = textToText(Diffuser, {
  embed: (p, side, c, input) => (side === 'encoder' ? read(p, c, input) : place(p, c, input)),
  norms: postNorm,
});

export const diffuser: Architecture<Config> = {
  name: 'diffuser',
  config,
  rename: key => (isSinusoids(key) ? undefined : sharedTableName(key)),
  heads: {
    seq2seqLM: tableLMHead(generator, { table: p => p.shared }),
    tokenClassification: tokenHead({ parameters: Tagger, width: c => c.d_model, hidden: tag }),
  },
  vocabSize: c => c.vocab_size,
  typeVocabSize: () => TOKEN_TYPE_COUNT,
  contextLength: c => c.max_position_embeddings,
  sourceLength: c => c.max_position_embeddings,
  generation: c => ({ eos_token_id: c.eos_token_id }),
  cache: decoderCache,
};
