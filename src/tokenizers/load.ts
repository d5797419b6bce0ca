/**
 * Tokenizers from the contents of their files: tokenizer.json (huggingface/tokenizers), vocab.json with merges.txt (GPT-2,
 * RoBERTa), SentencePiece `.model`, tiktoken ranks. Nothing here reads a disk or the network.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { type AddedToken, parseAddedTokens, specialToken } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { joinWithSpaces, parseDecoder } from './decoders.ts';
import type { PaddingOptions } from './encoding.ts';
import {
  asCount,
  asList,
  asObject,
  asString,
  flag,
  isObject,
  type JsonObject,
  optionalString,
  shown,
} from './json-fields.ts';
import { tokenizerFromSentencePiece } from './load-sentencepiece.ts';
import { tokenizerFromTiktoken } from './load-tiktoken.ts';
import { mergesFromList } from './merge-table.ts';
import type { Model } from './model.ts';
import { parseNormalizer } from './normalizers.ts';
import { PLAIN, parsePostProcessor } from './post-processors.ts';
import { BYTE_STEP, type PreTokenizerStep, parsePreTokenizer } from './pre-tokenizers.ts';
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

/** Refuses what would overflow the stack later. */
function checkNesting(value: unknown, where: string, depth = 0): void {
  if (depth > MAX_NESTING)
    throw new TokenizerError('a tokenizer file is nested too deeply', {
      expected: `at most ${MAX_NESTING} levels`,
      where,
    });
  if (typeof value !== 'object' || value === null) return;
  for (const part of Object.values(value)) checkNesting(part, where, depth + 1);
}

/** `vocab` of a model: token -> id. Throws TokenizerError. */
function parseVocab(value: unknown, where: string): Map<string, number> {
  const object = asObject(value, where);
  const vocab = new Map<string, number>();
  for (const token in object) vocab.set(token, asCount(object[token], `${where}[${JSON.stringify(token)}]`));
  if (vocab.size === 0) throw new TokenizerError('a vocabulary is empty', { where });
  return vocab;
}

/** A merge as `"a b"` or `["a", "b"]`. */
function splitMerge(merge: unknown, where: string): readonly [string, string] {
  if (typeof merge === 'string') {
    const space = merge.indexOf(' ');
    if (space > 0 && space < merge.length - 1 && merge.indexOf(' ', space + 1) < 0)
      return [merge.slice(0, space), merge.slice(space + 1)];
  } else if (
    Array.isArray(merge) &&
    merge.length === 2 &&
    typeof merge[0] === 'string' &&
    typeof merge[1] === 'string'
  ) {
    return merge as [string, string];
  }
  throw new TokenizerError('a merge is not two tokens', { seen: shown(merge), expected: '"a b" or ["a", "b"]', where });
}

/** Says whether the model reads bytes itself instead of the characters that stand for them. */
type ModelParser = (config: JsonObject, bytes: boolean, where: string) => Model;

function parseBpe(config: JsonObject, bytes: boolean, where: string): Bpe {
  const vocab = parseVocab(config.vocab, `${where}.vocab`);
  const continuingPrefix = optionalString(config, 'continuing_subword_prefix', where) ?? '';
  const endSuffix = optionalString(config, 'end_of_word_suffix', where) ?? '';
  const unknown = optionalString(config, 'unk_token', where);
  if (unknown !== undefined && !vocab.has(unknown)) {
    throw new TokenizerError('the unknown token is not in the vocabulary', { seen: JSON.stringify(unknown), where });
  }
  const merges = mergesFromList(
    vocab,
    asList(config.merges, `${where}.merges`),
    (merge, i) => splitMerge(merge, `${where}.merges[${i}]`),
    continuingPrefix.length,
  );
  return new Bpe({
    vocab,
    merges,
    bytes,
    unknown,
    continuingPrefix,
    endSuffix,
    fuseUnknown: flag(config, 'fuse_unk', false, where),
    byteFallback: flag(config, 'byte_fallback', false, where),
    ignoreMerges: flag(config, 'ignore_merges', false, where),
  });
}

const models: ReadonlyMap<string, ModelParser> = new Map([['BPE', parseBpe]]);

/** Old files leave the type of the model out. */
function modelType(config: JsonObject, where: string): string {
  const type = optionalString(config, 'type', where);
  if (type !== undefined) return type;
  if ('merges' in config) return 'BPE';
  if (Array.isArray(config.vocab)) return 'Unigram';
  return 'max_input_chars_per_word' in config ? 'WordPiece' : 'WordLevel';
}

/** The model, and the steps left to do before it. */
function parseModel(
  value: unknown,
  steps: readonly PreTokenizerStep[],
): { model: Model; preTokenizer: readonly PreTokenizerStep[] } {
  const where = 'model';
  if (value === undefined)
    throw new TokenizerError('a tokenizer file has no model', { expected: 'an object with the field model' });
  const config = asObject(value, where);
  const type = modelType(config, where);
  const parse = models.get(type);
  if (!parse)
    throw new UnsupportedError(`tokenizer model type ${type} is not supported`, {
      expected: [...models.keys()].join(', '),
      where,
    });
  const bytes =
    type === 'BPE' && steps.at(-1) === BYTE_STEP && !config.continuing_subword_prefix && !config.end_of_word_suffix;
  return { model: parse(config, bytes, where), preTokenizer: bytes ? steps.slice(0, -1) : steps };
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
function configsOf(extras: TokenizerExtras): JsonObject[] {
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

/** The lines of a merges.txt. */
function mergeLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
}

/** `added_tokens_decoder` of a tokenizer_config.json: id -> token. */
function configuredTokens(config: JsonObject): AddedToken[] {
  const decoder = config.added_tokens_decoder;
  if (!isObject(decoder)) return [];
  return parseAddedTokens(
    Object.entries(decoder).map(([id, token]) => ({
      ...asObject(token, `added_tokens_decoder.${id}`),
      id: Number(id),
    })),
    'added_tokens_decoder',
  );
}

/** The control tokens that the two keep in their vocabularies. */
const GPT2_SPECIALS = ['<|endoftext|>'];
const ROBERTA_SPECIALS = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];

/**
 * A byte-level BPE tokenizer from a parsed vocab.json and the text of merges.txt: GPT-2's form, or RoBERTa's (`<s> A </s>`)
 * if the vocabulary has its tokens. Throws TokenizerError; UnsupportedError for words that end in `</w>` (GPT-1, CLIP).
 */
export function tokenizerFromVocabMerges(vocab: unknown, merges: string, extras: TokenizerExtras = {}): Tokenizer {
  const entries = asObject(vocab, 'vocab.json');
  const lines = mergeLines(merges);
  if (lines[0]?.endsWith('</w>'))
    throw new UnsupportedError('vocab.json with words that end in </w> is not supported', {
      where: 'merges.txt',
      fix: 'use tokenizer.json',
    });
  const [config = {}] = configsOf(extras);
  const [bos, eos] = [entries['<s>'], entries['</s>']];
  const roberta = bos !== undefined && eos !== undefined && bos !== eos;
  const usual = (roberta ? ROBERTA_SPECIALS : GPT2_SPECIALS).filter(content => Object.hasOwn(entries, content));
  const configured = configuredTokens(config);
  const added =
    configured.length > 0
      ? configured
      : usual.map(content => specialToken(content, asCount(entries[content], 'vocab.json')));
  const addPrefixSpace = flag(config, 'add_prefix_space', false, 'tokenizer_config.json');
  return tokenizerFromJson(
    {
      added_tokens: added.map(({ id, content, lstrip, rstrip, singleWord, normalized, special }) => ({
        id,
        content,
        // RoBERTa's mask takes the space before it.
        lstrip: lstrip || (roberta && content === '<mask>'),
        rstrip,
        single_word: singleWord,
        normalized,
        special,
      })),
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: addPrefixSpace },
      post_processor: roberta
        ? { type: 'RobertaProcessing', cls: ['<s>', bos], sep: ['</s>', eos], add_prefix_space: addPrefixSpace }
        : { type: 'ByteLevel', trim_offsets: false },
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab: entries, merges: lines },
    },
    extras,
  );
}

/** JSON text as a value. Throws TokenizerError. */
function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TokenizerError('a tokenizer file is not valid JSON', {
      seen: cause instanceof Error ? cause.message : String(cause),
      where,
      cause,
    });
  }
}

/** What makes a tokenizer, for messages. */
export const TOKENIZER_FILES = 'tokenizer.json, *.model, vocab.json and merges.txt, or *.tiktoken';

/** Names of the files that `tokenizerFromFiles` can use, out of those of a folder. */
export function tokenizerFileNames(names: readonly string[]): string[] {
  const extras = ['tokenizer_config.json', 'special_tokens_map.json'].filter(name => names.includes(name));
  if (names.includes('tokenizer.json')) return ['tokenizer.json', ...extras];
  const model = names.find(name => name.endsWith('.model'));
  if (model) return [model, ...extras];
  if (names.includes('vocab.json') && names.includes('merges.txt')) return ['vocab.json', 'merges.txt', ...extras];
  const ranks = names.find(name => name.endsWith('.tiktoken'));
  return ranks ? [ranks, ...extras] : [];
}

/** Rank files are text; a SentencePiece model begins with the key of its first piece. */
const isRankFile = (bytes: Uint8Array) =>
  bytes[0] !== 0x0a && /^[A-Za-z0-9+/]+=* \d+\r?\n/.test(new TextDecoder().decode(bytes.subarray(0, 200)));

/**
 * A tokenizer from the files of a model folder, by name: `tokenizer.json`, else `*.model` (SentencePiece or Llama 3's ranks),
 * else `vocab.json` and `merges.txt`, else `*.tiktoken`; with `tokenizer_config.json` and `special_tokens_map.json` if they
 * are there. Throws TokenizerError, FormatError, UnsupportedError.
 */
export function tokenizerFromFiles(files: Readonly<Record<string, Uint8Array | string>>): Tokenizer {
  const text = (name: string): string => {
    const content = files[name]!;
    return typeof content === 'string' ? content : new TextDecoder('utf-8').decode(content);
  };
  const json = (name: string): unknown => (Object.hasOwn(files, name) ? parseJson(text(name), name) : undefined);
  const [main] = tokenizerFileNames(Object.keys(files));
  const config = json('tokenizer_config.json');
  const extras: TokenizerExtras = { config, specialTokensMap: json('special_tokens_map.json') };
  if (main === undefined) {
    throw new TokenizerError('no tokenizer among the files', {
      seen: Object.keys(files).slice(0, 20).join(', ') || 'no files',
      expected: TOKENIZER_FILES,
    });
  }
  if (main === 'tokenizer.json') return tokenizerFromJson(json(main), extras);
  if (main === 'vocab.json') return tokenizerFromVocabMerges(json(main), text('merges.txt'), extras);
  const content = files[main]!;
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  if (main.endsWith('.tiktoken') || isRankFile(bytes)) return tokenizerFromTiktoken(bytes);
  const [settings = {}] = configsOf({ config });
  return tokenizerFromSentencePiece(bytes, {
    addBos: flag(settings, 'add_bos_token', true, 'tokenizer_config.json'),
    addEos: flag(settings, 'add_eos_token', false, 'tokenizer_config.json'),
    legacy: flag(settings, 'legacy', true, 'tokenizer_config.json'),
  });
}
