/** Word forms that the grammar cannot tell apart: all masculine nouns of one declension, all verbs with one frame and form. */

import type { Verb } from '../lexicon/verbs.ts';
import { englishForms } from '../parser/english-words.ts';
import { germanForms } from '../parser/german-words.ts';
import type { Language } from '../world/frame.ts';

/** The forms that are alike, by form. One of each stands for the others, so that a vocabulary is a few hundred trials. */
export const alikeForms: Readonly<Record<Language, ReadonlyMap<string, readonly string[]>>> = {
  de: grouped(germanForms),
  en: grouped(englishForms),
};
/** One form of each kind. */
export const representatives: Readonly<Record<Language, readonly string[]>> = {
  de: [...new Set([...alikeForms.de.values()].map(forms => forms[0]!))],
  en: [...new Set([...alikeForms.en.values()].map(forms => forms[0]!))],
};

function grouped(forms: ReadonlyMap<string, readonly object[]>): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const [form, readings] of forms) {
    // What has no readings is read by its letters; *a* and *an* look at the first one.
    const own = readings.length === 0 ? form : /^[aeiou]/i.test(form);
    const signature = JSON.stringify([own, readings], (name, value) => (name === 'verb' ? frameOf(value) : value));
    const group = groups.get(signature);
    if (group) group.push(form);
    else groups.set(signature, [form]);
  }
  return new Map([...groups.values()].flatMap(group => group.map(form => [form, group])));
}

/** What the grammar sees of a verb. */
function frameOf({ key, kind, de, en }: Verb) {
  const special = kind === 'judge' || kind === 'copula' || kind === 'modal' ? key : '';
  return [kind, special, de.particle, de.preposition, de.reflexive, en.particle, en.preposition];
}
