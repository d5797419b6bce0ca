/** Whether a sentence judges well, badly or not at all. The three are equally frequent, which they are not in the world. */

import { realize } from '../realize.ts';
import type { Sentiment } from '../world/frame.ts';
import { drawn, rowsFrom, type Task } from './task.ts';

export const SENTIMENTS: readonly Sentiment[] = ['negative', 'neutral', 'positive'];
/** The columns of `classification`. */
export interface SentimentRow {
  readonly text: string;
  readonly label: Sentiment;
}

export const sentimentRows: Task<SentimentRow> = options =>
  rowsFrom(options, ({ rng, language, frame }) => {
    const label = drawn(SENTIMENTS, rng);
    let found = frame();
    while (found.sentiment !== label) found = frame();
    return { text: realize(found, language).text, label };
  });
