/** Which words go together: lists by class, filtered for the split, made once. */

import { adjectives } from '../lexicon/adjectives.ts';
import { prepositions, times } from '../lexicon/function-words.ts';
import { nameOf, nounOf } from '../lexicon/look-up.ts';
import { names, organisationNames, squareNames, townNames } from '../lexicon/names.ts';
import { nouns } from '../lexicon/nouns.ts';
import { type Verb, type VerbKind, verbs } from '../lexicon/verbs.ts';
import type { Tense } from './frame.ts';
import { heldOutEvent, heldOutQuality, type Split } from './split.ts';

function remembered<A extends readonly string[], T>(make: (...key: A) => T): (...key: A) => T {
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

/** Keys of the nouns that have one of the classes (joined by a space). */
export const nounsOfClasses = remembered((classes: string) => {
  const wanted = classes.split(' ');
  return [...nouns.values()].filter(noun => wanted.some(word => noun.classes.has(word))).map(noun => noun.key);
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

/** What adjectives are said of, as attribute (never a judgement) and as predicate: classes of nouns to those of adjectives. */
const attributes: readonly (readonly [noun: string, adjectives: string])[] = [
  ['person', 'size living'],
  ['kin', 'size living'],
  ['animal', 'size living coat state'],
  ['thing', 'colour size object thing'],
  ['openable', 'weight'],
  ['machine', 'weight'],
  ['dish', 'weight'],
  ['flower', 'colour size'],
  ['fruit', 'size'],
  ['dishfood', 'meal'],
  ['drink', 'temperature'],
  ['building', 'size'],
  ['upward', 'size'],
  ['barrier', 'size'],
];
const predicates: readonly (readonly [noun: string, adjectives: string])[] = [
  ['person', 'state feeling character living'],
  ['animal', 'state feeling size living'],
  ['thing', 'colour size object thing use price'],
  ['openable', 'weight'],
  ['machine', 'weight'],
  ['dish', 'weight'],
  ['clothing', 'looks'],
  ['flower', 'colour looks'],
  ['dishfood', 'meal taste judgement'],
  ['building', 'size looks'],
  ['work', 'length work judgement'],
  ['org', 'looks'],
];
/** What is said of people alone. */
const humanWords = new Set(['proud', 'disappointed', 'kind', 'mean', 'rude', 'lazy', 'brave']);
const alwaysYoung = new Set(['girl', 'boy', 'child']);

function adjectivesOf(table: typeof attributes, head: string, split: Split): readonly string[] {
  const classes = classesOf(head);
  const wanted = table.filter(([noun]) => classes.has(noun)).flatMap(([, words]) => words.split(' '));
  const noun = names.has(head) ? undefined : head;
  return [...adjectives.values()]
    .filter(adjective => wanted.some(word => adjective.classes.has(word)))
    .map(adjective => adjective.key)
    .filter(key => !(classes.has('animal') && humanWords.has(key)))
    .filter(key => !(alwaysYoung.has(head) && key === 'old'))
    .filter(key => split === 'combination' || noun === undefined || !heldOutQuality(key, noun));
}

/** Adjectives before a noun. */
export const attributesFor = remembered((head: string, split: Split) =>
  adjectivesOf(attributes, head, split).filter(key => key !== 'awake'),
);
/** Adjectives that *ist* can give it. */
export const predicatesFor = remembered((head: string, split: Split) => adjectivesOf(predicates, head, split));
const joys = 'happy glad cheerful proud';
const sorrows = 'sad angry disappointed afraid';
const reasons: Readonly<Record<string, string>> = {
  laugh: joys,
  sing: joys,
  dance: joys,
  cry: sorrows,
  sleep: 'tired sick',
  rest: 'tired sick',
  hide: 'afraid sad',
  eat: 'hungry',
  'gobble up': 'hungry',
  drink: 'thirsty',
};

/** Adjectives that can be a reason for what somebody does; `verb` is empty where it is somebody else who does it. */
export const causesFor = remembered((head: string, verb: string, split: Split) => {
  const all = predicatesFor(head, split).filter(key => adjectives.get(key)!.classes.has('cause'));
  const fitting = all.filter(key => (reasons[verb] ?? key).split(' ').includes(key));
  return fitting.length > 0 ? fitting : all;
});
/** Adjectives that judge, by their class, for a noun or name. */
export const judgementsFor = remembered((head: string, classes: string, split: Split) =>
  [...adjectives.values()]
    .filter(adjective => adjective.judgement !== 0 && classes.split(' ').some(word => adjective.classes.has(word)))
    .map(adjective => adjective.key)
    .filter(key => split === 'combination' || names.has(head) || !heldOutQuality(key, head)),
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
