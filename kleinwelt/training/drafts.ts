/** Drafts for the edit model: nothing at all, or a sentence in which some words are missing, doubled, or another sentence's. */
import { realize } from '../realize.ts';
import { rowsFrom, type TaskOptions } from '../tasks/task.ts';
import type { Fields } from './stream.ts';

/** Of ten drafts so many are empty; of a word's chances in a hundred to be dropped, written over, followed by noise. */
const [EMPTY, DROPPED, REPLACED, NOISE] = [4, 12, 12, 8];

/** Rows with `draft` and `text`. */
export const draftRows = (options: TaskOptions): Iterable<Fields> =>
  rowsFrom(options, ({ rng, language, frame }) => {
    const text = realize(frame(), language).text;
    if (rng.below(10) < EMPTY) return { text, draft: '' };
    const others = realize(frame(), language).text.split(' ');
    const draft = text.split(' ').flatMap(word => {
      const draw = rng.below(100);
      const other = others[rng.below(others.length)]!;
      if (draw < DROPPED) return [];
      if (draw < DROPPED + REPLACED) return [other];
      return draw < DROPPED + REPLACED + NOISE ? [word, other] : [word];
    });
    return { text, draft: draft.join(' ') };
  });
