import { describe, expect, it } from 'vitest';
import { joinNeighbours, labelTokens, labelWords, type ScoredToken } from './entity-groups.ts';

const LABELS = ['O', 'B-PER', 'I-PER', 'LOC'];
/** Tokens of the classes with most of their probability, a later part of a word marked with +. */
const tokens = (...classes: readonly (readonly [text: string, ...scores: number[]])[]): ScoredToken[] =>
  classes.map(([text, ...scores], i) => ({
    ...{ id: i, text: text.replace('+', ''), index: i, start: i, end: i + 1, goesOn: text.startsWith('+') },
    scores,
  }));

describe('entities', () => {
  const word = tokens(['mi', 0.1, 0.4, 0.3, 0.2], ['+cro', 0.05, 0.05, 0.8, 0.1], ['+soft', 0.6, 0.1, 0.2, 0.1]);
  it('of a word have the label of its first token, its surest one, or the mean', () => {
    const labelOf = (strategy: 'first' | 'average' | 'max') =>
      labelWords(word, LABELS, strategy).map(({ label, score, tokens }) => [label, score, tokens.length]);
    expect(labelOf('first')).toEqual([['B-PER', 0.4, 3]]);
    expect(labelOf('max')).toEqual([['I-PER', 0.8, 3]]);
    expect(labelOf('average')).toEqual([['I-PER', expect.closeTo(1.3 / 3, 12), 3]]);
  });
  it('join their neighbours until another begins', () => {
    const parts = labelTokens(
      tokens(
        ...([
          ['Anna', 0, 1, 0, 0],
          ['Maria', 0, 0, 0.5, 0],
          ['Otto', 0, 1, 0, 0],
          ['in', 1, 0, 0, 0],
          ['New', 0, 0, 0, 1],
          ['York', 0, 0, 0, 0.5],
        ] as const),
      ),
      LABELS,
    );
    const groups = joinNeighbours(parts).map(({ label, score, tokens }) => [
      label,
      score,
      tokens.map(({ text }) => text).join(' '),
    ]);
    expect(groups).toEqual([
      ['PER', 0.75, 'Anna Maria'],
      ['PER', 1, 'Otto'],
      ['O', 1, 'in'],
      ['LOC', 0.75, 'New York'],
    ]);
  });
  it('of no tokens are none', () => {
    expect(joinNeighbours(labelWords([], LABELS, 'first'))).toEqual([]);
  });
});
