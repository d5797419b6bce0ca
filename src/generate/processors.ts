/**
 * The chain of processors for given settings.
 *
 * Default order (transformers 4.57, generation/utils.py): penalties, then constraints, then own processors, then, when
 * sampling, temperature and the truncations. llama.cpp cuts first and applies the temperature last; pass that as `order`.
 */

import { ConfigError } from '../errors.ts';
import {
  badWords,
  beginSuppressTokens,
  exponentialDecay,
  forcedBos,
  forcedEos,
  minLength,
  minNewTokens,
  removeInvalidValues,
  sequenceBias,
  suppressTokens,
} from './constraints.ts';
import type { LogitsProcessor } from './history.ts';
import { type GenerateSettings, toList } from './options.ts';
import {
  encoderNoRepeatNgram,
  encoderRepetitionPenalty,
  frequencyPenalty,
  noRepeatNgram,
  presencePenalty,
  repetitionPenalty,
} from './penalties.ts';
import { epsilonCutoff, etaCutoff, minP, renormalize, temperature, topK, topP, typicalP } from './truncation.ts';

/**
 * Given the settings, the least number of tokens a truncation keeps and the processor of the constraint: the processor, or a falsy
 * value if it is off.
 */
type Maker = (
  s: GenerateSettings,
  keep: number,
  constraint: LogitsProcessor | undefined,
) => LogitsProcessor | false | undefined;

/** Every processor, in the default order. */
const MAKERS = {
  sequenceBias: s => s.sequenceBias.length > 0 && sequenceBias(s.sequenceBias),
  encoderRepetitionPenalty: s =>
    s.encoderRepetitionPenalty !== 1 && encoderRepetitionPenalty(s.encoderRepetitionPenalty),
  repetitionPenalty: s => s.repetitionPenalty !== 1 && repetitionPenalty(s.repetitionPenalty),
  presencePenalty: s => s.presencePenalty !== 0 && presencePenalty(s.presencePenalty),
  frequencyPenalty: s => s.frequencyPenalty !== 0 && frequencyPenalty(s.frequencyPenalty),
  noRepeatNgram: s => s.noRepeatNgramSize > 0 && noRepeatNgram(s.noRepeatNgramSize),
  encoderNoRepeatNgram: s => s.encoderNoRepeatNgramSize > 0 && encoderNoRepeatNgram(s.encoderNoRepeatNgramSize),
  badWords: s => s.badWordsIds.length > 0 && badWords(s.badWordsIds, s.endIds),
  minLength: s => s.minLength > 0 && s.endIds.length > 0 && minLength(s.minLength, s.endIds),
  minNewTokens: s => s.minNewTokens > 0 && s.endIds.length > 0 && minNewTokens(s.minNewTokens, s.endIds),
  forcedBos: s => s.forcedBosTokenId !== undefined && forcedBos(s.forcedBosTokenId),
  forcedEos: s => toList(s.forcedEosTokenId).length > 0 && forcedEos(toList(s.forcedEosTokenId)),
  removeInvalidValues: s => s.removeInvalidValues && removeInvalidValues(),
  exponentialDecay: ({ exponentialDecayLengthPenalty: decay, endIds }) =>
    decay && endIds.length > 0 && exponentialDecay(decay[0], decay[1], endIds),
  suppressTokens: s => s.suppressTokens.length > 0 && suppressTokens(s.suppressTokens),
  beginSuppressTokens: s =>
    s.beginSuppressTokens.length > 0 && beginSuppressTokens(s.beginSuppressTokens, s.forcedBosTokenId !== undefined),
  custom: ({ processors }) =>
    processors.length > 0 &&
    ((scores, history) => {
      for (const process of processors) process(scores, history);
    }),
  // Behind everything that could give a token back.
  constraint: (_s, _keep, constraint) => constraint,
  temperature: s => s.doSample && s.temperature !== 1 && temperature(s.temperature),
  topK: (s, keep) => s.doSample && s.topK > 0 && topK(s.topK, keep),
  topP: (s, keep) => s.doSample && s.topP < 1 && topP(s.topP, keep),
  minP: (s, keep) => s.doSample && s.minP > 0 && minP(s.minP, keep),
  typicalP: (s, keep) => s.doSample && s.typicalP < 1 && typicalP(s.typicalP, keep),
  epsilonCutoff: (s, keep) => s.doSample && s.epsilonCutoff > 0 && epsilonCutoff(s.epsilonCutoff, keep),
  etaCutoff: (s, keep) => s.doSample && s.etaCutoff > 0 && etaCutoff(s.etaCutoff, keep),
  renormalize: s => s.renormalizeLogits && renormalize(),
} satisfies Record<string, Maker>;

export type ProcessorName = keyof typeof MAKERS;

/** The order of transformers. */
export const DEFAULT_ORDER: readonly ProcessorName[] = Object.keys(MAKERS) as ProcessorName[];

/** The order of llama.cpp's default chain for what it knows, constraints first. */
export const LLAMA_CPP_ORDER: readonly ProcessorName[] = [
  ...DEFAULT_ORDER.slice(0, DEFAULT_ORDER.indexOf('temperature')),
  'topK',
  'typicalP',
  'topP',
  'minP',
  'epsilonCutoff',
  'etaCutoff',
  'temperature',
  'renormalize',
];

/**
 * The processors that the settings turn on, in order. In beam search a truncation keeps enough tokens for every beam to go
 * on although all end tokens are among them. Throws `ConfigError` if `order` has an unknown or repeated name or leaves out
 * a processor that is on.
 */
export function buildProcessors(settings: GenerateSettings, constraint?: LogitsProcessor): LogitsProcessor[] {
  const order = settings.order ?? DEFAULT_ORDER;
  const problems: string[] = [];
  order.forEach((name, index) => {
    if (!Object.hasOwn(MAKERS, name)) problems.push(`'${name}' is no processor`);
    else if (order.indexOf(name) !== index) problems.push(`'${name}' comes twice`);
  });
  const keep = settings.numBeams > 1 ? settings.endIds.length + 1 : 1;
  const made = new Map<string, LogitsProcessor>();
  for (const name of DEFAULT_ORDER) {
    const maker: Maker = MAKERS[name];
    const processor = maker(settings, keep, constraint);
    if (!processor) continue;
    made.set(name, processor);
    if (!order.includes(name)) problems.push(`'${name}' is in use but not in the list`);
  }
  if (problems.length > 0) {
    throw new ConfigError(`order of processors: ${problems.join('; ')}`, { expected: DEFAULT_ORDER.join(', ') });
  }
  return order.flatMap(name => made.get(name) ?? []);
}
