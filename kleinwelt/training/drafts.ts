/** Drafts for the edit model: nothing, a sentence with misspelt words, or one with words missing or another sentence's. */
import { realize } from '../realize.ts';
import { misspelt } from '../tasks/spelling.ts';
import { rowsFrom, type TaskOptions } from '../tasks/task.ts';
import type { Fields } from './stream.ts';

/** Of ten drafts so many are empty, so many misspelt. */
const [EMPTY, MISSPELT] = [4, 3];
/** A word's chances in a hundred to be dropped, written over, followed by noise. */
const [DROPPED, REPLACED, NOISE] = [12, 12, 8];

/** Rows with `draft` and `text`. */
export const draftRows = (options: TaskOptions): Iterable<Fields> =>
  rowsFrom(options, ({ rng, language, frame }) => {
    const sentence = realize(frame(), language);
    const { text } = sentence;
    const kind = rng.below(10);
    if (kind < EMPTY) return { text, draft: '' };
    if (kind < EMPTY + MISSPELT) return { text, draft: misspelt(sentence, rng) };
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
