/**
 * A story and what happened in the end, in one sentence that stands alone. A summary is of the split's half as all sentences are; stories
 * whose summary belongs to the other half have no row, so that the stories themselves remain as the grammar draws them.
 */

import { realize } from '../realize.ts';
import { halfOf } from '../world/split.ts';
import { rowsFrom, type Task } from './task.ts';
import type { TextPairRow } from './translation.ts';

export const summaryRows: Task<TextPairRow> = ({ split = 'train', ...options }) =>
  rowsFrom({ ...options, split }, ({ language, story }) => {
    const { text, story: truth } = story();
    if (!truth || (split !== 'combination' && halfOf(truth.summary) !== split)) return undefined;
    return { source: `summarize: ${text}`, target: realize(truth.summary, language).text };
  });
