/**
 * Normalizers: rewriting a text before it is cut into pieces. Behaviour and alignment of the originals:
 * huggingface/tokenizers src/normalizers. Each exists twice, fast on bare text and aligned; both give the same text.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { byteCharsOf, toByteChars } from './byte-alphabet.ts';
import { asList, asObject, asString, flag, type JsonObject, shown, typeOf } from './json-fields.ts';
import { AlignedBuilder, type AlignedText, sliceAligned, widthAt } from './offsets.ts';
import { matchesOf, type SafePattern, translateRegex } from './regex-translate.ts';

/** A rewriting of texts. */
export interface Normalizer {
  text(input: string): string;
  /** The same with each character's place in the original. */
  aligned(input: AlignedText): AlignedText;
}

/** A normalizer that rewrites each character on its own, given by its new text. */
function perCharacter(text: (input: string) => string, replacement: (char: string) => string): Normalizer {
  return {
    text,
    aligned(input) {
      const builder = new AlignedBuilder(input);
      for (let at = 0; at < input.text.length; ) {
        const end = at + widthAt(input.text, at);
        const char = input.text.slice(at, end);
        const changed = replacement(char);
        if (changed === char) builder.keep(at, end);
        else builder.put(changed, at);
        at = end;
      }
      return builder.build();
    },
  };
}

type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** A character and everything behind it that can combine with it: marks, vowel and final jamo, halfwidth voicing marks. */
const CLUSTER = /[\s\S][\p{M}\u1160-\u11ff\uff9e\uff9f]*/gu;

function unicodeForm(form: UnicodeForm): Normalizer {
  return {
    text: input => input.normalize(form),
    aligned(input) {
      const builder = new AlignedBuilder(input);
      for (const { 0: cluster, index } of input.text.matchAll(CLUSTER)) {
        const normal = cluster.normalize(form);
        if (normal === cluster) builder.keep(index, index + cluster.length);
        else alignCluster(builder, cluster, index, normal, form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD');
      }
      return builder.build();
    },
  };
}

/**
 * Adds the normalized form of a cluster. Every character of the source decomposes into parts, and every normalized one is
 * composed of parts, in order. It uses up as many source characters as begin among its parts and stands for the first of
 * them; without any it shares the place of the one before.
 */
function alignCluster(
  builder: AlignedBuilder,
  cluster: string,
  index: number,
  normal: string,
  decomposed: 'NFD' | 'NFKD',
): void {
  const places: number[] = [];
  /** For each part, whether it is the first of its source character. */
  const begins: boolean[] = [];
  for (let at = 0; at < cluster.length; at += widthAt(cluster, at)) {
    const parts = [...cluster.slice(at, at + widthAt(cluster, at)).normalize(decomposed)];
    places.push(index + at);
    for (let i = 0; i < parts.length; i++) begins.push(i === 0);
  }
  let part = 0;
  let used = 0;
  for (const char of normal) {
    const parts = [...char.normalize('NFD')].length;
    const begun = begins.slice(part, part + parts).filter(Boolean).length;
    builder.put(char, places[begun > 0 ? Math.min(used, places.length - 1) : Math.max(0, used - 1)]!);
    part += parts;
    used += begun;
  }
}

/** Each character in lower case for itself: a final sigma is not special. */
const lowercase = perCharacter(
  input =>
    input.includes('Σ')
      ? input
          .split('Σ')
          .map(part => part.toLowerCase())
          .join('σ')
      : input.toLowerCase(),
  char => char.toLowerCase(),
);

function dropping(pattern: RegExp): Normalizer {
  return {
    text: input => input.replace(pattern, ''),
    aligned: input =>
      replaceMatches(
        input,
        [...input.text.matchAll(pattern)].map(m => [m.index, m.index + m[0].length]),
        '',
      ),
  };
}

/** Control characters go, other kinds of white space become spaces: SentencePiece's rules for translation, `Nmt`. */
const NMT_DROPPED = /[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/g;
const NMT_SPACE = /[\x09\x0a\x0c\x0d\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;
const nmt = sequence([
  dropping(NMT_DROPPED),
  perCharacter(
    input => input.replace(NMT_SPACE, ' '),
    char => char.replace(NMT_SPACE, ' '),
  ),
]);

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
export const byteLevel: Normalizer = perCharacter(toByteChars, char => byteCharsOf(char.codePointAt(0)!));

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

type Parser = (config: JsonObject, where: string) => Normalizer;
const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ['NFC', () => unicodeForm('NFC')],
  ['NFD', () => unicodeForm('NFD')],
  ['NFKC', () => unicodeForm('NFKC')],
  ['NFKD', () => unicodeForm('NFKD')],
  ['Lowercase', () => lowercase],
  ['StripAccents', () => dropping(/\p{M}/gu)],
  ['Nmt', () => nmt],
  ['ByteLevel', () => byteLevel],
  ['Strip', (c, where) => strip(flag(c, 'strip_left', true, where), flag(c, 'strip_right', true, where))],
  ['Prepend', (c, where) => prepend(asString(c.prepend, `${where}.prepend`))],
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
