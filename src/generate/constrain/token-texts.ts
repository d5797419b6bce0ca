/**
 * What each token adds to a text, in bytes. It is asked of the tokenizer's own `decode`, so that a constraint is about the text that
 * comes out, whatever the tokenizer does with marks, spaces and bytes. A token may mean something else at the beginning of a text
 * (SentencePiece drops the space there, WordPiece shows `##`), so there are two tables.
 */
import { ConfigError } from '../../errors.ts';
import { byteOfChar } from '../../tokenizers/byte-alphabet.ts';
import { type CodePoints, rangesOf } from './code-points.ts';
import { TokenTrie } from './token-trie.ts';

/** What is needed of a tokenizer. */
export interface TokenDecoder {
  decode(ids: Iterable<number>, options?: { skipSpecialTokens?: boolean; cleanUpSpaces?: boolean }): string;
  idToToken(id: number): string | undefined;
}

/** The tokens at one place of a text. */
export interface TokenTable {
  /** By id: the bytes, one per code unit; '' for tokens without text, undefined for those whose text is unknown. */
  readonly texts: readonly (string | undefined)[];
  /** All tokens of at most `SHORT` bytes, which are nearly all, and those of up to 4096. */
  readonly short: TokenTrie;
  readonly long: TokenTrie;
}

export interface TokenTexts {
  readonly vocabSize: number;
  readonly first: TokenTable;
  readonly later: TokenTable;
  /** The characters that can be written in every context, one token or more for each. Undefined = all. */
  readonly alphabet: CodePoints | undefined;
  /** Whether a text of these ids still has no text, so that the next token is its first. */
  startsWith(ids: readonly number[]): boolean;
}

/** Bytes of a token up to which it counts as short. */
export const SHORT = 16;
/** Bytes beyond which a token is not offered: what follows it would have to be tried byte by byte. */
const LONGEST = 4096;
/** How often it is tried whether the text of tokens is the texts of the tokens. */
const TRIALS = 64;
const OPTIONS = { skipSpecialTokens: true, cleanUpSpaces: false };

const known = new WeakMap<TokenDecoder, Map<number, TokenTexts>>();

/**
 * The texts of the ids below `vocabSize`, as `generateText` shows them: without special tokens, spaces as they are. Made once for
 * a tokenizer.
 * @throws ConfigError for a tokenizer whose tokens have no text of their own
 */
export function tokenTexts(tokenizer: TokenDecoder, vocabSize: number): TokenTexts {
  let sizes = known.get(tokenizer);
  if (!sizes) known.set(tokenizer, (sizes = new Map()));
  let texts = sizes.get(vocabSize);
  if (!texts) sizes.set(vocabSize, (texts = readTexts(tokenizer, vocabSize)));
  return texts;
}

function readTexts(tokenizer: TokenDecoder, vocabSize: number): TokenTexts {
  const decode = (ids: readonly number[]) => tokenizer.decode(ids, OPTIONS);
  const ids = Array.from({ length: vocabSize }, (_, id) => id);
  const firstTexts = ids.map(id => decode([id]));
  // No byte token: it would be one character with a byte behind it.
  const isWord = (text: string, id: number) => /^[a-z]+$/i.test(text) && !/^<0x/.test(tokenizer.idToToken(id) ?? '');
  const anchor = firstTexts.findIndex(isWord);
  const before = firstTexts[anchor];
  if (before === undefined)
    throw new ConfigError('no token of this vocabulary is a word or letter, so none can be told apart', {
      where: 'constraint',
    });
  const laterTexts = ids.map(id => {
    const text = decode([anchor, id]);
    return text.startsWith(before) ? text.slice(before.length) : undefined;
  });
  checkTexts(decode, firstTexts, laterTexts);

  const bytes = (text: string | undefined, id: number) => text && bytesOf(text, tokenizer.idToToken(id));
  const later = tableOf(laterTexts.map(bytes));
  const differs = firstTexts.some((text, id) => text !== laterTexts[id]);
  const first = differs ? tableOf(firstTexts.map(bytes)) : later;
  return {
    vocabSize,
    first,
    later,
    alphabet: alphabetOf(later.texts),
    startsWith: prefix => first !== later && decode(prefix) === '',
  };
}

/** Throws unless the text of several tokens is made of their texts. */
function checkTexts(
  decode: (ids: readonly number[]) => string,
  first: readonly (string | undefined)[],
  later: readonly (string | undefined)[],
): void {
  const clear = first.flatMap((text, id) => (text && later[id] && !/[^ -~]/.test(text + later[id]) ? [id] : []));
  for (let trial = 0; trial < TRIALS && clear.length > 0; trial++) {
    const at = (n: number) => clear[(trial * n * 2654435761) % clear.length]!;
    const ids = trial % 4 === 0 ? [at(1), at(1), at(1)] : [at(1), at(3), at(7)];
    const expected = first[ids[0]!]! + later[ids[1]!]! + later[ids[2]!]!;
    if (decode(ids) !== expected)
      throw new ConfigError('the tokens of this tokenizer have no text of their own', {
        seen: `${JSON.stringify(decode(ids))} from tokens that are ${JSON.stringify(expected)} one by one`,
        expected: 'byte-level BPE, SentencePiece, WordPiece or the like',
        where: 'constraint',
      });
  }
}

const encoder = new TextEncoder();
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes of a token's text; of a part of a character those that its name says. Undefined when that does not fit the text. */
function bytesOf(text: string, token: string | undefined): string | undefined {
  if (!/[^\0-\x7f]/.test(text)) return text;
  if (!text.includes('\ufffd')) return binary(encoder.encode(text));
  const hex = token?.match(/^<0x([0-9a-fA-F]{2})>$/)?.[1];
  const bytes =
    hex !== undefined ? [Number.parseInt(hex, 16)] : Array.from(token ?? '', char => byteOfChar(char.charCodeAt(0)));
  const fits = !bytes.includes(-1) && lenient.decode(Uint8Array.from(bytes)) === text;
  if (fits) return binary(bytes);
  return token?.includes('\ufffd') ? binary(encoder.encode(text)) : undefined;
}

function binary(bytes: ArrayLike<number>): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

function tableOf(texts: readonly (string | undefined)[]): TokenTable {
  const entries = texts.flatMap((text, id) => (text ? [[text, id] as const] : []));
  return {
    texts,
    short: new TokenTrie(entries.filter(([text]) => text.length <= SHORT)),
    long: new TokenTrie(entries.filter(([text]) => text.length > SHORT && text.length <= LONGEST)),
  };
}

/** Undefined when every byte that UTF-8 has is a token; else the characters that are one, or whose bytes are. */
function alphabetOf(texts: readonly (string | undefined)[]): CodePoints | undefined {
  const alone = new Set(texts);
  const areTokens = (low: number, high: number) => {
    for (let byte = low; byte <= high; byte++) if (!alone.has(String.fromCharCode(byte))) return false;
    return true;
  };
  const bytewise = areTokens(0x80, 0xbf);
  if (bytewise && areTokens(0, 0x7f) && areTokens(0xc2, 0xf4)) return undefined;
  const points: [number, number][] = [];
  for (const text of alone) {
    if (!text || text.length !== lengthOf(text.charCodeAt(0))) continue;
    const char = lenient.decode(Uint8Array.from(text, byte => byte.charCodeAt(0)));
    // Bytes that look like a character need not be one: halves of a pair, overlong forms.
    if (binary(encoder.encode(char)) === text) points.push([char.codePointAt(0)!, char.codePointAt(0)!]);
  }
  for (let lead = 0xc2; bytewise && lead <= 0xf4; lead++) if (areTokens(lead, lead)) points.push(beginningWith(lead));
  return rangesOf(points);
}

/** Bytes of the character that a byte begins; 0 for one that begins none. */
const lengthOf = (byte: number) =>
  byte < 0x80 ? 1 : byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;

/** The first and last character of several bytes with this first byte; some between them may not exist. */
function beginningWith(lead: number): [number, number] {
  const length = lengthOf(lead);
  const bits = 6 * (length - 1);
  const low = (lead & (0xff >> (length + 1))) << bits;
  const least = [0x80, 0x800, 0x10000][length - 2]!;
  return [Math.max(low, least), Math.min(low + (1 << bits) - 1, 0x10ffff)];
}
