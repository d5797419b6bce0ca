/** German inflection of articles, adjectives and pronouns. */

import type { Gender, Noun } from '../lexicon/noun-table.ts';

export type Case = 'nominative' | 'accusative' | 'dative' | 'genitive';
/** What articles and adjectives agree with: a gender, or the plural, which has none. */
export type Agreement = Gender | 'plural';

type Forms = Readonly<Record<Case, Readonly<Record<Agreement, string>>>>;

function forms(nominative: string, accusative: string, dative: string, genitive: string): Forms {
  const row = (cells: string) => {
    const [masculine, feminine, neuter, plural] = cells.split(' ').map(cell => (cell === '-' ? '' : cell));
    return { masculine: masculine!, feminine: feminine!, neuter: neuter!, plural: plural! };
  };
  return {
    nominative: row(nominative),
    accusative: row(accusative),
    dative: row(dative),
    genitive: row(genitive),
  };
}

/** der, die, das */
export const definite = forms('der die das die', 'den die das die', 'dem der dem den', 'des der des der');
/** The endings of *ein, kein, sein, ihr*. */
const einEndings = forms('- e - e', 'en e - e', 'em er em en', 'es er es er');
/** der, die, das as relative pronouns. */
export const relative = forms('der die das die', 'den die das die', 'dem der dem denen', 'dessen deren dessen deren');
/** er, sie, es */
export const personal = forms('er sie es sie', 'ihn sie es sie', 'ihm ihr ihm ihnen', 'seiner ihrer seiner ihrer');

const weak = forms('e e e en', 'en e e en', 'en en en en', 'en en en en');
const mixed = forms('er e es en', 'en e es en', 'en en en en', 'en en en en');
const strong = forms('er e es e', 'en e es e', 'em er em en', 'en er en er');
const declensions = { weak, mixed, strong };
export type Declension = keyof typeof declensions;

/** *ein, kein, sein, ihr* with its ending. */
export function einWord(stem: string, kase: Case, agreement: Agreement): string {
  return stem + einEndings[kase][agreement];
}

/** The ending of an adjective before a noun. */
export function adjectiveEnding(declension: Declension, kase: Case, agreement: Agreement): string {
  return declensions[declension][kase][agreement];
}

/** A noun's form. */
export function nounForm(noun: Noun, kase: Case, plural: boolean): string {
  if (plural) return kase === 'dative' ? noun.de.dativePlural : noun.de.plural;
  if (kase === 'genitive') return noun.de.genitive;
  return noun.de.weak && kase !== 'nominative' ? noun.de.genitive : noun.de.singular;
}

const caseFeature = { nominative: 'Nom', accusative: 'Acc', dative: 'Dat', genitive: 'Gen' } as const;
const genderFeature = { masculine: 'Masc', feminine: 'Fem', neuter: 'Neut' } as const;

const featureCache = new Map<string, Readonly<Record<string, string>>>();

/** Universal features of a nominal word, with further ones in front (`Definite=Def|PronType=Art`). */
export function nominalFeatures(
  kase: Case,
  gender: Gender,
  plural: boolean,
  more = '',
): Readonly<Record<string, string>> {
  const key = `${kase} ${gender} ${plural} ${more}`;
  let features = featureCache.get(key);
  if (features === undefined) {
    features = {
      ...Object.fromEntries(
        more.split('|').flatMap(pair => (pair === '' ? [] : [pair.split('=') as [string, string]])),
      ),
      Case: caseFeature[kase],
      Gender: genderFeature[gender],
      Number: plural ? 'Plur' : 'Sing',
    };
    featureCache.set(key, features);
  }
  return features;
}
