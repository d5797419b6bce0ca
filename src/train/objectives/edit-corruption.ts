/**
 * Damage that edits undo. Reid, Hellendoorn, Neubig 2023, "DiffusER": each step of the process draws edits of words from a
 * distribution of kinds and one of lengths; the edits that lead back are known at once, without aligning the two texts. How a
 * kind of edit is taught is our reading: noise that is put in is to be deleted, words that are dropped are to be inserted, words
 * that are written over are to be replaced. Noise is words of another text.
 */
import { applyEdits, DELETE, INSERT, isFilled, KEEP, REPLACE, type Tag } from '../../models/edits.ts';
import type { Rng } from '../../util/rng.ts';
import { poisson } from './random-draws.ts';

export interface EditNoise {
  /** How often each kind is drawn; what is left is KEEP. Default 0.2, 0.1, 0.1. */
  readonly replace: number;
  readonly insert: number;
  readonly delete: number;
  /** Mean of the Poisson distribution of lengths in words, of which 0 counts as 1. The paper's: 3 for translation, 8 for summaries. */
  readonly poissonLambda: number;
}
export const EDIT_NOISE: EditNoise = { replace: 0.2, insert: 0.1, delete: 0.1, poissonLambda: 3 };

/** Tokens of a word. */
export type Word = readonly number[];
/** A damaged text and the way back: a tag for the start and for each word, and the words to write for each that is filled. */
export interface Damaged {
  readonly words: readonly Word[];
  readonly tags: readonly Tag[];
  readonly fillings: readonly (readonly Word[])[];
}

/**
 * One step of damage. Words are gone through from left to right; `pool` is what noise is drawn from.
 * @param most so many fillings at most: then only what needs none is drawn
 */
export function damageOnce(
  words: readonly Word[],
  pool: readonly Word[],
  noise: EditNoise,
  rng: Rng,
  most: number,
): Damaged {
  const damaged: Word[] = [];
  const tags: Tag[] = [KEEP];
  const wanted = new Map<number, Word[]>();
  const put = (word: Word, tag: Tag) => {
    damaged.push(word);
    tags.push(tag);
  };
  const noisy = (count: number): Word[] => Array.from({ length: count }, () => pool[rng.below(pool.length)]!);
  for (let at = 0; at < words.length; ) {
    const draw = rng.uniform();
    const length =
      draw < noise.replace + noise.insert + noise.delete ? Math.max(1, poisson(noise.poissonLambda, rng)) : 0;
    const taken = words.slice(at, at + length);
    const isFree = wanted.size < most;
    if (draw < noise.replace && isFree) {
      wanted.set(tags.length, taken);
      noisy(taken.length).forEach((word, i) => {
        put(word, i === 0 ? REPLACE : DELETE);
      });
      at += taken.length;
    } else if (draw >= noise.replace && draw < noise.replace + noise.insert && isFree) {
      // What is deleted between the gap and the last word that stays makes no difference.
      const before = tags.findLastIndex(tag => tag !== DELETE);
      if (tags[before] === KEEP) tags[before] = INSERT;
      wanted.set(before, [...(wanted.get(before) ?? []), ...taken]);
      at += taken.length;
    } else {
      if (draw >= noise.replace + noise.insert) for (const word of noisy(length)) put(word, DELETE);
      put(words[at++]!, KEEP);
    }
  }
  const fillings = [...wanted].sort(([a], [b]) => a - b).map(([, filling]) => filling);
  return { words: damaged, tags, fillings };
}

/** The last of `steps` steps of damage: it leads back to the text of the step before. */
export function damage(
  words: readonly Word[],
  pool: readonly Word[],
  options: { readonly noise: EditNoise; readonly steps: number; readonly most: number },
  rng: Rng,
): Damaged {
  let text = words;
  for (let step = 1; step < options.steps; step++)
    text = damageOnce(text, pool, options.noise, rng, Number.POSITIVE_INFINITY).words;
  return damageOnce(text, pool, options.noise, rng, options.most);
}

/** The same by token: of a word that is replaced the first token is, the others go; text is inserted behind the last. */
export function tokenEdits({ words, tags, fillings }: Damaged): {
  readonly ids: number[];
  readonly tags: Tag[];
  readonly fillings: number[][];
} {
  const tagsOf = (word: Word, tag: Tag): Tag[] =>
    word.map((_, i) => {
      if (tag === REPLACE) return i === 0 ? REPLACE : DELETE;
      if (tag === INSERT) return i === word.length - 1 ? INSERT : KEEP;
      return tag;
    });
  return {
    ids: words.flat(),
    tags: [tags[0]!, ...words.flatMap((word, i) => tagsOf(word, tags[i + 1]!))],
    fillings: fillings.map(filling => filling.flat()),
  };
}

/** The text before the last step. */
export function undone(damaged: Damaged): number[] {
  const { ids, tags, fillings } = tokenEdits(damaged);
  return applyEdits(ids, tags, fillings);
}

/** The first `length` tokens of edits, the start not counted, of which `most` at most are filled, with the fillings that belong to them. */
export function cutEdits(
  edits: ReturnType<typeof tokenEdits>,
  length: number,
  most: number,
): ReturnType<typeof tokenEdits> {
  const filled = edits.tags.flatMap((tag, i) => (isFilled(tag) ? [i] : []));
  // A tag's place counts the start, so it is the number of tokens before the next.
  const kept = Math.min(length, (filled[most] ?? Number.POSITIVE_INFINITY) - 1, edits.ids.length);
  const tags = edits.tags.slice(0, kept + 1);
  return { ids: edits.ids.slice(0, kept), tags, fillings: edits.fillings.slice(0, tags.filter(isFilled).length) };
}
