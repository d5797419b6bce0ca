/** Masked diffusion (LLaDA's form): writes the rest of a text that may be empty, all tokens at once. */
import { answerDiffusion } from '../../src/train/objectives/index.ts';
import { passages } from '../training/passages.ts';
import type { Recipe } from '../training/recipe.ts';
import type { Fields } from '../training/stream.ts';
import { END } from '../training/tokenizers.ts';
import type { Split } from '../world/split.ts';
import { GATED_WIDTH, HEADS, LAYERS, TRAINING, VOCABULARY, WIDTH, WRITER_IDS } from './sizes.ts';

/** Behind its first token every row is so long, filled up with end tokens: the network learns where sentences end on its canvas. */
export const CANVAS = 24;

function* onCanvas(seed: number, split: Split): Generator<Fields> {
  for (const { text } of passages({ seed, split, sentences: 1 }))
    yield { prompt: '', completion: `${text}${END.repeat(CANVAS)}` };
}

export const diffusion: Recipe = {
  name: 'kleinwelt-diffusion',
  title: 'Masked diffusion: German and English sentences, written in any order',
  head: 'maskedLM',
  packed: 'q8_0',
  from: {
    tokenizer: 'canvas',
    config: {
      ...{ model_type: 'llada', architectures: ['LLaDAModelLM'] },
      ...{ d_model: WIDTH, n_layers: LAYERS, n_heads: HEADS, mlp_hidden_size: GATED_WIDTH },
      ...{ vocab_size: VOCABULARY, embedding_size: VOCABULARY, max_sequence_length: 4 * CANVAS, rope_theta: 10_000 },
      ...{ weight_tying: true, mask_token_id: WRITER_IDS.mask, eos_token_id: WRITER_IDS.end },
      pad_token_id: WRITER_IDS.pad,
    },
  },
  objective: tokenizer => answerDiffusion({ tokenizer, maxLength: 1 + CANVAS }),
  rows: seed => onCanvas(seed, 'train'),
  heldOut: seed => onCanvas(seed, 'test'),
  batchSize: 48,
  train: { ...TRAINING, maxSteps: 3500, learningRate: 8e-3 },
};
