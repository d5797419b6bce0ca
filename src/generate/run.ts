/** What greedy decoding, sampling and beam search share: a checked request, its random streams, its clock, its errors. */

import { BackendError, ConfigError } from '../errors.ts';
import { createRng, type Rng, randomSeed } from '../util/rng.ts';
import type { Decoder } from './decoder.ts';
import type { GeneratedSequence, GenerateStats } from './events.ts';
import type { LogitsProcessor, SequenceHistory } from './history.ts';
import { type GenerateOptions, type GenerateSettings, resolveOptions, toList } from './options.ts';
import { startHistories } from './overflow.ts';
import { buildProcessors } from './processors.ts';
import { checkIdPrompts } from './prompts.ts';

/** Everything that is fixed before the first step. */
export interface GenerateRun {
  readonly decoder: Decoder;
  readonly settings: GenerateSettings;
  readonly processors: readonly LogitsProcessor[];
  /** One per prompt. */
  readonly histories: readonly SequenceHistory[];
  /** The seed in use, if anything is drawn. */
  readonly seed: number | readonly number[] | undefined;
  readonly isEnd: (id: number) => boolean;
}

/** Checks a request. Throws `ConfigError` for options, prompts or lengths that cannot be, before anything is computed. */
export function prepareRun(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): GenerateRun {
  const settings = resolveOptions(options);
  checkIdPrompts(prompts);
  const { doSample, seed } = settings;
  checkNamedIds(settings, decoder.vocabSize);
  if (Array.isArray(seed) && seed.length !== prompts.length) {
    throw new ConfigError('seeds and prompts differ in number', { seen: `${seed.length} and ${prompts.length}` });
  }
  const endIds = new Set(settings.endIds);
  return {
    decoder,
    settings,
    processors: buildProcessors(settings),
    histories: startHistories(prompts, settings, decoder.vocabSize, decoder.contextLength),
    seed: doSample ? (seed ?? randomSeed()) : undefined,
    isEnd: id => endIds.has(id),
  };
}

/** Throws `ConfigError` for a constraint on a token that does not exist: it could only be passed over in silence. */
function checkNamedIds(settings: GenerateSettings, vocabSize: number): void {
  const named = {
    forcedBosTokenId: toList(settings.forcedBosTokenId),
    forcedEosTokenId: toList(settings.forcedEosTokenId),
    suppressTokens: settings.suppressTokens,
    beginSuppressTokens: settings.beginSuppressTokens,
    badWordsIds: settings.badWordsIds.flat(),
    sequenceBias: settings.sequenceBias.flatMap(({ ids }) => ids),
  };
  for (const [where, ids] of Object.entries(named)) {
    const stranger = ids.find(id => id >= vocabSize);
    if (stranger === undefined) continue;
    throw new ConfigError('a token id is not in the vocabulary', {
      seen: `${stranger}`,
      expected: `below ${vocabSize}`,
      where,
    });
  }
}

/** The generator of the random numbers of one sequence of one prompt. */
export function sequenceRng(seed: number | readonly number[], prompt: number, sequence: number): Rng {
  return typeof seed === 'number' ? createRng(seed, prompt, sequence) : createRng(seed[prompt]!, 0, sequence);
}

/** The error for scores that no token can be chosen from. */
export function noTokenError(scores: Float32Array, history: SequenceHistory): Error {
  const where = `prompt ${history.prompt}, token ${history.generatedLength}`;
  if (scores.every(score => score === Number.NEGATIVE_INFINITY)) {
    return new ConfigError('every token is forbidden at this step', {
      fix: 'loosen the constraints (suppressTokens, badWordsIds, noRepeatNgramSize, own processors, ...)',
      where,
    });
  }
  return new BackendError('the model returned logits that are NaN or infinite', {
    fix: 'check the weights and the precision; removeInvalidValues goes on regardless',
    where,
  });
}

/** Measures the two phases of a run. */
export interface Clock {
  promptIsRead(): void;
  /** Whether `maxTimeMs` is over. */
  timeIsUp(): boolean;
  phases(): { promptMs: number; generationMs: number };
}

export function startClock(settings: GenerateSettings): Clock {
  const start = performance.now();
  let filled = start;
  return {
    promptIsRead() {
      filled = performance.now();
    },
    timeIsUp: () => settings.maxTimeMs !== undefined && performance.now() - start >= settings.maxTimeMs,
    phases: () => ({ promptMs: filled - start, generationMs: performance.now() - filled }),
  };
}

/** The numbers of the last event. */
export function statsOf(run: GenerateRun, sequences: readonly GeneratedSequence[], clock: Clock): GenerateStats {
  return {
    promptTokens: run.histories.reduce((sum, history) => sum + history.promptLength, 0),
    newTokens: sequences.reduce((sum, sequence) => sum + sequence.ids.length, 0),
    ...clock.phases(),
    ...(run.seed !== undefined && { seed: run.seed }),
  };
}
