/** How grammatical the texts are that the diffusion models write from nothing. */
import type { Model } from '../../src/index.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import { CANVAS } from '../recipes/diffusion.ts';
import { grammaticalShare } from './grammar.ts';
import type { Score } from './score.ts';

const [SEED, TEXTS, BATCH] = [504, 400, 50];
const NOTHING: readonly string[] = Array.from({ length: BATCH }, () => '');

/** Of masked diffusion, which writes on a canvas of end tokens. */
export async function diffusionScores(model: Model): Promise<Score[]> {
  const denoise = await pipeline('denoise', model);
  const options = { genLength: CANVAS, steps: CANVAS, temperature: 0.5 };
  return scoresOf(`${CANVAS} steps, temperature 0.5`, seed => denoise(NOTHING, { ...options, seed }));
}

/** Of edit diffusion, which begins with an empty draft. */
export async function editScores(tagger: Model): Promise<Score[]> {
  const write = await pipeline('text-editing', tagger);
  return scoresOf('begun with nothing, top-p 0.9', seed => write(NOTHING, { topP: 0.9, seed }));
}

/** @param write as many texts as `NOTHING` has */
async function scoresOf(
  how: string,
  write: (seed: number) => Promise<readonly { readonly generatedText: string }[]>,
): Promise<Score[]> {
  const texts: string[] = [];
  for (let at = 0; at < TEXTS; at += BATCH)
    texts.push(...(await write(SEED + at)).map(({ generatedText }) => generatedText));
  const what = `grammatical sentences among those of ${TEXTS} texts, ${how}`;
  return [grammaticalShare({ name: 'grammatical', what, goal: 0.9 }, texts), distinct(texts)];
}

/** A model that always writes the same sentence would be grammatical. */
const distinct = (texts: readonly string[]): Score => {
  const value = new Set(texts).size / texts.length;
  return {
    ...{ name: 'distinct', what: 'texts that differ from all others', unit: 'share', items: texts.length },
    ...{ value, low: value, high: value },
  };
};
