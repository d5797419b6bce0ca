/** Prepositions of place and direction, and times, with the same key in both languages. */

import type { Tense } from '../world/frame.ts';

export interface Preposition {
  readonly key: string;
  readonly de: string;
  readonly case: 'dative' | 'accusative';
  readonly en: readonly string[];
  /** Classes of nouns, or `town`, `square`, `org` for names. */
  readonly grounds: readonly string[];
}

const prepositionLines: readonly (readonly [string, string, 'dative' | 'accusative', string, string])[] = [
  ['in', 'in', 'dative', 'in', 'inside'],
  ['on', 'auf', 'dative', 'on', 'seat'],
  ['out in', 'auf', 'dative', 'in', 'open'],
  ['under', 'unter', 'dative', 'under', 'under'],
  ['behind', 'hinter', 'dative', 'behind', 'beside'],
  ['beside', 'neben', 'dative', 'beside', 'beside'],
  ['in front of', 'vor', 'dative', 'in front of', 'beside'],
  ['in water', 'in', 'dative', 'in', 'water'],
  ['by', 'an', 'dative', 'by', 'water'],
  ['in town', 'in', 'dative', 'in', 'town'],
  ['at square', 'an', 'dative', 'at', 'square'],
  ['at', 'bei', 'dative', 'at', 'org'],
  ['into', 'in', 'accusative', 'into', 'inside'],
  ['onto', 'auf', 'accusative', 'onto', 'seat'],
  ['up', 'auf', 'accusative', 'up', 'upward'],
  ['over', 'über', 'accusative', 'over', 'barrier'],
  ['to', 'zu', 'dative', 'to', 'goal'],
  ['to town', 'nach', 'dative', 'to', 'town'],
];

export const prepositions: ReadonlyMap<string, Preposition> = new Map(
  prepositionLines.map(([key, de, kase, en, grounds]) => [
    key,
    { key, de, case: kase, en: en.split(' '), grounds: grounds.split(' ') },
  ]),
);

/** Preposition and article in one word: *im*, *zur*. Keys are `preposition article`. */
export const contractions: Readonly<Record<string, string>> = {
  'in dem': 'im',
  'an dem': 'am',
  'zu dem': 'zum',
  'zu der': 'zur',
  'bei dem': 'beim',
  'in das': 'ins',
};

export interface Time {
  readonly key: string;
  readonly de: readonly string[];
  readonly en: readonly string[];
  /** The tenses it goes with. */
  readonly tenses: readonly Tense[];
}

const timeLines: readonly (readonly [string, string, string])[] = [
  ['today', 'heute', 'present'],
  ['every day', 'jeden Tag', 'present past'],
  ['every evening', 'jeden Abend', 'present past'],
  ['on Sunday', 'am Sonntag', 'present past'],
  ['on Monday', 'am Montag', 'present past'],
  ['in the morning', 'am Morgen', 'present past'],
  ['in the evening', 'am Abend', 'present past'],
  ['at noon', 'am Mittag', 'present past'],
  ['at night', 'in der Nacht', 'present past'],
  ['in summer', 'im Sommer', 'present past'],
  ['in winter', 'im Winter', 'present past'],
  ['yesterday', 'gestern', 'past'],
  ['last week', 'letzte Woche', 'past'],
  ['last year', 'letztes Jahr', 'past'],
];

export const times: ReadonlyMap<string, Time> = new Map(
  timeLines.map(([key, de, tenses]) => [
    key,
    { key, de: de.split(' '), en: key.split(' '), tenses: tenses.split(' ') as Tense[] },
  ]),
);

/** Adverbs of degree before a predicate adjective. */
export const degrees: Readonly<Record<string, string>> = { very: 'sehr', rather: 'ziemlich', really: 'wirklich' };

/** Conjunctions by their key. */
export const conjunctions: Readonly<Record<string, string>> = {
  because: 'weil',
  when: 'als',
  if: 'falls',
  that: 'dass',
  and: 'und',
  but: 'aber',
};

/** *zwei* to *sechs*: 2 to 6. */
export const numerals: Readonly<Record<number, { readonly de: string; readonly en: string }>> = {
  2: { de: 'zwei', en: 'two' },
  3: { de: 'drei', en: 'three' },
  4: { de: 'vier', en: 'four' },
  5: { de: 'fünf', en: 'five' },
  6: { de: 'sechs', en: 'six' },
};
