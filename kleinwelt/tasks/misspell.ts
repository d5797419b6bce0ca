/**
 * Misspelt words whose right form is certain: the noise of hurried typing and of German's pitfalls (dots of umlauts, *ie* and
 * *ei*, *ss* and *ß*, nouns without their capital), kept only where the result is no word and has one nearest word, the right one.
 */

import type { Rng } from '../../src/util/rng.ts';
import type { Language } from '../world/frame.ts';
import { nearestForms, vocabulary } from './vocabulary.ts';

const KEYS: Readonly<Record<Language, readonly string[]>> = {
  de: ['qwertzuiopü', 'asdfghjklöä', 'yxcvbnm'],
  en: ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'],
};
const DOTS: Readonly<Record<string, readonly string[]>> = { ä: ['a', 'ae'], ö: ['o', 'oe'], ü: ['u', 'ue'], ß: ['ss'] };

/** A change of a word, or the word itself where it does not apply. */
type Noise = (word: string, rng: Rng, language: Language) => string;

const replaced = (word: string, at: number, length: number, text: string) =>
  word.slice(0, at) + text + word.slice(at + length);
/** A place in the word behind its first letter. */
const inside = (word: string, rng: Rng) => 1 + rng.below(Math.max(1, word.length - 1));

const swap: Noise = (word, rng) => {
  const at = rng.below(Math.max(1, word.length - 1));
  const [a = '', b = ''] = word.slice(at, at + 2);
  // The capital of a noun stays where it is.
  return at === 0 && a !== a.toLowerCase() ? word : replaced(word, at, 2, b + a);
};
const drop: Noise = (word, rng) => replaced(word, inside(word, rng), 1, '');
const double: Noise = (word, rng) => {
  const at = inside(word, rng);
  return replaced(word, at, 0, word[at] ?? '');
};
const neighbour: Noise = (word, rng, language) => {
  const at = inside(word, rng);
  const row = KEYS[language].find(keys => keys.includes(word[at] ?? '-')) ?? '';
  const key = row.indexOf(word[at] ?? '-');
  const near = [row[key - 1], row[key + 1]].filter(letter => letter !== undefined);
  return key < 0 ? word : replaced(word, at, 1, near[rng.below(near.length)]!);
};
/** One of the places at which a pattern is found, changed. */
function among(word: string, pattern: RegExp, rng: Rng, change: (found: string) => string): string {
  const found = [...word.matchAll(pattern)];
  if (found.length === 0) return word;
  const { 0: text, index } = found[rng.below(found.length)]!;
  return replaced(word, index, text.length, change(text));
}
const dots: Noise = (word, rng) => {
  const options = (letter: string) => DOTS[letter]!;
  return among(word, /[äöüß]/g, rng, letter => options(letter)[rng.below(options(letter).length)]!);
};
const vowels: Noise = (word, rng) => among(word, /ie|ei/g, rng, pair => pair[1]! + pair[0]!);
const sibilant: Noise = (word, rng) => among(word, /ss|ß/g, rng, text => (text === 'ß' ? 'ss' : 'ß'));
const small: Noise = word => word.toLowerCase();

/** Those of a language; German's own are drawn as often as the others together. */
const NOISES: Readonly<Record<Language, readonly Noise[]>> = {
  de: [swap, drop, double, neighbour, dots, vowels, sibilant, small],
  en: [swap, drop, double, neighbour, vowels],
};
const ATTEMPTS = 12;

/**
 * A misspelt form of a word of the vocabulary, as it is written within a sentence; undefined where none was found whose right form is
 * certain. Equal states of `rng` give equal forms.
 */
export function misspell(word: string, language: Language, rng: Rng): string | undefined {
  if (!vocabulary[language].has(word)) return undefined;
  for (let i = 0; i < ATTEMPTS; i++) {
    const noises = NOISES[language];
    const wrong = noises[rng.below(noises.length)]!(word, rng, language);
    if (wrong.length > 1 && wrong !== word && isRestorable(wrong, word, language)) return wrong;
  }
  return undefined;
}

/** Whether a misspelt form is no word and the word alone is nearest to it. */
function isRestorable(wrong: string, word: string, language: Language): boolean {
  if (vocabulary[language].has(wrong)) return false;
  const nearest = nearestForms(wrong, language);
  return nearest.length === 1 && nearest[0] === word;
}
