/**
 * What a story is built on: its two characters, the fact that its first sentence states, and how its last sentence needs it.
 * Hero and companion differ in German gender and in English pronoun, so that a pronoun says which of the two it is.
 */

import { nounOf } from '../lexicon/look-up.ts';
import { familyNames, givenNames, names, petNames, townNames } from '../lexicon/names.ts';
import { confusable, placeAt } from './events.ts';
import type { Clause, Frame, Mention, Tense } from './frame.ts';
import type { Sampler } from './mentions.ts';
import { attributesFor } from './qualities.ts';
import { nounsOfClasses, speciesOf } from './select.ts';
import { single } from './sentences.ts';
import { heldOutEvent } from './split.ts';

/** Which word recurs: the adjective of the thing, the name of the pet, the town. */
export type RecallKind = 'adjective' | 'name' | 'town';

export interface Cast {
  /** As they are called after the first sentence. */
  readonly hero: Mention;
  readonly other: Mention;
  readonly tense: Tense;
  readonly opening: Frame;
  readonly recall: RecallKind;
  /** The last event, its agent still to be worded and its time to be said. */
  readonly closing: () => Clause;
}

/** Draws a cast. */
export function castOf(sampler: Sampler): Cast {
  const { choices } = sampler;
  const recall: RecallKind = choices.weighted([
    ['adjective', 4],
    ['name', 3],
    ['town', 3],
  ] as const);
  const tense: Tense = choices.chance(0.5) ? 'present' : 'past';
  if (recall === 'name') return petStory(sampler, tense);
  const verb = recall === 'adjective' ? 'have' : 'live';
  const given = choices.pick(givenNames.filter(name => can(sampler, name, verb)));
  const hero: Mention = { head: given, form: 'name', referent: 1 };
  // Who is introduced by the full name is called by the first one later.
  const full = choices.chance(0.2) ? { ...hero, head: `${given} ${choices.pick(familyNames)}` } : hero;
  const other = companion(sampler, hero);
  return recall === 'adjective'
    ? thingStory(sampler, full, hero, other, tense)
    : townStory(sampler, full, hero, other, tense);
}

function can({ split }: Sampler, head: string, verb: string): boolean {
  return split === 'combination' || !heldOutEvent(head, verb);
}

const keeping = ['look for', 'find', 'bring back', 'pick up', 'put away', 'conceal', 'lose', 'forget'];
const movable = new Set(nounsOfClasses('small'));
const things = nounsOfClasses('toy clothing reading dish openable').filter(head => movable.has(head));

/** *Anna hat einen roten Ball. ... Am Abend sucht sie den roten Ball.* */
function thingStory(sampler: Sampler, full: Mention, hero: Mention, other: Mention, tense: Tense): Cast {
  const { choices, split } = sampler;
  const head = choices.pick(things);
  const adjective = choices.pick(attributesFor(head, split));
  const patient: Mention = { head, form: 'noun', determiner: 'a', adjective };
  return {
    hero,
    other,
    tense,
    recall: 'adjective',
    opening: single({ verb: 'have', tense, agent: full, patient, first: 'agent' }),
    closing: () => {
      const verb = choices.pick(keeping.filter(key => can(sampler, hero.head, key)));
      return { verb, tense, agent: hero, patient: { ...patient, determiner: 'the' }, first: 'agent' };
    },
  };
}

const calling = ['shout for', 'look for', 'find', 'feed', 'stroke', 'catch', 'wake'];
// Name and noun of one gender, so that *er* or *sie* fits both.
const storyPets = petNames.filter(name => names.get(name)!.gender === nounOf(speciesOf(name)).de.gender);

/** *Annas Hund heißt Bello. ... Am Abend ruft sie Bello.* In between he is *der Hund*. */
function petStory(sampler: Sampler, tense: Tense): Cast {
  const { choices } = sampler;
  const name = choices.pick(storyPets.filter(key => can(sampler, speciesOf(key), 'be called')));
  const { gender } = names.get(name)!;
  const owners = givenNames.filter(key => names.get(key)!.gender !== gender);
  const hero: Mention = { head: choices.pick(owners), form: 'name', referent: 1 };
  const other: Mention = { head: speciesOf(name), form: 'noun', determiner: 'the', referent: 2 };
  return {
    hero,
    other,
    tense,
    recall: 'name',
    opening: single({ verb: 'be called', tense, agent: { ...other, owner: hero }, name, first: 'agent' }),
    closing: () => {
      const verb = choices.pick(calling.filter(key => can(sampler, hero.head, key)));
      return { verb, tense, agent: hero, patient: { head: name, form: 'name', referent: 2 }, first: 'agent' };
    },
  };
}

/** *Anna wohnt in Seedorf. ... Am Abend kehrt sie nach Seedorf zurück.* */
function townStory(sampler: Sampler, full: Mention, hero: Mention, other: Mention, tense: Tense): Cast {
  const { choices } = sampler;
  const head = choices.pick(townNames);
  const home = placeAt({ preposition: 'in town', head });
  return {
    hero,
    other,
    tense,
    recall: 'town',
    opening: single({ verb: 'live', tense, agent: full, place: home, first: 'agent' }),
    closing: () => {
      const verb = choices.pick(['return', 'travel'].filter(key => can(sampler, hero.head, key)));
      return { verb, tense, agent: hero, place: placeAt({ preposition: 'to town', head }), first: 'agent' };
    },
  };
}

function companion({ choices }: Sampler, hero: Mention): Mention {
  if (choices.chance(0.5)) {
    const others = givenNames.filter(name => names.get(name)!.gender !== names.get(hero.head)!.gender);
    return { head: choices.pick(others), form: 'name', referent: 2 };
  }
  const animals = nounsOfClasses('pet farm').filter(head => !confusable(hero, { head, form: 'noun' }));
  return { head: choices.pick(animals), form: 'noun', determiner: 'the', referent: 2 };
}
