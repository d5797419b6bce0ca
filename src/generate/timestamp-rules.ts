/**
 * Where times may stand in a transcript whose vocabulary has a token per 20 ms. Radford et al. 2022, "Robust Speech
 * Recognition via Large-Scale Weak Supervision", section 4.5; semantics of transformers 5, generation/logits_process.py.
 */
import type { LogitsProcessor } from './history.ts';
import { logSumExp, maximum } from './select.ts';

export interface TimestampVocabulary {
  /** Id of time 0; all ids from there on are times, in their order. */
  readonly firstTimestamp: number;
  /** The end token: all text is below it. */
  readonly end: number;
  /** The token that asks for a transcript without times; it is never generated. */
  readonly noTimestamps: number;
}

/**
 * A transcript begins with a time. Times come in pairs, the end of a piece and the start of the next, except for the first
 * and, before the end token, the last. They do not go back: only the start of a piece may equal the end of the one before.
 * Where all times together are more probable than any other token, it is a time.
 * @param latestStart the latest first time, as its number; undefined = any
 */
export function timestampRules(vocabulary: TimestampVocabulary, latestStart?: number): LogitsProcessor {
  const { firstTimestamp: first, end, noTimestamps } = vocabulary;
  return (scores, { ids, promptLength }) => {
    const remove = (from: number, to: number) => scores.fill(Number.NEGATIVE_INFINITY, from, to);
    const isTime = (at: number) => at >= promptLength && ids[at]! >= first;
    const last = ids.length - 1;
    remove(noTimestamps, noTimestamps + 1);
    if (last < promptLength) {
      remove(0, first);
      if (latestStart !== undefined) remove(first + latestStart + 1, scores.length);
    }
    // The first time of a transcript counts as a whole pair.
    const afterPair = isTime(last) && (isTime(last - 1) || last === promptLength);
    const withinPair = isTime(last) && !afterPair;
    if (afterPair) remove(first, scores.length);
    if (withinPair) remove(0, end);
    let latest = last;
    while (latest >= promptLength && !isTime(latest)) latest--;
    if (latest >= promptLength) remove(first, ids[latest]! + (withinPair ? 0 : 1));
    if (logSumExp(scores.subarray(first)) > maximum(scores.subarray(0, first))) remove(0, first);
  };
}
