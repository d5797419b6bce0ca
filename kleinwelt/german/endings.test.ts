import { describe, expect, it } from 'vitest';
import { nounOf, verbOf } from '../lexicon/look-up.ts';
import { adjectiveEnding, type Case, definite, einWord, nounForm } from './endings.ts';

const cases: readonly Case[] = ['nominative', 'accusative', 'dative', 'genitive'];

describe('German forms', () => {
  it.each([
    ['boy', 'Junge Jungen Jungen Jungen', 'Jungen Jungen Jungen'],
    ['neighbour', 'Nachbar Nachbarn Nachbarn Nachbarn', 'Nachbarn Nachbarn Nachbarn'],
    ['house', 'Haus Haus Haus Hauses', 'Häuser Häuser Häusern'],
    ['bird', 'Vogel Vogel Vogel Vogels', 'Vögel Vögel Vögeln'],
    ['tree', 'Baum Baum Baum Baumes', 'Bäume Bäume Bäumen'],
    ['car', 'Auto Auto Auto Autos', 'Autos Autos Autos'],
    ['doctor', 'Ärztin Ärztin Ärztin Ärztin', 'Ärztinnen Ärztinnen Ärztinnen'],
    ['girl', 'Mädchen Mädchen Mädchen Mädchens', 'Mädchen Mädchen Mädchen'],
  ])('of %s', (key, singular, plural) => {
    expect(cases.map(kase => nounForm(nounOf(key), kase, false)).join(' ')).toBe(singular);
    const withPlural = cases.filter(kase => kase !== 'genitive');
    expect(withPlural.map(kase => nounForm(nounOf(key), kase, true)).join(' ')).toBe(plural);
  });

  it('of articles and adjectives', () => {
    expect(cases.map(kase => definite[kase].masculine).join(' ')).toBe('der den dem des');
    expect(cases.map(kase => einWord('kein', kase, 'feminine')).join(' ')).toBe('keine keine keiner keiner');
    const masculine = (kind: 'weak' | 'mixed' | 'strong') =>
      cases.map(kase => adjectiveEnding(kind, kase, 'masculine')).join(' ');
    expect([masculine('weak'), masculine('mixed'), masculine('strong')]).toEqual([
      'e en en en',
      'er en en en',
      'er en em en',
    ]);
  });

  it('of verbs', () => {
    expect(verbOf('know').de).toMatchObject({ present: 'weiß', past: 'wusste', pluralPast: 'wussten' });
    expect(verbOf('put on').de).toMatchObject({ infinitive: 'ziehen', pluralPast: 'zogen', particle: 'an' });
    expect(verbOf('be').de).toMatchObject({ present: 'ist', pluralPresent: 'sind', pluralPast: 'waren' });
  });
});
