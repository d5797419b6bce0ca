/** What the samplers of a diffusion share: a checked request, its texts, its random streams, its events. */

import { ConfigError } from '../errors.ts';
import { type Rng, randomSeed } from '../util/rng.ts';
import { Canvas } from './diffuse-canvas.ts';
import type { Denoiser } from './diffuse-denoiser.ts';
import type { CommittedToken, DiffuseDoneEvent, DiffuseStepEvent } from './diffuse-events.ts';
import { type DiffuseOptions, type DiffuseSettings, resolveDiffuseOptions } from './diffuse-options.ts';
import { show } from './options.ts';
import { checkIdPrompts } from './prompts.ts';
import { sequenceRng } from './run.ts';

/** Everything that is fixed before the first step, and the texts. */
export interface DiffuseRun {
  readonly denoiser: Denoiser;
  readonly settings: DiffuseSettings;
  readonly canvas: Canvas;
  /** One per prompt; undefined when nothing is drawn. */
  readonly rngs: readonly (Rng | undefined)[];
  readonly seed: number | readonly number[] | undefined;
  /** Prompt tokens that were masks. */
  readonly maskedPromptTokens: number;
  readonly start: number;
}

/** Checks a request. Throws `ConfigError` for options, prompts or lengths that cannot be, before anything is computed. */
export function prepareDiffusion(
  denoiser: Denoiser,
  prompts: readonly (readonly number[])[],
  options: DiffuseOptions,
): DiffuseRun {
  const settings = resolveDiffuseOptions(options);
  checkIdPrompts(prompts);
  const { genLength, seed, sampler, temperature, remasking, stride } = settings;
  if (prompts.length === 0) throw new ConfigError('no prompts', { expected: 'at least one, which may be empty: [[]]' });
  for (const [where, ids] of Object.entries({
    maskId: [denoiser.maskId],
    suppressTokens: settings.suppressTokens,
    deferTokens: settings.deferTokens,
    ...Object.fromEntries(prompts.map((prompt, i) => [`prompt ${i}`, Array.from(prompt)])),
  }))
    checkIds(ids, denoiser.vocabSize, where);
  if (Array.isArray(seed) && seed.length !== prompts.length)
    throw new ConfigError('seeds and prompts differ in number', { seen: `${seed.length} and ${prompts.length}` });

  const canvas = new Canvas(denoiser, prompts, settings.signal);
  const maskedPromptTokens = canvas.hidden().flat().length;
  if (genLength === 0 && maskedPromptTokens === 0)
    throw new ConfigError('there is nothing to find', {
      seen: 'genLength 0 and prompts without mask tokens',
      fix: `set genLength, or put the mask token ${denoiser.maskId} into a prompt`,
    });
  checkLengths(Math.max(...canvas.promptLengths), genLength, stride, denoiser.contextLength);

  const draws = sampler === 'ancestral' || temperature > 0 || remasking === 'random';
  const used = draws ? (seed ?? randomSeed()) : undefined;
  return {
    denoiser,
    settings,
    canvas,
    rngs: prompts.map((_, prompt) => (used === undefined ? undefined : sequenceRng(used, prompt, 0))),
    seed: used,
    maskedPromptTokens,
    start: performance.now(),
  };
}

/** Throws `ConfigError` for ids outside the vocabulary. */
export function checkIds(ids: readonly number[], vocabSize: number, where: string): void {
  const stranger = ids.find(id => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (stranger !== undefined)
    throw new ConfigError('a token id is not in the vocabulary', {
      seen: show(stranger),
      expected: `0 to ${vocabSize - 1}`,
      where,
    });
}

function checkLengths(
  prompt: number,
  genLength: number,
  stride: number | undefined,
  context: number | undefined,
): void {
  if (context === undefined) return;
  if (prompt > context || (stride === undefined && prompt + genLength > context))
    throw new ConfigError('the text does not fit into the context window', {
      seen: `${prompt} prompt tokens and ${genLength} new ones`,
      expected: `${context} in all`,
      fix: "shorten one of them, or set a stride (sampler 'ancestral')",
    });
  if (stride !== undefined && stride >= context)
    throw new ConfigError('the stride leaves no room for what was written before', {
      seen: `${stride}`,
      expected: `below the ${context} tokens of the context window`,
    });
}

/** The state as an event. */
export const stepEvent = (
  { canvas }: DiffuseRun,
  step: number,
  steps: number,
  committed: readonly CommittedToken[],
): DiffuseStepEvent => ({ type: 'step', step, steps, ids: canvas.texts.map(text => text.slice()), committed });

/** The last event. */
export function doneEvent({ canvas, maskedPromptTokens, seed, start }: DiffuseRun): DiffuseDoneEvent {
  const total = canvas.texts.reduce((sum, text) => sum + text.length, 0);
  const promptTokens = canvas.promptLengths.reduce((sum, n) => sum + n, 0) - maskedPromptTokens;
  return {
    type: 'done',
    sequences: canvas.texts.map((ids, prompt) => ({ prompt, promptLength: canvas.promptLengths[prompt]!, ids })),
    stats: {
      promptTokens,
      newTokens: total - promptTokens,
      forwards: canvas.forwards,
      totalMs: performance.now() - start,
      ...(seed !== undefined && { seed }),
    },
  };
}
