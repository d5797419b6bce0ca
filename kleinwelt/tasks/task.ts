/** The form of a task: a stream of rows without end, a function of seed, split and language. */

import { createRng, type Rng } from '../../src/util/rng.ts';
import { sampleFrame, sampleStory } from '../document.ts';
import { realize } from '../realize.ts';
import type { KleinweltDocument, Sentence } from '../sentence.ts';
import { createChoices } from '../world/choices.ts';
import type { Frame, Language } from '../world/frame.ts';
import type { Split } from '../world/split.ts';

export interface TaskOptions {
  readonly seed: number;
  /** Default `train`. */
  readonly split?: Split | undefined;
  /** Default: one is drawn for each row. Where a row has two, that of its source. */
  readonly language?: Language | undefined;
}
/** Rows of a task in the columns that its objective reads. Equal options give equal rows. */
export type Task<R extends object> = (options: TaskOptions) => Generator<R>;

/** What a row is made from. */
export interface Draw {
  readonly rng: Rng;
  readonly language: Language;
  /** The meaning of a sentence that stands alone, and such a sentence. */
  frame(): Frame;
  sentence(): Sentence;
  story(): KleinweltDocument;
}

/** Tells the streams of a task from those of all others that have its seed. */
const STREAM = 71;

/** Makes rows one by one, each from numbers of its own; a row that is undefined is left out. */
export function* rowsFrom<R extends object>(
  { seed, split = 'train', language }: TaskOptions,
  make: (draw: Draw) => R | undefined,
): Generator<R> {
  for (let number = 0; ; number++) {
    const rng = createRng(seed, STREAM, number);
    const own = language ?? (rng.below(2) === 0 ? 'de' : 'en');
    const choices = createChoices(seed, STREAM, number, 1);
    const frame = () => sampleFrame(choices, split);
    const row = make({
      rng,
      language: own,
      frame,
      sentence: () => realize(frame(), own),
      story: () => sampleStory(choices, { language: own, split }),
    });
    if (row) yield row;
  }
}

/** The name of a language in a task's prefix. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { de: 'German', en: 'English' };
export const otherLanguage = (language: Language): Language => (language === 'de' ? 'en' : 'de');
/** One of the options. */
export const drawn = <T>(options: readonly T[], rng: Rng): T => options[rng.below(options.length)]!;
/** The first rows of a stream, at least one. */
export function first<T>(rows: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const row of rows) {
    taken.push(row);
    if (taken.length >= count) break;
  }
  return taken;
}
/** The same in another order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}
