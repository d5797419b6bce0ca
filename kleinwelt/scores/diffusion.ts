/** How grammatical the texts are that the diffusion models write from nothing. */
import type { Model } from '../../src/index.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import { CANVAS } from '../recipes/diffusion.ts';
import { grammaticalShare } from './grammar.ts';
import type { Score } from './score.ts';

const [SEED, TEXTS] = [504, 400];

export async function diffusionScores(model: Model): Promise<Score[]> {
  const denoise = await pipeline('denoise', model);
  const texts: string[] = [];
  for (let at = 0; at < TEXTS; at += 50) {
    const options = { genLength: CANVAS, steps: CANVAS, temperature: 0.5, seed: SEED + at };
    const results = await denoise(
      Array.from({ length: 50 }, () => ''),
      options,
    );
    texts.push(...results.map(({ generatedText }) => generatedText));
  }
  const what = `grammatical sentences among those of ${TEXTS} texts, ${CANVAS} steps, temperature 0.5`;
  return [grammaticalShare({ name: 'grammatical', what, goal: 0.9 }, texts), distinct(texts)];
}

export async function editScores(tagger: Model): Promise<Score[]> {
  const write = await pipeline('text-editing', tagger);
  const texts: string[] = [];
  for (let at = 0; at < TEXTS; at += 50) {
    const results = await write(
      Array.from({ length: 50 }, () => ''),
      { topP: 0.9, seed: SEED + at },
    );
    texts.push(...results.map(({ generatedText }) => generatedText));
  }
  const what = `grammatical sentences among those of ${TEXTS} texts, begun with nothing, top-p 0.9`;
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
