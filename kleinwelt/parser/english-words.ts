/** What an English word form can be in Kleinwelt: the forms of the lexicon with their features, and the closed classes. */

import { adjectives } from '../lexicon/adjectives.ts';
import { conjunctions, degrees, numerals, prepositions, times } from '../lexicon/function-words.ts';
import { names } from '../lexicon/names.ts';
import { nouns } from '../lexicon/nouns.ts';
import { type Verb, verbs } from '../lexicon/verbs.ts';
import { isMassNoun } from './mass-noun.ts';

/**
 * Place and number as a set of bits: what is left when sets are intersected is what a phrase can be. Places are the subject, objects,
 * and objects of a verb with *not*, where *any* stands; numbers are one, many, and what is not counted.
 */
export type EnglishCells = number;
export const SUBJECT: EnglishCells = 0b000_000_111;
export const OBJECT: EnglishCells = 0b000_111_000;
export const DENIED: EnglishCells = 0b111_000_000;
export const ONE: EnglishCells = 0b001_001_001;
export const PLURAL: EnglishCells = 0b010_010_010;
export const UNCOUNTED: EnglishCells = 0b100_100_100;
export const SINGULAR: EnglishCells = ONE | UNCOUNTED;
export const ALL: EnglishCells = SINGULAR | PLURAL;

/** The numbers that a set has, as cells of all places. */
export const samePlaces = (cells: EnglishCells): EnglishCells =>
  ((cells | (cells >> 3) | (cells >> 6)) & SUBJECT) * 0b001_001_001;

export type EnglishReading =
  /** The first word of a noun or name; `rest` must follow. */
  | {
      readonly kind: 'noun' | 'name';
      readonly rest: readonly string[];
      readonly cells: EnglishCells;
      readonly human: boolean;
    }
  | { readonly kind: 'determiner'; readonly cells: EnglishCells; readonly article?: 'a' | 'an' | 'the' }
  | { readonly kind: 'pronoun'; readonly cells: EnglishCells }
  | { readonly kind: 'preposition'; readonly preposition: string; readonly rest: readonly string[] }
  | { readonly kind: 'verb'; readonly verb: Verb; readonly form: 'base' | 'present' | 'past' | 'participle' }
  | { readonly kind: 'be'; readonly plural: boolean; readonly past: boolean }
  | { readonly kind: 'do'; readonly plural: boolean | undefined; readonly past: boolean }
  | { readonly kind: 'time'; readonly rest: readonly string[]; readonly past: boolean }
  | { readonly kind: 'conjunction'; readonly conjunction: string }
  /** `attribute`: it can stand before a noun. */
  | { readonly kind: 'adjective'; readonly attribute: boolean }
  | { readonly kind: 'degree' };

const PRONOUNS = {
  ...{ he: ONE & SUBJECT, she: ONE & SUBJECT, they: PLURAL & SUBJECT, it: ONE },
  ...{ him: ONE & ~SUBJECT, her: ONE & ~SUBJECT, them: PLURAL & ~SUBJECT },
};
/** What stands behind a verb only. */
const PREDICATIVE = ['awake', 'glad', 'afraid'];
/** How verbs are built that have a passive, and those among them that have none ("middle verbs", Quirk et al. 1985, 10.14). */
const PASSIVE_KINDS = ['transitive', 'dative', 'give'];
const MIDDLE = ['have', 'belong to'];

/** Forms that rules look for by their letters, whatever else they can be. */
export const ENGLISH_LITERALS: readonly string[] = [
  ...['not', 'to', 'by', 'who', 'that', 'and', 'but', 'want', 'called', 'cannot'],
  ...new Set([...verbs.values()].flatMap(({ en }) => [...en.particle.split('_'), en.preposition])),
].filter(form => form !== '');

/** Readings by form, as the form is written within a sentence. */
export const englishForms: ReadonlyMap<string, readonly EnglishReading[]> = collect();

function collect(): Map<string, EnglishReading[]> {
  const forms = new Map<string, EnglishReading[]>();
  const add = (form: string, ...readings: EnglishReading[]) => {
    const known = forms.get(form);
    if (known) known.push(...readings);
    else forms.set(form, readings);
  };
  add('the', { kind: 'determiner', cells: ALL, article: 'the' });
  for (const article of ['a', 'an'] as const) add(article, { kind: 'determiner', cells: ONE, article });
  for (const form of ['his', 'her', 'its', 'their']) add(form, { kind: 'determiner', cells: ALL });
  add('any', { kind: 'determiner', cells: DENIED });
  for (const { en } of Object.values(numerals)) add(en, { kind: 'determiner', cells: PLURAL });
  for (const [form, cells] of Object.entries(PRONOUNS)) add(form, { kind: 'pronoun', cells });
  for (const form of ENGLISH_LITERALS) add(form);
  for (const { en } of prepositions.values())
    if (!forms.get(en[0]!)?.some(r => r.kind === 'preposition' && r.rest.length === en.length - 1))
      add(en[0]!, { kind: 'preposition', preposition: en.join(' '), rest: en.slice(1) });
  add('is', { kind: 'be', plural: false, past: false });
  add('are', { kind: 'be', plural: true, past: false });
  add('was', { kind: 'be', plural: false, past: true });
  add('were', { kind: 'be', plural: true, past: true });
  add('does', { kind: 'do', plural: false, past: false });
  add('do', { kind: 'do', plural: true, past: false });
  add('did', { kind: 'do', plural: undefined, past: true });
  for (const verb of verbs.values()) {
    if (verb.kind === 'copula') continue;
    const { en } = verb;
    for (const form of ['base', 'present', 'past'] as const) add(en[form], { kind: 'verb', verb, form });
    if (PASSIVE_KINDS.includes(verb.kind) && !MIDDLE.includes(verb.key))
      add(en.participle, { kind: 'verb', verb, form: 'participle' });
  }
  for (const form of Object.keys(degrees)) add(form, { kind: 'degree' });
  for (const form of Object.keys(conjunctions)) add(form, { kind: 'conjunction', conjunction: form });
  for (const { en, tenses } of times.values())
    add(en[0]!, { kind: 'time', rest: en.slice(1), past: !tenses.includes('present') });
  for (const { key } of adjectives.values()) add(key, { kind: 'adjective', attribute: !PREDICATIVE.includes(key) });
  for (const noun of nouns.values()) {
    const human = noun.classes.has('person') || noun.classes.has('kin');
    for (const [words, cells] of [
      [noun.en.singular, isMassNoun(noun) ? UNCOUNTED : ONE],
      [noun.en.plural, PLURAL],
    ] as const)
      if (words.length > 0) add(words[0]!, { kind: 'noun', rest: words.slice(1), cells, human });
  }
  for (const { en, type } of names.values())
    add(en[0]!, {
      kind: 'name',
      rest: en.slice(1),
      cells: ONE,
      human: type === 'PER' || type === 'ANIMAL',
    });
  // Words that stand behind the first of several.
  for (const readings of [...forms.values()])
    for (const reading of readings) if ('rest' in reading) for (const word of reading.rest) add(word);
  return forms;
}

/** The article by the sound that a word begins with: *useful* begins with a consonant, *hour* is no word of this world. */
export const articleBefore = (word: string): 'a' | 'an' => (/^(?!us[ei])[aeiou]/i.test(word) ? 'an' : 'a');
