/** The encoder-decoder (T5's form): translates, corrects, summarises, says what data mean; a prefix says which. */
import { sequenceToSequence } from '../../src/train/objectives/index.ts';
import { dataToTextRows, spellingRows, summaryRows, translationRows } from '../tasks/index.ts';
import { mixed } from '../training/mixed.ts';
import type { Recipe } from '../training/recipe.ts';
import type { Split } from '../world/split.ts';
import { CONTEXT, HEADS, TRAINING, VOCABULARY, WIDTH } from './sizes.ts';

/** The encoder has most to find out. */
const [LAYERS, DECODER_LAYERS] = [3, 2];

/** Spelling has the most to learn: every word in every wrong form. */
const rows = (split: Split) => (seed: number) =>
  mixed(seed, [
    [translationRows({ seed, split }), 4],
    [spellingRows({ seed: seed + 1, split }), 4],
    [dataToTextRows({ seed: seed + 2, split }), 2],
    [summaryRows({ seed: seed + 3, split }), 1],
  ]);

export const translator: Recipe = {
  name: 'kleinwelt-t5',
  title: 'Encoder-decoder: translates, corrects, summarises, writes from data',
  head: 'seq2seqLM',
  from: {
    tokenizer: 'translator',
    config: {
      ...{ model_type: 't5', architectures: ['T5ForConditionalGeneration'] },
      ...{
        d_model: WIDTH,
        d_kv: WIDTH / HEADS,
        d_ff: 3 * WIDTH,
        num_layers: LAYERS,
        num_decoder_layers: DECODER_LAYERS,
        num_heads: HEADS,
      },
      ...{ vocab_size: VOCABULARY, n_positions: CONTEXT, pad_token_id: 0, eos_token_id: 1, decoder_start_token_id: 0 },
      task_specific_params: {
        translation_de_to_en: { prefix: 'translate German to English: ' },
        translation_en_to_de: { prefix: 'translate English to German: ' },
        summarization: { prefix: 'summarize: ' },
      },
    },
  },
  objective: tokenizer =>
    sequenceToSequence({ tokenizer, maxSourceLength: CONTEXT, maxTargetLength: 64, padToMultipleOf: 8 }),
  rows: rows('train'),
  heldOut: rows('test'),
  batchSize: 40,
  train: { ...TRAINING, maxSteps: 8000, learningRate: 3e-3 },
};
