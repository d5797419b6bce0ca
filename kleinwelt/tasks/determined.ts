/** Which words of a sentence are determined by the rest of it. */

import { englishGender, isName } from '../lexicon/look-up.ts';
import { nouns } from '../lexicon/nouns.ts';
import { anyFits } from '../parser/grammatical.ts';
import type { Sentence, Word } from '../sentence.ts';
import type { Language } from '../world/frame.ts';
import { alikeForms, representatives } from './alike-forms.ts';
import { classForms } from './class-forms.ts';
import { vocabulary } from './vocabulary.ts';

/** A word of a sentence, and the sentence that stands before it, if any. */
export interface Place {
  readonly before?: Sentence | undefined;
  readonly sentence: Sentence;
  readonly at: number;
}

/** Whether of all word forms of the language only the one that is there makes the sentence grammatical. */
export function isDeterminedAmongAll({ sentence, at }: Place): boolean {
  const { words, language } = sentence;
  const answer = withinSentence(words, at, language);
  // Two forms that the grammar cannot tell apart fit alike.
  return (
    isWord(words[at]!) &&
    alikeForms[language].get(answer)?.length === 1 &&
    onlyFit(sentence, at, representatives[language])
  );
}

/**
 * Whether the same holds among the forms of its class. Of personal pronouns only those count that agree with something that is named
 * before.
 */
export function isDeterminedInClass({ before, sentence, at }: Place): boolean {
  const { words, language } = sentence;
  const forms = classForms(words[at]!, language);
  if (!isWord(words[at]!) || forms.length < 2) return false;
  const personal = words[at]!.features.PronType === 'Prs' && words[at]!.pos === 'PRON';
  if (!personal) return onlyFit(sentence, at, forms);
  const named = kindsNamed([...(before?.words ?? []), ...words.slice(0, at)], language);
  const answer = words[at]!.text.toLowerCase();
  const agreeing = forms.filter(form => AGREES[form]!.split(' ').some(kind => named.has(kind)));
  return agreeing.includes(answer) && onlyFit(sentence, at, agreeing);
}

const isWord = ({ pos, text }: Word) => pos !== 'PUNCT' && text !== "'s";

/** Whether of these forms only the one that is there makes a sentence. */
function onlyFit({ words, language }: Sentence, at: number, forms: readonly string[]): boolean {
  const answer = withinSentence(words, at, language);
  const others = forms.filter(form => form !== answer);
  return !anyFits(
    words.map(({ text }) => text),
    at,
    others,
    language,
  );
}

/** The form as it stands within a sentence. */
function withinSentence(words: readonly Word[], at: number, language: Language): string {
  const { text } = words[at]!;
  return at > 0 || vocabulary[language].has(text) ? text : text[0]!.toLowerCase() + text.slice(1);
}

/** What a pronoun can stand for: genders and the plural of German, *he*, *she*, *it* and *they* of English. */
const AGREES: Readonly<Record<string, string>> = {
  ...{ er: 'Masc', ihn: 'Masc', ihm: 'Masc Neut', sie: 'Fem Plur', ihr: 'Fem', es: 'Neut', ihnen: 'Plur' },
  ...{ he: 'he', him: 'he', she: 'she', her: 'she', it: 'it', they: 'Plur', them: 'Plur' },
};

/** What words name, in the terms of `AGREES`. */
function kindsNamed(words: readonly Word[], language: Language): ReadonlySet<string> {
  return new Set(
    words.flatMap(word => {
      const { pos, relation, features } = word;
      if (pos !== 'NOUN' && pos !== 'PROPN') return [];
      if (features.Number === 'Plur') return ['Plur'];
      return [
        language === 'de' ? (features.Gender ?? '') : englishKind(word),
        ...(relation === 'conj' ? ['Plur'] : []),
      ];
    }),
  );
}
/** The noun that an English head word is of; of a compound the last word. */
const englishNouns = new Map([...nouns.values()].map(({ key, en }) => [en.singular.at(-1)!, key]));
function englishKind({ lemma, text }: Word): string {
  if (isName(text)) return englishGender({ head: text, form: 'name' });
  const key = englishNouns.get(lemma);
  return key === undefined ? '' : englishGender({ head: key, form: 'noun' });
}
