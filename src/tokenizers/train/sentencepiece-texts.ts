/**
 * What SentencePiece's trainers do with their texts (google/sentencepiece trainer_interface.cc): normalize, take meta symbols
 * out, choose the characters that must be in the vocabulary, and say what may be a piece.
 */
import { TokenizerError } from '../../errors.ts';
import { sentencePieceNormalizer } from '../sentencepiece-normalizer.ts';
import { scanScripts } from '../unicode-scripts.ts';
import { byCodePoints } from './alphabet.ts';
import type { CountedWord, Texts } from './count-words.ts';
import type { Pace } from './pace.ts';

/** Stands for a space. */
const SPACE = '▁';
/** Stands for a character outside of the alphabet, and for a meta symbol. No piece contains it. */
export const GAP = '▅';
/** Where a meta symbol was, until the alphabet is chosen. */
const BOUNDARY = '\t';

/** How texts are prepared and what may be a piece; names and defaults of SentencePiece. */
export interface SentencePieceTextOptions {
  /** The share of all characters that the alphabet covers; default 0.9995. */
  readonly characterCoverage?: number | undefined;
  /** Most characters of a piece; default 16. */
  readonly maxSentencepieceLength?: number | undefined;
  /** Longer texts are left out, in UTF-8 bytes; default 4192. */
  readonly maxSentenceLength?: number | undefined;
  /** No piece goes over a change of script; default true. */
  readonly splitByUnicodeScript?: boolean | undefined;
  /** Digits count as a script; default true. */
  readonly splitByNumber?: boolean | undefined;
  /** No piece goes over a space; default true. */
  readonly splitByWhitespace?: boolean | undefined;
  /** Every digit is a piece of its own; default false. */
  readonly splitDigits?: boolean | undefined;
  /** Spaces belong to the word before them; default false. */
  readonly treatWhitespaceAsSuffix?: boolean | undefined;
  /** Every character of the texts is in the alphabet; default false. */
  readonly useAllVocab?: boolean | undefined;
  /** A space is put before the text (or behind it); default true. */
  readonly addDummyPrefix?: boolean | undefined;
  /** Runs of spaces become one, those at the ends go; default true. */
  readonly removeExtraWhitespaces?: boolean | undefined;
  /** Compiled replacement rules; default none. */
  readonly charsmap?: Uint8Array | undefined;
}

/** Texts in the form that trainers work on. */
export interface PreparedTexts {
  readonly sentences: readonly string[];
  /** The alphabet with its counts, the most frequent first. */
  readonly alphabet: readonly CountedWord[];
}

/** Entries by falling count, equal ones by code points: the order of SentencePiece's `Sorted`. */
export const sorted = (counts: ReadonlyMap<string, number>): CountedWord[] =>
  [...counts]
    .map(([text, count]) => ({ text, count }))
    .sort((a, b) => b.count - a.count || byCodePoints(a.text, b.text));

/** Reads and prepares texts. Throws TokenizerError if nothing is left of them; the signal's reason when aborted. */
export async function prepareTexts(
  texts: Texts,
  metaSymbols: readonly string[],
  options: SentencePieceTextOptions,
  pace: Pace,
): Promise<PreparedTexts> {
  const { addDummyPrefix = true, maxSentenceLength = 4192 } = options;
  const rules = {
    name: '',
    charsmap: options.charsmap ?? new Uint8Array(),
    addDummyPrefix,
    removeExtraWhitespaces: options.removeExtraWhitespaces ?? true,
    escapeWhitespaces: true,
  };
  const normalizer = sentencePieceNormalizer(
    { normalizer: rules, whitespaceAsSuffix: options.treatWhitespaceAsSuffix ?? false },
    undefined,
    addDummyPrefix,
  );
  // Longest first: of symbols that begin alike the longer one is taken.
  const meta = [...metaSymbols].sort((a, b) => b.length - a.length).map(escaped);
  const metaPattern = new RegExp(meta.join('|'), 'gu');
  const encoder = new TextEncoder();
  const sentences: string[] = [];
  const counts = new Map<string, number>();
  let total = 0;
  for await (const text of texts) {
    if (pace.due()) await pace.pause('read', sentences.length);
    if (encoder.encode(text).length > maxSentenceLength || text.includes(GAP)) continue;
    const sentence = normalizer.text(text).replace(metaPattern, BOUNDARY);
    if (sentence === '') continue;
    sentences.push(sentence);
    for (const char of sentence) {
      if (char === '\0' || char === ' ') continue;
      counts.set(char, (counts.get(char) ?? 0) + 1);
      total++;
    }
  }
  if (sentences.length === 0) throw new TokenizerError('there is no text to train on');
  const alphabet = alphabetOf(counts, total, options);
  const chars = new Set(alphabet.map(({ text }) => text));
  return {
    alphabet,
    sentences: sentences.map(sentence => Array.from(sentence, char => (chars.has(char) ? char : GAP)).join('')),
  };
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replace(/\\-/g, '\\x2d');

/** The most frequent characters, as many as cover enough. */
function alphabetOf(
  counts: ReadonlyMap<string, number>,
  total: number,
  { characterCoverage = 0.9995, useAllVocab = false }: SentencePieceTextOptions,
): CountedWord[] {
  const alphabet: CountedWord[] = [];
  let covered = 0;
  for (const entry of sorted(counts)) {
    // In single precision, as the library compares.
    if (!useAllVocab && Math.fround(covered / total) >= Math.fround(characterCoverage)) break;
    covered += entry.count;
    if (entry.text !== BOUNDARY) alphabet.push(entry);
  }
  return alphabet;
}

/** The words of sentences with their counts: each space begins one, or ends one if it is a suffix. */
export function wordsOf(sentences: readonly string[], whitespaceAsSuffix: boolean): CountedWord[] {
  const counts = new Map<string, number>();
  const pattern = whitespaceAsSuffix ? /[^▁]*▁|[^▁]+$/gu : /▁[^▁]*|^[^▁]+/gu;
  for (const sentence of sentences)
    for (const [word] of sentence.matchAll(pattern)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return sorted(counts);
}

const DIGIT = /[0-9\uff10-\uff19]/;
const DIGITS = /[0-9\uff10-\uff19]+/;

/** Says what may be a piece. */
export function pieceRule(options: SentencePieceTextOptions): (piece: string) => boolean {
  const { maxSentencepieceLength = 16, splitByWhitespace = true, treatWhitespaceAsSuffix = false } = options;
  const { splitByUnicodeScript = true, splitByNumber = true, splitDigits = false } = options;
  /** Where a space may stand: at the edge of its word only, or anywhere but at the other edge. */
  const mayHaveSpace = (at: number, last: number) => {
    const [near, far] = treatWhitespaceAsSuffix ? [last, 0] : [0, last];
    return at === near || (!splitByWhitespace && at !== far);
  };
  return piece => {
    const chars = [...piece];
    const last = chars.length - 1;
    if (last < 0 || chars.length > maxSentencepieceLength) return false;
    for (const [at, char] of chars.entries()) {
      if (char === GAP || char === '\0' || char === ' ' || char === BOUNDARY) return false;
      if (char === SPACE && !mayHaveSpace(at, last)) return false;
      if (splitDigits && last > 0 && DIGIT.test(char)) return false;
    }
    return !splitByUnicodeScript || hasOneScript(piece, splitByNumber);
  };
}

/** Spaces and marks that take the script of what they stand on do not count. */
function hasOneScript(piece: string, splitByNumber: boolean): boolean {
  const text = piece.replace(/[▁\p{Script=Inherited}]/gu, '');
  return (splitByNumber ? [text] : text.split(DIGITS)).every(part => {
    let scripts = 0;
    scanScripts(part, 0, part.length, () => scripts++);
    return scripts <= 1;
  });
}
