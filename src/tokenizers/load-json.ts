/** Tokenizers from tokenizer.json (huggingface/tokenizers): every component by its JSON form. */
import { TokenizerError } from '../errors.ts';
import { parseAddedTokens } from './added-tokens.ts';
import { joinWithSpaces, parseDecoder } from './decoders.ts';
import type { PaddingOptions } from './encoding.ts';
import { asCount, asObject, asString, isObject, type JsonObject } from './json-fields.ts';
import { parseModel } from './load-model.ts';
import { parseNormalizer } from './normalizers.ts';
import { PLAIN, parsePostProcessor } from './post-processors.ts';
import { parsePreTokenizer } from './pre-tokenizers.ts';
import { findSpecialTokens } from './special-tokens.ts';
import { type EncodeOptions, Tokenizer } from './tokenizer.ts';

/** Files beside a tokenizer, parsed. */
export interface TokenizerExtras {
  /** tokenizer_config.json. */
  readonly config?: unknown;
  /** special_tokens_map.json. */
  readonly specialTokensMap?: unknown;
}

/** How deep the components of a tokenizer.json may be nested. */
const MAX_NESTING = 32;
/** How many values a component may have, counted along every path to them: an object made in memory may share its parts. */
const MAX_VALUES = 1 << 14;

/** Refuses what would overflow the stack later, or take forever to walk through. */
function checkNesting(component: unknown, where: string): void {
  let values = 0;
  const visit = (value: unknown, depth: number): void => {
    if (depth > MAX_NESTING || ++values > MAX_VALUES)
      throw new TokenizerError('a tokenizer file is nested too deeply', {
        expected: `at most ${MAX_NESTING} levels and ${MAX_VALUES} values`,
        where,
      });
    if (typeof value !== 'object' || value === null) return;
    for (const part of Object.values(value)) visit(part, depth + 1);
  };
  visit(component, 0);
}

const STRATEGIES = { LongestFirst: 'longest_first', OnlyFirst: 'only_first', OnlySecond: 'only_second' } as const;

function oneOf<T>(value: unknown, choices: Readonly<Record<string, T>>, where: string): T {
  const name = asString(value, where);
  if (Object.hasOwn(choices, name)) return choices[name]!;
  throw new TokenizerError('a field of the tokenizer file has an unknown value', {
    seen: name,
    expected: Object.keys(choices).join(', '),
    where,
  });
}

const SIDES = { Left: 'left', Right: 'right', left: 'left', right: 'right' } as const;

function parseTruncation(value: unknown): EncodeOptions {
  if (value === undefined || value === null) return {};
  const config = asObject(value, 'truncation');
  return {
    maxLength: asCount(config.max_length, 'truncation.max_length'),
    truncation: oneOf(config.strategy ?? 'LongestFirst', STRATEGIES, 'truncation.strategy'),
    truncationSide: oneOf(config.direction ?? 'Right', SIDES, 'truncation.direction'),
    stride: asCount(config.stride ?? 0, 'truncation.stride'),
  };
}

function parsePadding(value: unknown): PaddingOptions {
  if (value === undefined || value === null) return {};
  const config = asObject(value, 'padding');
  const { strategy, pad_to_multiple_of: multiple } = config;
  return {
    padding: isObject(strategy)
      ? asCount(strategy.Fixed, 'padding.strategy.Fixed')
      : oneOf(strategy ?? 'BatchLongest', { BatchLongest: 'longest' } as const, 'padding.strategy'),
    paddingSide: oneOf(config.direction ?? 'Right', SIDES, 'padding.direction'),
    ...(multiple !== undefined &&
      multiple !== null && { padToMultipleOf: asCount(multiple, 'padding.pad_to_multiple_of') }),
    padId: asCount(config.pad_id ?? 0, 'padding.pad_id'),
    padTypeId: asCount(config.pad_type_id ?? 0, 'padding.pad_type_id'),
    padToken: asString(config.pad_token ?? '[PAD]', 'padding.pad_token'),
  };
}

/** The objects among the extras; other values count as missing. */
export function configsOf(extras: TokenizerExtras): JsonObject[] {
  return [extras.config, extras.specialTokensMap].filter(isObject);
}

/**
 * A tokenizer from a parsed tokenizer.json. Throws TokenizerError that names the field at fault, and UnsupportedError for a
 * model or a component of an unknown type.
 */
export function tokenizerFromJson(json: unknown, extras: TokenizerExtras = {}): Tokenizer {
  const file = asObject(json, 'tokenizer.json');
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder']) checkNesting(file[part], part);
  const present = <T>(key: string, parse: (value: unknown) => T): T | undefined =>
    file[key] === undefined || file[key] === null ? undefined : parse(file[key]);
  const steps = present('pre_tokenizer', value => parsePreTokenizer(value)) ?? [];
  const addedTokens = parseAddedTokens(file.added_tokens);
  const savedOptions = { ...parseTruncation(file.truncation), ...parsePadding(file.padding) };
  const { model, preTokenizer } = parseModel(file.model, steps);
  const configs = configsOf(extras);
  const roles = findSpecialTokens(configs, addedTokens, token => model.tokenToId(token));
  return new Tokenizer({
    model,
    preTokenizer,
    normalizer: present('normalizer', value => parseNormalizer(value)),
    addedTokens,
    postProcessor: present('post_processor', value => parsePostProcessor(value)) ?? PLAIN,
    decoder: present('decoder', value => parseDecoder(value)) ?? joinWithSpaces,
    specialTokens: {
      ...(model.unknownId !== undefined && { unk: model.unknownId }),
      ...(savedOptions.padId !== undefined && { pad: savedOptions.padId }),
      ...roles,
    },
    cleanUpSpaces: configs[0]?.clean_up_tokenization_spaces === true,
    savedOptions,
  });
}
