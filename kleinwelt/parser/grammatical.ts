/**
 * Whether a sentence of Kleinwelt's vocabulary is grammatical, decided by a grammar that shares nothing with the code that writes
 * sentences but the lexicon: what is sampled and what models write is judged by an independent reading of the rules.
 *
 * The grammar is that of the world, which is narrower than the language: a verb has the objects that the lexicon gives it, a verb
 * of motion says where to and no other verb does, and nobody is addressed or asked. Meaning is not looked at: *Das Brot jagt die
 * Katze* is grammatical.
 */

import type { Language } from '../world/frame.ts';
import { createEnglish, englishSentences } from './english.ts';
import { articleBefore, ENGLISH_LITERALS, englishForms } from './english-words.ts';
import { createGerman, germanSentences } from './german.ts';
import { germanForms } from './german-words.ts';
import type { Phrase, Progress, Token } from './progress.ts';

export type Judgement =
  | { readonly ok: true; readonly parse: Phrase; readonly words: readonly string[] }
  /** `where` is the number of the word, marks counted, at which the furthest reading ended. */
  | { readonly ok: false; readonly where: number; readonly why: string };

/** The words and marks of a text; in English the *'s* of an owner is a word of its own. */
export function wordsOf(text: string, language: Language): string[] {
  const english = /[\p{L}\p{N}]+(?=['’]s\b)|['’]s\b|['’]|[\p{L}\p{N}-]+|[^\s\p{L}\p{N}]/gu;
  const german = /[\p{L}\p{N}-]+['’]?|[^\s\p{L}\p{N}]/gu;
  return text.match(language === 'de' ? german : english) ?? [];
}

/** Judges one sentence, which ends with a full stop. */
export function grammatical(text: string, language: Language): Judgement {
  const words = wordsOf(text, language);
  const refused = formRefused(words, text);
  if (refused) return refused;
  return judgeWords(words, language);
}

function judgeWords(words: readonly string[], language: Language): Judgement {
  return language === 'de'
    ? judged(words, createGerman(tokensOf(words, germanForms)), germanSentences)
    : judged(words, createEnglish(tokensOf(words, englishForms)), englishSentences);
}

/**
 * Whether any of the forms, in place of word `at`, makes a sentence. Forms are written as within a sentence. All are read at once, as
 * one word that can be what any of them can be, except those that the grammar knows by their letters.
 */
export function anyFits(words: readonly string[], at: number, forms: readonly string[], language: Language): boolean {
  const alone = forms.filter(form => byLetters[language].has(form));
  const together = forms.filter(form => !byLetters[language].has(form));
  const groups = [true, false].map(vowel => together.filter(form => (articleBefore(form) === 'an') === vowel));
  const capital = (form: string) => (at === 0 ? form[0]!.toUpperCase() + form.slice(1) : form);
  return (
    groups.some(group => group.length > 0 && groupFits(words, at, group, language)) ||
    alone.some(form => judgeWords(words.with(at, capital(form)), language).ok)
  );
}

function groupFits(words: readonly string[], at: number, group: readonly string[], language: Language): boolean {
  const united = <R>(forms: ReadonlyMap<string, readonly R[]>): Token<R>[] => {
    const readings = group.flatMap(form => forms.get(form) ?? []);
    return tokensOf(words, forms).with(at, { text: group[0]!, readings, known: true });
  };
  return language === 'de'
    ? judged(words, createGerman(united(germanForms)), germanSentences).ok
    : judged(words, createEnglish(united(englishForms)), englishSentences).ok;
}

const LITERAL: ReadonlySet<string> = new Set(['particle', 'conjunction']);
/** Forms that rules look for by their letters: parts of names and times, particles, and what has no readings. */
const byLetters: Readonly<Record<Language, ReadonlySet<string>>> = {
  de: literalForms(germanForms),
  en: new Set([...literalForms(englishForms), ...ENGLISH_LITERALS]),
};
function literalForms(forms: ReadonlyMap<string, readonly { readonly kind: string }[]>): Set<string> {
  const rest = [...forms.values()].flat().flatMap(reading => ('rest' in reading ? (reading.rest as string[]) : []));
  const own = [...forms].filter(([, readings]) => readings.length === 0 || readings.some(r => LITERAL.has(r.kind)));
  return new Set([...rest, ...own.map(([form]) => form)]);
}
function judged<R, P extends Progress<R>>(
  words: readonly string[],
  p: P,
  read: (p: P) => readonly Phrase[],
): Judgement {
  const unknown = p.tokens.findIndex(({ known }) => !known);
  if (unknown >= 0) return { ok: false, where: unknown, why: 'this word form is not in the lexicon' };
  const sentences = read(p);
  const parse = sentences.find(({ to }) => to === words.length - 1);
  if (parse) return { ok: true, parse, words };
  for (const { to } of sentences) p.stuck(to, 'the sentence is complete before this word');
  const { where, why } = p.furthest();
  return { ok: false, where, why };
}

function formRefused(words: readonly string[], text: string): Judgement | undefined {
  if (words.length === 0) return { ok: false, where: 0, why: 'there is no sentence' };
  if (words.at(-1) !== '.') return { ok: false, where: words.length - 1, why: 'a sentence ends with a full stop' };
  if (!/^\p{Lu}/u.test(text)) return { ok: false, where: 0, why: 'a sentence begins with a capital' };
  if (/ [.,]|[.,](?=\S)| {2}|\s$/u.test(text))
    return { ok: false, where: words.length - 1, why: 'spaces or marks are not as they are written' };
  return undefined;
}

/** The readings of each word; the first is read with and without its capital. */
function tokensOf<R>(words: readonly string[], forms: ReadonlyMap<string, readonly R[]>): Token<R>[] {
  return words.map((text, i) => {
    const small = i === 0 ? text[0]!.toLowerCase() + text.slice(1) : text;
    const readings = [...(forms.get(text) ?? []), ...(small === text ? [] : (forms.get(small) ?? []))];
    return { text, readings, known: /^\P{L}/u.test(text) || forms.has(text) || forms.has(small) };
  });
}
