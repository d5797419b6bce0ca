/**
 * Normalizers: rewriting a text before it is cut into pieces. Behaviour and alignment of the originals:
 * huggingface/tokenizers src/normalizers. Each exists twice, fast on bare text and aligned; both give the same text.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { bertNormalizer } from './bert-normalizer.ts';
import { toByteChars } from './byte-alphabet.ts';
import { perCharacter } from './character-map.ts';
import { asList, asObject, asString, flag, type JsonObject, shown, typeOf } from './json-fields.ts';
import { AlignedBuilder, type AlignedText, sliceAligned } from './offsets.ts';
import { precompiledNormalizer } from './precompiled-normalizer.ts';
import { isMark } from './reference-classes.ts';
import { matchesOf, type SafePattern, translateRegex } from './regex-translate.ts';
import { unicodeForm } from './unicode-form.ts';

/** A rewriting of texts. */
export interface Normalizer {
  text(input: string): string;
  /** The same with each character's place in the original. */
  aligned(input: AlignedText): AlignedText;
}

/** Control characters go, other kinds of white space become spaces: SentencePiece's rules for translation, `Nmt`. */
const NMT_DROPPED = /[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/;
const NMT_SPACE = /[\x09\x0a\x0c\x0d\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/;

function strip(left: boolean, right: boolean): Normalizer {
  const bounds = (text: string): [number, number] => {
    const start = left ? /^\p{White_Space}*/u.exec(text)![0].length : 0;
    let end = text.length;
    while (right && end > start && /\p{White_Space}/u.test(text[end - 1]!)) end--;
    return [start, end];
  };
  return {
    text: input => input.slice(...bounds(input)),
    aligned: input => sliceAligned(input, ...bounds(input.text)),
  };
}

/** `input` with each of the matches replaced by `content`. */
function replaceMatches(
  input: AlignedText,
  matches: Iterable<readonly [number, number]>,
  content: string,
): AlignedText {
  const builder = new AlignedBuilder(input);
  let kept = 0;
  for (const [start, end] of matches) {
    builder.keep(kept, start);
    const last = end - 1;
    const lowSurrogate = last > start && input.text.codePointAt(last - 1)! > 0xffff;
    if (content) builder.put(content, lowSurrogate ? last - 1 : last);
    kept = end;
  }
  builder.keep(kept, input.text.length);
  return builder.build();
}

function* occurrences(text: string, wanted: string): Generator<[number, number]> {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length))
    yield [at, at + wanted.length];
}

/** Replaces every occurrence of a string, or every non-empty match of a pattern, by `content`. */
export function replace(pattern: string | SafePattern, content: string): Normalizer {
  if (pattern === '') return sequence([]);
  const matches = (text: string) =>
    typeof pattern === 'string' ? occurrences(text, pattern) : matchesOf(pattern, text);
  return {
    text(input) {
      if (typeof pattern === 'string') return input.replaceAll(pattern, () => content);
      let output = '';
      let kept = 0;
      for (const [start, end] of matches(input)) {
        output += input.slice(kept, start) + content;
        kept = end;
      }
      return output + input.slice(kept);
    },
    aligned: input => replaceMatches(input, matches(input.text), content),
  };
}

/** Puts `prefix` in front of a text that is not empty and, with `unless`, does not begin with that. */
export function prepend(prefix: string, unless?: string): Normalizer {
  const leaves = (text: string) => text === '' || (unless !== undefined && text.startsWith(unless));
  return {
    text: input => (leaves(input) ? input : prefix + input),
    aligned(input) {
      if (leaves(input.text)) return input;
      const builder = new AlignedBuilder(input);
      builder.put(prefix, 0);
      builder.keep(0, input.text.length);
      return builder.build();
    },
  };
}

/** Writes the UTF-8 bytes of the text in the byte alphabet. */
export const byteLevel: Normalizer = perCharacter(toByteChars);

/** One after the other. A file whose replacements feed each other without end is refused when a text shows it. */
export function sequence(parts: readonly Normalizer[]): Normalizer {
  return {
    text: input => parts.reduce((text, part) => bounded(part.text(text), input.length), input),
    aligned(input) {
      const { length } = input.text;
      return parts.reduce((text, part) => {
        const next = part.aligned(text);
        bounded(next.text, length);
        return next;
      }, input);
    },
  };
}
/** No normalization of Unicode makes more than 18 characters of one. */
function bounded(text: string, length: number): string {
  if (text.length > 1024 + 64 * length)
    throw new TokenizerError('the normalizers of the file blow the text up', {
      seen: `${text.length} characters out of ${length}`,
      fix: 'check its Replace and Prepend steps',
    });
  return text;
}

/** The `pattern` of a file: `{String: ...}` or `{Regex: ...}`. Throws TokenizerError, UnsupportedError. */
export function parsePattern(value: unknown, where: string): { literal: string } | { regex: string } {
  const pattern = asObject(value, where);
  if ('String' in pattern) return { literal: asString(pattern.String, `${where}.String`) };
  if ('Regex' in pattern) return { regex: asString(pattern.Regex, `${where}.Regex`) };
  throw new TokenizerError('a pattern is neither a string nor a regular expression', { seen: shown(value), where });
}

function parseReplace(config: JsonObject, where: string): Normalizer {
  const pattern = parsePattern(config.pattern, `${where}.pattern`);
  const content = asString(config.content, `${where}.content`);
  return replace('literal' in pattern ? pattern.literal : translateRegex(pattern.regex), content);
}

function parseBert(config: JsonObject, where: string): Normalizer {
  const lowercase = flag(config, 'lowercase', true, where);
  return bertNormalizer({
    lowercase,
    cleanText: flag(config, 'clean_text', true, where),
    handleChineseChars: flag(config, 'handle_chinese_chars', true, where),
    stripAccents: flag(config, 'strip_accents', lowercase, where),
  });
}

type Parser = (config: JsonObject, where: string) => Normalizer;
const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ['NFC', () => unicodeForm('NFC')],
  ['NFD', () => unicodeForm('NFD')],
  ['NFKC', () => unicodeForm('NFKC')],
  ['NFKD', () => unicodeForm('NFKD')],
  // A final sigma is not special, since each character is by itself.
  ['Lowercase', () => perCharacter(char => char.toLowerCase())],
  ['StripAccents', () => perCharacter(char => (isMark(char) ? '' : char))],
  ['Nmt', () => perCharacter(char => (NMT_DROPPED.test(char) ? '' : char.replace(NMT_SPACE, ' ')))],
  ['BertNormalizer', parseBert],
  ['ByteLevel', () => byteLevel],
  ['Strip', (c, where) => strip(flag(c, 'strip_left', true, where), flag(c, 'strip_right', true, where))],
  ['Prepend', (c, where) => prepend(asString(c.prepend, `${where}.prepend`))],
  [
    'Precompiled',
    (c, where) => precompiledNormalizer(asString(c.precompiled_charsmap, `${where}.precompiled_charsmap`)),
  ],
  ['Replace', parseReplace],
  [
    'Sequence',
    (c, where) => {
      const list = `${where}.normalizers`;
      return sequence(asList(c.normalizers, list).map((part, i) => parseNormalizer(part, `${list}[${i}]`)));
    },
  ],
]);

/** A normalizer from its JSON form. Throws TokenizerError, and UnsupportedError for an unknown type. */
export function parseNormalizer(value: unknown, where = 'normalizer'): Normalizer {
  const config = asObject(value, where);
  const type = typeOf(config, where);
  const parse = parsers.get(type);
  if (parse) return parse(config, where);
  throw new UnsupportedError(`normalizer ${type} is not supported`, {
    expected: [...parsers.keys()].join(', '),
    where,
  });
}
