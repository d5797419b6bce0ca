/**
 * The settings of a generation: their meaning, their neutral values, their checks, and how they are read from a checkpoint.
 *
 * Names are those of transformers' GenerationConfig in camelCase. Differences in meaning, on purpose:
 * - nothing is on unless asked for: transformers cuts to the 50 best tokens as soon as it samples, heed does not. What a
 *   checkpoint's generation_config.json says counts as asked for;
 * - naming a temperature above 0, topK, topP, ... asks for sampling; `temperature: 0` asks for greedy decoding. `doSample`
 *   overrides both;
 * - without a length, up to 256 new tokens (transformers: 20 with the prompt), or what fits into the context window.
 */

import { ConfigError } from '../errors.ts';
import type { Constraint } from './constrain/constraint.ts';
import type { TokenTexts } from './constrain/token-texts.ts';
import type { SequenceBias } from './constraints.ts';
import type { Decoder } from './decoder.ts';
import type { LogitsProcessor } from './history.ts';
import type { ProcessorName } from './processors.ts';
import type { PromptCache } from './prompt-cache.ts';
import type { PromptLookup } from './speculate/prompt-lookup.ts';

export interface GenerateOptions {
  /** Most tokens to generate per sequence. `Infinity`: until the model stops by itself. */
  readonly maxNewTokens?: number | undefined;
  /** Most tokens of prompt and output together; `maxNewTokens` wins over it. */
  readonly maxLength?: number | undefined;
  /** No end token before the sequence, prompt included, has this length. */
  readonly minLength?: number | undefined;
  /** No end token before this many tokens were generated. */
  readonly minNewTokens?: number | undefined;
  /** Sequences still growing after this time (milliseconds, from the start) end with the token they are at. */
  readonly maxTimeMs?: number | undefined;

  /** Draw tokens (true) or take the best (false). */
  readonly doSample?: boolean | undefined;
  /** Divides the logits; below 1 is bolder, above 1 more varied, 0 is greedy. */
  readonly temperature?: number | undefined;
  /** Keep the k best tokens; 0 = off. */
  readonly topK?: number | undefined;
  /** Keep the most probable tokens that together hold this probability; 1 = off. */
  readonly topP?: number | undefined;
  /** Keep tokens with at least this share of the best one's probability; 0 = off. */
  readonly minP?: number | undefined;
  /** Locally typical sampling, the mass to keep; 1 = off. */
  readonly typicalP?: number | undefined;
  /** Keep tokens above this probability; 0 = off. */
  readonly epsilonCutoff?: number | undefined;
  /** Eta sampling; 0 = off. */
  readonly etaCutoff?: number | undefined;
  /**
   * Makes sampling repeatable. Prompt i of a batch draws from streams of its own, so what it becomes does not depend on the
   * prompts beside it; a list gives each prompt the seed it would have alone. Omitted: a random seed, reported in `done`.
   */
  readonly seed?: number | readonly number[] | undefined;

  /** Divides (z > 0) or multiplies (z < 0) the logits of every token of the context; 1 = off. */
  readonly repetitionPenalty?: number | undefined;
  /** Subtracted once from every generated token's logit; 0 = off. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted from a token's logit for each time it was generated; 0 = off. */
  readonly frequencyPenalty?: number | undefined;
  /** Repetition penalty with its inverse on the encoder's ids; 1 = off. */
  readonly encoderRepetitionPenalty?: number | undefined;
  /** No n-gram of this size twice; 0 = off. */
  readonly noRepeatNgramSize?: number | undefined;
  /** No n-gram of this size from the encoder's ids; 0 = off. */
  readonly encoderNoRepeatNgramSize?: number | undefined;
  /** What the encoder read, one list per prompt; needed by the two `encoder...` settings only. */
  readonly encoderIds?: readonly (readonly number[])[] | undefined;

  /** Token sequences that may not appear. */
  readonly badWordsIds?: readonly (readonly number[])[] | undefined;
  readonly sequenceBias?: readonly SequenceBias[] | undefined;
  readonly suppressTokens?: readonly number[] | undefined;
  /** Tokens that may not come first. */
  readonly beginSuppressTokens?: readonly number[] | undefined;
  /** The token that must follow a prompt of one token (encoder-decoders). */
  readonly forcedBosTokenId?: number | undefined;
  /** The only choices at the length limit. */
  readonly forcedEosTokenId?: number | readonly number[] | undefined;
  /** [start, factor]: after `start` generated tokens the end tokens rise by factor^(tokens since). */
  readonly exponentialDecayLengthPenalty?: readonly [number, number] | undefined;
  /**
   * The texts that may be generated: `jsonSchema(...)`, `regex(...)`, `grammar(...)`, `choices(...)`. What comes out meets it
   * also when the length ends it: near the limit only what leads to an end is left. Stop strings, `stopWhen` and `maxTimeMs` may
   * still cut it. Works on ids with `tokenTexts` only.
   */
  readonly constraint?: Constraint | undefined;
  /** What the ids mean, for `constraint`: `tokenTexts(tokenizer, vocabSize)`. A model with a tokenizer fills it in. */
  readonly tokenTexts?: TokenTexts | undefined;
  /** Replace NaN and infinite logits instead of failing on them. */
  readonly removeInvalidValues?: boolean | undefined;
  /** Scores handed on after the processors are log-probabilities again. */
  readonly renormalizeLogits?: boolean | undefined;
  /** Own processors; they run after the penalties and constraints, before the temperature. */
  readonly processors?: readonly LogitsProcessor[] | undefined;
  /** Order of the processors, all that are in use; see processors.ts. */
  readonly order?: readonly ProcessorName[] | undefined;

  /** More than 1: beam search. */
  readonly numBeams?: number | undefined;
  /** Beam scores are divided by length^this: above 0 favours long outputs. */
  readonly lengthPenalty?: number | undefined;
  /** Stop at `numBeams` finished beams (true), when none is likely to be beaten (false), or can be beaten ('never'). */
  readonly earlyStopping?: boolean | 'never' | undefined;
  /** Sequences per prompt (needs sampling or as many beams). */
  readonly numReturnSequences?: number | undefined;

  readonly eosTokenId?: number | readonly number[] | undefined;
  /** More ids that end a sequence. The end token is part of the ids that are returned. */
  readonly stopIds?: readonly number[] | undefined;
  /**
   * Ends a sequence after the token for which it returns true. Gets all ids generated so far (not to be kept: the array
   * lives on) and the index of the sequence. Beam search asks it about candidates of a prompt (with the index of its first
   * sequence), so there the answer must follow from the ids alone.
   */
  readonly stopWhen?: ((ids: readonly number[], sequence: number) => boolean) | undefined;
  readonly bosTokenId?: number | undefined;
  readonly padTokenId?: number | undefined;
  /** What the decoder of an encoder-decoder starts with. */
  readonly decoderStartTokenId?: number | undefined;

  /** Report the log-probability of each token: of the raw logits; in beam search after the processors. */
  readonly logprobs?: boolean | undefined;
  /** Report this many most probable tokens per step too (and `logprobs`); not in beam search. */
  readonly topLogprobs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Speculative decoding: a smaller model with the same vocabulary, or the text itself, proposes tokens that the model checks several
   * at a time. Changes the speed and not what is generated (see speculate/speculate-rows.ts). Not in beam search.
   */
  readonly draft?: Decoder | { readonly promptLookup: PromptLookup } | undefined;
  /** Most tokens of one proposal. Default 5, of `promptLookup` its `tokens`. */
  readonly draftTokens?: number | undefined;
  /** What the model remembers of an earlier text, and will of this one: `model.promptCache()`. For one sequence at a time. */
  readonly cache?: PromptCache | undefined;
  /**
   * When the context window is too small: 'error' refuses, 'truncate' drops the oldest prompt tokens beforehand so that the
   * output fits, 'slide' goes on with the newest half whenever the window is full. A leading BOS stays in place.
   */
  readonly overflow?: 'error' | 'truncate' | 'slide' | undefined;
}

const NEUTRAL = {
  minLength: 0,
  minNewTokens: 0,
  doSample: false,
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  epsilonCutoff: 0,
  etaCutoff: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  encoderRepetitionPenalty: 1,
  noRepeatNgramSize: 0,
  encoderNoRepeatNgramSize: 0,
  badWordsIds: [],
  sequenceBias: [],
  suppressTokens: [],
  beginSuppressTokens: [],
  removeInvalidValues: false,
  renormalizeLogits: false,
  processors: [],
  numBeams: 1,
  lengthPenalty: 1,
  earlyStopping: false,
  numReturnSequences: 1,
  logprobs: false,
  topLogprobs: 0,
  overflow: 'error',
} satisfies GenerateOptions;

type NeutralName = keyof typeof NEUTRAL;

/** Checked options with every neutral value filled in. */
export type GenerateSettings = Omit<GenerateOptions, NeutralName> & {
  readonly [K in NeutralName]: Exclude<GenerateOptions[K], undefined>;
} & {
  /** Every id that ends a sequence: `eosTokenId` and `stopIds`. */
  readonly endIds: readonly number[];
};

/** Returns what is wrong with a value ("a number above 0"), or undefined. */
export type Check = (value: unknown) => string | undefined;

const check =
  (expected: string, accepts: (value: never) => boolean, type: string): Check =>
  value =>
    typeOf(value) === type && accepts(value as never) ? undefined : expected;
export const typeOf = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value);

const isId = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
const isIds = (value: unknown): value is number[] => Array.isArray(value) && value.every(isId);
const some = (ids: unknown) => isIds(ids) && ids.length > 0;

const flag = check('true or false', () => true, 'boolean');
const count = (min: number) =>
  check(`an integer of at least ${min}`, (n: number) => Number.isInteger(n) && n >= min, 'number');
const finite = check('a finite number', (n: number) => Number.isFinite(n), 'number');
const positive = check('a number above 0', (n: number) => n > 0 && n < Number.POSITIVE_INFINITY, 'number');
const share = check('a number from 0 to 1', (n: number) => n >= 0 && n <= 1, 'number');
const cutoff = check('a number from 0 to below 1', (n: number) => n >= 0 && n < 1, 'number');
const limit = check(
  'an integer of at least 1, or Infinity',
  (n: number) => n >= 1 && (Number.isInteger(n) || n === Infinity),
  'number',
);
const id = check('a token id', isId, 'number');
const ids = check('a list of token ids', isIds, 'array');
const call = check('a function', () => true, 'function');
const either =
  (...checks: Check[]): Check =>
  value => {
    const problems = checks.map(test => test(value));
    return problems.includes(undefined) ? undefined : problems.join(' or ');
  };
const each = (expected: string, accepts: (entry: never) => boolean) =>
  check(`a list of ${expected}`, (list: never[]) => list.every(accepts), 'array');

/** Counts of at least 1, and nothing else. */
const isLookup = ({ promptLookup }: { promptLookup?: PromptLookup }) =>
  typeof promptLookup === 'object' &&
  promptLookup !== null &&
  Object.entries(promptLookup).every(([name, value]) =>
    ['ngram', 'tokens'].includes(name) ? value === undefined || count(1)(value) === undefined : false,
  );

/** What each option has to be. */
export const CHECKS: { readonly [K in keyof Required<GenerateOptions>]: Check } = {
  maxNewTokens: limit,
  maxLength: limit,
  minLength: count(0),
  minNewTokens: count(0),
  maxTimeMs: positive,
  doSample: flag,
  temperature: check('a finite number of at least 0', (n: number) => n >= 0 && Number.isFinite(n), 'number'),
  topK: count(0),
  topP: share,
  minP: share,
  typicalP: check('a number above 0, at most 1', (n: number) => n > 0 && n <= 1, 'number'),
  epsilonCutoff: cutoff,
  etaCutoff: cutoff,
  seed: either(check('a safe integer', Number.isSafeInteger, 'number'), each('safe integers', Number.isSafeInteger)),
  repetitionPenalty: positive,
  presencePenalty: finite,
  frequencyPenalty: finite,
  encoderRepetitionPenalty: positive,
  noRepeatNgramSize: count(0),
  encoderNoRepeatNgramSize: count(0),
  encoderIds: each('lists of token ids', isIds),
  badWordsIds: each('lists of at least one token id', some),
  sequenceBias: each(
    '{ ids, bias }',
    (e: SequenceBias) => some(e?.ids) && typeof e.bias === 'number' && e.bias < Infinity,
  ),
  suppressTokens: ids,
  beginSuppressTokens: ids,
  forcedBosTokenId: id,
  forcedEosTokenId: either(id, ids),
  exponentialDecayLengthPenalty: check(
    '[start, factor], at least 0 and above 0',
    (pair: number[]) =>
      pair.length === 2 && Number.isInteger(pair[0]) && pair[0]! >= 0 && positive(pair[1]) === undefined,
    'array',
  ),
  constraint: check(
    'a constraint, as jsonSchema(), regex(), grammar() and choices() make it',
    (value: object) => value !== null && 'language' in value,
    'object',
  ),
  tokenTexts: check('what tokenTexts() returns', (value: object) => value !== null && 'later' in value, 'object'),
  removeInvalidValues: flag,
  renormalizeLogits: flag,
  processors: each('functions', (f: unknown) => typeof f === 'function'),
  order: each('processor names', (name: unknown) => typeof name === 'string'),
  numBeams: count(1),
  lengthPenalty: finite,
  earlyStopping: either(
    flag,
    check("'never'", (word: string) => word === 'never', 'string'),
  ),
  numReturnSequences: count(1),
  eosTokenId: either(id, ids),
  stopIds: ids,
  stopWhen: call,
  bosTokenId: id,
  padTokenId: id,
  decoderStartTokenId: id,
  logprobs: flag,
  topLogprobs: count(0),
  signal: check('an AbortSignal', (signal: object) => 'aborted' in signal, 'object'),
  draft: check(
    'a model, or { promptLookup: { ngram, tokens } }',
    (value: { open?: unknown; promptLookup?: PromptLookup }) => value !== null && ('open' in value || isLookup(value)),
    'object',
  ),
  draftTokens: count(1),
  cache: check('what model.promptCache() returns', (value: object) => value !== null && 'borrow' in value, 'object'),
  overflow: check(
    "'error', 'truncate' or 'slide'",
    (word: string) => ['error', 'truncate', 'slide'].includes(word),
    'string',
  ),
};

/** Settings that only mean something when sampling, so that naming one asks for it. */
const SAMPLING = ['temperature', 'topK', 'topP', 'minP', 'typicalP', 'epsilonCutoff', 'etaCutoff'] as const;

function asksForSampling(options: GenerateOptions): boolean | undefined {
  if (options.doSample !== undefined) return options.doSample;
  if (options.temperature !== undefined) return options.temperature > 0;
  return SAMPLING.some(name => options[name] !== undefined) ? true : undefined;
}

/**
 * `options` on top of `defaults` (a checkpoint's, from `optionsFromConfig`). What the caller says about length or sampling
 * counts as a whole: a `maxLength` of the caller is not overruled by a `maxNewTokens` of the checkpoint, and a temperature
 * of the caller asks for sampling although the checkpoint's own default is greedy.
 */
export function mergeOptions<O extends GenerateOptions>(defaults: GenerateOptions, options: O): O {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const merged: Record<string, unknown> = { ...defaults, ...given };
  if (options.maxNewTokens !== undefined || options.maxLength !== undefined) {
    merged.maxNewTokens = options.maxNewTokens;
    merged.maxLength = options.maxLength;
  }
  merged.doSample = asksForSampling(options) ?? defaults.doSample;
  // A checkpoint may name a temperature without asking for sampling: as in transformers, that alone changes nothing.
  merged.doSample ??= false;
  return merged as O;
}

/** Checks options and fills in neutral values. Throws one `ConfigError` that lists everything that is wrong. */
export function resolveOptions(options: GenerateOptions): GenerateSettings {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) problems.push(`${name} is no generation option`);
    else if (value !== undefined) {
      const expected = CHECKS[name as keyof GenerateOptions](value);
      if (expected) problems.push(`${name} = ${show(value)} is not ${expected}`);
    }
  }
  const { minNewTokens = 0, maxNewTokens = Number.POSITIVE_INFINITY, numBeams = 1, numReturnSequences = 1 } = options;
  const doSample = options.temperature === 0 ? false : (asksForSampling(options) ?? false);
  if (minNewTokens > maxNewTokens)
    problems.push(`minNewTokens = ${minNewTokens} is above maxNewTokens = ${maxNewTokens}`);
  if (numBeams > 1 && numReturnSequences > numBeams) {
    problems.push(`numReturnSequences = ${numReturnSequences} is above numBeams = ${numBeams}`);
  }
  const several = numBeams > 1 || numReturnSequences > 1;
  if (options.draft && numBeams > 1) problems.push(`draft has no meaning in a beam search (numBeams = ${numBeams})`);
  if (options.cache && several) problems.push('cache is for one sequence: set numBeams and numReturnSequences to 1');
  if (numBeams === 1 && numReturnSequences > 1 && !doSample) {
    problems.push(
      `greedy decoding has one result, not ${numReturnSequences}: sample (temperature > 0) or set numBeams`,
    );
  }
  if (problems.length > 0) {
    throw new ConfigError(`generation options: ${problems.join('; ')}`, { where: 'generate options' });
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const endIds = [...new Set([...toList(options.eosTokenId), ...toList(options.stopIds)])];
  return { ...NEUTRAL, ...given, doSample, endIds } as GenerateSettings;
}

/** One id, a list of ids, or nothing, as a list. */
export function toList(ids: number | readonly number[] | undefined): readonly number[] {
  return ids === undefined ? [] : typeof ids === 'number' ? [ids] : ids;
}

/** Any value for an error, shortened. Objects of a class, which may be huge or endless, by its name. */
export function show(value: unknown): string {
  const simple = (part: unknown) => {
    if (typeof part === 'bigint') return String(part);
    const isObject = typeof part === 'object' && part !== null && !Array.isArray(part);
    const name: unknown = isObject ? part.constructor?.name : undefined;
    return typeof name === 'string' && name !== 'Object' ? name : part;
  };
  const isShown = ['number', 'bigint', 'function', 'symbol'].includes(typeof value) || simple(value) !== value;
  const text = isShown ? String(simple(value)) : (JSON.stringify(value, (_, part) => simple(part)) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
