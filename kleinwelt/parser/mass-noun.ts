/** Nouns that are not counted. */

import type { Noun } from '../lexicon/noun-table.ts';

const CLASSES = ['drink', 'grass', 'dishfood'];

/** Whether a noun stands without a determiner in the singular: *Sie trinkt Milch*. */
export const isMassNoun = ({ de, classes }: Noun): boolean =>
  de.plural === '' && CLASSES.some(name => classes.has(name));
