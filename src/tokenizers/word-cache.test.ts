import { describe, expect, it } from 'vitest';
import { WordCache } from './word-cache.ts';

/** The ids of a word through the cache, whose own are its code units; says whether they were known. */
function look(cache: WordCache, word: string): { known: boolean; ids: number[] } {
  const ids = [-1];
  const known = cache.append(word, 0, word.length, ids);
  if (!known) {
    for (let i = 0; i < word.length; i++) ids.push(word.charCodeAt(i));
    cache.add(word, 0, word.length, ids, 1);
  }
  return { known, ids };
}
const idsOf = (word: string) => [-1, ...Array.from({ length: word.length }, (_, i) => word.charCodeAt(i))];

describe('WordCache', () => {
  it('gives the ids that a word was kept with', () => {
    const cache = new WordCache();
    for (const word of ['haus', 'hau', 'h', '猫', '😀😀', 'x'.repeat(64)]) {
      expect(look(cache, word)).toEqual({ known: false, ids: idsOf(word) });
      expect(look(cache, word)).toEqual({ known: true, ids: idsOf(word) });
    }
  });

  it('reads stretches of a text', () => {
    const cache = new WordCache();
    look(cache, 'boot');
    const ids: number[] = [];
    expect(cache.append('hausboote', 4, 8, ids)).toBe(true);
    expect(ids).toEqual(idsOf('boot').slice(1));
  });

  it('does not keep words of more than 64 code units', () => {
    const cache = new WordCache();
    const word = 'x'.repeat(65);
    look(cache, word);
    expect(look(cache, word)).toEqual({ known: false, ids: idsOf(word) });
  });

  it('stays right when far more words come than it keeps', () => {
    const cache = new WordCache();
    for (let i = 0; i < 200_000; i++) look(cache, `w${i}`);
    let known = 0;
    for (let i = 190_000; i < 200_000; i++) {
      const found = look(cache, `w${i}`);
      if (found.known) known++;
      expect(found.ids).toEqual(idsOf(`w${i}`));
    }
    expect(known).toBeGreaterThan(0);
  });
});
