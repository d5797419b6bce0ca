/** The recipes of all bundled models, in the order in which they can be trained: adapters after what they stand on. */
import type { Recipe } from '../training/recipe.ts';
import { decoder, recurrent } from './decoder.ts';
import { diffusion } from './diffusion.ts';
import { editGenerator, editTagger } from './edits.ts';
import { encoder } from './encoder.ts';
import { answers, entities, sentences, sentiment } from './encoder-heads.ts';
import { translator } from './translator.ts';

export const RECIPES: readonly Recipe[] = [
  decoder,
  encoder,
  translator,
  diffusion,
  editTagger,
  editGenerator,
  recurrent,
  sentiment,
  entities,
  answers,
  sentences,
];
