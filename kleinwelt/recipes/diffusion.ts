/** Masked diffusion (LLaDA's form): writes the rest of a text that may be empty, all tokens at once. */
import { answerDiffusion } from '../../src/train/objectives/index.ts';
import { passages } from '../training/passages.ts';
import type { Recipe } from '../training/recipe.ts';
import { HEADS, LAYERS, TRAINING, VOCABULARY, WIDTH, WRITER_IDS } from './sizes.ts';

const LENGTH = 48;

export const diffusion: Recipe = {
  name: 'kleinwelt-diffusion',
  title: 'Masked diffusion: German and English sentences, written in any order',
  head: 'maskedLM',
  from: {
    tokenizer: 'writer',
    config: {
      ...{ model_type: 'llada', architectures: ['LLaDAModelLM'] },
      ...{ d_model: WIDTH, n_layers: LAYERS, n_heads: HEADS, mlp_hidden_size: 344 },
      ...{ vocab_size: VOCABULARY, embedding_size: VOCABULARY, max_sequence_length: LENGTH, rope_theta: 10_000 },
      ...{ weight_tying: true, mask_token_id: WRITER_IDS.mask, eos_token_id: WRITER_IDS.end },
      pad_token_id: WRITER_IDS.pad,
    },
  },
  objective: tokenizer => answerDiffusion({ tokenizer, maxLength: LENGTH }),
  rows: seed => passages({ seed, split: 'train', sentences: 1 }),
  heldOut: seed => passages({ seed, split: 'test', sentences: 1 }),
  batchSize: 64,
  train: { ...TRAINING, maxSteps: 14_000, learningRate: 3e-3 },
};
