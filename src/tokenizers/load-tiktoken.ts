/** Tokenizers from tiktoken rank files (`base64 rank` per line): openai/tiktoken, meta-llama/llama3 tokenizer.py. */
import { FormatError, TokenizerError } from '../errors.ts';
import { specialToken } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { BYTE_CHARS } from './byte-alphabet.ts';
import { parseDecoder } from './decoders.ts';
import { ENCODING_NAMES, encodingWithRanks, publishedEncoding, type TiktokenEncoding } from './encodings.ts';
import { mergesFromRanks } from './merge-table.ts';
import { PackedTexts } from './packed-texts.ts';
import { PLAIN, surroundWith } from './post-processors.ts';
import { parsePreTokenizer } from './pre-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';
import { Vocabulary } from './vocabulary.ts';

const damaged = (what: string, content: string, line: number) =>
  new FormatError(what, { seen: JSON.stringify(content.slice(0, 60)), where: `line ${line}` });

/** The tokens of a rank file in the byte alphabet, with their ranks. Throws FormatError. */
function readRanks(text: string): Vocabulary {
  // All tokens one behind the other, and for each one where it ends, its rank and its line.
  const units = new Uint16Array(text.length);
  const ends: number[] = [];
  const ranks: number[] = [];
  const lines: number[] = [];
  let length = 0;
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    let end = newline < 0 ? text.length : newline;
    line++;
    const next = end + 1;
    while (end > start && text.charCodeAt(end - 1) <= 32) end--;
    if (end > start) {
      const space = text.indexOf(' ', start);
      const read = space > start && space < end ? readBase64(text, start, space, units, length) : 0;
      const rank = read > 0 ? Number(text.slice(space + 1, end)) : Number.NaN;
      if (!Number.isInteger(rank) || rank < 0 || rank > 0x7fffffff)
        throw damaged('a line is not `base64 rank`', text.slice(start, end), line);
      length += read;
      ends.push(length);
      ranks.push(rank);
      lines.push(line);
    }
    start = next;
  }
  if (ranks.length === 0) throw new FormatError('a rank file is empty');
  const tokens = new TextDecoder('utf-16le', { ignoreBOM: true }).decode(units.subarray(0, length));
  return new Vocabulary(new PackedTexts(tokens, new Int32Array(ends)), ranks, (_, i) => {
    const token = tokens.slice(i > 0 ? ends[i - 1] : 0, ends[i]);
    return damaged('a token or a rank stands twice in a rank file', `${token} ${ranks[i]}`, lines[i]!);
  });
}

const BASE64_DIGITS = new Int8Array(128).fill(-1);
Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').forEach((digit, value) => {
  BASE64_DIGITS[digit.charCodeAt(0)] = value;
});
const BYTE_UNITS = Uint16Array.from(BYTE_CHARS, char => char.charCodeAt(0));
const EQUALS = 0x3d;

/**
 * Writes the bytes that `text[start, end)` says in base64 to `units`, in the byte alphabet; gives their number, 0 if it is
 * not base64.
 */
function readBase64(text: string, start: number, end: number, units: Uint16Array, at: number): number {
  if ((end - start) % 4 !== 0) return 0;
  const stop = end - (text.charCodeAt(end - 1) !== EQUALS ? 0 : text.charCodeAt(end - 2) !== EQUALS ? 1 : 2);
  const first = at;
  let bits = 0;
  for (let i = start; i < stop; i++) {
    const digit = BASE64_DIGITS[text.charCodeAt(i)] ?? -1;
    if (digit < 0) return 0;
    bits = (bits << 6) | digit;
    // Of every four digits the last three complete a byte each.
    const phase = (i - start) & 3;
    if (phase !== 0) units[at++] = BYTE_UNITS[(bits >> (6 - 2 * phase)) & 255]!;
  }
  return at - first;
}

/**
 * A tokenizer from the content of a rank file. `encoding`: the name of a published one or its parts; by default it is
 * recognised by the number of ranks. Throws FormatError, TokenizerError.
 */
export function tokenizerFromTiktoken(content: Uint8Array | string, encoding?: string | TiktokenEncoding): Tokenizer {
  const vocab = readRanks(typeof content === 'string' ? content : new TextDecoder().decode(content));
  const known = typeof encoding === 'string' ? publishedEncoding(encoding) : encodingWithRanks(vocab.size);
  const parts = typeof encoding === 'object' ? encoding : known;
  if (!parts) {
    throw new TokenizerError('a rank file does not say how texts are cut', {
      seen: typeof encoding === 'string' ? `encoding ${encoding}` : `${vocab.size} ranks`,
      expected: ENCODING_NAMES.join(', '),
      fix: 'pass the split pattern and the special tokens',
    });
  }
  if (known && parts === known && known.ranks !== vocab.size)
    throw new TokenizerError('a rank file is not that of the encoding', {
      seen: `${vocab.size} ranks`,
      expected: `${known.ranks} for ${encoding}`,
    });
  const { specialTokens, bos, eos } = parts;
  const role = (name: string | undefined) => (name === undefined ? undefined : specialTokens[name]);
  const [bosId, eosId] = [role(bos), role(eos)];
  return new Tokenizer({
    model: new Bpe({ vocab, merges: mergesFromRanks(vocab, vocab.ids()), bytes: true, ignoreMerges: true }),
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
