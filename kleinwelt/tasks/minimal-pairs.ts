/**
 * A sentence and one that breaks a single rule of grammar, in the columns of BLiMP (Warstadt et al. 2020). The parser has refused
 * every wrong one.
 */

import { grammatical } from '../parser/grammatical.ts';
import { realize } from '../realize.ts';
import { CORRUPTIONS, type CorruptionName, corrupt } from './corrupt.ts';
import { drawn, rowsFrom, type Task } from './task.ts';

export interface MinimalPairRow {
  readonly sentence_good: string;
  readonly sentence_bad: string;
  /** Which rule: `verb number`, in the language's name: `de verb number`. */
  readonly UID: string;
}
const KINDS = (Object.keys(CORRUPTIONS) as CorruptionName[]).filter(kind => kind !== 'shuffled words');

export const minimalPairRows: Task<MinimalPairRow> = options =>
  rowsFrom(options, ({ rng, language, frame }) => {
    const kind = drawn(KINDS, rng);
    const sentence = realize(frame(), language);
    const bad = corrupt(sentence, kind, rng);
    if (bad === undefined || grammatical(bad, language).ok) return undefined;
    return { sentence_good: sentence.text, sentence_bad: bad, UID: `${language} ${kind}` };
  });
