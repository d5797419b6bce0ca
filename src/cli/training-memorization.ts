/** What a language model writes after a run, held against what it has read: whether it says things of its own. */
import type { Model } from '../hub/model.ts';
import { type Memorization, memorization } from '../train/watch/index.ts';
import { createRng } from '../util/rng.ts';
import type { TrainingData } from './training-data.ts';

/** Beginnings from the validation text, which the model goes on with. */
const PROMPTS = 8;
const PROMPT_TOKENS = 16;
const NEW_TOKENS = 48;
const N = 8;

/**
 * Has the model go on with beginnings of unseen text, and compares what it writes with what really follows there.
 * @returns undefined where there is no such text, or too little of it
 */
export async function memorizationOf(
  model: Pick<Model, 'contextLength' | 'generateIds'>,
  { trainingTexts, unseenText }: Pick<TrainingData, 'trainingTexts' | 'unseenText'>,
  { seed, signal }: { readonly seed: number; readonly signal: AbortSignal },
): Promise<Memorization | undefined> {
  const unseen = await unseenText?.();
  const newTokens = Math.min(NEW_TOKENS, (model.contextLength ?? Number.POSITIVE_INFINITY) - PROMPT_TOKENS);
  const size = PROMPT_TOKENS + newTokens;
  if (!unseen || newTokens < N || unseen.length < size) return undefined;
  const rng = createRng(seed);
  const places = Array.from({ length: PROMPTS }, () => rng.below(unseen.length - size + 1));
  const prompts = places.map(at => Array.from({ length: PROMPT_TOKENS }, (_, i) => unseen[at + i]!));
  const generated: (readonly number[])[] = [];
  const options = { maxNewTokens: newTokens, minNewTokens: newTokens, doSample: true, temperature: 1, seed, signal };
  for await (const event of model.generateIds(prompts, options))
    if (event.type === 'done') generated.push(...event.sequences.map(({ ids }) => ids));
  const heldOut = places.map(at => Array.from({ length: newTokens }, (_, i) => unseen[at + PROMPT_TOKENS + i]!));
  return memorization({ training: trainingTexts(), generated, heldOut }, { n: N, signal });
}
