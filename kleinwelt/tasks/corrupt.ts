/**
 * Sentences that are no longer grammatical, made from the truth beside a sentence: one rule is broken and all else stays. What
 * results is nearly always wrong; where another reading makes it right again (*die Hamster* and *der Hamster*), only a parser can
 * say so. For minimal pairs, and for measuring the parser.
 */

import type { Rng } from '../../src/util/rng.ts';
import { nouns } from '../lexicon/nouns.ts';
import type { Sentence, Word } from '../sentence.ts';
import { bothNumbers, DEFINITE, ENDINGS } from './class-forms.ts';
import { drawn, shuffled } from './task.ts';

/** The words of a corrupted sentence; undefined where the sentence has nothing of the kind. */
type Corruption = (sentence: Sentence, rng: Rng) => readonly string[] | undefined;

const texts = ({ words }: Sentence) => words.map(({ text }) => text);
const pick = <T>(options: readonly T[], rng: Rng): T | undefined =>
  options.length > 0 ? drawn(options, rng) : undefined;
/** The places of the words that a condition holds of. */
const placesOf = ({ words }: Sentence, holds: (word: Word, at: number) => boolean): number[] =>
  words.flatMap((word, i) => (holds(word, i) ? [i] : []));
/** A word with another form, whose first letter keeps its size. */
const withCase = (form: string, model: string) =>
  model[0] === model[0]?.toLowerCase() ? form : form[0]!.toUpperCase() + form.slice(1);

function exchange(sentence: Sentence, at: number | undefined, form: string | undefined): string[] | undefined {
  if (at === undefined || form === undefined) return undefined;
  return texts(sentence).with(at, withCase(form, sentence.words[at]!.text));
}

/** The forms of a determiner: *der* ..., *ein* ... */
function paradigm({ lemma }: Word): readonly string[] {
  if (lemma === 'der') return DEFINITE;
  return ['ein', 'kein', 'sein', 'ihr'].includes(lemma) ? ENDINGS.map(ending => lemma + ending) : [];
}

const determinerForm: Corruption = (sentence, rng) => {
  const at = pick(
    placesOf(sentence, word => word.pos === 'DET' && paradigm(word).includes(word.text.toLowerCase())),
    rng,
  );
  const word = sentence.words[at ?? -1];
  return (
    word &&
    exchange(
      sentence,
      at,
      pick(
        paradigm(word).filter(form => form !== word.text.toLowerCase()),
        rng,
      ),
    )
  );
};

const adjectiveEnding: Corruption = (sentence, rng) => {
  if (sentence.language === 'en') return undefined;
  const at = pick(
    placesOf(sentence, ({ relation, pos }) => relation === 'amod' && pos === 'ADJ'),
    rng,
  );
  const word = sentence.words[at ?? -1];
  const [, stem, ending] = /^(.+?)(e[nmrs]?)$/.exec(word?.text ?? '') ?? [];
  if (stem === undefined) return undefined;
  const others = ENDINGS.filter(other => other !== '' && other !== ending);
  return exchange(sentence, at, stem + pick(others, rng));
};

/** The finite verb in the other number. */
const verbNumber: Corruption = (sentence, rng) => {
  const { language } = sentence;
  const at = pick(
    placesOf(sentence, ({ features }) => features.VerbForm === 'Fin'),
    rng,
  );
  const word = sentence.words[at ?? -1];
  return (
    word &&
    exchange(
      sentence,
      at,
      bothNumbers(word.text, language).find(form => form !== word.text),
    )
  );
};

/** German: a second part of the sentence in front of the finite verb. English: the object in front of the verb. */
const verbThird: Corruption = (sentence, rng) => {
  const root = sentence.words.findIndex(({ head }) => head === -1);
  const verb = sentence.words.findIndex(
    ({ features, head }, i) => features.VerbForm === 'Fin' && (i === root || head === root),
  );
  const behind = pick(
    sentence.roles.filter(({ clause, from, role }) => clause === 'main' && from === verb + 1 && role !== 'quality'),
    rng,
  );
  if (verb < 1 || !behind) return undefined;
  const all = texts(sentence);
  return [...all.slice(0, verb), ...all.slice(behind.from, behind.to), all[verb]!, ...all.slice(behind.to)];
};

const without = (sentence: Sentence, at: number | undefined) =>
  at === undefined ? undefined : capitalised(texts(sentence).toSpliced(at, 1));
const missingParticle: Corruption = (sentence, rng) =>
  without(
    sentence,
    pick(
      placesOf(sentence, ({ relation }) => relation === 'compound:prt'),
      rng,
    ),
  );
/** *Mutter*, *Grandfather*: names as well, which need no article. */
const PARENTS: ReadonlySet<string> = new Set(
  [...nouns.values()]
    .filter(({ classes }) => classes.has('parent'))
    .flatMap(({ de, en }) => [de.singular, ...en.singular]),
);
const missingDeterminer: Corruption = (sentence, rng) =>
  without(
    sentence,
    pick(
      placesOf(sentence, ({ pos, head }) => pos === 'DET' && !PARENTS.has(sentence.words[head]!.lemma)),
      rng,
    ),
  );
const doubledDeterminer: Corruption = (sentence, rng) => {
  const at = pick(
    placesOf(sentence, ({ pos }) => pos === 'DET'),
    rng,
  );
  return at === undefined ? undefined : texts(sentence).toSpliced(at + 1, 0, sentence.words[at]!.text.toLowerCase());
};
const missingVerb: Corruption = (sentence, rng) =>
  without(
    sentence,
    pick(
      placesOf(sentence, ({ features }) => features.VerbForm === 'Fin'),
      rng,
    ),
  );
const shuffledWords: Corruption = (sentence, rng) => {
  const all = texts(sentence).slice(0, -1);
  // A name keeps its capital, other words lose that of the sentence's beginning.
  if (sentence.words[0]!.pos !== 'PROPN' && sentence.words[0]!.pos !== 'NOUN') all[0] = all[0]!.toLowerCase();
  return capitalised([...shuffled(all, rng), '.']);
};
const capitalised = ([first = '', ...rest]: readonly string[]) => [
  first.slice(0, 1).toUpperCase() + first.slice(1),
  ...rest,
];

/** By name. The first two break rules that only German has: of English there is none. */
export const CORRUPTIONS = {
  'determiner form': determinerForm,
  'adjective ending': adjectiveEnding,
  'verb number': verbNumber,
  'verb place': verbThird,
  'missing particle': missingParticle,
  'missing determiner': missingDeterminer,
  'doubled determiner': doubledDeterminer,
  'missing verb': missingVerb,
  'shuffled words': shuffledWords,
} as const satisfies Readonly<Record<string, Corruption>>;
export type CorruptionName = keyof typeof CORRUPTIONS;

/** The words of a corrupted sentence; undefined where the sentence has nothing of the kind, or comes out as it was. */
export function corruptedWords(sentence: Sentence, kind: CorruptionName, rng: Rng): readonly string[] | undefined {
  const words = CORRUPTIONS[kind](sentence, rng);
  return words?.join(' ') === texts(sentence).join(' ') ? undefined : words;
}

/** The same as text. */
export function corrupt(sentence: Sentence, kind: CorruptionName, rng: Rng): string | undefined {
  const words = corruptedWords(sentence, kind, rng);
  return words?.map((word, i) => (i === 0 || /^[.,]$|^'s$/.test(word) ? word : ` ${word}`)).join('');
}
