/** Which adjectives are said of whom: tables by class, filtered for the split, made once. */

import { type Adjective, adjectives } from '../lexicon/adjectives.ts';
import { names } from '../lexicon/names.ts';
import { classesOf, remembered } from './select.ts';
import { heldOutQuality, type Split } from './split.ts';

type Table = readonly (readonly [noun: string, adjectives: string])[];

/** As attribute (never a judgement) and as predicate: classes of nouns to those of adjectives. */
const attributes: Table = [
  ['person', 'size living'],
  ['kin', 'size living'],
  ['animal', 'size living coat state'],
  ['thing', 'colour size object thing'],
  ['openable', 'weight'],
  ['machine', 'weight'],
  ['dish', 'weight'],
  ['flower', 'colour size'],
  ['fruit', 'size'],
  ['sweets', 'sugar'],
  ['savoury', 'salt'],
  ['served', 'temperature'],
  ['baked', 'freshness'],
  ['drink', 'temperature'],
  ['building', 'size'],
  ['upward', 'size'],
  ['barrier', 'size'],
];
const predicates: Table = [
  ['person', 'state feeling character living'],
  ['animal', 'state feeling size living'],
  ['thing', 'colour size object thing use price'],
  ['openable', 'weight'],
  ['machine', 'weight'],
  ['dish', 'weight'],
  ['clothing', 'looks'],
  ['flower', 'colour looks'],
  ['sweets', 'sugar'],
  ['savoury', 'salt'],
  ['served', 'temperature'],
  ['baked', 'freshness'],
  ['dishfood', 'taste judgement'],
  ['building', 'size looks'],
  ['work', 'length work judgement'],
  ['org', 'looks'],
];
/** What is said of people alone. */
const humanWords = new Set(['proud', 'disappointed', 'kind', 'mean', 'rude', 'lazy', 'brave']);
/** What goes without saying, or is not so. */
const unsaid: Readonly<Record<string, readonly string[]>> = {
  girl: ['young', 'old'],
  boy: ['young', 'old'],
  child: ['young', 'old'],
  newspaper: ['red', 'blue', 'green', 'yellow', 'black', 'brown'],
};

/** Keys of the adjectives that may stand with a noun or name in a split. */
function keysOf(head: string, split: Split, wanted: (adjective: Adjective) => boolean): readonly string[] {
  return [...adjectives.values()]
    .filter(wanted)
    .map(adjective => adjective.key)
    .filter(key => split === 'combination' || names.has(head) || !heldOutQuality(key, head));
}

function adjectivesOf(table: Table, head: string, split: Split): readonly string[] {
  const classes = classesOf(head);
  const wanted = table.filter(([noun]) => classes.has(noun)).flatMap(([, words]) => words.split(' '));
  return keysOf(head, split, adjective => wanted.some(word => adjective.classes.has(word)))
    .filter(key => !(classes.has('animal') && humanWords.has(key)))
    .filter(key => !unsaid[head]?.includes(key));
}

/** Adjectives before a noun. */
export const attributesFor = remembered((head: string, split: Split) =>
  adjectivesOf(attributes, head, split).filter(key => key !== 'awake'),
);

/** Adjectives that *ist* can give it. */
export const predicatesFor = remembered((head: string, split: Split) => adjectivesOf(predicates, head, split));

/** Who is so does this. */
const deeds: readonly (readonly [adjectives: string, verbs: string])[] = [
  [
    'happy glad cheerful',
    `laugh,sing,dance,play,swim,jump,fly,run,walk,climb,travel,return,work,greet,visit,phone,invite,thank,congratulate,
     praise,help,give,present,lend,show,bring,send,read,read to,listen to,stroke,feed,look after,paint,draw,bake,pick,
     choose,buy,enjoy,watch,clean,wash,repair,carry,wear,open,wait for,pick up`,
  ],
  ['proud', 'laugh,sing,dance,show,present,praise,congratulate,work,repair,wear,put on'],
  ['sad', 'cry,hide,sit,lie,stand,wait,walk,return,phone,look for'],
  ['disappointed', 'cry,return,sell,put away,bring back,scold'],
  ['angry', 'cry,chase,scold,run after,wake,shout for,catch,close,put away,bring back'],
  ['afraid', 'cry,hide,conceal,climb,run,jump,fly,close,follow,stand,wait,shout for,look for,watch'],
  ['hungry', 'eat,gobble up,bake,buy,chase,catch,wake,follow'],
  ['thirsty', 'drink'],
  ['tired', 'sleep,rest,sit,lie,wait,return,put away'],
  ['sick', 'sleep,rest,lie,phone,cry,wait'],
];

const causes = new Map<string, Set<string>>();
for (const [reasons, verbs] of deeds) {
  for (const verb of verbs.split(/,\s*/))
    causes.set(verb, new Set([...(causes.get(verb) ?? []), ...reasons.split(' ')]));
}

/** Adjectives that can be a reason for what somebody does; `verb` is empty where it is somebody else who does it. */
export const causesFor = remembered((head: string, verb: string, split: Split) => {
  const all = predicatesFor(head, split).filter(key => adjectives.get(key)!.classes.has('cause'));
  const fitting = all.filter(key => causes.get(verb)?.has(key));
  return fitting.length > 0 ? fitting : all;
});

/** Adjectives that judge, by their class, for a noun or name. */
export const judgementsFor = remembered((head: string, classes: string, split: Split) =>
  keysOf(
    head,
    split,
    ({ judgement, classes: own }) => judgement !== 0 && classes.split(' ').some(word => own.has(word)),
  ),
);

/** What judges a noun or name: the classes of adjectives. */
export function judgingClasses(head: string): string {
  const classes = classesOf(head);
  if (classes.has('person')) return 'character';
  if (classes.has('work')) return 'work judgement';
  if (classes.has('dishfood') || classes.has('food')) return 'taste judgement';
  return 'looks';
}

/** What speaks for a noun, and what against it, without a judgement. */
const leanings: readonly (readonly [noun: string, welcome: string, unwelcome: string])[] = [
  ['clothing', 'new clean cheap', 'old dirty expensive'],
  ['building', 'big', 'old small'],
  ['dishfood', 'fresh warm sweet', 'cold salty'],
  ['work', '', 'long short'],
];

/** A quality, and the judgements that come as a surprise after it. */
export interface Contrast {
  readonly opening: readonly string[];
  readonly closing: readonly string[];
}

/** What *aber* can join for a noun: something bad after what is welcome, something good after what is not. */
export const contrastsFor = remembered((head: string, split: Split): readonly Contrast[] => {
  const said = predicatesFor(head, split);
  const judged = judgementsFor(head, judgingClasses(head), split);
  const leaning = leanings.find(([noun]) => classesOf(head).has(noun));
  if (leaning === undefined) return [];
  const [, welcome, unwelcome] = leaning;
  return (
    (
      [
        [welcome, -1],
        [unwelcome, 1],
      ] as const
    )
      .map(([words, sign]) => ({
        opening: said.filter(key => words.split(' ').includes(key)),
        closing: judged.filter(key => adjectives.get(key)!.judgement === sign),
      }))
      // What *schmeckt* can say has to be among them: not *geschmacklos* alone.
      .filter(({ opening, closing }) => opening.length > 0 && closing.some(key => key !== 'tasteless'))
  );
});
