/** A sentence in the other language, after an instruction in T5's manner (Raffel et al. 2020). */

import { realize } from '../realize.ts';
import { LANGUAGE_NAMES, otherLanguage, rowsFrom, type Task } from './task.ts';

/** The columns of `sequenceToSequence`. */
export interface TextPairRow {
  readonly source: string;
  readonly target: string;
}

export const translationRows: Task<TextPairRow> = options =>
  rowsFrom(options, ({ language, frame }) => {
    const meaning = frame();
    const target = otherLanguage(language);
    const instruction = `translate ${LANGUAGE_NAMES[language]} to ${LANGUAGE_NAMES[target]}: `;
    return { source: instruction + realize(meaning, language).text, target: realize(meaning, target).text };
  });
