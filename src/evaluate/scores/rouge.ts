/**
 * ROUGE (Lin 2004) with the numbers of rouge-score 0.1.2: n-grams (1 to 9), the longest common subsequence (L), and its
 * union over sentences (Lsum; a line is a sentence).
 */

import { ConfigError } from '../../errors.ts';
import { type BootstrapInterval, type BootstrapOptions, bootstrap } from '../../util/statistics/bootstrap.ts';
import { meanStatistic } from '../../util/statistics/statistic.ts';
import { ngramCounts } from './bleu.ts';
import { commonLength, commonPositions } from './longest-common-subsequence.ts';
import { checkReferences } from './paired-lists.ts';
import { porterStem } from './porter-stemmer.ts';

export type RougeType = `rouge${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 'L' | 'Lsum'}`;

export interface RougeOptions {
  /** Default: rouge1, rouge2, rougeL, rougeLsum. */
  readonly types?: readonly RougeType[] | undefined;
  /** Compare the stems of words above three letters (`porterStem`, English). Default false. */
  readonly stem?: boolean | undefined;
  /**
   * How a text becomes tokens. Default `rougeWords`, which takes only a-z and 0-9 for letters and so cuts *für* in two;
   * `unicodeWords` does not, and its scores are not comparable with rouge-score's.
   */
  readonly tokenize?: ((text: string) => string[]) | undefined;
}

/** Shares from 0 to 1. */
export interface RougeScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** Scores by type. */
export type RougeScores = Readonly<Record<string, RougeScore>>;

const TYPES: readonly RougeType[] = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'];

/** rouge-score's words: runs of a-z and 0-9 of the lowercased text. */
export function rougeWords(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Runs of letters (with their marks) and digits of any script, lowercased. */
export function unicodeWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

/**
 * ROUGE of one text: for each type the scores against the reference with the best F1, the first of equals. Throws
 * `ConfigError` for no reference and unknown types.
 */
export function rougeText(hypothesis: string, references: readonly string[], options: RougeOptions = {}): RougeScores {
  const { types = TYPES } = options;
  checkReferences([hypothesis], [references], 'rouge');
  const unknown = types.find(type => !/^rouge([1-9]|L|Lsum)$/.test(type));
  if (unknown !== undefined || types.length === 0) {
    throw new ConfigError('unknown ROUGE type', {
      seen: unknown ?? 'none',
      expected: 'rouge1 to rouge9, rougeL, rougeLsum',
    });
  }
  const own = readText(hypothesis, options);
  const others = references.map(reference => readText(reference, options));
  const best = (type: RougeType) =>
    others.map(other => scoreTexts(type, own, other)).reduce((top, score) => (score.f1 > top.f1 ? score : top));
  return Object.fromEntries(types.map(type => [type, best(type)]));
}

/**
 * ROUGE of many texts: the mean of each figure over the texts, and the texts' own. Throws `ConfigError` for no texts, lists
 * of different lengths, a text without a reference, and unknown types.
 */
export function rouge(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: RougeOptions = {},
): { readonly scores: RougeScores; readonly items: readonly RougeScores[] } {
  checkReferences(hypotheses, references, 'rouge');
  const items = hypotheses.map((hypothesis, i) => rougeText(hypothesis, references[i]!, options));
  const mean = (type: string, key: keyof RougeScore) =>
    items.reduce((sum, item) => sum + item[type]![key], 0) / items.length;
  const scores = Object.keys(items[0]!).map(type => [
    type,
    { precision: mean(type, 'precision'), recall: mean(type, 'recall'), f1: mean(type, 'f1') },
  ]);
  return { scores: Object.fromEntries(scores), items };
}

/** Bootstrap intervals of the means of each figure, for the items of `rouge`. Throws as `bootstrap` does. */
export function rougeIntervals(
  items: readonly RougeScores[],
  options: BootstrapOptions = {},
): Readonly<Record<string, Readonly<Record<keyof RougeScore, BootstrapInterval>>>> {
  const interval = (type: string, key: keyof RougeScore) =>
    bootstrap(
      items.map(item => item[type]![key]),
      meanStatistic,
      options,
    );
  const [first] = items;
  if (!first) {
    throw new ConfigError('no intervals over no texts', { seen: '0 items', expected: 'the items of rouge' });
  }
  const types = Object.keys(first);
  return Object.fromEntries(
    types.map(type => [
      type,
      { precision: interval(type, 'precision'), recall: interval(type, 'recall'), f1: interval(type, 'f1') },
    ]),
  );
}

/** A text as tokens, all of them and by line. */
interface ReadText {
  readonly tokens: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

function readText(text: string, { stem = false, tokenize = rougeWords }: RougeOptions): ReadText {
  const read = (part: string) => tokenize(part).map(token => (stem && token.length > 3 ? porterStem(token) : token));
  const lines = text.split('\n').filter(line => line !== '');
  return { tokens: read(text), lines: lines.map(read) };
}

function scoreTexts(type: RougeType, own: ReadText, other: ReadText): RougeScore {
  if (type === 'rougeL') return longestCommon(own.tokens, other.tokens);
  if (type === 'rougeLsum') return unionOfLines(own.lines, other.lines);
  const order = Number(type.slice('rouge'.length));
  const counts = ngramCounts(other.tokens, order);
  let both = 0;
  for (const [gram, count] of ngramCounts(own.tokens, order)) both += Math.min(count, counts.get(gram) ?? 0);
  const grams = (text: ReadText) => Math.max(0, text.tokens.length - order + 1);
  return rougeScore(both, grams(own), grams(other));
}

function rougeScore(both: number, own: number, other: number): RougeScore {
  const precision = both / Math.max(own, 1);
  const recall = both / Math.max(other, 1);
  return { precision, recall, f1: both > 0 ? (2 * precision * recall) / (precision + recall) : 0 };
}

/** Tokens as small numbers: the common subsequence compares them many times. */
function numbering(): (tokens: readonly string[]) => number[] {
  const numbers = new Map<string, number>();
  return tokens =>
    tokens.map(token => {
      const known = numbers.get(token);
      if (known === undefined) numbers.set(token, numbers.size);
      return known ?? numbers.size - 1;
    });
}

function longestCommon(own: readonly string[], other: readonly string[]): RougeScore {
  const number = numbering();
  return rougeScore(commonLength(number(other), number(own)), own.length, other.length);
}

/** Each line of the reference against all lines of the hypothesis; no token is matched more often than it occurs. */
function unionOfLines(own: readonly (readonly string[])[], other: readonly (readonly string[])[]): RougeScore {
  const number = numbering();
  const [ownLines, otherLines] = [own.map(number), other.map(number)];
  const [ownLeft, otherLeft] = [tokenCounts(ownLines), tokenCounts(otherLines)];
  let hits = 0;
  for (const line of otherLines) {
    const positions = new Set(ownLines.flatMap(hypothesis => commonPositions(line, hypothesis)));
    for (const [at, token] of line.entries()) {
      const [a, b] = [ownLeft.get(token) ?? 0, otherLeft.get(token) ?? 0];
      if (!positions.has(at) || a === 0 || b === 0) continue;
      hits++;
      ownLeft.set(token, a - 1);
      otherLeft.set(token, b - 1);
    }
  }
  return rougeScore(hits, ownLines.flat().length, otherLines.flat().length);
}

function tokenCounts(lines: readonly (readonly number[])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const token of lines.flat()) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}
