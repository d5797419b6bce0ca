/**
 * The encodings that OpenAI and Meta publish as rank files, and which closed models read with which: openai/tiktoken
 * (tiktoken_ext/openai_public.py, tiktoken/model.py, 0.14), meta-llama/llama3 tokenizer.py.
 */
import { TokenizerError } from '../errors.ts';
import { SPLIT_PATTERNS } from './split-patterns.ts';

/** What a rank file does not hold. */
export interface TiktokenEncoding {
  /** Regular expression that cuts texts into pieces. */
  readonly pattern: string;
  readonly specialTokens: Readonly<Record<string, number>>;
  /** The special tokens with a role, by their text. */
  readonly bos?: string;
  readonly eos?: string;
  /** Whether `bos` is put before each text. */
  readonly addBos?: boolean;
}
/** An encoding that everybody can get. */
export interface PublishedEncoding extends TiktokenEncoding {
  /** Number of ranks in its file. */
  readonly ranks: number;
  /** Whose rank file it shares, where it has no own one. */
  readonly ranksOf?: string;
}

const END = '<|endoftext|>';
const O200K_SPECIALS = { [END]: 199999, '<|endofprompt|>': 200018 };

const ENCODINGS: Readonly<Record<string, PublishedEncoding>> = {
  r50k_base: { ranks: 50256, pattern: SPLIT_PATTERNS.gpt2, specialTokens: { [END]: 50256 }, eos: END },
  p50k_base: { ranks: 50280, pattern: SPLIT_PATTERNS.gpt2, specialTokens: { [END]: 50256 }, eos: END },
  p50k_edit: {
    ranks: 50280,
    ranksOf: 'p50k_base',
    pattern: SPLIT_PATTERNS.gpt2,
    specialTokens: { [END]: 50256, '<|fim_prefix|>': 50281, '<|fim_middle|>': 50282, '<|fim_suffix|>': 50283 },
    eos: END,
  },
  cl100k_base: {
    ranks: 100256,
    pattern: SPLIT_PATTERNS.cl100k,
    specialTokens: {
      [END]: 100257,
      '<|fim_prefix|>': 100258,
      '<|fim_middle|>': 100259,
      '<|fim_suffix|>': 100260,
      '<|endofprompt|>': 100276,
    },
    eos: END,
  },
  o200k_base: { ranks: 199998, pattern: SPLIT_PATTERNS.o200k, specialTokens: O200K_SPECIALS, eos: END },
  o200k_harmony: {
    ranks: 199998,
    ranksOf: 'o200k_base',
    pattern: SPLIT_PATTERNS.o200k,
    specialTokens: { ...O200K_SPECIALS, ...harmonySpecials() },
    eos: '<|return|>',
  },
  llama3: {
    ranks: 128000,
    pattern: SPLIT_PATTERNS.llama3,
    specialTokens: llama3Specials(),
    bos: '<|begin_of_text|>',
    eos: '<|end_of_text|>',
    addBos: true,
  },
};

/** Ids 199998 to 201087 of the open models of OpenAI; those without a role are reserved. */
function harmonySpecials(): Record<string, number> {
  const named: Readonly<Record<number, string>> = {
    199998: 'startoftext',
    199999: 'endoftext',
    200002: 'return',
    200003: 'constrain',
    200005: 'channel',
    200006: 'start',
    200007: 'end',
    200008: 'message',
    200012: 'call',
  };
  const ids = Array.from({ length: 201088 - 199998 }, (_, i) => 199998 + i);
  return Object.fromEntries(ids.map(id => [`<|${named[id] ?? `reserved_${id}`}|>`, id]));
}

/** Ids from 128000 on, as released with Llama 3; later versions give names to some reserved ones. */
function llama3Specials(): Record<string, number> {
  const named: Readonly<Record<number, string>> = {
    0: 'begin_of_text',
    1: 'end_of_text',
    6: 'start_header_id',
    7: 'end_header_id',
    9: 'eot_id',
  };
  let reserved = 0;
  const names = Array.from({ length: 256 }, (_, i) => `<|${named[i] ?? `reserved_special_token_${reserved++}`}|>`);
  return Object.fromEntries(names.map((name, i) => [name, 128000 + i]));
}

/** Names of the published encodings. */
export const ENCODING_NAMES: readonly string[] = Object.keys(ENCODINGS);

/** A published encoding by its name. */
export function publishedEncoding(name: string): PublishedEncoding | undefined {
  return Object.hasOwn(ENCODINGS, name) ? ENCODINGS[name] : undefined;
}

/** The published encoding whose rank file has so many ranks; of those that share a file the plain one. */
export function encodingWithRanks(count: number): PublishedEncoding | undefined {
  return Object.values(ENCODINGS).find(({ ranks, ranksOf }) => ranks === count && ranksOf === undefined);
}

/** Models by encoding; `*` stands for any end. The first match counts. */
const MODELS: readonly (readonly [encoding: string, models: string])[] = [
  ['o200k_harmony', 'gpt-oss-*'],
  ['o200k_base', 'gpt-5* gpt-4.5-* gpt-4.1 gpt-4.1-* gpt-4o gpt-4o-* chatgpt-4o-* o1 o1-* o3 o3-* o4-mini o4-mini-*'],
  ['cl100k_base', 'gpt-4 gpt-4-* gpt-3.5 gpt-3.5-turbo gpt-3.5-turbo-* gpt-35-turbo gpt-35-turbo-*'],
  ['cl100k_base', 'davinci-002 babbage-002 text-embedding-ada-002 text-embedding-3-small text-embedding-3-large'],
  ['p50k_base', 'text-davinci-003 text-davinci-002 code-davinci-* code-cushman-* davinci-codex cushman-codex'],
  ['p50k_edit', 'text-davinci-edit-001 code-davinci-edit-001'],
  ['r50k_base', 'text-davinci-001 text-curie-001 text-babbage-001 text-ada-001 davinci curie babbage ada gpt2 gpt-2'],
  ['r50k_base', 'text-similarity-* text-search-* code-search-*'],
];

/**
 * The name of the encoding that a closed model reads: `gpt-4o-2024-08-06` -> `o200k_base`. A fine-tuned model, `ft:BASE:...`,
 * reads that of its base. Throws TokenizerError for a model that is not in the list.
 */
export function encodingOfModel(model: string): string {
  const base = /^ft:([^:]+)/.exec(model)?.[1] ?? model;
  const fits = (pattern: string) => (pattern.endsWith('*') ? base.startsWith(pattern.slice(0, -1)) : base === pattern);
  const found = MODELS.find(([, models]) => models.split(' ').some(fits));
  if (found) return found[0];
  throw new TokenizerError('the encoding of this model is not known', {
    seen: model,
    expected: `a model of OpenAI, or an encoding: ${ENCODING_NAMES.join(', ')}`,
    fix: 'load the tokenizer of an open model from its folder; other closed models are counted by their makers only',
  });
}
