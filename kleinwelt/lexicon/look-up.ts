/** Lexemes by key; a key that is not there is an error of the program, said at once. */

import { ConfigError } from '../../src/errors.ts';
import type { Mention } from '../world/frame.ts';
import { type Adjective, adjectives } from './adjectives.ts';
import { type Preposition, prepositions, type Time, times } from './function-words.ts';
import { type Name, names } from './names.ts';
import type { Gender, Noun } from './noun-table.ts';
import { nouns } from './nouns.ts';
import { type Verb, verbs } from './verbs.ts';

function find<T>(table: ReadonlyMap<string, T>, key: string, kind: string): T {
  const found = table.get(key);
  if (found === undefined) throw new ConfigError(`no ${kind} of this key in Kleinwelt`, { seen: key });
  return found;
}

/** Each of these throws `ConfigError` for a key that the lexicon lacks. */
export const nounOf = (key: string): Noun => find(nouns, key, 'noun');
export const nameOf = (key: string): Name => find(names, key, 'name');
export const adjectiveOf = (key: string): Adjective => find(adjectives, key, 'adjective');
export const verbOf = (key: string): Verb => find(verbs, key, 'verb');
export const prepositionOf = (key: string): Preposition => find(prepositions, key, 'preposition');
export const timeOf = (key: string): Time => find(times, key, 'time');

/** Whether a mention's head is a name. Names begin with a capital letter, nouns' keys do not. */
export function isName(key: string): boolean {
  return names.has(key);
}

/** Grammatical gender in German of the noun or name that a mention is about. */
export function genderOf(mention: Mention): Gender {
  return names.get(mention.head)?.gender ?? nounOf(mention.head).de.gender;
}

/** Plural by form, by number or by being two. */
export function isPlural(mention: Mention): boolean {
  return mention.plural === true || mention.and !== undefined || (mention.count ?? 1) > 1;
}

/** *he*, *she* or *it* in English: people and named animals have a gender, all else is *it*. */
export function englishGender(mention: Mention): 'he' | 'she' | 'it' {
  const name = names.get(mention.head);
  if (name !== undefined) {
    if (name.type !== 'PER' && name.type !== 'ANIMAL') return 'it';
    return name.gender === 'masculine' ? 'he' : 'she';
  }
  const noun = nounOf(mention.head);
  if (!isHuman(mention)) return 'it';
  return noun.de.gender === 'masculine' ? 'he' : 'she';
}

/** Whether *who* asks for it: people, and animals that have a name. */
export function isHuman(mention: Mention): boolean {
  const name = names.get(mention.head);
  if (name !== undefined) return name.type === 'PER' || name.type === 'ANIMAL';
  const { classes } = nounOf(mention.head);
  return classes.has('person') || classes.has('kin');
}

/** Whether *wer* asks for it: people and all animals. */
export function isAnimate(mention: Mention): boolean {
  return isHuman(mention) || (!names.has(mention.head) && nounOf(mention.head).classes.has('animal'));
}
