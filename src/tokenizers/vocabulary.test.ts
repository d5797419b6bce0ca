import { describe, expect, it } from 'vitest';
import { TokenizerError } from '../errors.ts';
import { PackedTexts } from './packed-texts.ts';
import { Vocabulary } from './vocabulary.ts';

const ENTRIES = [
  ['boot', 3],
  ['', 1],
  ['haus', 0],
  ['\ud83d', 2],
  ['\ude00', 4],
  ['😀', 6],
  ['hausboot', 5],
] as const;
const vocabulary = Vocabulary.of(ENTRIES);

describe('Vocabulary', () => {
  it('finds tokens by their ids and ids by their tokens', () => {
    for (const [token, id] of ENTRIES) {
      expect(vocabulary.id(token)).toBe(id);
      expect(vocabulary.token(id)).toBe(token);
      expect(vocabulary.find(`x${token}y`, 1, 1 + token.length)).toBe(id);
      expect(vocabulary.lengthOf(id)).toBe(token.length);
    }
    expect([...vocabulary]).toEqual([...ENTRIES].sort((a, b) => a[1] - b[1]));
    expect([vocabulary.size, vocabulary.longest]).toEqual([7, 8]);
  });

  it('knows nothing else', () => {
    for (const token of ['hau', 'hausb', 'Boot', 'bootb', '\0']) expect(vocabulary.id(token)).toBeUndefined();
    for (const id of [-1, 7, 0.5, Number.NaN, 2 ** 31]) expect(vocabulary.token(id)).toBeUndefined();
    expect(Vocabulary.of([]).id('')).toBeUndefined();
    expect(() => vocabulary.required('Boot', 'the boat')).toThrow('the boat is not in the vocabulary');
  });

  it('finds what two tokens make together', () => {
    expect(vocabulary.findPair(0, 3)).toBe(5);
    expect(vocabulary.findPair(3, 0)).toBe(-1);
    expect(vocabulary.findPair(2, 4)).toBe(6);
    expect(vocabulary.findPair(1, 3)).toBe(3);
    expect(vocabulary.findPair(0, 9)).toBe(-1);
    expect(vocabulary.findJoined('haus', 0, 4, '##boot', 2, 6)).toBe(5);
    expect(vocabulary.findJoined('haus', 0, 4, '##boot', 2, 5)).toBe(-1);
  });

  it('takes ids with gaps, however large', () => {
    const sparse = Vocabulary.of([
      ['b', 2 ** 31 - 1],
      ['a', 7],
      ['ab', 1_000_000],
    ]);
    expect([sparse.id('a'), sparse.id('b'), sparse.id('ab'), sparse.id('c')]).toEqual([7, 2 ** 31 - 1, 1e6, undefined]);
    expect([7, 2 ** 31 - 1, 1e6, 0, 8].map(id => sparse.token(id))).toEqual(['a', 'b', 'ab', undefined, undefined]);
    expect(sparse.findPair(7, 2 ** 31 - 1)).toBe(1e6);
    expect([...sparse.ids()]).toEqual([7, 1e6, 2 ** 31 - 1]);
  });

  it('agrees with a Map on many tokens in any order', () => {
    const map = new Map<string, number>();
    for (let i = 0; i < 30_000; i++) map.set(((i * 7919) % 30_011).toString(36), (i * 104_729) % 30_000);
    const all = Vocabulary.of(map);
    for (const [token, id] of map) {
      if (all.id(token) !== id || all.token(id) !== token) throw new Error(token);
      if (all.id(`${token}-`) !== undefined) throw new Error(`${token}-`);
    }
    expect(all.size).toBe(30_000);
  });

  it('refuses two tokens of one id or one text, and says which', () => {
    const sameId = [['a', 1] as const, ['c', 0] as const, ['b', 1] as const];
    expect(() => Vocabulary.of(sameId)).toThrow(TokenizerError);
    expect(() => Vocabulary.of(sameId)).toThrow('same id');
    expect(() => Vocabulary.of(sameId)).toThrow('["a","b"] with id 1');
    expect(() => Vocabulary.of([...ENTRIES, ['haus', 9]])).toThrow('stands twice');
    const seen: unknown[] = [];
    const refuse = (shared: string, place: number) => {
      seen.push([shared, place]);
      return new RangeError('no');
    };
    expect(() => new Vocabulary(PackedTexts.of(['a', 'b', 'a']), [2, 1, 0], refuse)).toThrow(RangeError);
    expect(() => new Vocabulary(PackedTexts.of(['a', 'b', 'c']), [2, 1, 2], refuse)).toThrow(RangeError);
    expect(seen).toEqual([
      ['text', 0],
      ['id', 2],
    ]);
  });
});
