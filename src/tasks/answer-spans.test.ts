import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { answerSpans } from './answer-spans.ts';

/** All spans, by trying each. */
function everySpan(start: readonly number[], end: readonly number[], isContext: readonly boolean[], longest: number) {
  const share = (scores: readonly number[], t: number) => {
    const sum = scores.reduce((total, s, i) => total + (isContext[i] ? Math.exp(s) : 0), 0);
    return isContext[t] ? Math.exp(scores[t]!) / sum : 0;
  };
  const spans = start.flatMap((_, first) =>
    end.map((_, last) => ({ first, last, score: share(start, first) * share(end, last) })),
  );
  return spans
    .filter(({ first, last }) => last >= first && last - first < longest && isContext[first] && isContext[last])
    .sort((a, b) => b.score - a.score);
}

describe('spans of an answer', () => {
  it('are the most probable of all, in order', () => {
    const rng = createRng(5);
    for (let round = 0; round < 20; round++) {
      const scores = () => Array.from({ length: 12 }, () => 6 * rng.uniform() - 3);
      const [start, end] = [scores(), scores()];
      const isContext = start.map((_, t) => t > 2 && t < 11);
      const longest = 1 + rng.below(6);
      const { spans } = answerSpans(start, end, isContext, { noAnswer: undefined, longest, count: 7 });
      const expected = everySpan(start, end, isContext, longest).slice(0, 7);
      expect(spans.map(({ first, last }) => [first, last])).toEqual(expected.map(({ first, last }) => [first, last]));
      for (const [i, { score }] of spans.entries()) expect(score).toBeCloseTo(expected[i]!.score, 12);
    }
  });
  it('share the probability with there being none', () => {
    const isContext = [false, false, true, true];
    const options = { noAnswer: 0, longest: 2, count: 9 };
    const { spans, noAnswerScore } = answerSpans([1, 9, 1, 1], [1, 9, 1, 1], isContext, options);
    expect(noAnswerScore).toBeCloseTo(1 / 9, 12);
    expect(spans.map(({ score }) => score)).toEqual([1 / 9, 1 / 9, 1 / 9].map(score => expect.closeTo(score, 12)));
    const without = answerSpans([1, 9, 1, 1], [1, 9, 1, 1], isContext, { ...options, noAnswer: undefined });
    expect(without.spans[0]!.score).toBeCloseTo(1 / 4, 12);
    expect(without.noAnswerScore).toBe(0);
  });
  it('are none where nothing is context', () => {
    const { spans } = answerSpans([1, 2], [1, 2], [false, false], { noAnswer: undefined, longest: 3, count: 3 });
    expect(spans).toEqual([]);
  });
});
