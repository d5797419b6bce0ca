/**
 * From scores for where an answer starts and ends to the most probable spans. Devlin et al. 2018, section 4.2; a text that does not
 * hold the answer is told by the class token, section 4.3.
 */

export interface AnswerSpan {
  /** First and last token. */
  readonly first: number;
  readonly last: number;
  /** Probability of the start times that of the end. */
  readonly score: number;
}

/**
 * The `count` most probable spans of at most `longest` tokens, best first, and the probability that there is no answer.
 * @param start scores `[T]`
 * @param end scores `[T]`
 * @param isContext which tokens may be part of an answer
 * @param noAnswer the token that stands for no answer; it takes its share of the probability
 */
export function answerSpans(
  start: ArrayLike<number>,
  end: ArrayLike<number>,
  isContext: readonly boolean[],
  options: { readonly noAnswer: number | undefined; readonly longest: number; readonly count: number },
): { spans: AnswerSpan[]; noAnswerScore: number } {
  const { noAnswer, longest, count } = options;
  const counts = isContext.map((yes, t) => yes || t === noAnswer);
  const [from, to] = [shares(start, counts), shares(end, counts)];
  const spans: AnswerSpan[] = [];
  for (let first = 0; first < from.length; first++) {
    if (!isContext[first]) continue;
    for (let last = first; last < Math.min(to.length, first + longest); last++) {
      const score = from[first]! * to[last]!;
      if (!isContext[last] || (spans.length === count && score <= spans.at(-1)!.score)) continue;
      let at = spans.length;
      while (at > 0 && spans[at - 1]!.score < score) at--;
      spans.splice(at, 0, { first, last, score });
      if (spans.length > count) spans.pop();
    }
  }
  return { spans, noAnswerScore: noAnswer === undefined ? 0 : from[noAnswer]! * to[noAnswer]! };
}

/** Softmax over the places that count; the others get 0. */
function shares(scores: ArrayLike<number>, counts: readonly boolean[]): number[] {
  const most = counts.reduce((max, yes, t) => (yes ? Math.max(max, scores[t]!) : max), Number.NEGATIVE_INFINITY);
  const powers = counts.map((yes, t) => (yes ? Math.exp(scores[t]! - most) : 0));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(x => x / sum);
}
