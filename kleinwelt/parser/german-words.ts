/**
 * What a German word form can be in Kleinwelt: the forms of the lexicon with their features, and the closed classes of German as
 * a grammar book lists them. Nothing here is shared with the code that writes sentences.
 */

import { adjectives } from '../lexicon/adjectives.ts';
import { conjunctions, degrees, numerals, prepositions, times } from '../lexicon/function-words.ts';
import { names } from '../lexicon/names.ts';
import { nouns } from '../lexicon/nouns.ts';
import { type Verb, verbs } from '../lexicon/verbs.ts';
import { type Cells, cellsOf, FEMININE, MASCULINE, NEUTER, PLURAL } from './cells.ts';
import { isMassNoun } from './mass-noun.ts';

/** Which endings adjectives take behind it: *der kleine*, *ein kleiner*, *zwei kleine*. */
export type Declension = 'weak' | 'mixed' | 'strong';

export type GermanReading =
  | { readonly kind: 'noun'; readonly cells: Cells; readonly bare: boolean }
  /** The first word of a name; `rest` must follow. `genitive` stands before what is owned. */
  | {
      readonly kind: 'name';
      readonly cells: Cells;
      readonly rest: readonly string[];
      readonly article: boolean;
      readonly genitive: boolean;
      readonly town: boolean;
    }
  | { readonly kind: 'adjective'; readonly ending: string }
  | { readonly kind: 'determiner'; readonly declension: Declension; readonly cells: Cells }
  | { readonly kind: 'numeral' }
  | { readonly kind: 'pronoun' | 'relative'; readonly cells: Cells }
  | { readonly kind: 'reflexive' | 'not' | 'degree' | 'particle' }
  /** `contracted`: the article that is in it, 0 for none. */
  | { readonly kind: 'preposition'; readonly preposition: string; readonly contracted: Cells }
  | {
      readonly kind: 'finite';
      readonly verb: Verb;
      readonly plural: boolean;
      readonly past: boolean;
      /** A separable verb in one word, as it stands at the end of a clause. */
      readonly joined: boolean;
    }
  | { readonly kind: 'infinitive'; readonly verb: Verb }
  | { readonly kind: 'time'; readonly rest: readonly string[]; readonly past: boolean }
  | { readonly kind: 'conjunction'; readonly conjunction: string };

const GENDERS = { masculine: MASCULINE, feminine: FEMININE, neuter: NEUTER } as const;

const DEFINITE = { der: 'Nm Gf Df Gp', die: 'Nf Af Np Ap', das: 'Nn An', dem: 'Dm Dn', den: 'Am Dp', des: 'Gm Gn' };
/** Endings of *ein*, *kein*, *sein* and *ihr*; the plural is of those that have one. */
const EIN = { '': 'Nm Nn An', e: 'Nf Af Np Ap', en: 'Am Dp', em: 'Dm Dn', er: 'Gf Df Gp', es: 'Gm Gn' };
const PRONOUNS = { er: 'Nm', sie: 'Nf Af Np Ap', es: 'Nn An', ihn: 'Am', ihm: 'Dm Dn', ihr: 'Df', ihnen: 'Dp' };
const RELATIVES = { der: 'Nm Df', die: 'Nf Af Np Ap', das: 'Nn An', dem: 'Dm Dn', den: 'Am', denen: 'Dp' };
const CONTRACTED = {
  im: ['in', 'Dm Dn'],
  ins: ['in', 'An'],
  am: ['an', 'Dm Dn'],
  zum: ['zu', 'Dm Dn'],
  zur: ['zu', 'Df'],
  beim: ['bei', 'Dm Dn'],
} as const;

/** The cells in which an adjective has an ending, by what stands before it (Duden, "Die Grammatik", declension of adjectives). */
export const ENDINGS: Readonly<Record<Declension, Readonly<Record<string, Cells>>>> = {
  weak: {
    e: cellsOf('Nm Nf Nn Af An'),
    en: cellsOf('Gm Dm Am Gf Df Gn Dn Np Gp Dp Ap'),
  },
  mixed: {
    er: cellsOf('Nm'),
    es: cellsOf('Nn An'),
    e: cellsOf('Nf Af'),
    en: cellsOf('Gm Dm Am Gf Df Gn Dn Np Gp Dp Ap'),
  },
  strong: {
    er: cellsOf('Nm Gf Df Gp'),
    e: cellsOf('Nf Af Np Ap'),
    es: cellsOf('Nn An'),
    em: cellsOf('Dm Dn'),
    en: cellsOf('Gm Am Gn Dp'),
  },
};

/** Readings by form, as the form is written within a sentence. */
export const germanForms: ReadonlyMap<string, readonly GermanReading[]> = collect();

function collect(): Map<string, GermanReading[]> {
  const forms = new Map<string, GermanReading[]>();
  const add = (form: string, reading: GermanReading) => {
    const known = forms.get(form);
    if (known) known.push(reading);
    else forms.set(form, [reading]);
  };
  for (const [form, cells] of Object.entries(DEFINITE))
    add(form, { kind: 'determiner', declension: 'weak', cells: cellsOf(cells) });
  for (const [ending, cells] of Object.entries(EIN)) {
    const mixed = { kind: 'determiner', declension: 'mixed' } as const;
    add(`ein${ending}`, { ...mixed, cells: cellsOf(cells) & ~PLURAL });
    for (const stem of ['kein', 'sein', 'ihr']) add(stem + ending, { ...mixed, cells: cellsOf(cells) });
  }
  for (const [form, cells] of Object.entries(PRONOUNS)) add(form, { kind: 'pronoun', cells: cellsOf(cells) });
  for (const [form, cells] of Object.entries(RELATIVES)) add(form, { kind: 'relative', cells: cellsOf(cells) });
  add('sich', { kind: 'reflexive' });
  add('nicht', { kind: 'not' });
  for (const [form, [preposition, cells]] of Object.entries(CONTRACTED))
    add(form, { kind: 'preposition', preposition, contracted: cellsOf(cells) });
  for (const de of new Set([...prepositions.values()].map(({ de }) => de).concat('an', 'auf')))
    add(de, { kind: 'preposition', preposition: de, contracted: 0 });
  for (const { de } of Object.values(numerals)) add(de, { kind: 'numeral' });
  for (const form of Object.values(degrees)) add(form, { kind: 'degree' });
  for (const form of Object.values(conjunctions)) add(form, { kind: 'conjunction', conjunction: form });
  for (const { de, tenses } of times.values())
    add(de[0]!, { kind: 'time', rest: de.slice(1), past: !tenses.includes('present') });
  for (const { de, stem } of adjectives.values()) {
    add(de, { kind: 'adjective', ending: '' });
    for (const ending of ['e', 'en', 'er', 'es', 'em']) add(stem + ending, { kind: 'adjective', ending });
  }
  for (const noun of nouns.values()) {
    const { de } = noun;
    const gender = GENDERS[de.gender];
    const bare = isMassNoun(noun);
    const byForm = new Map<string, Cells>();
    const fits = (form: string, cells: Cells) => byForm.set(form, (byForm.get(form) ?? 0) | cells);
    fits(de.singular, gender & (de.weak ? cellsOf('Nm') : ~cellsOf('Gm Gn')));
    fits(de.genitive, gender & (de.weak ? ~cellsOf('Nm') : cellsOf('Gm Gn')));
    if (de.plural !== '') {
      fits(de.plural, cellsOf('Np Gp Ap'));
      fits(de.dativePlural, cellsOf('Dp'));
    }
    for (const [form, cells] of byForm) if (cells) add(form, { kind: 'noun', cells, bare });
  }
  for (const { de, gender, article, type } of names.values()) {
    const [first, ...rest] = de as [string, ...string[]];
    const cells = GENDERS[gender] & (article && gender === 'feminine' ? ~0 : ~cellsOf('Gm Gf Gn'));
    const town = type === 'LOC' && !article;
    add(first, { kind: 'name', cells, rest, article, genitive: false, town });
    const owner = genitiveOf(de);
    if (!article) add(owner[0]!, { kind: 'name', cells: 0, rest: owner.slice(1), article, genitive: true, town });
  }
  for (const verb of verbs.values()) {
    const { particle, infinitive, present, past, pluralPresent, pluralPast } = verb.de;
    add(particle + infinitive, { kind: 'infinitive', verb });
    if (particle !== '' && !forms.get(particle)?.some(({ kind }) => kind === 'particle'))
      add(particle, { kind: 'particle' });
    for (const [form, plural, isPast] of [
      [present, false, false],
      [past, false, true],
      [pluralPresent, true, false],
      [pluralPast, true, true],
    ] as const) {
      add(form, { kind: 'finite', verb, plural, past: isPast, joined: false });
      if (particle !== '') add(particle + form, { kind: 'finite', verb, plural, past: isPast, joined: true });
    }
  }
  // Words that stand behind the first of several.
  for (const readings of [...forms.values()])
    for (const reading of readings)
      if ('rest' in reading) for (const word of reading.rest) if (!forms.has(word)) forms.set(word, []);
  return forms;
}

/** *Annas*, *Paul Bergers*; only an apostrophe behind a sibilant: *Max'*. */
function genitiveOf(words: readonly string[]): string[] {
  const last = words.at(-1)!;
  return [...words.slice(0, -1), /[sßxz]$/.test(last) ? `${last}'` : `${last}s`];
}
