/** The tags of a revision: the most probable ones that can be carried out. */
import { DELETE, INSERT, isFilled, KEEP, REPLACE, TAGS, type Tag } from '../models/edits.ts';

export interface ChosenTags {
  /** For the start and each token. */
  readonly tags: readonly Tag[];
  /** Sum of their log-probabilities. */
  readonly score: number;
}

/**
 * @param logp `[n + 1, 4]`: log-probabilities for the start and n tokens
 * @param most so many tokens with text at most: the least sure of the others get their best tag without
 * @param mustInsert text has to come behind the start, as where there is none yet
 */
export function chooseTags(logp: Float32Array, most: number, mustInsert: boolean): ChosenTags {
  const count = logp.length / TAGS.length;
  const of = (place: number, tag: Tag) => logp[place * TAGS.length + tag]!;
  const best = (place: number, among: readonly Tag[]) => among.reduce((a, b) => (of(place, b) > of(place, a) ? b : a));
  // The start is no text: it cannot go.
  const tags = Array.from({ length: count }, (_, place): Tag => {
    if (place === 0) return mustInsert ? INSERT : best(0, [KEEP, INSERT]);
    return best(place, [KEEP, DELETE, INSERT, REPLACE]);
  });
  const without = (place: number): Tag => (place === 0 ? KEEP : best(place, [KEEP, DELETE]));
  const filled = [...tags.keys()].filter(place => isFilled(tags[place]!));
  const sureness = (place: number) => of(place, tags[place]!) - of(place, without(place));
  const dropped = filled.sort((a, b) => sureness(b) - sureness(a) || a - b).slice(most);
  for (const place of dropped) tags[place] = without(place);
  return { tags, score: tags.reduce((sum: number, tag, place) => sum + of(place, tag), 0) };
}
