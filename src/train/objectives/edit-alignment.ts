/**
 * The edits between two texts of which nothing else is known, such as a draft and its revision: Levenshtein 1966, over words. Words
 * that match stay; what stands between two of them is deleted, inserted or replaced as one span.
 */
import { DELETE, INSERT, KEEP, REPLACE, type Tag } from '../../models/edits.ts';
import type { Damaged, Word } from './edit-corruption.ts';

/**
 * The fewest edits of words that make `to` of `from`, each of cost 1. Of equal ways, from the end, a match comes before a
 * replacement, that before a deletion, that before an insertion. Takes time and memory of the product of both lengths.
 */
export function alignEdits(from: readonly Word[], to: readonly Word[]): Damaged {
  const tags: Tag[] = [KEEP];
  const fillings: (readonly Word[])[] = [];
  let [i, j] = [0, 0];
  const span = (untilFrom: number, untilTo: number) => {
    const gone = untilFrom - i;
    const text = to.slice(j, untilTo);
    if (text.length > 0) fillings.push(text);
    if (text.length > 0 && gone === 0) tags[tags.length - 1] = INSERT;
    for (let n = 0; n < gone; n++) tags.push(n === 0 && text.length > 0 ? REPLACE : DELETE);
    [i, j] = [untilFrom, untilTo];
  };
  for (const [a, b] of matches(from, to)) {
    span(a, b);
    tags.push(KEEP);
    [i, j] = [a + 1, b + 1];
  }
  span(from.length, to.length);
  return { words: from, tags, fillings };
}

/** Places of the words that stay, in both texts. */
function matches(from: readonly Word[], to: readonly Word[]): [number, number][] {
  const width = to.length + 1;
  const [a, b] = [from.map(String), to.map(String)];
  const cost = new Uint32Array((from.length + 1) * width);
  for (let i = 0; i <= from.length; i++)
    for (let j = 0; j <= to.length; j++) {
      const at = i * width + j;
      if (i === 0 || j === 0) cost[at] = i + j;
      else
        cost[at] = Math.min(
          cost[at - width - 1]! + Number(a[i - 1] !== b[j - 1]),
          cost[at - width]! + 1,
          cost[at - 1]! + 1,
        );
    }
  const places: [number, number][] = [];
  for (let [i, j] = [from.length, to.length]; i > 0 && j > 0; ) {
    const at = i * width + j;
    const same = a[i - 1] === b[j - 1];
    if (cost[at] === cost[at - width - 1]! + Number(!same)) {
      i--;
      j--;
      if (same) places.push([i, j]);
    } else if (cost[at] === cost[at - width]! + 1) i--;
    else j--;
  }
  return places.reverse();
}
