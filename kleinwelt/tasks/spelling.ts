/**
 * A misspelt sentence and the right one. One to three words are misspelt, so that each can be restored for certain (`misspell.ts`);
 * one sentence in ten is right already, so that right words are left alone.
 */

import type { Rng } from '../../src/util/rng.ts';
import type { Sentence } from '../sentence.ts';
import { misspell } from './misspell.ts';
import { LANGUAGE_NAMES, rowsFrom, type Task } from './task.ts';
import type { TextPairRow } from './translation.ts';
import { vocabulary } from './vocabulary.ts';

export const spellingRows: Task<TextPairRow> = options =>
  rowsFrom(options, ({ rng, language, sentence }) => {
    const right = sentence();
    const wrong = rng.below(10) === 0 ? right.text : misspelt(right, rng);
    return { source: `correct ${LANGUAGE_NAMES[language]}: ${wrong}`, target: right.text };
  });

/** The text of a sentence with one to three of its words misspelt, as far as they can be. */
export function misspelt({ language, text, words }: Sentence, rng: Rng): string {
  const places = words.flatMap(({ pos }, i) => (pos === 'PUNCT' ? [] : [i]));
  const changes: { start: number; end: number; wrong: string }[] = [];
  for (let wanted = 1 + rng.below(3); wanted > 0 && places.length > 0; wanted--) {
    const [at] = places.splice(rng.below(places.length), 1) as [number];
    const { start, end } = words[at]!;
    const right = text.slice(start, end);
    // The capital of a sentence's beginning is not the word's own.
    const capital = at === 0 && !vocabulary[language].has(right);
    const wrong = misspell(capital ? right[0]!.toLowerCase() + right.slice(1) : right, language, rng);
    if (wrong !== undefined)
      changes.push({ start, end, wrong: capital ? wrong[0]!.toUpperCase() + wrong.slice(1) : wrong });
  }
  changes.sort((a, b) => b.start - a.start);
  return changes.reduce((all, { start, end, wrong }) => all.slice(0, start) + wrong + all.slice(end), text);
}
