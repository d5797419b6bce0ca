/**
 * Recurrent language model, the baseline: an embedding, layers of LSTM (or GRU, or simple RNN), an output matrix.
 * Zaremba et al. 2014, "Recurrent Neural Network Regularization". A text of any length is kept in a state of constant
 * size. The checkpoint's names are PyTorch's, `encoder`, `rnn` and `decoder`; the last is called `lm_head` here, as in
 * every language model.
 */
import { Embedding, embedding } from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';
import { CELL_NAMES, type CellName, Recurrent, type RecurrentShape, recurrent, stateWidths } from '../nn/recurrent.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  embedding_size: number;
  hidden_size: number;
  num_layers: number;
  rnn_type: CellName;
}
function config(read: ConfigReader): Config {
  const heads = decoderHeadConfig(read, { vocab_size: 10_000, tie_word_embeddings: false });
  const embedding_size = read.integer('embedding_size', 650);
  const hidden_size = read.integer('hidden_size', 650);
  const rnn_type = read.string('rnn_type', 'lstm');
  read.check((CELL_NAMES as readonly string[]).includes(rnn_type), `rnn_type is none of ${CELL_NAMES.join(', ')}`);
  read.check(
    !heads.tie_word_embeddings || embedding_size === hidden_size,
    `tied embeddings of ${embedding_size} features for ${hidden_size} units`,
  );
  const num_layers = read.layers('num_layers', 2);
  read.check(num_layers > 0, 'num_layers is 0');
  return { ...heads, embedding_size, hidden_size, num_layers, rnn_type: rnn_type as CellName };
}

// ---- parameters
const layers = (c: Config): RecurrentShape => ({
  cell: c.rnn_type,
  input: c.embedding_size,
  hidden: c.hidden_size,
  layers: c.num_layers,
});
export const RecurrentLM = (c: Config) => ({
  encoder: Embedding(c.vocab_size, c.embedding_size),
  rnn: Recurrent(layers(c)),
});

// ---- computation
/** Outputs of the last layer `[B, T, U]`. */
function hidden(p: Params<typeof RecurrentLM>, c: Config, { ids, mask, state }: TokenInput): Tensor {
  const states = state?.shape.map((_, layer) => state.read(layer));
  const x = embedding(p.encoder, ids).named('embed');
  const { outputs, states: next } = recurrent(p.rnn, layers(c), x, { states, mask });
  next.forEach((vectors, layer) => {
    state?.write(layer, vectors);
  });
  return outputs.named('ln_final');
}

export const lstmLM: Architecture<Config> = {
  name: 'lstm-lm',
  config,
  rename(key, c) {
    const name = key.replace(/^decoder\./, 'lm_head.');
    return name === 'lm_head.weight' && c.tie_word_embeddings ? undefined : name;
  },
  heads: decoderHeads({
    parameters: RecurrentLM,
    width: c => c.hidden_size,
    hidden,
    embedding: p => p.encoder,
    headBias: true,
  }),
  vocabSize: c => c.vocab_size,
  contextLength: () => undefined,
  state: c => stateWidths(layers(c)),
};
