import { describe, expect, it } from 'vitest';
import { TokenizerError } from '../errors.ts';
import { parseModel } from './load-model.ts';
import { UNKNOWN_PENALTY, Unigram, type UnigramLibrary } from './unigram.ts';

type Entry = readonly [piece: string, score: number];

function modelOf(entries: readonly Entry[], unknown: number | null = 0, library: UnigramLibrary = 'tokenizers') {
  const scores = entries.map(([, score]) => score);
  return new Unigram({
    pieces: entries.map(([piece]) => piece),
    scores,
    unknown: unknown ?? undefined,
    unknownScore: Math.min(...scores.filter(score => !Number.isNaN(score))) - UNKNOWN_PENALTY,
    byteFallback: entries.some(([piece]) => piece === '<0x00>'),
    library,
  });
}

const UNK: Entry = ['<unk>', 0];
const textsOf = (model: Unigram, piece: string) =>
  model.tokenize(piece).map(({ start, end }) => piece.slice(start, end));

/** All ways to cut, compared one by one, in the order that the definition prefers among equals. */
function bestByTrying(entries: readonly Entry[], text: string): number {
  const scores = new Map(entries);
  const unknown = Math.min(...scores.values()) - UNKNOWN_PENALTY;
  const best = new Array<number>(text.length + 1).fill(Number.NEGATIVE_INFINITY);
  best[0] = 0;
  for (let end = 1; end <= text.length; end++) {
    for (let start = 0; start < end; start++) {
      const score = scores.get(text.slice(start, end)) ?? (end - start === 1 ? unknown : undefined);
      if (score !== undefined) best[end] = Math.max(best[end]!, best[start]! + score);
    }
  }
  return best[text.length]!;
}

describe('Unigram', () => {
  it('takes the first of two paths with one sum', () => {
    expect(textsOf(modelOf([UNK, ['a', -1], ['b', -1], ['ab', -2]]), 'ab')).toEqual(['ab']);
    expect(textsOf(modelOf([UNK, ['a', -1], ['b', -1], ['ab', -2.1]]), 'ab')).toEqual(['a', 'b']);
  });

  it('joins unknown neighbours and gives their text', () => {
    const model = modelOf([UNK, ['a', -1], ['b', -1]]);
    expect(model.tokenize('azz😀b')).toEqual([
      { id: 1, start: 0, end: 1 },
      { id: 0, start: 1, end: 5, text: 'zz😀' },
      { id: 2, start: 5, end: 6 },
    ]);
    // The unknown token itself, found in a text, is joined with what is unknown beside it.
    expect(model.tokenize('z<unk>').map(({ id }) => id)).toEqual([0]);
  });

  it('finds the best sum of all cuts, for short and long pieces', () => {
    let state = 5;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const letters = (length: number) => Array.from({ length }, () => 'abcd'[random(4)]).join('');
    for (let round = 0; round < 20; round++) {
      const pieces = new Set(Array.from({ length: 30 }, () => letters(1 + random(5))));
      const entries: Entry[] = [UNK, ...[...pieces].map((piece): Entry => [piece, -1 - random(900) / 64])];
      const model = modelOf(entries);
      const scores = new Map(entries);
      for (const length of [1, 7, 63, 64, 65, 200]) {
        const text = letters(length);
        const sum = textsOf(model, text)
          .flatMap(token => (scores.has(token) ? [token] : [...token]))
          .reduce((total, token) => total + (scores.get(token) ?? model.lattice(token)[0]!.score), 0);
        expect(sum).toBe(bestByTrying(entries, text));
        const ids: number[] = [];
        model.appendIds(`xx${text}yy`, 2, 2 + length, ids);
        expect(ids).toEqual(model.tokenize(text).map(({ id }) => id));
      }
    }
  });

  it('writes bytes in the places that each library gives them', () => {
    const bytes = Array.from({ length: 256 }, (_, i): Entry => {
      return [`<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`, Number.NaN];
    });
    const entries: Entry[] = [UNK, ['a', -1], ...bytes];
    const places = (library: UnigramLibrary) =>
      modelOf(entries, 0, library)
        .tokenize('éxa')
        .map(({ id, start, end }) => [id - 2, start, end]);
    expect(places('tokenizers')).toEqual([
      [0xc3, 0, 2],
      [0xa9, 0, 2],
      [0x78, 0, 2],
      [-1, 2, 3],
    ]);
    expect(places('sentencepiece')).toEqual([
      [0xc3, 0, 0],
      [0xa9, 0, 1],
      [0x78, 1, 2],
      [-1, 2, 3],
    ]);
  });

  it('keeps its sums in the precision of its library', () => {
    // From 2^24 on 32-bit numbers are even: what a, b and c take away is lost.
    const entries: Entry[] = [UNK, ['x', -(2 ** 24)], ['a', -0.9], ['b', -0.9], ['c', -0.9], ['xabc', -(2 ** 24) - 2]];
    expect(textsOf(modelOf(entries), 'xabc')).toEqual(['xabc']);
    expect(textsOf(modelOf(entries, 0, 'sentencepiece'), 'xabc')).toEqual(['x', 'a', 'b', 'c']);
  });

  it('finds no hidden entry in a text and knows its name', () => {
    const model = modelOf([UNK, ['<s>', Number.NaN], ['<', -1], ['s', -1], ['>', -1]]);
    expect(textsOf(model, '<s>')).toEqual(['<', 's', '>']);
    expect([model.tokenToId('<s>'), model.tokenToId('s'), model.tokenToId('q')]).toEqual([1, 3, undefined]);
  });

  it('uses the later of two equal entries, or refuses them', () => {
    const entries: Entry[] = [UNK, ['a', -5], ['a', -1]];
    expect(modelOf(entries).tokenToId('a')).toBe(2);
    expect(() => modelOf(entries, 0, 'sentencepiece')).toThrow('twice');
  });

  it('never ends a token within a character', () => {
    const model = modelOf([UNK, ['a', -1], ['a\ud83d', 5], ['😀', -1]]);
    expect(textsOf(model, 'a😀a')).toEqual(['a', '😀', 'a']);
  });

  it('says what it cannot take', () => {
    expect(() => modelOf([['a', -1]], 7)).toThrow(TokenizerError);
    expect(() => modelOf([UNK, ['a', Number.NEGATIVE_INFINITY]])).toThrow('no log-probability');
    expect(() => modelOf([UNK, ['a', -1e300]])).toThrow('no log-probability');
    const model = modelOf([['a', -1]], null);
    expect(model.tokenize('aa').map(({ id }) => id)).toEqual([0, 0]);
    expect(() => model.tokenize('ab')).toThrow('no unknown token');
  });

  it('cuts a million units whose paths never meet', () => {
    const model = modelOf([UNK, ['a', -10], ['aa', -1]]);
    const ids: number[] = [];
    const text = 'a'.repeat(1_000_001);
    model.appendIds(text, 0, text.length, ids);
    expect(ids.length).toBe(500_001);
    expect(ids[0]).toBe(1);
  });
});

describe('lattice', () => {
  it('shows every entry that fits, with sums and the best path', () => {
    const model = modelOf([UNK, ['a', -1], ['b', -2], ['ab', -2.5], ['bz', -4]]);
    const edges = model.lattice('abz');
    expect(edges.map(({ text, score, total, best }) => [text, score, total, best])).toEqual([
      ['a', -1, -1, true],
      ['ab', -2.5, -2.5, false],
      ['b', -2, -3, false],
      ['bz', -4, -5, true],
      ['z', -14, -16.5, false],
    ]);
  });

  it('has the tokens as its best path', () => {
    const model = modelOf([UNK, ['a', -1], ['b', -2], ['ba', -1.5], ['aba', -9]]);
    for (const piece of ['', 'a', 'ababa', 'zaz', 'ab😀ba']) {
      const path = model.lattice(piece).filter(({ best }) => best);
      expect(path.map(({ text }) => text).join('')).toBe(piece);
      const known = (ids: readonly number[]) => ids.filter(id => id !== 0);
      expect(known(path.map(({ id }) => id))).toEqual(known(model.tokenize(piece).map(({ id }) => id)));
    }
  });
});

describe('the Unigram of a tokenizer.json', () => {
  const parse = (model: object) => parseModel(model, []).model;

  it('is known without its type', () => {
    expect(parse({ unk_id: 0, vocab: [UNK, ['a', -1]] }).type).toBe('Unigram');
  });

  it('reads scores as the reference does, a last bit off', () => {
    // The digits as a whole number are rounded, and their quotient by 10^16 again.
    const score = -2.0122928619384766;
    const model = parse({ unk_id: 0, vocab: [UNK, ['a', score]] }) as Unigram;
    expect(model.lattice('a')[0]!.score).toBe(-(Number('20122928619384766') / 1e16));
    const exact = parse({ unk_id: 0, vocab: [UNK, ['a', -3.5], ['b', -1e-7], ['c', -4]] }) as Unigram;
    expect(exact.lattice('abc').map(edge => edge.score)).toEqual([-3.5, -1e-7, -4]);
  });

  it.each([
    ['no entries', { vocab: [] }, 'empty'],
    ['an object for a list', { vocab: { a: 1 } }, 'vocab'],
    ['an entry without score', { vocab: [['a']] }, 'model.vocab[0]'],
    ['a score that is no number', { vocab: [['a', Number.NaN]] }, 'model.vocab[0]'],
    ['an unknown id outside', { unk_id: 5, vocab: [UNK] }, 'not in the vocabulary'],
    ['an infinite score', { vocab: [['a', Number.POSITIVE_INFINITY]] }, 'no log-probability'],
  ])('refuses %s', (_, model, message) => {
    expect(() => parse({ type: 'Unigram', ...model })).toThrow(TokenizerError);
    expect(() => parse({ type: 'Unigram', ...model })).toThrow(message);
  });
});
