/**
 * The encoder-decoder (Marian's form): translates, corrects, summarises, says what data mean; a prefix says which, as with T5. The
 * sinusoidal positions are what it learns by: with T5's relative biases or BART's learned positions the same sizes and data needed
 * more than ten times the steps to begin to align the two texts.
 */
import { sequenceToSequence } from '../../src/train/objectives/index.ts';
import { dataToTextRows, spellingRows, summaryRows, translationRows } from '../tasks/index.ts';
import { mixed } from '../training/mixed.ts';
import type { Recipe } from '../training/recipe.ts';
import type { Split } from '../world/split.ts';
import { CONTEXT, HEADS, TRAINING, TRANSLATOR_IDS, VOCABULARY, WIDTH } from './sizes.ts';

/** The encoder has most to find out. */
const [LAYERS, DECODER_LAYERS] = [3, 2];

/** Spelling has the most to learn: every word in every wrong form. */
const rows = (split: Split) => (seed: number) =>
  mixed(seed, [
    [translationRows({ seed, split }), 3],
    [spellingRows({ seed: seed + 1, split }), 5],
    [dataToTextRows({ seed: seed + 2, split }), 2],
    [summaryRows({ seed: seed + 3, split }), 1],
  ]);

export const translator: Recipe = {
  name: 'kleinwelt-marian',
  title: 'Encoder-decoder: translates, corrects, summarises, writes from data',
  head: 'seq2seqLM',
  from: {
    tokenizer: 'translator',
    config: {
      ...{ model_type: 'marian', architectures: ['MarianMTModel'], activation_function: 'relu', scale_embedding: true },
      ...{ d_model: WIDTH, encoder_layers: LAYERS, decoder_layers: DECODER_LAYERS },
      ...{ encoder_attention_heads: HEADS, decoder_attention_heads: HEADS },
      ...{ encoder_ffn_dim: 3 * WIDTH, decoder_ffn_dim: 3 * WIDTH },
      ...{ vocab_size: VOCABULARY, max_position_embeddings: CONTEXT },
      // What a text begins with is a token that no text has.
      ...{ pad_token_id: TRANSLATOR_IDS.pad, decoder_start_token_id: TRANSLATOR_IDS.unknown },
      ...{ eos_token_id: TRANSLATOR_IDS.end, forced_eos_token_id: TRANSLATOR_IDS.end },
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
  train: { ...TRAINING, maxSteps: 14_000, learningRate: 6e-3 },
};
