/** Which words go together: lists by class, filtered for the split, made once. */

import { prepositions, times } from '../lexicon/function-words.ts';
import { nameOf, nounOf } from '../lexicon/look-up.ts';
import { names, organisationNames, squareNames, townNames } from '../lexicon/names.ts';
import type { Noun } from '../lexicon/noun-table.ts';
import { nouns } from '../lexicon/nouns.ts';
import { type Verb, type VerbKind, verbs } from '../lexicon/verbs.ts';
import type { Tense } from './frame.ts';
import { heldOutEvent, type Split } from './split.ts';

/** Makes each list once. */
export function remembered<A extends readonly string[], T>(make: (...key: A) => T): (...key: A) => T {
  const cache = new Map<string, T>();
  return (...key) => {
    let id = key[0] ?? '';
    for (let i = 1; i < key.length; i++) id += `|${key[i]}`;
    let value = cache.get(id);
    if (value === undefined) {
      value = make(...key);
      cache.set(id, value);
    }
    return value;
  };
}

/** The classes of a noun or a name: people are persons, a pet has those of its species. */
export function classesOf(head: string): ReadonlySet<string> {
  const name = names.get(head);
  if (name === undefined) return nounOf(head).classes;
  if (name.species !== undefined) return nounOf(name.species).classes;
  return name.type === 'PER' ? person : name.type === 'ORG' ? organisation : place;
}
const person = new Set(['person']);
const organisation = new Set(['org']);
const place = new Set(['town']);

/** Keys of the nouns that have one of the classes (joined by a space) and none of those after a `-`. */
export const nounsOfClasses = remembered((classes: string) => {
  const wanted = classes.split(' ');
  const unwanted = wanted.filter(word => word.startsWith('-')).map(word => word.slice(1));
  const has = (noun: Noun, words: readonly string[]) => words.some(word => noun.classes.has(word));
  return [...nouns.values()].filter(noun => has(noun, wanted) && !has(noun, unwanted)).map(noun => noun.key);
});

/** The verbs of a kind that an agent can have in a split. */
export const verbsFor = remembered(
  (head: string, kind: VerbKind, number: 'one' | 'many', what: 'all' | 'doing', split: Split): readonly Verb[] => {
    const classes = classesOf(head);
    return [...verbs.values()].filter(
      verb =>
        verb.kind === kind &&
        // *They put*, *they read*: present and past would be the same text.
        (number === 'one' || verb.en.base !== verb.en.past) &&
        verb.agents.some(word => classes.has(word)) &&
        (what === 'all' || !lasting.has(verb.key)) &&
        (split === 'combination' || !heldOutEvent(head, verb.key)),
    );
  },
);

/** Verbs of what lasts: no time, no modal, not with *als* and *wenn*. */
export const timeless: ReadonlySet<string> = new Set(
  'love,like,hate,admire,despise,have,need,belong to,please,trust,live,lose,forget,think of'.split(','),
);
const lasting: ReadonlySet<string> = new Set([...timeless, 'sleep', 'dream', 'see', 'hear']);

const isAlive = (head: string) => classesOf(head).has('animal') || classesOf(head).has('person');

/** Nouns of the classes that can do something, alone and as several. */
export const actors = remembered((classes: string, split: Split) =>
  nounsOfClasses(classes).filter(head =>
    (nounOf(head).de.plural === '' ? (['one'] as const) : (['one', 'many'] as const)).every(
      number => eventVerbsFor(head, number, isAlive(head) ? 'doing' : 'all', split).length > 0,
    ),
  ),
);
const eventKinds: readonly (readonly [VerbKind, number])[] = [
  ['transitive', 54],
  ['dative', 10],
  ['give', 9],
  ['intransitive', 17],
  ['motion', 10],
];

/** The verbs of each kind of event that an agent can have, with the weight of the kind; kinds without a verb are left out. */
export const eventVerbsFor = remembered(
  (
    head: string,
    number: 'one' | 'many',
    what: 'all' | 'doing',
    split: Split,
  ): readonly (readonly [readonly Verb[], number])[] =>
    eventKinds
      .map(([kind, weight]) => [verbsFor(head, kind, number, what, split), weight] as const)
      .filter(([options]) => options.length > 0),
);

/** Times that go with a tense. */
export const timesFor = remembered((tense: Tense) =>
  [...times.values()].filter(time => time.tenses.includes(tense)).map(time => time.key),
);

export interface Ground {
  readonly preposition: string;
  readonly head: string;
}

/** Preposition and ground for each of the prepositions (joined by `,`); names included. */
export const groundsOf = remembered((keys: string): readonly Ground[] =>
  keys.split(',').flatMap(key => {
    const { grounds } = prepositions.get(key)!;
    const special: Readonly<Record<string, readonly string[]>> = {
      town: townNames,
      square: squareNames,
      org: organisationNames,
    };
    const heads = grounds.flatMap(word => special[word] ?? nounsOfClasses(word));
    return heads.map(head => ({ preposition: key, head }));
  }),
);

/** Rooms, furniture and what else no wild or farm animal gets into. */
export const homely: ReadonlySet<string> = new Set([
  'sofa',
  'bed',
  'kitchen_table',
  'table',
  'chair',
  'kitchen',
  'bedroom',
  'cellar',
  'cupboard',
  'bookshelf',
  'houseboat',
  'treehouse',
]);

/** Where things happen: people and pets are anywhere, other animals out of doors, big ones not under things. */
export const placesFor = remembered((head: string): readonly Ground[] => {
  const classes = classesOf(head);
  if (classes.has('person') || classes.has('kin')) {
    return groundsOf('in,out in,behind,beside,in front of,by,in town,at square,at').filter(usual);
  }
  if (classes.has('pet') || head === 'mouse') {
    return groundsOf('in,on,out in,under,behind,beside,in front of,by').filter(usual);
  }
  if (classes.has('animal')) {
    return groundsOf('in,out in,behind,beside,in front of,by').filter(spot => usual(spot) && !homely.has(spot.head));
  }
  return groundsOf('in,on,under,behind,beside,in front of').filter(usual);
});

/** *Vor dem Fenster* is odd with the verbs there are. */
const usual = ({ preposition, head }: Ground) => !(head === 'window' && preposition === 'in front of');

/** A named pet's species, or the noun itself. */
export function speciesOf(head: string): string {
  return names.has(head) ? (nameOf(head).species ?? head) : head;
}
