/** Edit diffusion (DiffusER): two networks that write and mend sentences by edits. */
import { editFilling, editTagging } from '../../src/train/objectives/index.ts';
import { draftRows } from '../training/drafts.ts';
import type { Recipe } from '../training/recipe.ts';
import { HEADS, TRAINING, VOCABULARY, WRITER_IDS } from './sizes.ts';

const LENGTH = 64;
/** Two networks share what the others have for one. */
const WIDTH = 96;
/** Deep enough to read a damaged sentence; what it writes is short. */
const [ENCODER_LAYERS, DECODER_LAYERS] = [3, 2];

const columns = { textColumn: 'text', draftColumn: 'draft' };

const common = {
  name: 'kleinwelt-edits',
  from: {
    tokenizer: 'writer',
    config: {
      ...{ model_type: 'diffuser', d_model: WIDTH, encoder_layers: ENCODER_LAYERS, decoder_layers: DECODER_LAYERS },
      ...{ encoder_attention_heads: HEADS, decoder_attention_heads: HEADS },
      ...{ encoder_ffn_dim: 3 * WIDTH, decoder_ffn_dim: 3 * WIDTH },
      ...{ vocab_size: VOCABULARY, max_position_embeddings: LENGTH },
      ...{ pad_token_id: WRITER_IDS.pad, eos_token_id: WRITER_IDS.end, decoder_start_token_id: WRITER_IDS.end },
    },
  },
  rows: seed => draftRows({ seed, split: 'train' }),
  heldOut: seed => draftRows({ seed, split: 'test' }),
  batchSize: 48,
} as const satisfies Partial<Recipe>;

export const editTagger: Recipe = {
  ...common,
  part: 'tagger',
  title: 'Edit diffusion, the tagger: what stays, goes, or is written anew',
  head: 'tokenClassification',
  objective: tokenizer => editTagging({ tokenizer, maxLength: LENGTH, ...columns }),
  train: { ...TRAINING, maxSteps: 3000, learningRate: 6e-3 },
};
export const editGenerator: Recipe = {
  ...common,
  part: 'generator',
  folder: 'generator',
  title: 'Edit diffusion, the generator: what is written in the gaps',
  head: 'seq2seqLM',
  objective: tokenizer => editFilling({ tokenizer, maxLength: LENGTH, maxTargetLength: LENGTH, ...columns }),
  train: { ...TRAINING, maxSteps: 2500, learningRate: 8e-3 },
};
