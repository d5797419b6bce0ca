/** The forms that compete for a word's place within its class: its paradigm, or the closed class that it is of. */

import { adjectives } from '../lexicon/adjectives.ts';
import { verbs } from '../lexicon/verbs.ts';
import type { Word } from '../sentence.ts';
import type { Language } from '../world/frame.ts';

/** Of determiners and, but for the first, of adjectives. */
export const ENDINGS = ['', 'e', 'en', 'em', 'er', 'es'];
export const DEFINITE = ['der', 'die', 'das', 'dem', 'den', 'des'];
const RELATIVE = { de: ['der', 'die', 'das', 'dem', 'den', 'denen'], en: ['who', 'that'] };
const PERSONAL = {
  de: ['er', 'sie', 'es', 'ihn', 'ihm', 'ihr', 'ihnen'],
  en: ['he', 'she', 'it', 'they', 'him', 'her', 'them'],
};
const PREPOSITIONS: readonly (readonly string[])[] = [
  ['in', 'im', 'ins'],
  ['an', 'am'],
  ['zu', 'zum', 'zur'],
  ['bei', 'beim'],
];
const PARTICLES: Readonly<Record<Language, readonly string[]>> = {
  de: [...new Set([...verbs.values()].map(({ de }) => de.particle))].filter(particle => particle !== ''),
  en: [...new Set([...verbs.values()].map(({ en }) => en.particle))].filter(particle => /^[a-z]+$/.test(particle)),
};
const AUXILIARIES: readonly NumberPair[] = [
  ['is', 'are'],
  ['was', 'were'],
  ['does', 'do'],
];

/** Competing forms as they stand within a sentence, the word's own among them; none where its class is open. */
export function classForms({ text, lemma, pos, relation, features }: Word, language: Language): readonly string[] {
  const form = text.toLowerCase();
  const among = (forms: readonly string[] | undefined) => (forms?.includes(form) ? forms : []);
  if (relation === 'compound:prt') return among(PARTICLES[language]);
  if (features.PronType === 'Rel') return among(RELATIVE[language]);
  if (pos === 'PRON' && features.Reflex !== 'Yes' && features.Poss !== 'Yes') return among(PERSONAL[language]);
  if (pos === 'DET' && language === 'en') return form === 'a' || form === 'an' ? ['a', 'an'] : [];
  if (pos === 'DET') return among(lemma === 'der' ? DEFINITE : ENDINGS.map(ending => lemma + ending));
  if (pos === 'ADJ' && relation === 'amod' && language === 'de') return among(adjectiveForms(lemma));
  if (pos === 'ADP' && language === 'de') return PREPOSITIONS.find(forms => forms.includes(form)) ?? [];
  if (features.VerbForm === 'Fin') return bothNumbers(form, language);
  return [];
}

function adjectiveForms(lemma: string): string[] {
  const found = [...adjectives.values()].find(({ de }) => de === lemma);
  return found ? ENDINGS.slice(1).map(ending => found.stem + ending) : [];
}

type NumberPair = readonly [singular: string, plural: string];
const NUMBER_PAIRS: Readonly<Record<Language, readonly NumberPair[]>> = {
  de: [...verbs.values()].flatMap(({ de }) =>
    ['', de.particle].flatMap((particle): NumberPair[] => [
      [particle + de.present, particle + de.pluralPresent],
      [particle + de.past, particle + de.pluralPast],
    ]),
  ),
  en: [
    ...AUXILIARIES,
    ...[...verbs.values()].map(({ en }): NumberPair => [en.present, en.base]).filter(([one, many]) => one !== many),
  ],
};

/**
 * Singular and plural of a finite verb in the tense of `form`: its time is not for the grammar to say. None where the two are alike, as
 * in most of the English past.
 */
export function bothNumbers(form: string, language: Language): readonly string[] {
  return NUMBER_PAIRS[language].find(pair => pair.includes(form)) ?? [];
}
