/** What greedy decoding, sampling and beam search share: a checked request, its random streams, its clock, its errors. */

import { BackendError, ConfigError } from '../errors.ts';
import { createRng, type Rng, randomSeed } from '../util/rng.ts';
import { type ConstraintRun, runConstraint } from './constrain/constraint.ts';
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
  /** Whether a token completes what is constrained, where no end token will say so. */
  readonly completes: ((history: SequenceHistory, id: number) => boolean) | undefined;
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
  if (settings.cache && prompts.length > 1)
    throw new ConfigError('a prompt cache is for one prompt', { seen: `${prompts.length} prompts`, where: 'cache' });
  if (Array.isArray(seed) && seed.length !== prompts.length) {
    throw new ConfigError('seeds and prompts differ in number', { seen: `${seed.length} and ${prompts.length}` });
  }
  const endIds = new Set(settings.endIds);
  const histories = startHistories(prompts, settings, decoder.vocabSize, decoder.contextLength);
  const constraint = constraintOf(settings, decoder, histories);
  return {
    decoder,
    settings,
    processors: buildProcessors(settings, constraint?.process),
    histories,
    seed: doSample ? (seed ?? randomSeed()) : undefined,
    isEnd: id => endIds.has(id),
    completes: endIds.size === 0 ? constraint?.completes : undefined,
  };
}

/** The constraint of a request on its vocabulary. Throws `ConfigError` when they do not go together. */
function constraintOf(
  settings: GenerateSettings,
  decoder: Decoder,
  histories: readonly SequenceHistory[],
): ConstraintRun | undefined {
  const { constraint, tokenTexts: texts, endIds, forcedBosTokenId, overflow } = settings;
  if (!constraint) return undefined;
  if (texts?.vocabSize !== decoder.vocabSize)
    throw new ConfigError('a constraint on texts needs the texts of the tokens', {
      ...(texts && { seen: `the texts of ${texts.vocabSize} tokens` }),
      expected: `those of ${decoder.vocabSize}`,
      fix: 'use a model with a tokenizer, or give tokenTexts: tokenTexts(tokenizer, vocabSize)',
    });
  const forcesEnd = toList(settings.forcedEosTokenId).length > 0;
  const window = overflow === 'slide' ? undefined : decoder.contextLength;
  return runConstraint(
    {
      constraint,
      texts,
      endIds,
      limitOf: history => Math.min(history.maxLength, window ?? Number.POSITIVE_INFINITY),
      forcedAtEnd: forcesEnd ? 1 : 0,
      forces: history =>
        (forcedBosTokenId !== undefined && history.ids.length === 1) ||
        (forcesEnd && history.ids.length === history.maxLength - 1),
    },
    histories,
  );
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
export function statsOf(
  run: GenerateRun,
  sequences: readonly GeneratedSequence[],
  clock: Clock,
  { cachedTokens }: { readonly cachedTokens?: number | undefined } = {},
): GenerateStats {
  return {
    promptTokens: run.histories.reduce((sum, history) => sum + history.promptLength, 0),
    newTokens: sequences.reduce((sum, sequence) => sum + sequence.ids.length, 0),
    ...clock.phases(),
    ...(run.seed !== undefined && { seed: run.seed }),
    ...(cachedTokens !== undefined && { cachedTokens }),
  };
}
