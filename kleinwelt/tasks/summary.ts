/** A story and what happened in the end, in one sentence that stands alone. */

import { realize } from '../realize.ts';
import { rowsFrom, type Task } from './task.ts';
import type { TextPairRow } from './translation.ts';

export const summaryRows: Task<TextPairRow> = options =>
  rowsFrom(options, ({ language, story }) => {
    const { text, story: truth } = story();
    return truth && { source: `summarize: ${text}`, target: realize(truth.summary, language).text };
  });
