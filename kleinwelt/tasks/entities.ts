/** The names in a sentence, word by word: of people, places, organisations and animals. Every third sentence may have none. */

import type { EntityType, Sentence } from '../sentence.ts';
import { rowsFrom, type Task } from './task.ts';

const TYPES: readonly EntityType[] = ['PER', 'LOC', 'ORG', 'ANIMAL'];
/** Ramshaw and Marcus 1995: `B-` begins an entity, `I-` goes on. */
export const ENTITY_TAGS: readonly string[] = ['O', ...TYPES.flatMap(type => [`B-${type}`, `I-${type}`])];
/** The columns of `tokenClassification`. */
export interface EntityRow {
  readonly tokens: readonly string[];
  readonly ner_tags: readonly string[];
}

export const entityRows: Task<EntityRow> = options =>
  rowsFrom(options, ({ rng, sentence }) => {
    const anything = rng.below(3) === 0;
    let found = sentence();
    while (!anything && !found.words.some(({ entity }) => entity)) found = sentence();
    return entityRow(found);
  });

/** The words of a sentence with their tags. */
export const entityRow = ({ words }: Pick<Sentence, 'words'>): EntityRow => ({
  tokens: words.map(({ text }) => text),
  ner_tags: words.map(({ entity }) => (entity ? `${entity.begin ? 'B' : 'I'}-${entity.type}` : 'O')),
});
