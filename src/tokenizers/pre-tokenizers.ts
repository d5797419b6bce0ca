/**
 * Pre-tokenizers: cutting a normalized text into the pieces that a model then works on alone. Behaviour of the originals:
 * huggingface/tokenizers src/pre_tokenizers. Each is a list of steps that either cut a text or rewrite it.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import {
  asCount,
  asList,
  asObject,
  asString,
  flag,
  type JsonObject,
  optionalString,
  shown,
  typeOf,
} from './json-fields.ts';
import { scanBert, scanDigits, scanNumbers, scanWords, scanWordsAndSymbols } from './kind-scanner.ts';
import { byteLevel, type Normalizer, parsePattern, prepend, replace } from './normalizers.ts';
import { type AlignedText, sliceAligned, widthAt } from './offsets.ts';
import { isPunctuation } from './reference-classes.ts';
import { matchesOf, type SafePattern, translateRegex } from './regex-translate.ts';
import { type Scan, scanGpt2, scannerFor } from './split-patterns.ts';
import { scanScripts } from './unicode-scripts.ts';

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

/** Whether two neighbouring stretches form one piece, by whether each is a delimiter. */
const JOINED: Readonly<Record<Behavior, (first: boolean, second: boolean) => boolean>> = {
  Removed: () => false,
  Isolated: () => false,
  MergedWithPrevious: (first, second) => !first && second,
  MergedWithNext: (first, second) => first && !second,
  Contiguous: (first, second) => first === second,
};

/**
 * The stretches between delimiters become pieces; `behavior` says where the delimiters themselves go. `invert`: what `find`
 * finds is what stands between delimiters.
 */
function splitAt(find: FindDelimiters, behavior: Behavior, invert = false): SplitStep {
  const joined = JOINED[behavior];
  return split((text, from, to, emit) => {
    let start = -1;
    let end = from;
    let previous = false;
    const take = (at: number, stop: number, delimiter: boolean) => {
      if (start < 0 || !joined(previous, delimiter)) {
        if (start >= 0) emit(start, end);
        start = behavior === 'Removed' && delimiter ? -1 : at;
      }
      end = stop;
      previous = delimiter;
    };
    find(text, from, to, (at, stop) => {
      if (at > end) take(end, at, invert);
      take(at, stop, !invert);
    });
    if (to > end) take(end, to, invert);
    if (start >= 0) emit(start, end);
  });
}

/** Each character of a class is a delimiter. `belongs` is asked once for each one of the basic plane. */
function characters(belongs: (char: string) => boolean): FindDelimiters {
  /** 0 = not asked yet, 1 = no, 2 = yes. Surrogates stay at 0: they are asked for in pairs. */
  const known = new Uint8Array(0x10000);
  return (text, from, to, emit) => {
    for (let at = from; at < to; ) {
      const unit = text.charCodeAt(at);
      const width = widthAt(text, at);
      const answer = known[unit] || (belongs(text.slice(at, at + width)) ? 2 : 1);
      if (width === 1) known[unit] = answer;
      if (answer === 2) emit(at, at + width);
      at += width;
    }
  };
}

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
  return [splitAt(find, behavior, invert)];
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

/** `replacement` of a Metaspace part. Throws TokenizerError for what is not one character. */
export function metaspaceMark(config: JsonObject, where: string): string {
  const mark = optionalString(config, 'replacement', where) ?? '▁';
  if (mark !== '' && widthAt(mark, 0) === mark.length) return mark;
  throw new TokenizerError('the space mark is not a character', { seen: shown(mark), where: `${where}.replacement` });
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

/** Steps of a pre-tokenizer; each one costs a level of the stack. */
const MAX_STEPS = 64;
/** Those that rewrite their pieces, each of which may multiply the text. */
const MAX_REWRITES = 8;

function bounded(steps: PreTokenizerStep[], where: string): PreTokenizerStep[] {
  const rewrites = steps.filter(({ kind }) => kind === 'rewrite').length;
  if (steps.length <= MAX_STEPS && rewrites <= MAX_REWRITES) return steps;
  throw new UnsupportedError('a pre-tokenizer has too many steps', {
    seen: `${steps.length}, ${rewrites} of which rewrite the text`,
    expected: `at most ${MAX_STEPS} and ${MAX_REWRITES}`,
    where,
  });
}

type Parser = (config: JsonObject, where: string) => PreTokenizerStep[];
const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ['ByteLevel', parseByteLevel],
  ['Metaspace', parseMetaspace],
  ['Split', parseSplit],
  ['Whitespace', () => [split(scanWordsAndSymbols)]],
  ['WhitespaceSplit', () => [split(scanWords)]],
  ['BertPreTokenizer', () => [split(scanBert)]],
  ['UnicodeScripts', () => [split(scanScripts)]],
  ['Punctuation', (c, where) => [splitAt(characters(isPunctuation), parseBehavior(c, where))]],
  ['Digits', (c, where) => [split(flag(c, 'individual_digits', false, where) ? scanDigits : scanNumbers)]],
  ['CharDelimiterSplit', (c, where) => [splitAt(occurrences(asString(c.delimiter, `${where}.delimiter`)), 'Removed')]],
  ['FixedLength', (c, where) => [fixedLength(Math.max(1, asCount(c.length ?? 5, `${where}.length`)))]],
  [
    'Sequence',
    (c, where) => {
      const list = `${where}.pretokenizers`;
      return bounded(
        asList(c.pretokenizers, list).flatMap((part, i) => parsePreTokenizer(part, `${list}[${i}]`)),
        list,
      );
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
