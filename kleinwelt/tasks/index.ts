/** The tasks of Kleinwelt by name. */

import { dataToTextRows } from './data-to-text.ts';
import { entityRows } from './entities.ts';
import { fillMaskRows } from './fill-mask.ts';
import { minimalPairRows } from './minimal-pairs.ts';
import { questionRows } from './questions.ts';
import { sentimentRows } from './sentiment.ts';
import { similarityRows } from './similarity.ts';
import { spellingRows } from './spelling.ts';
import { summaryRows } from './summary.ts';
import type { Task } from './task.ts';
import { translationRows } from './translation.ts';

export { dataToTextRows, facts } from './data-to-text.ts';
export { ENTITY_TAGS, type EntityRow, entityRows } from './entities.ts';
export { type FillMaskOptions, type FillMaskRow, fillMaskRows } from './fill-mask.ts';
export { type MinimalPairRow, minimalPairRows } from './minimal-pairs.ts';
export { type QuestionRow, questionRows } from './questions.ts';
export { SENTIMENTS, type SentimentRow, sentimentRows } from './sentiment.ts';
export { type SimilarityRow, similarityRows } from './similarity.ts';
export { spellingRows } from './spelling.ts';
export { summaryRows } from './summary.ts';
export type { Task, TaskOptions } from './task.ts';
export { type TextPairRow, translationRows } from './translation.ts';

/** Each a function from seed, split and language to rows without end. */
export const TASKS = {
  sentiment: sentimentRows,
  entities: entityRows,
  questions: questionRows,
  translation: translationRows,
  summary: summaryRows,
  spelling: spellingRows,
  'data-to-text': dataToTextRows,
  similarity: similarityRows,
  'fill-mask': fillMaskRows,
  'fill-mask-class': options => fillMaskRows({ ...options, scope: 'class' }),
  'fill-mask-recall': options => fillMaskRows({ ...options, scope: 'recall' }),
  'minimal-pairs': minimalPairRows,
} as const satisfies Readonly<Record<string, Task<object>>>;
export type TaskName = keyof typeof TASKS;
