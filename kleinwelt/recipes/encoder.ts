/**
 * The encoder (ModernBERT's form): finds hidden words. Rotary positions are what it learns by: with BERT's learned positions it needed
 * seven times the steps to look at other words at all.
 */
import { maskedLM } from '../../src/train/objectives/index.ts';
import { documentRows } from '../training/documents.ts';
import { mixed } from '../training/mixed.ts';
import { passages } from '../training/passages.ts';
import type { Recipe } from '../training/recipe.ts';
import type { Split } from '../world/split.ts';
import { CONTEXT, ENCODER_IDS, GATED_WIDTH, HEADS, LAYERS, TRAINING, VOCABULARY, WIDTH } from './sizes.ts';

/** Twice as much of sentences that have nothing to do with each other as of stories: they have what no story has. */
const rows = (split: Split) => (seed: number) =>
  mixed(seed, [
    [documentRows({ seed, split }), 1],
    [passages({ seed, split, sentences: 8 }), 2],
  ]);

export const encoder: Recipe = {
  name: 'kleinwelt-bert',
  title: 'Encoder: finds hidden words',
  head: 'maskedLM',
  from: {
    tokenizer: 'encoder',
    config: {
      ...{ model_type: 'modernbert', architectures: ['ModernBertForMaskedLM'] },
      ...{ num_hidden_layers: LAYERS, hidden_size: WIDTH, intermediate_size: GATED_WIDTH, num_attention_heads: HEADS },
      // Every layer sees the whole text.
      ...{ vocab_size: VOCABULARY, max_position_embeddings: CONTEXT, global_attn_every_n_layers: 1 },
      ...{ global_rope_theta: 10_000, pad_token_id: ENCODER_IDS.pad },
      ...{ cls_token_id: ENCODER_IDS.first, sep_token_id: ENCODER_IDS.separator },
    },
  },
  objective: tokenizer => maskedLM({ tokenizer, length: 128, mlmProbability: 0.2 }),
  rows: rows('train'),
  heldOut: rows('test'),
  batchSize: 16,
  train: { ...TRAINING, maxSteps: 7000, learningRate: 8e-3 },
};
