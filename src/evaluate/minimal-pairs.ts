/**
 * Minimal pairs: does the model find the grammatical one of two nearly equal sentences more probable? The format is that of
 * BLiMP (Warstadt et al. 2020), which has three methods: whole sentences; one prefix with two words behind it; two prefixes with
 * one word behind them. Masked language models are asked by pseudo-log-likelihoods.
 */
import { ConfigError } from '../errors.ts';
import { type DataRows, neededText, optionalText } from './data-row.ts';
import {
  type ContinuationItem,
  type ContinuationOptions,
  continuationLogLikelihoods,
  NORMALIZATIONS,
  type Normalization,
  normalizedScore,
} from './likelihood/index.ts';
import { type PairShare, pairShare, sharesBy } from './pair-share.ts';
import type { ScoredModel } from './scored-model.ts';

export interface MinimalPair {
  readonly good: string;
  readonly bad: string;
  /** The phenomenon, `UID` in BLiMP. */
  readonly paradigm: string;
  /** `linguistics_term`: what paradigms are grouped by. */
  readonly term: string | undefined;
  /** `syntax`, `morphology`, `semantics` ... */
  readonly field: string | undefined;
  /** One beginning, and the words that make it good or bad. */
  readonly onePrefix?: { readonly prefix: string; readonly good: string; readonly bad: string } | undefined;
  /** Two beginnings, and the word that goes with one of them. */
  readonly twoPrefix?: { readonly good: string; readonly bad: string; readonly word: string } | undefined;
}

export const PAIR_METHODS = ['sentence', 'one-prefix', 'two-prefix'] as const;
export type PairMethod = (typeof PAIR_METHODS)[number];

export interface MinimalPairsOptions extends ContinuationOptions {
  /** Default `sentence`. With another, pairs that lack its fields are left out. */
  readonly method?: PairMethod | undefined;
  /** Default `sum`. */
  readonly normalization?: Exclude<Normalization, 'pmi'> | undefined;
}
export interface MinimalPairScore {
  readonly pair: MinimalPair;
  readonly good: number;
  readonly bad: number;
}
export interface MinimalPairsReport {
  readonly method: PairMethod;
  readonly overall: PairShare;
  readonly paradigms: readonly PairShare[];
  readonly terms: readonly PairShare[];
  readonly fields: readonly PairShare[];
  readonly items: readonly MinimalPairScore[];
}

/**
 * Pairs from rows with `sentence_good`, `sentence_bad` and, if they are there, `UID`, `linguistics_term`, `field` and the words
 * and prefixes of the other methods.
 * @throws FormatError, naming the row, for one without sentences
 */
export async function readMinimalPairs(rows: DataRows): Promise<MinimalPair[]> {
  const pairs: MinimalPair[] = [];
  for await (const row of rows) {
    const one = (name: string) => optionalText(row, `one_prefix_${name}`);
    const two = (name: string) => optionalText(row, `two_prefix_${name}`);
    const [prefix, good, bad] = [one('prefix'), one('word_good'), one('word_bad')];
    const [goodPrefix, badPrefix, word] = [two('prefix_good'), two('prefix_bad'), two('word')];
    pairs.push({
      good: neededText(row, 'sentence_good'),
      bad: neededText(row, 'sentence_bad'),
      paradigm: optionalText(row, 'UID') ?? 'all',
      term: optionalText(row, 'linguistics_term'),
      field: optionalText(row, 'field'),
      onePrefix: prefix && good && bad ? { prefix, good, bad } : undefined,
      twoPrefix: goodPrefix && badPrefix && word ? { good: goodPrefix, bad: badPrefix, word } : undefined,
    });
  }
  return pairs;
}

/**
 * Accuracy per paradigm, term and field, and over all pairs. A pair counts where the good one is strictly more probable.
 * @throws ConfigError for options that cannot be, for no pair that has what the method needs, and as
 * `continuationLogLikelihoods` does
 */
export async function minimalPairs(
  model: ScoredModel,
  pairs: readonly MinimalPair[],
  { method = 'sentence', normalization = 'sum', ...options }: MinimalPairsOptions = {},
): Promise<MinimalPairsReport> {
  if (!PAIR_METHODS.includes(method) || !NORMALIZATIONS.includes(normalization))
    throw new ConfigError('no such way to compare a pair', {
      seen: `${method}, ${normalization}`,
      expected: `${PAIR_METHODS.join(', ')}; ${NORMALIZATIONS.join(', ')}`,
    });
  const asked = pairs.flatMap(pair => {
    const items = itemsOf(pair, method);
    return items ? [{ pair, items }] : [];
  });
  if (asked.length === 0)
    throw new ConfigError('no minimal pair has what the method needs', {
      seen: `${pairs.length} pairs`,
      expected: method,
    });
  const scores = await continuationLogLikelihoods(
    model,
    asked.flatMap(({ items }) => items),
    options,
  );
  const items = asked.map(({ pair }, i): MinimalPairScore => {
    const [good, bad] = [scores[2 * i]!, scores[2 * i + 1]!].map(score => normalizedScore(score, normalization));
    return { pair, good: good!, bad: bad! };
  });
  const won = ({ good, bad }: MinimalPairScore) => good > bad;
  return {
    method,
    overall: pairShare('all', items.map(won)),
    paradigms: sharesBy(items, ({ pair }) => pair.paradigm, won),
    terms: sharesBy(items, ({ pair }) => pair.term, won),
    fields: sharesBy(items, ({ pair }) => pair.field, won),
    items,
  };
}

/** What the good and the bad one are as continuations; undefined where the pair lacks them. */
function itemsOf({ good, bad, onePrefix, twoPrefix }: MinimalPair, method: PairMethod): ContinuationItem[] | undefined {
  if (method === 'sentence') return [good, bad].map(continuation => ({ context: '', continuation }));
  if (method === 'one-prefix')
    return (
      onePrefix &&
      [onePrefix.good, onePrefix.bad].map(word => ({ context: onePrefix.prefix, continuation: ` ${word}` }))
    );
  return twoPrefix && [twoPrefix.good, twoPrefix.bad].map(context => ({ context, continuation: ` ${twoPrefix.word}` }));
}
