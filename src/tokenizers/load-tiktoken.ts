/** Tokenizers from tiktoken rank files (`base64 rank` per line): openai/tiktoken, meta-llama/llama3 tokenizer.py. */
import { FormatError, TokenizerError } from '../errors.ts';
import { specialToken } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { BYTE_CHARS } from './byte-alphabet.ts';
import { parseDecoder } from './decoders.ts';
import { ENCODING_NAMES, encodingWithRanks, publishedEncoding, type TiktokenEncoding } from './encodings.ts';
import { mergesFromRanks } from './merge-table.ts';
import { PLAIN, surroundWith } from './post-processors.ts';
import { parsePreTokenizer } from './pre-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';

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
