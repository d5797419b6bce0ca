/** The decoder (LLaMA's form) and the recurrent network that it is compared with: the same texts, as many parameters. */
import { causalLM } from '../../src/train/objectives/index.ts';
import { documentRows } from '../training/documents.ts';
import type { Recipe } from '../training/recipe.ts';
import { CONTEXT, GATED_WIDTH, HEADS, LAYERS, TRAINING, VOCABULARY, WIDTH, WRITER_IDS } from './sizes.ts';

/** Tokens of a training row. */
const LENGTH = 192;
const ends = { bos_token_id: WRITER_IDS.end, eos_token_id: WRITER_IDS.end };

const common = {
  head: 'causalLM',
  objective: tokenizer => causalLM({ tokenizer, length: LENGTH }),
  rows: seed => documentRows({ seed, split: 'train' }),
  heldOut: seed => documentRows({ seed, split: 'test' }),
  batchSize: 12,
} as const satisfies Partial<Recipe>;

export const decoder: Recipe = {
  ...common,
  name: 'kleinwelt-llama',
  title: 'Decoder: tells stories in German and English',
  packed: 'q8_0',
  from: {
    tokenizer: 'writer',
    config: {
      ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], num_hidden_layers: LAYERS, hidden_size: WIDTH },
      ...{ intermediate_size: GATED_WIDTH, num_attention_heads: HEADS, num_key_value_heads: HEADS },
      ...{ vocab_size: VOCABULARY, max_position_embeddings: CONTEXT, rope_theta: 10_000, rms_norm_eps: 1e-5 },
      ...{ tie_word_embeddings: true, ...ends },
    },
  },
  train: { ...TRAINING, maxSteps: 18_000, learningRate: 8e-3 },
};

export const recurrent: Recipe = {
  ...common,
  name: 'kleinwelt-lstm',
  title: 'LSTM: what the decoder replaced',
  from: {
    tokenizer: 'writer',
    config: {
      ...{ model_type: 'lstm-lm', num_layers: 2, embedding_size: 192, hidden_size: 192, tie_word_embeddings: true },
      ...{ vocab_size: VOCABULARY, ...ends },
    },
  },
  train: { ...TRAINING, maxSteps: 2500, learningRate: 8e-3 },
};
