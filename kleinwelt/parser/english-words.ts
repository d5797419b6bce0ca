/** What an English word form can be in Kleinwelt: the forms of the lexicon with their features, and the closed classes. */

import { adjectives } from '../lexicon/adjectives.ts';
import { conjunctions, degrees, numerals, prepositions, times } from '../lexicon/function-words.ts';
import { names } from '../lexicon/names.ts';
import { nouns } from '../lexicon/nouns.ts';
import { type Verb, verbs } from '../lexicon/verbs.ts';
import { isMassNoun } from './mass-noun.ts';

/** Number and case as a set of bits: what is left when sets are intersected is what a phrase can be. */
export type EnglishCells = number;
export const SUBJECT: EnglishCells = 0b0011;
export const OBJECT: EnglishCells = 0b1100;
export const SINGULAR: EnglishCells = 0b0101;
export const PLURAL: EnglishCells = 0b1010;
export const ANY: EnglishCells = 0b1111;

export type EnglishReading =
  /** The first word of a noun or name; `rest` must follow. */
  | {
      readonly kind: 'noun' | 'name';
      readonly rest: readonly string[];
      readonly cells: EnglishCells;
      /** Stands without a determiner. */
      readonly bare: boolean;
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
  | { readonly kind: 'adjective' | 'degree' };

const PRONOUNS = { he: 0b0001, him: 0b0100, she: 0b0001, her: 0b0100, it: 0b0101, they: 0b0010, them: 0b1000 };

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
  add('the', { kind: 'determiner', cells: ANY, article: 'the' });
  for (const article of ['a', 'an'] as const) add(article, { kind: 'determiner', cells: SINGULAR, article });
  for (const form of ['no', 'his', 'her', 'its', 'their']) add(form, { kind: 'determiner', cells: ANY });
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
    for (const form of ['base', 'present', 'past', 'participle'] as const) add(en[form], { kind: 'verb', verb, form });
  }
  for (const form of Object.keys(degrees)) add(form, { kind: 'degree' });
  for (const form of Object.keys(conjunctions)) add(form, { kind: 'conjunction', conjunction: form });
  for (const { en, tenses } of times.values())
    add(en[0]!, { kind: 'time', rest: en.slice(1), past: !tenses.includes('present') });
  for (const { key } of adjectives.values()) add(key, { kind: 'adjective' });
  for (const noun of nouns.values()) {
    const human = noun.classes.has('person') || noun.classes.has('kin');
    for (const [words, cells] of [
      [noun.en.singular, SINGULAR],
      [noun.en.plural, PLURAL],
    ] as const)
      if (words.length > 0)
        add(words[0]!, {
          ...{ kind: 'noun', rest: words.slice(1), cells, human },
          bare: cells === PLURAL || isMassNoun(noun),
        });
  }
  for (const { en, type } of names.values())
    add(en[0]!, {
      kind: 'name',
      rest: en.slice(1),
      cells: SINGULAR,
      human: type === 'PER' || type === 'ANIMAL',
      bare: true,
    });
  // Words that stand behind the first of several.
  for (const readings of [...forms.values()])
    for (const reading of readings) if ('rest' in reading) for (const word of reading.rest) add(word);
  return forms;
}

/** The article by the sound that a word begins with: *useful* begins with a consonant, *hour* is no word of this world. */
export const articleBefore = (word: string): 'a' | 'an' => (/^(?!us[ei])[aeiou]/i.test(word) ? 'an' : 'a');
