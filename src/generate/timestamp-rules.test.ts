import { describe, expect, it } from 'vitest';
import { SequenceHistory } from './history.ts';
import { timestampRules } from './timestamp-rules.ts';

const VOCABULARY = { firstTimestamp: 13, end: 9, noTimestamps: 12 };
const SIZE = 28;
/** Variant 1 has likely times, variant 2 a likely text token. */
const scoresFor = (length: number, variant: number) =>
  Float32Array.from({ length: SIZE }, (_, i) => {
    const lift = (variant === 1 && i > 12 ? 1.5 : 0) + (variant === 2 && i === 3 ? 4 : 0);
    return (((i * 7 + length * 5 + variant * 3) % 11) - 5) / 4 + lift;
  });

/** What transformers 5.18's WhisperTimeStampLogitsProcessor leaves after the prompt [10, 11] and these ids. */
const REFERENCE: readonly (readonly [ids: number[], variant: number, latestStart: number | undefined, kept: string])[] =
  [
    [[], 0, 5, '13-18'],
    [[], 1, 5, '13-18'],
    [[], 2, 5, '13-18'],
    [[13], 0, 5, '0-11'],
    [[13], 1, 5, '0-11'],
    [[13], 2, 5, '0-11'],
    [[15], 0, 5, '0-11'],
    [[15], 1, 5, '0-11'],
    [[15], 2, 5, '0-11'],
    [[15, 3], 0, 5, '16-27'],
    [[15, 3], 1, 5, '16-27'],
    [[15, 3], 2, 5, '0-11 16-27'],
    [[15, 3, 4, 17], 0, 5, '17-27'],
    [[15, 3, 4, 17], 1, 5, '17-27'],
    [[15, 3, 4, 17], 2, 5, '17-27'],
    [[15, 3, 17, 17], 0, 5, '0-11'],
    [[15, 3, 17, 17], 1, 5, '0-11'],
    [[15, 3, 17, 17], 2, 5, '0-11'],
    [[15, 3, 17, 17, 2], 0, 5, '18-27'],
    [[15, 3, 17, 17, 2], 1, 5, '18-27'],
    [[15, 3, 17, 17, 2], 2, 5, '0-11 18-27'],
    [[15, 3, 17, 19], 0, 5, '0-11'],
    [[15, 3, 17, 19], 1, 5, '0-11'],
    [[15, 3, 17, 19], 2, 5, '0-11'],
    [[27], 0, 5, '0-11'],
    [[27], 1, 5, '0-11'],
    [[27], 2, 5, '0-11'],
    [[15, 3, 27], 0, 5, '9-11 27'],
    [[15, 3, 27], 1, 5, '27'],
    [[15, 3, 27], 2, 5, '9-11 27'],
    [[13, 1, 14, 14, 5, 16], 0, 5, '16-27'],
    [[13, 1, 14, 14, 5, 16], 1, 5, '16-27'],
    [[13, 1, 14, 14, 5, 16], 2, 5, '16-27'],
    [[15, 3, 17, 17, 2, 20, 20], 0, 5, '0-11'],
    [[15, 3, 17, 17, 2, 20, 20], 1, 5, '0-11'],
    [[15, 3, 17, 17, 2, 20, 20], 2, 5, '0-11'],
    [[], 0, undefined, '13-27'],
    [[], 1, undefined, '13-27'],
    [[], 2, undefined, '13-27'],
  ];
function kept(ids: number[], variant: number, latestStart: number | undefined): string {
  const scores = scoresFor(ids.length, variant);
  const history = new SequenceHistory({ ids: [10, 11] });
  for (const id of ids) history.push(id);
  timestampRules(VOCABULARY, latestStart)(scores, history);
  const left = [...scores.keys()].filter(id => scores[id]! > Number.NEGATIVE_INFINITY);
  const original = scoresFor(ids.length, variant);
  for (const id of left) expect(scores[id]).toBe(original[id]);
  const spans: [number, number][] = [];
  for (const id of left) {
    const span = spans.at(-1);
    if (span?.[1] === id - 1) span[1] = id;
    else spans.push([id, id]);
  }
  return spans.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
}

describe('timestampRules', () => {
  it.each(REFERENCE)('after %j, variant %i, latest start %j: %s is left', (ids, variant, latestStart, expected) => {
    expect(kept(ids, variant, latestStart)).toBe(expected);
  });
  it('does not take times in the prompt for its own', () => {
    const scores = scoresFor(0, 0);
    const history = new SequenceHistory({ ids: [13, 2, 20, 11] });
    timestampRules(VOCABULARY)(scores, history);
    expect(scores[13]).toBe(scoresFor(0, 0)[13]);
    expect(scores[2]).toBe(Number.NEGATIVE_INFINITY);
  });
});
