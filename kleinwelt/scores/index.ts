/** The scores of each bundled model, from its weights in a folder. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BundledName, bundledPath } from '../../src/hub/bundled.ts';
import type { LoadOptions } from '../../src/hub/load.ts';
import { load, type Model } from '../../src/index.ts';
import { decoderScores } from './decoder.ts';
import { diffusionScores, editScores } from './diffusion.ts';
import { answerScores, entityScores, fillMaskScores, sentimentScores, vectorScores } from './encoder.ts';
import type { Score } from './score.ts';
import { translatorScores } from './translator.ts';

type Head = NonNullable<LoadOptions['head']>;
const MEASURES: Readonly<
  Record<BundledName, { readonly head?: Head; readonly of: (model: Model) => Promise<Score[]> }>
> = {
  'kleinwelt-llama': { of: model => decoderScores(model, true) },
  'kleinwelt-bert': { of: fillMaskScores },
  'kleinwelt-bert-sentiment': { of: sentimentScores },
  'kleinwelt-bert-entities': { of: entityScores },
  'kleinwelt-bert-answers': { of: answerScores },
  'kleinwelt-bert-sentences': { of: vectorScores },
  'kleinwelt-marian': { of: translatorScores },
  'kleinwelt-diffusion': { of: diffusionScores },
  'kleinwelt-edits': { of: editScores },
  'kleinwelt-lstm': { of: model => decoderScores(model, false) },
};
export const MEASURED = Object.keys(MEASURES) as BundledName[];
const FILE = join('training', 'scores.json');

/** Measures a model and keeps the scores beside it. @param models the folder `models/` */
export async function scoresOf(name: BundledName, models: string): Promise<Score[]> {
  const { head, of } = MEASURES[name];
  const folder = join(models, name);
  const model = await load(join(models, bundledPath(name)), head === undefined ? {} : { head });
  try {
    const scores = await of(model);
    await writeFile(join(folder, FILE), `${JSON.stringify(scores, null, 2)}\n`);
    return scores;
  } finally {
    model.dispose();
  }
}

/** What was measured before; nothing where nothing was. */
export async function keptScores(name: BundledName, models: string): Promise<Score[]> {
  const text = await readFile(join(models, name, FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  return JSON.parse(text) as Score[];
}
