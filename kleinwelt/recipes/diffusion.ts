/** Masked diffusion (LLaDA's form): writes the rest of a text that may be empty, all tokens at once. */
import { answerDiffusion } from '../../src/train/objectives/index.ts';
import { passages } from '../training/passages.ts';
import type { Recipe } from '../training/recipe.ts';
import type { Fields } from '../training/stream.ts';
import { END } from '../training/tokenizers.ts';
import type { Split } from '../world/split.ts';
import { GATED_WIDTH, HEADS, LAYERS, TRAINING, VOCABULARY, WIDTH, WRITER_IDS } from './sizes.ts';

/** Every row is so long, filled up with end tokens: the network learns where sentences end on the canvas that it writes on. */
export const CANVAS = 24;

function* onCanvas(seed: number, split: Split): Generator<Fields> {
  for (const { text } of passages({ seed, split, sentences: 1 }))
    yield { prompt: '', completion: `${text}${END.repeat(CANVAS)}` };
}

/**
 * The first choice on a canvas that is all masks is one between equals, as rotary positions tell places from each other only by what stands
 * there: rounding decides it. A first token before the canvas would end that.
 */
export const diffusion: Recipe = {
  name: 'kleinwelt-diffusion',
  title: 'Masked diffusion: German and English sentences, written in any order',
  head: 'maskedLM',
  packed: 'q8_0',
  from: {
    tokenizer: 'writer',
    config: {
      ...{ model_type: 'llada', architectures: ['LLaDAModelLM'] },
      ...{ d_model: WIDTH, n_layers: LAYERS, n_heads: HEADS, mlp_hidden_size: GATED_WIDTH },
      ...{ vocab_size: VOCABULARY, embedding_size: VOCABULARY, max_sequence_length: 4 * CANVAS, rope_theta: 10_000 },
      ...{ weight_tying: true, mask_token_id: WRITER_IDS.mask, eos_token_id: WRITER_IDS.end },
      pad_token_id: WRITER_IDS.pad,
    },
  },
  objective: tokenizer => answerDiffusion({ tokenizer, maxLength: CANVAS }),
  rows: seed => onCanvas(seed, 'train'),
  heldOut: seed => onCanvas(seed, 'test'),
  batchSize: 48,
  train: { ...TRAINING, maxSteps: 3500, learningRate: 8e-3 },
};
