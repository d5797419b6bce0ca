/**
 * Pre-tokenizers: cutting a normalized text into the pieces that a model then works on alone. Behaviour of the originals:
 * huggingface/tokenizers src/pre_tokenizers. Each is a list of steps that either cut a text or rewrite it.
 */
import { UnsupportedError } from '../errors.ts';
import { asCount, asList, asObject, asString, flag, type JsonObject, optionalString, typeOf } from './json-fields.ts';
import { byteLevel, type Normalizer, parsePattern, prepend, replace } from './normalizers.ts';
import { type AlignedText, sliceAligned, widthAt } from './offsets.ts';
import { matchesOf, type SafePattern, translateRegex } from './regex-translate.ts';
import { type Scan, scanGpt2, scannerFor } from './split-patterns.ts';

/** Cuts each piece further. */
interface SplitStep {
  readonly kind: 'split';
  readonly scan: Scan;
}
/** Rewrites each piece, or only the one at the beginning of the whole text. */
interface RewriteStep {
  readonly kind: 'rewrite';
  readonly normalizer: Normalizer;
  readonly onlyFirst: boolean;
}
export type PreTokenizerStep = SplitStep | RewriteStep;

const split = (scan: Scan): SplitStep => ({ kind: 'split', scan });
const rewrite = (normalizer: Normalizer, onlyFirst = false): RewriteStep => ({
  kind: 'rewrite',
  normalizer,
  onlyFirst,
});

/** Writes the bytes of each piece in the byte alphabet. A model that reads bytes itself leaves this step out. */
export const BYTE_STEP: PreTokenizerStep = rewrite(byteLevel);

/** Receives the pieces of a text as stretches of it. */
export type TextSink = (text: string, start: number, end: number) => void;
/** Receives the pieces of an aligned text as stretches of it. */
export type AlignedSink = (text: AlignedText, start: number, end: number) => void;

/** Runs the steps on `text[from, to)`. `first`: this is the beginning of the whole input. */
export function preTokenizeText(
  steps: readonly PreTokenizerStep[],
  text: string,
  from: number,
  to: number,
  first: boolean,
  sink: TextSink,
  at = 0,
): void {
  const step = steps[at];
  if (from === to) return;
  if (!step) sink(text, from, to);
  else if (step.kind === 'split') {
    // The common case of one rule takes no closure per piece.
    if (at === steps.length - 1) step.scan(text, from, to, (start, end) => sink(text, start, end));
    else
      step.scan(text, from, to, (start, end) =>
        preTokenizeText(steps, text, start, end, first && start === from, sink, at + 1),
      );
  } else {
    const piece = text.slice(from, to);
    const rewritten = step.onlyFirst && !first ? piece : step.normalizer.text(piece);
    preTokenizeText(steps, rewritten, 0, rewritten.length, first, sink, at + 1);
  }
}

/** The same on an aligned text. */
export function preTokenizeAligned(
  steps: readonly PreTokenizerStep[],
  text: AlignedText,
  from: number,
  to: number,
  first: boolean,
  sink: AlignedSink,
  at = 0,
): void {
  const step = steps[at];
  if (from === to) return;
  if (!step) sink(text, from, to);
  else if (step.kind === 'split') {
    step.scan(text.text, from, to, (start, end) =>
      preTokenizeAligned(steps, text, start, end, first && start === from, sink, at + 1),
    );
  } else {
    const piece = sliceAligned(text, from, to);
    const rewritten = step.onlyFirst && !first ? piece : step.normalizer.aligned(piece);
    preTokenizeAligned(steps, rewritten, 0, rewritten.text.length, first, sink, at + 1);
  }
}

type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';
const BEHAVIORS: readonly Behavior[] = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'];

/** Calls back for the delimiters in `text[from, to)`, in order and without overlap. */
type FindDelimiters = Scan;

/** The stretches between delimiters become pieces; `behavior` says where the delimiters themselves go. */
function splitAt(find: FindDelimiters, behavior: Behavior): SplitStep {
  return split((text, from, to, emit) => {
    let start = from;
    /** Begin of a piece still open, for the two behaviors that join delimiters to something. */
    let joined = -1;
    const flush = (end: number) => {
      if (joined >= 0) emit(joined, end);
      joined = -1;
    };
    const between = (end: number) => {
      if (end === start) return;
      if (behavior === 'MergedWithNext' && joined >= 0) flush(end);
      else if (behavior === 'MergedWithPrevious') joined = start;
      else {
        flush(start);
        emit(start, end);
      }
    };
    find(text, from, to, (delimiter, end) => {
      between(delimiter);
      if (behavior === 'Isolated') emit(delimiter, end);
      else if (behavior === 'Contiguous') joined = joined >= 0 && start === delimiter ? joined : delimiter;
      else if (behavior === 'MergedWithNext') {
        flush(delimiter);
        joined = delimiter;
      } else if (behavior === 'MergedWithPrevious') {
        if (joined < 0) joined = delimiter;
        flush(end);
      }
      start = end;
    });
    between(to);
    flush(to);
  });
}

/** Each character in the class is a delimiter. */
const characters =
  (pattern: RegExp): FindDelimiters =>
  (text, from, to, emit) => {
    for (let at = from; at < to; ) {
      const end = at + widthAt(text, at);
      if (pattern.test(text.slice(at, end))) emit(at, end);
      at = end;
    }
  };

const matches =
  (pattern: SafePattern): FindDelimiters =>
  (text, from, to, emit) => {
    for (const [start, end] of matchesOf(pattern, text.slice(from, to))) emit(from + start, from + end);
  };

const occurrences =
  (literal: string): FindDelimiters =>
  (text, from, to, emit) => {
    if (literal === '') return;
    for (
      let at = text.indexOf(literal, from);
      at >= 0 && at + literal.length <= to;
      at = text.indexOf(literal, at + literal.length)
    ) {
      emit(at, at + literal.length);
    }
  };

/** What `find` leaves over. */
const inverted =
  (find: FindDelimiters): FindDelimiters =>
  (text, from, to, emit) => {
    let at = from;
    find(text, from, to, (start, end) => {
      if (start > at) emit(at, start);
      at = end;
    });
    if (at < to) emit(at, to);
  };

/** ASCII punctuation as well as Unicode's: `$+<=>^`|~` are symbols there. */
export const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;
const WHITE_SPACE = /\p{White_Space}/u;
const DIGIT = /\p{N}/u;
const WORDS_OR_SYMBOLS = translateRegex('\\w+|[^\\w\\s]+');

function parseBehavior(config: JsonObject, where: string): Behavior {
  const name = optionalString(config, 'behavior', where) ?? 'Isolated';
  const behavior = BEHAVIORS.find(known => known === name);
  if (behavior) return behavior;
  throw new UnsupportedError(`split behavior ${name} is not supported`, { expected: BEHAVIORS.join(', '), where });
}

function parseSplit(config: JsonObject, where: string): PreTokenizerStep[] {
  const pattern = parsePattern(config.pattern, `${where}.pattern`);
  const behavior = parseBehavior(config, where);
  const invert = flag(config, 'invert', false, where);
  const scanner = 'regex' in pattern ? scannerFor(pattern.regex) : undefined;
  // The known rules leave nothing between their matches, so both behaviors give just the matches.
  if (scanner && (invert ? behavior === 'Removed' : behavior === 'Isolated')) return [split(scanner)];
  const find =
    'literal' in pattern ? occurrences(pattern.literal) : (scanner ?? matches(translateRegex(pattern.regex)));
  return [splitAt(invert ? inverted(find) : find, behavior)];
}

function parseByteLevel(config: JsonObject, where: string): PreTokenizerStep[] {
  const steps: PreTokenizerStep[] = [];
  if (flag(config, 'add_prefix_space', true, where)) steps.push(rewrite(prepend(' ', ' ')));
  if (flag(config, 'use_regex', true, where)) steps.push(split(scanGpt2));
  return [...steps, BYTE_STEP];
}

/** `prepend_scheme` of a Metaspace part; older files say `add_prefix_space`. */
export function prependScheme(config: JsonObject, where: string): 'always' | 'first' | 'never' {
  const scheme =
    optionalString(config, 'prepend_scheme', where) ??
    (flag(config, 'add_prefix_space', true, where) ? 'always' : 'never');
  if (scheme === 'always' || scheme === 'first' || scheme === 'never') return scheme;
  throw new UnsupportedError(`prepend scheme ${scheme} is not supported`, { expected: 'always, first, never', where });
}

/** `replacement` of a Metaspace part. */
export function metaspaceMark(config: JsonObject, where: string): string {
  return optionalString(config, 'replacement', where) ?? '▁';
}

function parseMetaspace(config: JsonObject, where: string): PreTokenizerStep[] {
  const mark = metaspaceMark(config, where);
  const scheme = prependScheme(config, where);
  const steps: PreTokenizerStep[] = [rewrite(replace(' ', mark))];
  if (scheme !== 'never') steps.push(rewrite(prepend(mark, mark), scheme === 'first'));
  if (flag(config, 'split', true, where)) steps.push(splitAt(occurrences(mark), 'MergedWithNext'));
  return steps;
}

/** Pieces of `length` characters, the last one shorter. */
function fixedLength(length: number): SplitStep {
  return split((text, from, to, emit) => {
    for (let start = from; start < to; ) {
      let end = start;
      for (let count = 0; count < length && end < to; count++) end += widthAt(text, end);
      emit(start, end);
      start = end;
    }
  });
}

type Parser = (config: JsonObject, where: string) => PreTokenizerStep[];
const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ['ByteLevel', parseByteLevel],
  ['Metaspace', parseMetaspace],
  ['Split', parseSplit],
  ['Whitespace', () => [split(matches(WORDS_OR_SYMBOLS))]],
  ['WhitespaceSplit', () => [splitAt(characters(WHITE_SPACE), 'Removed')]],
  [
    'BertPreTokenizer',
    () => [splitAt(characters(WHITE_SPACE), 'Removed'), splitAt(characters(PUNCTUATION), 'Isolated')],
  ],
  ['Punctuation', (c, where) => [splitAt(characters(PUNCTUATION), parseBehavior(c, where))]],
  [
    'Digits',
    (c, where) => [splitAt(characters(DIGIT), flag(c, 'individual_digits', false, where) ? 'Isolated' : 'Contiguous')],
  ],
  ['CharDelimiterSplit', (c, where) => [splitAt(occurrences(asString(c.delimiter, `${where}.delimiter`)), 'Removed')]],
  ['FixedLength', (c, where) => [fixedLength(Math.max(1, asCount(c.length ?? 5, `${where}.length`)))]],
  [
    'Sequence',
    (c, where) => {
      const list = `${where}.pretokenizers`;
      return asList(c.pretokenizers, list).flatMap((part, i) => parsePreTokenizer(part, `${list}[${i}]`));
    },
  ],
]);

/** The steps of a pre-tokenizer from its JSON form. Throws TokenizerError, and UnsupportedError for an unknown type. */
export function parsePreTokenizer(value: unknown, where = 'pre_tokenizer'): PreTokenizerStep[] {
  const config = asObject(value, where);
  const type = typeOf(config, where);
  const parse = parsers.get(type);
  if (parse) return parse(config, where);
  throw new UnsupportedError(`pre-tokenizer ${type} is not supported`, {
    expected: [...parsers.keys()].join(', '),
    where,
  });
}

/** A step that cuts by `scan`. */
export const cutting = (scan: Scan): PreTokenizerStep => split(scan);
