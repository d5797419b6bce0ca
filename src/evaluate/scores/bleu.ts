/**
 * BLEU (Papineni et al. 2002) with the numbers of sacreBLEU 2.6: the geometric mean of n-gram precisions over the corpus,
 * with a penalty for output that is shorter than its references. Smoothing: Chen and Cherry 2014.
 */

import { ConfigError } from '../../errors.ts';
import { BLEU_TOKENIZERS, type BleuTokenizer, bleuTokens } from './bleu-tokenizers.ts';
import { checkReferences } from './paired-lists.ts';
import { type SegmentCounts, signatureText, sumRows } from './segment-scores.ts';
import { trimEnd } from './whitespace.ts';

export interface BleuOptions {
  /** How lines become tokens. Default `13a`. */
  readonly tokenize?: BleuTokenizer | undefined;
  /** Compare lowercased text. Default false. */
  readonly lowercase?: boolean | undefined;
  /**
   * What an order without a match counts: `exp` (default) halves for each such order in turn, `floor` takes
   * `smoothValue` matches (default 0.1), `add-k` adds `smoothValue` (default 1) to matches and totals of the orders above
   * 1, `none` takes 0.
   */
  readonly smooth?: 'exp' | 'floor' | 'add-k' | 'none' | undefined;
  readonly smoothValue?: number | undefined;
  /** Leave out orders that the output is too short to have. Default false, and true for `sentenceBleu`. */
  readonly effectiveOrder?: boolean | undefined;
  /** The longest n-grams, 1 to 9. Default 4. */
  readonly maxOrder?: number | undefined;
}

export interface BleuScore {
  /** From 0 to 100. */
  readonly score: number;
  /** Precisions of the orders 1, 2, ..., from 0 to 100, after smoothing. */
  readonly precisions: readonly number[];
  /** Matching n-grams and all n-grams of the output, by order. */
  readonly matches: readonly number[];
  readonly totals: readonly number[];
  readonly brevityPenalty: number;
  /** Tokens of the output, and of the references nearest to it in length. */
  readonly hypothesisLength: number;
  readonly referenceLength: number;
  readonly signature: string;
}

const SMOOTH_VALUES = { exp: undefined, floor: 0.1, 'add-k': 1, none: undefined };

/**
 * BLEU of a corpus: one hypothesis and one or more references for each segment. Throws `ConfigError` for no segments,
 * lists of different lengths, a segment without a reference, or an unknown option.
 */
export function bleu(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): BleuScore {
  const { rows, signature } = bleuCounts(hypotheses, references, options);
  return { ...bleuFromSums(sumRows(rows), options), signature };
}

/** BLEU of one sentence, with effective order unless the options say otherwise. Throws as `bleu` does. */
export function sentenceBleu(hypothesis: string, references: readonly string[], options: BleuOptions = {}): BleuScore {
  return bleu([hypothesis], [references], { ...options, effectiveOrder: options.effectiveOrder ?? true });
}

/**
 * The counts of each segment: hypothesis length, reference length, matches and totals by order. Resampling them gives
 * BLEU's interval without tokenizing again. Throws as `bleu` does.
 */
export function bleuCounts(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): SegmentCounts {
  const { tokenize = '13a', lowercase = false, smooth = 'exp', effectiveOrder = false, maxOrder = 4 } = options;
  checkReferences(hypotheses, references, 'bleu');
  checkOptions(tokenize, smooth, maxOrder);
  checkSmoothValue(options.smoothValue);
  const tokens = (line: string) => bleuTokens(trimEnd(lowercase ? line.toLowerCase() : line), tokenize);
  const smoothValue = options.smoothValue ?? SMOOTH_VALUES[smooth];
  const hasValue = SMOOTH_VALUES[smooth] !== undefined;
  return {
    rows: hypotheses.map((hypothesis, i) => segmentRow(tokens(hypothesis), references[i]!.map(tokens), maxOrder)),
    statistic: { row: row => row, score: sums => bleuFromSums(sums, options).score },
    signature: signatureText(references, {
      case: lowercase ? 'lc' : 'mixed',
      eff: effectiveOrder,
      tok: tokenize,
      smooth: hasValue ? `${smooth}[${smoothValue!.toFixed(2)}]` : smooth,
    }),
  };
}

function checkOptions(tokenize: string, smooth: string, maxOrder: number): void {
  if (!Object.hasOwn(BLEU_TOKENIZERS, tokenize)) {
    throw new ConfigError('unknown BLEU tokenizer', {
      seen: String(tokenize),
      expected: Object.keys(BLEU_TOKENIZERS).join(', '),
    });
  }
  if (!Object.hasOwn(SMOOTH_VALUES, smooth)) {
    throw new ConfigError('unknown BLEU smoothing', {
      seen: String(smooth),
      expected: Object.keys(SMOOTH_VALUES).join(', '),
    });
  }
  if (!Number.isInteger(maxOrder) || maxOrder < 1 || maxOrder > 9) {
    throw new ConfigError('not an n-gram order for BLEU', { seen: `${maxOrder}`, expected: 'an integer from 1 to 9' });
  }
}

function checkSmoothValue(value: number | undefined): void {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return;
  throw new ConfigError('not a smoothing value for BLEU', { seen: `${value}`, expected: 'a number of at least 0' });
}

/** `[hypothesis length, reference length, matches of each order, totals of each order]`. */
function segmentRow(hypothesis: readonly string[], references: readonly (readonly string[])[], maxOrder: number) {
  const row = new Float64Array(2 + 2 * maxOrder);
  row[0] = hypothesis.length;
  row[1] = nearestLength(hypothesis.length, references);
  for (let order = 1; order <= maxOrder; order++) {
    const limits = new Map<string, number>();
    for (const reference of references) {
      for (const [gram, count] of ngramCounts(reference, order)) {
        if (count > (limits.get(gram) ?? 0)) limits.set(gram, count);
      }
    }
    let matches = 0;
    for (const [gram, count] of ngramCounts(hypothesis, order)) matches += Math.min(count, limits.get(gram) ?? 0);
    row[1 + order] = matches;
    row[1 + maxOrder + order] = Math.max(0, hypothesis.length - order + 1);
  }
  return row;
}

/** How often each run of `order` tokens occurs; tokens have no spaces, so joining them is unambiguous. */
export function ngramCounts(tokens: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let end = order; end <= tokens.length; end++) {
    let gram = tokens[end - order]!;
    for (let i = end - order + 1; i < end; i++) gram += ` ${tokens[i]}`;
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** The length of the reference nearest in length, the shorter one of two. */
function nearestLength(length: number, references: readonly (readonly string[])[]): number {
  return references
    .map(reference => reference.length)
    .reduce((best, other) => {
      const nearer = Math.abs(other - length) - Math.abs(best - length);
      return nearer < 0 || (nearer === 0 && other < best) ? other : best;
    });
}

function bleuFromSums(sums: Float64Array, options: BleuOptions): Omit<BleuScore, 'signature'> {
  const { smooth = 'exp', effectiveOrder = false, maxOrder = 4 } = options;
  const smoothValue = options.smoothValue ?? SMOOTH_VALUES[smooth] ?? 0;
  const [hypothesisLength, referenceLength] = [sums[0]!, sums[1]!];
  const matches = Array.from(sums.subarray(2, 2 + maxOrder));
  const totals = Array.from(sums.subarray(2 + maxOrder));
  const precisions = new Array<number>(maxOrder).fill(0);
  const brevityPenalty =
    hypothesisLength >= referenceLength
      ? 1
      : hypothesisLength > 0
        ? Math.exp(1 - referenceLength / hypothesisLength)
        : 0;
  const facts = { precisions, matches, totals, brevityPenalty, hypothesisLength, referenceLength };
  if (matches.every(count => count === 0)) return { score: 0, ...facts };
  let orders = maxOrder;
  let halving = 1;
  for (let n = 0; n < maxOrder; n++) {
    if (smooth === 'add-k' && n > 0) {
      matches[n] = matches[n]! + smoothValue;
      totals[n] = totals[n]! + smoothValue;
    }
    const total = totals[n]!;
    if (total === 0) break;
    if (effectiveOrder) orders = n + 1;
    if (matches[n]! > 0) precisions[n] = (100 * matches[n]!) / total;
    else if (smooth === 'exp') precisions[n] = 100 / ((halving *= 2) * total);
    else if (smooth === 'floor') precisions[n] = (100 * smoothValue) / total;
  }
  const logarithms = precisions.slice(0, orders).reduce((sum, precision) => sum + Math.log(precision), 0);
  return { score: brevityPenalty * Math.exp(logarithms / orders), ...facts };
}
