/**
 * chrF (Popovic 2015) and chrF++ (Popovic 2017) with the numbers of sacreBLEU 2.6: the F score of character n-grams, and
 * of word n-grams for `wordOrder` above 0.
 */

import { ConfigError } from '../../errors.ts';
import { ngramCounts } from './bleu.ts';
import { checkReferences } from './paired-lists.ts';
import { type SegmentCounts, signatureText, sumRows } from './segment-scores.ts';
import { words } from './whitespace.ts';

export interface ChrfOptions {
  /** The longest character n-grams. Default 6. */
  readonly charOrder?: number | undefined;
  /** The longest word n-grams: 0 (default) for chrF, 2 for chrF++. */
  readonly wordOrder?: number | undefined;
  /** How much more recall weighs than precision. Default 2. */
  readonly beta?: number | undefined;
  readonly lowercase?: boolean | undefined;
  /** Count white space as characters. Default false. */
  readonly whitespace?: boolean | undefined;
  /**
   * The mean of the orders' F scores with a tiny value for empty orders, as chrF's own script has it. Default false: the F
   * score of the mean precision and recall over the orders that occur.
   */
  readonly epsSmoothing?: boolean | undefined;
}

export interface ChrfScore {
  /** From 0 to 100. */
  readonly score: number;
  readonly signature: string;
}

/** chrF of a corpus. Throws `ConfigError` for no segments, lists of different lengths, or orders out of range. */
export function chrf(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: ChrfOptions = {},
): ChrfScore {
  const { rows, statistic, signature } = chrfCounts(hypotheses, references, options);
  return { score: statistic.score(sumRows(rows)), signature };
}

/** The counts of each segment against its best reference: hypothesis, reference and matching n-grams of each order. */
export function chrfCounts(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: ChrfOptions = {},
): SegmentCounts {
  const { charOrder = 6, wordOrder = 0, lowercase = false, whitespace = false, epsSmoothing = false } = options;
  checkReferences(hypotheses, references, 'chrf');
  checkOrder('charOrder', charOrder, 1);
  checkOrder('wordOrder', wordOrder, 0);
  const ngrams = (text: string) => {
    const cased = lowercase ? text.toLowerCase() : text;
    return [...characterNgrams(whitespace ? cased : words(cased).join(''), charOrder), ...wordNgrams(cased, wordOrder)];
  };
  const score = (sums: Float64Array) => chrfFromSums(sums, options);
  const segment = (hypothesis: string, list: readonly string[]) => {
    const own = ngrams(hypothesis);
    const rows = list.map(reference => matchRow(own, ngrams(reference)));
    return rows.reduce((best, row) => (score(row) > score(best) ? row : best));
  };
  return {
    rows: hypotheses.map((hypothesis, i) => segment(hypothesis, references[i]!)),
    statistic: { row: row => row, score },
    signature: signatureText(references, {
      case: lowercase ? 'lc' : 'mixed',
      eff: !epsSmoothing,
      nc: charOrder,
      nw: wordOrder,
      space: whitespace,
    }),
  };
}

function checkOrder(name: string, order: number, least: number): void {
  if (!Number.isInteger(order) || order < least || order > 99) {
    throw new ConfigError(`${name} of chrF is out of range`, {
      seen: `${order}`,
      expected: `an integer from ${least} to 99`,
    });
  }
}

function characterNgrams(text: string, maxOrder: number): Map<string, number>[] {
  // Where the code points begin: a surrogate pair is one character.
  const starts: number[] = [];
  for (let at = 0; at < text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1) starts.push(at);
  starts.push(text.length);
  return Array.from({ length: maxOrder }, (_, n) => {
    const counts = new Map<string, number>();
    for (let i = 0; i + n + 1 < starts.length; i++) {
      const gram = text.slice(starts[i], starts[i + n + 1]);
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    return counts;
  });
}

function wordNgrams(text: string, maxOrder: number): Map<string, number>[] {
  if (maxOrder === 0) return [];
  const tokens = words(text).flatMap(apartFromPunctuation);
  return Array.from({ length: maxOrder }, (_, n) => ngramCounts(tokens, n + 1));
}

/** A word without the punctuation mark at its end, or else at its start: never both, as in chrF's own script. */
function apartFromPunctuation(word: string): string[] {
  if ([...word].length === 1) return [word];
  if (/[!-/:-@[-`{-~]$/u.test(word)) return [word.slice(0, -1), word.slice(-1)];
  return /^[!-/:-@[-`{-~]/u.test(word) ? [word.slice(0, 1), word.slice(1)] : [word];
}

/** For each order: n-grams of the hypothesis (0 where the reference has none), of the reference, and in both. */
function matchRow(hypothesis: readonly Map<string, number>[], reference: readonly Map<string, number>[]): Float64Array {
  const row = new Float64Array(3 * hypothesis.length);
  for (const [n, counts] of hypothesis.entries()) {
    const others = reference[n]!;
    let [own, other, both] = [0, 0, 0];
    for (const [gram, count] of counts) {
      own += count;
      both += Math.min(count, others.get(gram) ?? 0);
    }
    for (const count of others.values()) other += count;
    row.set([other > 0 ? own : 0, other, both], 3 * n);
  }
  return row;
}

function chrfFromSums(sums: Float64Array, { beta = 2, epsSmoothing = false }: ChrfOptions): number {
  const tiny = 1e-16;
  const weight = beta ** 2;
  const f = (precision: number, recall: number) => ((1 + weight) * precision * recall) / (weight * precision + recall);
  const orders = sums.length / 3;
  let [meanOfF, precisions, recalls, effective] = [0, 0, 0, 0];
  for (let at = 0; at < sums.length; at += 3) {
    const [own, other, both] = [sums[at]!, sums[at + 1]!, sums[at + 2]!];
    const precision = own > 0 ? both / own : tiny;
    const recall = other > 0 ? both / other : tiny;
    meanOfF += weight * precision + recall > 0 ? f(precision, recall) : tiny;
    if (own > 0 && other > 0) {
      precisions += precision;
      recalls += recall;
      effective++;
    }
  }
  if (epsSmoothing) return (100 * meanOfF) / orders;
  return precisions + recalls > 0 ? 100 * f(precisions / effective, recalls / effective) : 0;
}
