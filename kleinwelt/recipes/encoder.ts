/** The encoder (BERT's form): finds hidden words. */
import { maskedLM } from '../../src/train/objectives/index.ts';
import { documentRows } from '../training/documents.ts';
import type { Recipe } from '../training/recipe.ts';
import { CONTEXT, ENCODER_IDS, HEADS, LAYERS, TRAINING, VOCABULARY, WIDTH } from './sizes.ts';

export const encoder: Recipe = {
  name: 'kleinwelt-bert',
  title: 'Encoder: finds hidden words',
  head: 'maskedLM',
  from: {
    tokenizer: 'encoder',
    config: {
      ...{ model_type: 'bert', architectures: ['BertForMaskedLM'] },
      ...{ num_hidden_layers: LAYERS, hidden_size: WIDTH, intermediate_size: 4 * WIDTH, num_attention_heads: HEADS },
      ...{
        vocab_size: VOCABULARY,
        max_position_embeddings: CONTEXT,
        type_vocab_size: 2,
        pad_token_id: ENCODER_IDS.pad,
      },
    },
  },
  objective: tokenizer => maskedLM({ tokenizer, length: 128, mlmProbability: 0.2 }),
  rows: seed => documentRows({ seed, split: 'train' }),
  heldOut: seed => documentRows({ seed, split: 'test' }),
  batchSize: 16,
  train: { ...TRAINING, warmupSteps: 500, maxSteps: 7000, learningRate: 2e-3 },
};
