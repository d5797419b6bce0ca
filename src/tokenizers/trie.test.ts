import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { PackedTexts } from './packed-texts.ts';
import { Trie } from './trie.ts';

/** The places of the texts that `text` begins with, the shortest first. */
function prefixes(trie: Trie, text: string): number[] {
  const found: number[] = [];
  let node = Trie.ROOT;
  for (let i = 0; i < text.length; i++) {
    node = trie.child(node, text.charCodeAt(i));
    if (node === 0) break;
    if (trie.value(node) >= 0) found.push(trie.value(node));
  }
  return found;
}

describe('Trie', () => {
  it('finds exactly the texts that another one begins with', () => {
    const rng = createRng(5);
    const letters = ['ab', 'abcdefghijklmnopqrstuvwxyz', 'a\0\uffff\ud83d'];
    for (const [round, count] of [0, 1, 5, 30, 400, 3000].entries()) {
      const alphabet = letters[round % letters.length]!;
      const text = () => Array.from({ length: rng.below(9) }, () => alphabet[rng.below(alphabet.length)]).join('');
      const texts = Array.from({ length: count }, text);
      const trie = new Trie(texts);
      for (const probe of [...texts.slice(0, 200), ...Array.from({ length: 200 }, text)]) {
        const expected = Array.from({ length: probe.length }, (_, i) => texts.lastIndexOf(probe.slice(0, i + 1)));
        expect(prefixes(trie, probe)).toEqual(expected.filter(place => place >= 0));
        const begins = texts.some(other => other !== '' && other.startsWith(probe));
        expect(trie.walk(probe) >= 0).toBe(begins || probe === '');
      }
    }
  });

  it('takes a selection in its order and tells of texts that stand twice, however many there are', () => {
    const texts = PackedTexts.of(['b', 'a', '', 'a', 'c']);
    const repeats: [number, number][] = [];
    const trie = new Trie(texts, Int32Array.of(3, 1, 2, 0), (before, place) => repeats.push([before, place]));
    expect(repeats).toEqual([[3, 1]]);
    expect(['a', 'b', 'c', ''].flatMap(text => prefixes(trie, text))).toEqual([1, 0]);
    expect(prefixes(new Trie(Array.from({ length: 500 }, () => 'same')), 'same')).toEqual([499]);
  });

  it('refuses texts that would make every place of a text cost as much as they are long', () => {
    expect(prefixes(new Trie(['x'.repeat(1024)]), 'x'.repeat(2000))).toEqual([0]);
    expect(() => new Trie(['a', 'x'.repeat(1025)])).toThrow(/too long.*1025.*1024/s);
  });
});
