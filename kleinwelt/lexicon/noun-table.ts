/** Nouns as data, from lines of text. */

import { ConfigError } from '../../src/errors.ts';

export type Gender = 'masculine' | 'feminine' | 'neuter';

export interface Noun {
  readonly key: string;
  readonly classes: ReadonlySet<string>;
  readonly de: {
    readonly gender: Gender;
    readonly singular: string;
    readonly genitive: string;
    /** Empty where the noun has no plural in Kleinwelt. */
    readonly plural: string;
    readonly dativePlural: string;
    readonly weak: boolean;
  };
  /** Words; more than one for a compound such as *apple tree*. */
  readonly en: { readonly singular: readonly string[]; readonly plural: readonly string[] };
}

const genders: Readonly<Record<string, Gender>> = { der: 'masculine', die: 'feminine', das: 'neuter' };

/** Reads a table of nouns. Throws `ConfigError` for a line that is incomplete, and for a noun that is there twice. */
export function nounTable(text: string): ReadonlyMap<string, Noun> {
  const table = new Map<string, Noun>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [english, englishPlural, article, singular, genitive, plural, ...classes] = line.trim().split(/\s+/);
    const gender = genders[article ?? ''];
    if (!english || !englishPlural || !gender || !singular || !genitive || !plural || table.has(english)) {
      throw new ConfigError('not a line of the noun table', { seen: line, where: 'kleinwelt/lexicon' });
    }
    const many = plural === '-' ? '' : plural;
    table.set(english, {
      key: english,
      classes: new Set(classes),
      de: {
        gender,
        singular,
        genitive,
        plural: many,
        dativePlural: many === '' || /[ns]$/.test(many) ? many : `${many}n`,
        weak: classes.includes('weak'),
      },
      en: { singular: english.split('_'), plural: englishPlural === '-' ? [] : englishPlural.split('_') },
    });
  }
  return table;
}
