/**
 * From a class for each token to entities: words whose tokens agree, and runs of words of one entity. The strategies are those of
 * transformers' token classification, the marks those of Ramshaw & Marcus 1995 (B- begins, I- goes on).
 */
import { topPlaces } from './scores-to-labels.ts';

/** What stands in the way of an entity's parts: `none` gives tokens, `simple` joins tokens, the others whole words. */
export type AggregationStrategy = 'none' | 'simple' | 'first' | 'average' | 'max';
export const AGGREGATION_STRATEGIES: readonly AggregationStrategy[] = ['none', 'simple', 'first', 'average', 'max'];

/** A token with its scores. */
export interface ScoredToken {
  readonly id: number;
  readonly text: string;
  /** Its place in the tokens of the text, the added ones counted. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
  /** Whether it goes on with the word of the token before. */
  readonly goesOn: boolean;
  /** Probability of each class. */
  readonly scores: readonly number[];
}
/** Tokens that have one label. */
export interface LabelledTokens {
  readonly label: string;
  readonly score: number;
  readonly tokens: readonly ScoredToken[];
}

const best = (scores: readonly number[]): number => topPlaces(scores, 1)[0]!;

/** Each token under its most probable label. */
export const labelTokens = (tokens: readonly ScoredToken[], labels: readonly string[]): LabelledTokens[] =>
  tokens.map(token => labelled([token], token.scores, labels));

const labelled = (
  tokens: readonly ScoredToken[],
  scores: readonly number[],
  labels: readonly string[],
): LabelledTokens => {
  const at = best(scores);
  return { label: labels[at] ?? `LABEL_${at}`, score: scores[at]!, tokens };
};

/** Each word under one label: that of its first token, of its surest token, or of its tokens' mean. */
export function labelWords(
  tokens: readonly ScoredToken[],
  labels: readonly string[],
  strategy: 'first' | 'average' | 'max',
): LabelledTokens[] {
  const words: ScoredToken[][] = [];
  for (const token of tokens)
    if (token.goesOn && words.length > 0) words.at(-1)!.push(token);
    else words.push([token]);
  return words.map(word => labelled(word, wordScores(word, strategy), labels));
}

function wordScores(word: readonly ScoredToken[], strategy: 'first' | 'average' | 'max'): readonly number[] {
  const [first] = word;
  if (strategy === 'first') return first!.scores;
  if (strategy === 'average')
    return first!.scores.map((_, i) => word.reduce((sum, { scores }) => sum + scores[i]!, 0) / word.length);
  const surest = (token: ScoredToken) => Math.max(...token.scores);
  return word.reduce((a, b) => (surest(b) > surest(a) ? b : a)).scores;
}

/** Neighbours of one entity as one, with the mean of their scores; a B- begins another. The label is without its mark. */
export function joinNeighbours(parts: readonly LabelledTokens[]): LabelledTokens[] {
  const groups: LabelledTokens[][] = [];
  let last = '';
  for (const part of parts) {
    const { begins, entity } = markOf(part.label);
    if (groups.length > 0 && entity === last && !begins) groups.at(-1)!.push(part);
    else groups.push([part]);
    last = entity;
  }
  return groups.map(group => ({
    label: group[0]!.label.replace(/^[^-]*-/, ''),
    score: group.reduce((sum, { score }) => sum + score, 0) / group.length,
    tokens: group.flatMap(({ tokens }) => tokens),
  }));
}

function markOf(label: string): { begins: boolean; entity: string } {
  const [, mark, entity] = /^([BI])-(.*)$/s.exec(label) ?? [];
  return { begins: mark === 'B', entity: entity ?? label };
}
