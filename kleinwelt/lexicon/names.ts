/** Names of people, animals, places and organisations; the same in both languages except the kind of an organisation. */

import type { EntityType } from '../sentence.ts';
import type { Gender } from './noun-table.ts';

export interface Name {
  readonly key: string;
  readonly type: EntityType;
  /** Grammatical gender in German; people and named animals are *he* or *she* in English by it. */
  readonly gender: Gender;
  readonly de: readonly string[];
  readonly en: readonly string[];
  /** Stands with the article in German: *die Bäckerei Vogel*, *am Lindenplatz*. */
  readonly article: boolean;
  /** For an animal: its noun. */
  readonly species?: string;
}

const women = ['Anna', 'Lena', 'Maria', 'Emma', 'Clara', 'Frieda', 'Marta', 'Paula', 'Greta', 'Ida'];
const men = ['Paul', 'Peter', 'Jan', 'Karl', 'Otto', 'Emil', 'Anton', 'Jakob', 'Oskar', 'Tim'];
const families = ['Berger', 'Vogel', 'Winkler', 'Hofmann', 'Kramer', 'Lindner'];
const towns = ['Seedorf', 'Mühlbach', 'Birkental', 'Neustadt', 'Waldheim', 'Hohenfeld'];
const squares = ['Lindenplatz', 'Schlossplatz', 'Kirchplatz'];
const pets: readonly (readonly [name: string, gender: Gender, species: string])[] = [
  ['Bello', 'masculine', 'dog'],
  ['Rex', 'masculine', 'dog'],
  ['Bruno', 'masculine', 'dog'],
  ['Senta', 'feminine', 'dog'],
  ['Mimi', 'feminine', 'cat'],
  ['Minka', 'feminine', 'cat'],
  ['Felix', 'masculine', 'cat'],
  ['Murr', 'masculine', 'cat'],
  ['Hoppel', 'masculine', 'rabbit'],
  ['Flocke', 'feminine', 'rabbit'],
  ['Blitz', 'masculine', 'horse'],
  ['Stella', 'feminine', 'horse'],
  ['Lotte', 'feminine', 'cow'],
  ['Berta', 'feminine', 'cow'],
  ['Fridolin', 'masculine', 'hamster'],
  ['Nele', 'feminine', 'hamster'],
  ['Max', 'masculine', 'pony'],
  ['Luna', 'feminine', 'pony'],
];
const organisations: readonly (readonly [gender: Gender, de: string, en: string])[] = [
  ['feminine', 'Bäckerei Vogel', 'Vogel Bakery'],
  ['neuter', 'Gasthaus Krone', 'Krone Inn'],
  ['feminine', 'Gärtnerei Lindner', 'Lindner Nursery'],
  ['feminine', 'Werkstatt Winkler', 'Winkler Workshop'],
  ['neuter', 'Café Rosengarten', 'Rosengarten Café'],
  ['feminine', 'Molkerei Hofmann', 'Hofmann Dairy'],
];

function given(key: string, gender: Gender): Name[] {
  const person = { type: 'PER', gender, article: false } as const;
  const full = families.map(family => [key, family]);
  return [
    { ...person, key, de: [key], en: [key] },
    ...full.map(words => ({ ...person, key: words.join(' '), de: words, en: words })),
  ];
}

const all: Name[] = [
  ...women.flatMap(name => given(name, 'feminine')),
  ...men.flatMap(name => given(name, 'masculine')),
  ...pets.map(([key, gender, species]) => ({
    key,
    type: 'ANIMAL' as const,
    gender,
    de: [key],
    en: [key],
    article: false,
    species,
  })),
  ...towns.map(key => ({ key, type: 'LOC' as const, gender: 'neuter' as const, de: [key], en: [key], article: false })),
  ...squares.map(key => ({
    key,
    type: 'LOC' as const,
    gender: 'masculine' as const,
    de: [key],
    en: [key],
    article: true,
  })),
  ...organisations.map(([gender, de, en]) => ({
    key: en,
    type: 'ORG' as const,
    gender,
    de: de.split(' '),
    en: en.split(' '),
    article: true,
  })),
];

/** All names by key; a person's key is the given name, or given and family name. */
export const names: ReadonlyMap<string, Name> = new Map(all.map(name => [name.key, name]));
export const givenNames: readonly string[] = [...women, ...men];
export const familyNames: readonly string[] = families;
export const townNames: readonly string[] = towns;
export const squareNames: readonly string[] = squares;
export const organisationNames: readonly string[] = organisations.map(([, , en]) => en);
export const petNames: readonly string[] = pets.map(([name]) => name);
