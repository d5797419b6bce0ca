/** The forms that compete for a word's place within its class: its paradigm, or the closed class that it is of. */

import { adjectives } from '../lexicon/adjectives.ts';
import { type Verb, verbs } from '../lexicon/verbs.ts';
import type { Word } from '../sentence.ts';
import type { Language } from '../world/frame.ts';

const ENDINGS = ['', 'e', 'en', 'em', 'er', 'es'];
const DEFINITE = ['der', 'die', 'das', 'dem', 'den', 'des'];
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
const AUXILIARIES = [
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
  if (features.VerbForm === 'Fin') return language === 'de' ? germanForms(form) : englishForms(form);
  return [];
}

function adjectiveForms(lemma: string): string[] {
  const found = [...adjectives.values()].find(({ de }) => de === lemma);
  return found ? ENDINGS.slice(1).map(ending => found.stem + ending) : [];
}

/** One tense of a verb, singular and plural: its time is not for the grammar to say. */
function germanForms(form: string): readonly string[] {
  const pairs = [...verbs.values()].flatMap(({ de }: Verb) =>
    ['', de.particle].flatMap(particle => [
      [particle + de.present, particle + de.pluralPresent],
      [particle + de.past, particle + de.pluralPast],
    ]),
  );
  return pairs.find(pair => pair.includes(form)) ?? [];
}
function englishForms(form: string): readonly string[] {
  const pairs = [...AUXILIARIES, ...[...verbs.values()].map(({ en }) => [en.present, en.base])];
  return pairs.find(([one, many]) => one !== many && (one === form || many === form)) ?? [];
}
