/**
 * RoBERTa: BERT's encoder, trained longer and on masked tokens alone. Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT
 * Pretraining Approach"; with other vocabularies XLM-R, Conneau et al. 2019, and CamemBERT, Martin et al. 2019. Parameter
 * names: the published checkpoints'.
 */
import type { Params } from '../nn/params.ts';
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
import { Embeddings, Encoder, encode, encoderConfig } from './post-norm-encoder.ts';

function config(read: ConfigReader): Config {
  const c = {
    ...encoderConfig(read, { vocab_size: 50265 }),
    pad_token_id: read.integer('pad_token_id', 1, 0),
  };
  checkPositions(read, c);
  return c;
}

// ---- parameters
export const Roberta = (c: Config) => ({ embeddings: Embeddings(c, c.hidden_size), encoder: Encoder(c) });

// ---- computation: B rows, T tokens, C = hidden_size
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
const hidden = (p: Params<typeof Roberta>, c: Config, input: TokenInput): Tensor =>
  encode(p.encoder, embedAfterPadding(p.embeddings, c, input), c, input);

export const roberta: Architecture<Config> = {
  name: 'roberta',
  config,
  /** Bare encoders have no prefix; position buffers are not parameters. */
  rename(key, c) {
    const name = key.replace(/^roberta\./, '');
    return name.endsWith('position_ids') ? undefined : outputName(name, c);
  },
  heads: fairseqHeads(
    { parameters: Roberta, width: (c: Config) => c.hidden_size, hidden },
    p => p.embeddings.word_embeddings,
  ),
  vocabSize: c => c.vocab_size,
  typeVocabSize: c => c.type_vocab_size,
  contextLength: positionsOf,
};
