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
  r50k_base: { ranks: 50256, pattern: SPLIT_PATTERNS.gpt2, specialTokens: { '<|endoftext|>': 50256 }, eos: '<|endoftext|>' },
  p50k_base: { ranks: 50280, pattern: SPLIT_PATTERNS.gpt2, specialTokens: { '<|endoftext|>': 50256 }, eos: '<|endoftext|>' },
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
  const named: Readonly<Record<number, string>> = { 0: 'begin_of_text', 1: 'end_of_text', 6: 'start_header_id', 7: 'end_header_id', 9: 'eot_id' };
  let reserved = 0;
  const names = Array.from({ length: 256 }, (_, i) => `<|${named[i] ?? `reserved_special_token_${reserved++}`}|>`);
  return Object.fromEntries(names.map((name, i) => [name, 128000 + i]));
}

/** The tokens of a rank file in the byte alphabet, with their ranks. Throws FormatError. */
function readRanks(text: string): Map<string, number> {
  const vocab = new Map<string, number>();
  const seen = new Set<number>();
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    const trimmed = line.trim();
    if (trimmed === '') continue;
    const space = trimmed.indexOf(' ');
    const rank = space < 0 ? Number.NaN : Number(trimmed.slice(space + 1));
    const bytes = space > 0 ? decodeBase64(trimmed.slice(0, space)) : undefined;
    const fault = (what: string) => new FormatError(what, { seen: JSON.stringify(trimmed.slice(0, 60)), where: `line ${number}` });
    if (bytes === undefined || !Number.isInteger(rank) || rank < 0 || rank > 0x7fffffff) throw fault('a line is not `base64 rank`');
    let token = '';
    for (let i = 0; i < bytes.length; i++) token += BYTE_CHARS[bytes.charCodeAt(i)]!;
    if (vocab.has(token) || seen.has(rank)) throw fault('a token or a rank stands twice in a rank file');
    vocab.set(token, rank);
    seen.add(rank);
  }
  if (vocab.size === 0) throw new FormatError('a rank file is empty');
  return vocab;
}

/** The bytes as a string of characters below 256, or undefined. */
function decodeBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return atob(text);
}

/**
 * A tokenizer from the content of a rank file. `encoding`: the name of a published one or its parts; by default it is
 * recognised by the number of ranks. Throws FormatError, TokenizerError.
 */
export function tokenizerFromTiktoken(content: Uint8Array | string, encoding?: string | TiktokenEncoding): Tokenizer {
  const vocab = readRanks(typeof content === 'string' ? content : new TextDecoder().decode(content));
  const known = typeof encoding === 'string' ? ENCODINGS[encoding] : Object.values(ENCODINGS).find(({ ranks }) => ranks === vocab.size);
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
    model: new Bpe({ vocab, merges: mergesFromRanks(vocab, entries), bytes: true, ignoreMerges: true }),
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
