/** Tokenizers from tiktoken rank files (`base64 rank` per line): openai/tiktoken, meta-llama/llama3 tokenizer.py. */
import { FormatError, TokenizerError } from '../errors.ts';
import { specialToken } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { BYTE_CHARS } from './byte-alphabet.ts';
import { parseDecoder } from './decoders.ts';
import { mergesFromRanks } from './merge-table.ts';
import { PLAIN, surroundWith } from './post-processors.ts';
import { parsePreTokenizer } from './pre-tokenizers.ts';
import { SPLIT_PATTERNS } from './split-patterns.ts';
import { Tokenizer } from './tokenizer.ts';

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

/** The published encodings. Rank files are recognised by their number of ranks. */
const ENCODINGS: Readonly<Record<string, TiktokenEncoding & { readonly ranks: number }>> = {
  r50k_base: {
    ranks: 50256,
    pattern: SPLIT_PATTERNS.gpt2,
    specialTokens: { '<|endoftext|>': 50256 },
    eos: '<|endoftext|>',
  },
  p50k_base: {
    ranks: 50280,
    pattern: SPLIT_PATTERNS.gpt2,
    specialTokens: { '<|endoftext|>': 50256 },
    eos: '<|endoftext|>',
  },
  cl100k_base: {
    ranks: 100256,
    pattern: SPLIT_PATTERNS.cl100k,
    specialTokens: {
      '<|endoftext|>': 100257,
      '<|fim_prefix|>': 100258,
      '<|fim_middle|>': 100259,
      '<|fim_suffix|>': 100260,
      '<|endofprompt|>': 100276,
    },
    eos: '<|endoftext|>',
  },
  o200k_base: {
    ranks: 199998,
    pattern: SPLIT_PATTERNS.o200k,
    specialTokens: { '<|endoftext|>': 199999, '<|endofprompt|>': 200018 },
    eos: '<|endoftext|>',
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

const damaged = (what: string, content: string, line: number) =>
  new FormatError(what, { seen: JSON.stringify(content.slice(0, 60)), where: `line ${line}` });

/** The tokens of a rank file in the byte alphabet, with their ranks. Throws FormatError. */
function readRanks(text: string): Map<string, number> {
  const vocab = new Map<string, number>();
  const seen = new Set<number>();
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    line++;
    const content = text.slice(start, end).trimEnd();
    start = end + 1;
    if (content === '') continue;
    const space = content.indexOf(' ');
    const token = space > 0 ? decodeBase64(content, space) : undefined;
    const rank = space > 0 && space < content.length - 1 ? Number(content.slice(space + 1)) : Number.NaN;
    if (token === undefined || !Number.isInteger(rank) || rank < 0 || rank > 0x7fffffff)
      throw damaged('a line is not `base64 rank`', content, line);
    if (vocab.has(token) || seen.has(rank))
      throw damaged('a token or a rank stands twice in a rank file', content, line);
    vocab.set(token, rank);
    seen.add(rank);
  }
  if (vocab.size === 0) throw new FormatError('a rank file is empty');
  return vocab;
}

const BASE64_DIGITS = new Int8Array(128).fill(-1);
Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').forEach((digit, value) => {
  BASE64_DIGITS[digit.charCodeAt(0)] = value;
});

/** The bytes that `text[0, end)` writes in base64, in the byte alphabet; undefined if it is not base64. */
function decodeBase64(text: string, end: number): string | undefined {
  if (end % 4 !== 0) return undefined;
  const padding = text[end - 1] !== '=' ? 0 : text[end - 2] !== '=' ? 1 : 2;
  let token = '';
  let bits = 0;
  for (let i = 0; i < end - padding; i++) {
    const digit = BASE64_DIGITS[text.charCodeAt(i)] ?? -1;
    if (digit < 0) return undefined;
    bits = (bits << 6) | digit;
    // Of every four digits the last three complete a byte each.
    if (i % 4 !== 0) token += BYTE_CHARS[(bits >> (6 - 2 * (i % 4))) & 255]!;
  }
  return token === '' ? undefined : token;
}

/**
 * A tokenizer from the content of a rank file. `encoding`: the name of a published one or its parts; by default it is
 * recognised by the number of ranks. Throws FormatError, TokenizerError.
 */
export function tokenizerFromTiktoken(content: Uint8Array | string, encoding?: string | TiktokenEncoding): Tokenizer {
  const vocab = readRanks(typeof content === 'string' ? content : new TextDecoder().decode(content));
  const known =
    typeof encoding === 'string'
      ? ENCODINGS[encoding]
      : Object.values(ENCODINGS).find(({ ranks }) => ranks === vocab.size);
  const parts = typeof encoding === 'object' ? encoding : known;
  if (!parts) {
    throw new TokenizerError('a rank file does not say how texts are cut', {
      seen: typeof encoding === 'string' ? `encoding ${encoding}` : `${vocab.size} ranks`,
      expected: Object.keys(ENCODINGS).join(', '),
      fix: 'pass the split pattern and the special tokens',
    });
  }
  const entries = [...vocab].map(([token, id]) => ({ token, id, priority: -id }));
  entries.sort((a, b) => a.id - b.id);
  const { specialTokens, bos, eos } = parts;
  const role = (name: string | undefined) => (name === undefined ? undefined : specialTokens[name]);
  const [bosId, eosId] = [role(bos), role(eos)];
  return new Tokenizer({
    model: new Bpe({ vocab, merges: mergesFromRanks(entries), bytes: true, ignoreMerges: true }),
    normalizer: undefined,
    preTokenizer: parsePreTokenizer({ type: 'Split', pattern: { Regex: parts.pattern }, behavior: 'Isolated' }),
    addedTokens: Object.entries(specialTokens).map(([content, id]) => specialToken(content, id)),
    postProcessor: parts.addBos && bos !== undefined && bosId !== undefined ? surroundWith([[bos, bosId]], []) : PLAIN,
    decoder: parseDecoder({ type: 'ByteLevel' }),
    specialTokens: { ...(bosId !== undefined && { bos: bosId }), ...(eosId !== undefined && { eos: eosId }) },
    cleanUpSpaces: false,
    savedOptions: {},
  });
}
