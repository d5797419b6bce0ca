/** Where words and sentences begin among tokens, kept beside them as one small number per token. */
import type { Tokenizer } from '../../tokenizers/index.ts';

/** Bits of a mark. A token with none belongs to no text: it separates documents. */
export const WORD = 1;
export const INSIDE = 2;
export const SENTENCE = 4;

/** Tokens of a text, nothing around them, each with its mark. */
export function markedTokens(tokenizer: Tokenizer, text: string): { ids: number[]; marks: number[] } {
  const { ids, offsets, wordIds } = tokenizer.encode(text, { addSpecialTokens: false });
  const starts = sentenceStarts(text);
  let next = 0;
  const marks = ids.map((_, i) => {
    const word = i > 0 && wordIds[i] !== null && wordIds[i] === wordIds[i - 1] ? INSIDE : WORD;
    const begins = next < starts.length && offsets[i]![1] > starts[next]!;
    while (next < starts.length && offsets[i]![1] > starts[next]!) next++;
    return word | (begins ? SENTENCE : 0);
  });
  return { ids, marks };
}

const ENDS = new Set('.!?…。！？');
const CLOSES = new Set('"\'”’»)]');

/**
 * Where sentences begin, in code units: behind a full stop, an exclamation or question mark and closing quotes, if space follows,
 * and in a new line. No list of abbreviations, so that it is the same on every engine.
 */
export function sentenceStarts(text: string): number[] {
  const starts: number[] = [];
  let [ended, open] = [true, true];
  for (let i = 0; i < text.length; i++) {
    const sign = text[i]!;
    if (sign.trim() === '') {
      if (ended || sign === '\n') open = true;
      continue;
    }
    if (open) starts.push(i);
    open = false;
    ended = ENDS.has(sign) || (ended && CLOSES.has(sign));
  }
  return starts;
}

/** Consecutive ranges that begin where a mark has a bit: `[from, to)`. What stands before the first belongs to it. */
export function rangesFrom(marks: ArrayLike<number>, bit: number): [number, number][] {
  const starts = Array.from(marks).flatMap((mark, i) => (mark & bit ? [i] : []));
  if (starts[0] !== 0 && marks.length > 0) starts.unshift(0);
  return starts.map((from, i) => [from, starts[i + 1] ?? marks.length]);
}
