/**
 * How many corrupted sentences the parser refuses. Some corruptions are grammatical in another reading (*Den Hasen sieht das Pferd* from
 * *Der Hase ...*), so those are told apart here from the truth beside the sentence and the sampler's tables, not with the parser: what is
 * wrong for certain has to be refused.
 */
import { expect, it } from 'vitest';
import { createRng } from '../../src/util/rng.ts';
import { sampleDocument } from '../document.ts';
import { type Agreement, type Case, definite, einWord, nounForm } from '../german/endings.ts';
import { nouns } from '../lexicon/nouns.ts';
import { verbs } from '../lexicon/verbs.ts';
import type { Sentence, Word } from '../sentence.ts';
import { CORRUPTIONS, type CorruptionName, corruptedWords } from '../tasks/corrupt.ts';
import { createChoices } from '../world/choices.ts';
import type { Language } from '../world/frame.ts';
import { grammatical } from './grammatical.ts';

const isNominal = ({ pos, features }: Word) =>
  ['NOUN', 'PROPN', 'PRON'].includes(pos) && features.Number !== undefined && features.PronType !== 'Rel';
const bySingular = new Map([...nouns.values()].map(noun => [noun.de.singular, noun]));
const cases: readonly Case[] = ['nominative', 'genitive', 'dative', 'accusative'];

/** Whether a determiner fits a noun's form in any case, by the sampler's tables. */
function fitsNoun(form: string, determiner: Word, noun: Word): boolean {
  const entry = bySingular.get(noun.lemma);
  if (!entry) return true;
  const agreements: (readonly [Agreement, boolean])[] = [[entry.de.gender, false]];
  if (entry.de.plural !== '') agreements.push(['plural', true]);
  return agreements.some(([agreement, plural]) =>
    cases.some(kase => {
      const own = determiner.lemma === 'der' ? definite[kase][agreement] : einWord(determiner.lemma, kase, agreement);
      return nounForm(entry, kase, plural) === noun.text && own === form;
    }),
  );
}
/** A noun or pronoun whose form says its case. */
const isPlainMasculine = ({ pos, text, features }: Word, { words }: Sentence, at: number) =>
  pos === 'PRON'
    ? ['er', 'ihn', 'ihm'].includes(text.toLowerCase())
    : pos === 'NOUN' &&
      features.Gender === 'Masc' &&
      features.Number === 'Sing' &&
      words.some(({ head, relation, lemma }) => head === at && relation === 'det' && ['der', 'ein'].includes(lemma));

const plurals = new Set([...nouns.values()].flatMap(({ de }) => [de.plural, de.dativePlural]));
const hasArticle = ({ words }: Sentence, noun: string) =>
  words.some(({ relation, head }) => relation === 'det' && words[head]!.text === noun);

/** Whether the corrupted words are wrong in every reading. */
function isCertain(kind: CorruptionName, sentence: Sentence, changed: readonly string[]): boolean {
  const { words, language } = sentence;
  const at = words.findIndex(({ text }, i) => text.toLowerCase() !== changed[i]?.toLowerCase());
  const word = words[at]!;
  const nominals = words.filter(isNominal);
  switch (kind) {
    case 'determiner form':
      return (
        !fitsNoun(changed[at]!.toLowerCase(), word, words[word.head]!) ||
        words.every((other, i) => !isNominal(other) || isPlainMasculine(other, sentence, i))
      );
    case 'verb number': {
      if (language === 'en') return ![...verbs.values()].some(({ en }) => [changed[at], word.text].includes(en.past));
      const other = word.features.Number === 'Sing' ? 'Plur' : 'Sing';
      // *Annas Hamster* can be one or many.
      const open = ({ text, pos, head }: Word) =>
        /^(sie|ihr)$/i.test(text) || (pos === 'NOUN' && plurals.has(text) && head >= 0 && !hasArticle(sentence, text));
      return nominals.every(nominal => nominal.features.Number !== other && !open(nominal));
    }
    case 'missing particle': {
      const lemma = words[word.head]!.lemma;
      const stem = language === 'de' ? lemma.slice(word.text.length) : lemma;
      return ![...verbs.values()].some(({ de, en }) =>
        language === 'de' ? de.infinitive === stem && de.particle === '' : en.base === stem && en.particle === '',
      );
    }
    case 'missing determiner': {
      const noun = words[word.head]!;
      const entry = [...nouns.values()].find(({ de, en }) => [de.singular, en.singular.at(-1)].includes(noun.lemma));
      const mass = entry === undefined || ['drink', 'dishfood', 'grass'].some(name => entry.classes.has(name));
      return noun.features.Number === 'Sing' && noun.pos === 'NOUN' && !mass && !plurals.has(noun.text);
    }
    case 'shuffled words':
      return false;
    case 'missing verb':
      // *Vier Gäste tanzen.* and *Sie hören den Hund und den Vogel.* are left where a plural verb or a link is.
      return !sentence.frame.link && !sentence.frame.main.modal;
    default:
      return true;
  }
}
const written = (words: readonly string[]) =>
  words.map((word, i) => (i === 0 || /^[.,]$|^'s$/.test(word) ? word : ` ${word}`)).join('');

const KINDS = Object.keys(CORRUPTIONS) as CorruptionName[];
const rows = (['de', 'en'] as const)
  .flatMap(language => KINDS.map(kind => [language, kind] as const))
  .filter(([language, kind]) => language === 'de' || (kind !== 'determiner form' && kind !== 'adjective ending'));

it.each(rows)('refuses corrupted sentences: %s, %s', (language: Language, kind: CorruptionName) => {
  const counts = { certain: 0, certainRefused: 0, all: 0, refused: 0 };
  const accepted: string[] = [];
  for (let i = 0; counts.all < 800 && i < 12_000; i++)
    for (const sentence of sampleDocument(createChoices(29, i), { language }).sentences) {
      const words = corruptedWords(sentence, kind, createRng(29, i));
      if (!words || counts.all === 800) continue;
      const certain = isCertain(kind, sentence, words);
      // *Picks the roses* is what another verb says: no particle is missing.
      if (kind === 'missing particle' && !certain) continue;
      const refused = !grammatical(written(words), language).ok;
      counts.all++;
      counts.refused += Number(refused);
      counts.certain += Number(certain);
      counts.certainRefused += Number(certain && refused);
      if (certain && !refused) accepted.push(`${sentence.text} > ${written(words)}`);
    }
  expect(counts.all).toBe(800);
  expect(counts.refused / counts.all).toBeGreaterThan(0.8);
  // Short sentences have several orders, and Anna sees Paul as well as Paul sees Anna.
  if (kind === 'shuffled words') return expect(counts.refused / counts.all).toBeGreaterThan(0.93);
  expect(counts.certain).toBeGreaterThan(50);
  expect(counts.certainRefused / counts.certain, accepted.slice(0, 10).join('\n')).toBeGreaterThanOrEqual(0.99);
});
