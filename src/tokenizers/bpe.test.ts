import { describe, expect, it, vi } from 'vitest';
import { TokenizerError } from '../errors.ts';
import { Bpe } from './bpe.ts';
import { mergeSymbols, newSymbols, type Symbols } from './bpe-merge.ts';
import { BYTE_CHARS, toByteChars } from './byte-alphabet.ts';
import { MergeTable, mergesFromList, mergesFromRanks } from './merge-table.ts';
import { PackedTexts } from './packed-texts.ts';
import { Vocabulary } from './vocabulary.ts';

const LETTERS = 4;

/** A deterministic vocabulary over a few letters, with or without merges that depend on later ones. */
function randomTable(seed: number, sharedRanks: boolean): { table: MergeTable; random: (below: number) => number } {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const table = new MergeTable(120);
  for (let i = 0; i < 120; i++) {
    const known = LETTERS + i;
    table.add(random(known), random(known), sharedRanks ? random(40) : (i * 67) % 120, known);
  }
  return { table, random };
}

function symbolsOf(ids: readonly number[]): Symbols {
  const symbols = newSymbols(ids.length);
  symbols.count = ids.length;
  symbols.ids.set(ids);
  ids.forEach((_, i) => {
    symbols.starts[i] = i;
    symbols.ends[i] = i + 1;
  });
  return symbols;
}

/** The definition: look for the lowest rank, leftmost first, join, start again. */
function mergeNaively(ids: readonly number[], table: MergeTable): { id: number; start: number; end: number }[] {
  const tokens = ids.map((id, i) => ({ id, start: i, end: i + 1 }));
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const found = table.find(tokens[i]!.id, tokens[i + 1]!.id);
      if (found >= 0 && table.rankAt(found) < best) [best, at] = [table.rankAt(found), i];
    }
    if (at < 0) return tokens;
    const [left, right] = [tokens[at]!, tokens[at + 1]!];
    const id = table.resultAt(table.find(left.id, right.id));
    tokens.splice(at, 2, { id, start: left.start, end: right.end });
  }
}

const listed = ({ count, ids, starts, ends }: Symbols) =>
  Array.from({ length: count }, (_, i) => ({ id: ids[i]!, start: starts[i]!, end: ends[i]! }));

describe('mergeSymbols', () => {
  it.each([
    [1, false],
    [2, false],
    [3, true],
    [4, true],
  ])('follows the definition at every length (vocabulary %i, shared ranks %s)', (seed, sharedRanks) => {
    const { table, random } = randomTable(seed, sharedRanks);
    for (let length = 0; length < 160; length++) {
      const ids = Array.from({ length }, () => random(length % 3 === 0 ? 1 : LETTERS));
      const symbols = symbolsOf(ids);
      mergeSymbols(symbols, table);
      expect(listed(symbols)).toEqual(mergeNaively(ids, table));
    }
  });

  describe('on long pieces', () => {
    /** As a training gives them: later merges join what earlier ones made, mostly recent ones; some double a run. */
    const trained = (seed: number) => {
      const { random } = randomTable(seed, false);
      const table = new MergeTable(200);
      let run = 0;
      for (let i = 0; i < 200; i++) {
        const known = LETTERS + i;
        const part = () => (random(2) === 0 ? random(known) : known - 1 - random(LETTERS));
        const doubled = i % 20 === 0;
        table.add(doubled ? run : part(), doubled ? run : part(), i, known);
        if (doubled) run = known;
      }
      return { table, random };
    };
    const runs = (random: (below: number) => number, length: number): number[] => {
      const ids: number[] = [];
      while (ids.length < length) {
        const repeats = random(700);
        const pattern = Array.from({ length: 1 + random(4) }, () => random(LETTERS));
        for (let i = 0; i < repeats; i++) ids.push(pattern[i % pattern.length]!);
        for (let i = random(300); i > 0; i--) ids.push(random(LETTERS));
      }
      return ids.slice(0, length);
    };

    it.each([
      ['a trained vocabulary', trained(11)],
      ['another trained vocabulary', trained(12)],
      ['a vocabulary in no order', randomTable(13, false)],
      ['shared ranks', randomTable(14, true)],
    ])('follows the definition with %s', (_, { table, random }) => {
      const texts = [
        new Array<number>(1500).fill(0),
        Array.from({ length: 1500 }, (_, i) => i % 2),
        Array.from({ length: 1500 }, (_, i) => (i % 7) % LETTERS),
        Array.from({ length: 1500 }, () => random(LETTERS)),
        runs(random, 1500),
        runs(random, 1600),
        runs(random, 600).map((id, i) => (i % 50 === 0 ? -1 : id)),
      ];
      for (const ids of texts) {
        const symbols = symbolsOf(ids);
        mergeSymbols(symbols, table);
        expect(listed(symbols)).toEqual(mergeNaively(ids, table));
      }
    });

    it('sees what changes everything before it, at a cost that is still linear', () => {
      const table = new MergeTable(3);
      table.add(0, 1, 0, 1);
      table.add(0, 0, 1, 2);
      table.add(2, 2, 2, 3);
      const find = vi.spyOn(table, 'find');
      for (const length of [1_000, 20_000]) {
        find.mockClear();
        const symbols = symbolsOf(Array.from({ length }, (_, i) => (i === length - 1 ? 1 : 0)));
        mergeSymbols(symbols, table);
        expect(listed(symbols)).toEqual([{ id: 1, start: 0, end: length }]);
        expect(find.mock.calls.length / length).toBeLessThan(30);
      }
    });

    it('joins no two symbols without an id', () => {
      const { table } = trained(15);
      for (const length of [2, 100]) {
        const symbols = symbolsOf(new Array<number>(length).fill(-1));
        mergeSymbols(symbols, table);
        expect(symbols.count).toBe(length);
      }
    });
  });

  it('looks up a number of pairs that grows with the length and no faster', () => {
    const { table, random } = randomTable(5, true);
    const find = vi.spyOn(table, 'find');
    const lookups = [1_000, 10_000, 100_000].map(length => {
      find.mockClear();
      mergeSymbols(symbolsOf(Array.from({ length }, () => random(LETTERS))), table);
      return find.mock.calls.length / length;
    });
    for (const perSymbol of lookups) expect(perSymbol).toBeLessThan(3);
  });
});

const vocabularyOf = (tokens: readonly string[]) => Vocabulary.of(tokens.map((token, id) => [token, id] as const));

describe('merge tables', () => {
  const vocab = vocabularyOf(['a', 'b', 'c', 'ab', 'bc', 'abc']);

  it('keeps the first rank of a pair', () => {
    const table = mergesFromList(vocab, PackedTexts.of(['a', 'b', 'a', 'b']));
    expect(table.rankAt(table.find(0, 1))).toBe(0);
    expect(table.find(1, 0)).toBe(-1);
  });

  it('names a token that is missing', () => {
    const merges = () => mergesFromList(vocab, PackedTexts.of(['c', 'a']));
    expect(merges).toThrow(TokenizerError);
    expect(merges).toThrow('"ca"');
  });

  it('derives every split into two entries, with the rank of the whole', () => {
    const table = mergesFromRanks(vocab, vocab.ids());
    const splits = [
      [0, 1, 3],
      [1, 2, 4],
      [3, 2, 5],
      [0, 4, 5],
    ] as const;
    for (const [left, right, result] of splits) {
      const found = table.find(left, right);
      expect([table.rankAt(found), table.resultAt(found)]).toEqual([result, result]);
    }
    expect(table.find(2, 0)).toBe(-1);
  });

  it('answers for any order of more pairs than it keeps, and joins nothing to what is no entry', () => {
    const tokens = Array.from({ length: 900 }, (_, i) => i.toString(3).padStart(1 + (i % 3), '0'));
    const names = [...new Set(tokens)];
    const all = new Map(names.map((token, id) => [token, id]));
    const ids = names.slice(20).map(token => all.get(token)!);
    const table = mergesFromRanks(
      Vocabulary.of(all),
      ids,
      ids.map(id => -(id >> 1)),
    );
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < 100_000; i++) {
        const [left, right] = [(i * 7919) % names.length, (i * 104729 + (i >> 9)) % names.length];
        const joined = all.get(names[left]! + names[right]!) ?? -1;
        const expected = left >= 20 && right >= 20 && joined >= 20 ? joined : -1;
        const found = table.find(left, right);
        if ((found < 0 ? -1 : table.resultAt(found)) !== expected) throw new Error(`${names[left]} + ${names[right]}`);
        if (found >= 0 && table.rankAt(found) !== (expected >> 1) - 10) throw new Error(`rank of ${names[expected]}`);
      }
  });
});

describe('Bpe', () => {
  const characters = (tokens: readonly string[], options: Partial<ConstructorParameters<typeof Bpe>[0]> = {}) => {
    const vocab = vocabularyOf(tokens);
    return new Bpe({ vocab, merges: mergesFromRanks(vocab, vocab.ids()), bytes: false, ...options });
  };
  const texts = (model: Bpe, piece: string) => model.tokenize(piece).map(({ id }) => model.idToToken(id));
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);

  it('reads bytes, and gives each token the whole characters it touches', () => {
    const model = new Bpe({
      vocab: vocabularyOf(BYTE_CHARS),
      merges: new MergeTable(0),
      bytes: true,
    });
    expect(model.tokenize('é😀').map(({ id, start, end }) => [id, start, end])).toEqual([
      [0xc3, 0, 1],
      [0xa9, 0, 1],
      [0xf0, 1, 3],
      [0x9f, 1, 3],
      [0x98, 1, 3],
      [0x80, 1, 3],
    ]);
  });

  it('writes the 68 unprintable bytes as U+0100 and up', () => {
    expect(toByteChars('\0 \n\x7f\u00a0\u00ad')).toBe('ĀĠĊġÂłÂŃ');
  });

  it('falls back to bytes, else to the unknown token, one for a run if asked', () => {
    const fallback = characters(['<unk>', ...bytes, 'a'], { unknown: '<unk>', byteFallback: true });
    expect(texts(fallback, 'aä')).toEqual(['a', '<0xC3>', '<0xA4>']);
    const fused = characters(['<unk>', 'a'], { unknown: '<unk>', fuseUnknown: true });
    expect(fused.tokenize('xyaz')).toEqual([
      { id: 0, start: 0, end: 2 },
      { id: 1, start: 2, end: 3 },
      { id: 0, start: 3, end: 4 },
    ]);
    expect(texts(characters(['<unk>', 'a'], { unknown: '<unk>' }), 'xya')).toEqual(['<unk>', '<unk>', 'a']);
    expect(texts(characters(['a']), 'xa')).toEqual(['a']);
  });

  it('marks the parts of a word if the vocabulary does', () => {
    const vocab = vocabularyOf(['a', '##a', '##b</w>', 'a##']);
    const model = new Bpe({
      vocab,
      merges: new MergeTable(0),
      bytes: false,
      continuingPrefix: '##',
      endSuffix: '</w>',
    });
    expect(texts(model, 'aab')).toEqual(['a', '##a', '##b</w>']);
  });

  it('takes whole pieces from the vocabulary if merges are to be ignored', () => {
    const options = {
      vocab: vocabularyOf(['a', 'b', 'ab']),
      merges: new MergeTable(0),
      bytes: false,
    };
    expect(texts(new Bpe(options), 'ab')).toEqual(['a', 'b']);
    expect(texts(new Bpe({ ...options, ignoreMerges: true }), 'ab')).toEqual(['ab']);
  });

  it('gives the same tokens whether or not it may cut before space marks', () => {
    const tokens = ['▁', 'a', 'b', '▁a', '▁▁', 'ab', '▁ab', '▁▁▁▁', 'ba'];
    const cutting = characters(tokens);
    const whole = characters([...tokens, 'x▁x']);
    for (const text of ['▁ab▁▁a▁▁▁▁▁ba▁', 'a▁b▁▁', '▁▁▁ab▁ab', 'ba▁ab'])
      expect(texts(cutting, text)).toEqual(texts(whole, text));
  });

  it('keeps frozen entries whole and cuts unused ones again', () => {
    expect(texts(characters(['a', 'b', 'ab', 'ba'], { frozen: ['ba'] }), 'abab')).toEqual(['a', 'ba', 'b']);
    const unused = characters(['a', 'b', 'c', 'ab', 'abc'], { unused: ['ab', 'abc'] });
    expect(unused.tokenize('abc').map(({ id, start, end }) => [id, start, end])).toEqual([
      [0, 0, 1],
      [1, 1, 2],
      [2, 2, 3],
    ]);
  });

  it('cuts unused entries that stand within each other, in the time that it takes to read them', () => {
    const entries = Array.from({ length: 400 }, (_, i) => 'a'.repeat(i + 1));
    const vocab = Vocabulary.of(entries.map((text, id) => [text, id] as const));
    const merges = mergesFromRanks(vocab, vocab.ids());
    const find = vi.spyOn(merges, 'find');
    const model = new Bpe({ vocab, merges, bytes: false, unused: entries.slice(1) });
    const units = entries.join('').length;
    expect(find.mock.calls.length / units).toBeLessThan(5);
    expect(model.tokenize('a'.repeat(900)).map(({ id, start, end }) => [id, start, end])).toEqual(
      Array.from({ length: 900 }, (_, i) => [0, i, i + 1]),
    );
  });

  it('gives the same ids when its store of words has been emptied', () => {
    const model = characters(['<unk>', ...'0123456789'], { unknown: '<unk>' });
    const ids: number[] = [];
    for (let i = 0; i < 60_000; i++) model.appendIds(`${i}`, 0, `${i}`.length, ids);
    const again: number[] = [];
    model.appendIds('42', 0, 2, again);
    expect(again).toEqual([5, 3]);
  });
});
