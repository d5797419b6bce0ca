import { describe, expect, it } from 'vitest';
import { tokenizerFromJson } from '../index.ts';
import { tokenizerOfPieces } from '../load-sentencepiece.ts';
import { byCodePoints } from './alphabet.ts';
import { frequentSubstrings } from './frequent-substrings.ts';
import { countWords, TRAINABLE_TYPES, trainBpe, trainSentencePiece, trainTokenizer, trainUnigram } from './index.ts';
import { Pace } from './pace.ts';
import { DOUBLE, UnigramLattice } from './unigram-lattice.ts';
import { WordTable } from './word-table.ts';

/** Numbers from 0 to 1, always the same ones. */
function randomNumbers(seed: number): () => number {
  return () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) / 0x80000000;
}
function randomWord(random: () => number, letters: string, longest: number): string {
  return Array.from(
    { length: 1 + Math.floor(random() * longest) },
    () => letters[Math.floor(random() * letters.length)],
  ).join('');
}
const counted = (counts: Record<string, number>) => Object.entries(counts).map(([text, count]) => ({ text, count }));

const POEM = [
  'Der Hund jagt die Katze, und die Katze jagt die Maus.\n',
  'Das Hausboot liegt am Haus; das Boot liegt im Hafen.\n',
  'Größe 12 und 123, naïve café 小狗 🦀🦀\n',
];

describe('trainBpe', () => {
  it('learns the example of Sennrich et al.', async () => {
    const words = counted({ low: 5, lower: 2, newest: 6, widest: 3 });
    const { merges } = await trainBpe(words, { vocabSize: 23 });
    expect(merges.map(pair => pair.join(''))).toEqual([
      'es',
      'est',
      'lo',
      'low',
      'ew',
      'new',
      'newest',
      'dest',
      'idest',
      'widest',
      'er',
      'lower',
    ]);
  });
  it('breaks ties by ids, and merges from left to right', async () => {
    const tied = await trainBpe(counted({ ab: 2, cd: 2, ef: 2 }), { vocabSize: 9 });
    expect(tied.merges).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ]);
    const { merges } = await trainBpe(counted({ aaaa: 2, aaa: 1 }), { vocabSize: 6 });
    expect(merges).toEqual([
      ['a', 'a'],
      ['aa', 'aa'],
      ['aa', 'a'],
    ]);
  });
  it('agrees with counting everything again after each merge', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = randomNumbers(seed);
      const words = Array.from({ length: 30 }, () => randomWord(random, 'abcdefghij', 8));
      const list = await countWords(words);
      const { merges } = await trainBpe(list, { vocabSize: 28, minFrequency: 2 });
      expect(merges).toEqual(naiveMerges(list, 28));
    }
  });
  it('keeps the most frequent characters of a limited alphabet', async () => {
    const { vocab } = await trainBpe(counted({ aab: 3, abc: 1 }), {
      vocabSize: 2,
      limitAlphabet: 2,
      initialAlphabet: ['z'],
    });
    expect(vocab).toEqual(['a', 'z']);
  });
});

/** Byte pair encoding without any index. */
function naiveMerges(words: readonly { text: string; count: number }[], size: number): [string, string][] {
  const vocab = [...new Set(words.flatMap(({ text }) => [...text]))].sort();
  let split = words.map(({ text, count }) => ({ symbols: [...text], count }));
  const merges: [string, string][] = [];
  while (vocab.length < size) {
    const counts = new Map<string, number>();
    for (const { symbols, count } of split)
      for (let i = 0; i + 1 < symbols.length; i++) {
        const key = `${vocab.indexOf(symbols[i]!)} ${vocab.indexOf(symbols[i + 1]!)}`;
        counts.set(key, (counts.get(key) ?? 0) + count);
      }
    const ids = (key: string) => key.split(' ').map(Number) as [number, number];
    const [best] = [...counts].sort(([a, x], [b, y]) => y - x || ids(a)[0] - ids(b)[0] || ids(a)[1] - ids(b)[1]);
    if (!best || best[1] < 2) break;
    const [left, right] = ids(best[0]).map(id => vocab[id]!) as [string, string];
    merges.push([left, right]);
    if (!vocab.includes(left + right)) vocab.push(left + right);
    split = split.map(({ symbols, count }) => {
      const merged: string[] = [];
      for (const symbol of symbols)
        if (merged.at(-1) === left && symbol === right) merged.splice(-1, 1, left + right);
        else merged.push(symbol);
      return { symbols: merged, count };
    });
  }
  return merges;
}

describe('WordTable', () => {
  it('counts like a map, through growth', () => {
    const random = randomNumbers(7);
    const table = new WordTable();
    const map = new Map<string, number>();
    for (let i = 0; i < 30_000; i++) {
      const word = `${randomWord(random, 'abcü🦀', 6)}x`;
      table.add(`<${word}>`, 1, 1 + word.length);
      map.set(word, (map.get(word) ?? 0) + 1);
    }
    expect(table.size).toBe(map.size);
    for (let i = 0; i < table.size; i++) expect(table.count(i)).toBe(map.get(table.word(i)));
  });
  it('drops the rarest words, equal ones together', () => {
    const table = new WordTable();
    for (const [word, count] of [
      ['a', 5],
      ['b', 1],
      ['c', 3],
      ['d', 3],
      ['e', 9],
    ] as const)
      table.add(word, 0, 1, count);
    table.dropRarest(3);
    expect(Array.from({ length: table.size }, (_, i) => table.word(i)).sort()).toEqual(['a', 'e']);
  });
});

describe('frequentSubstrings', () => {
  it('finds what stands twice and goes on in different ways', async () => {
    const random = randomNumbers(3);
    const texts = Array.from({ length: 40 }, () => randomWord(random, 'aab🦀', 9));
    const found = await frequentSubstrings(texts, 5, new Pace());
    const places = new Map<string, string[]>();
    for (const text of texts) {
      const chars = [...text];
      for (let from = 0; from < chars.length; from++)
        for (let to = from + 2; to <= Math.min(chars.length, from + 5); to++) {
          const piece = chars.slice(from, to).join('');
          places.set(piece, [...(places.get(piece) ?? []), chars[to] ?? 'end']);
        }
    }
    const expected = [...places]
      .filter(([, next]) => new Set(next).size > 1)
      .map(([text, next]) => [text, next.length]);
    expect(found.map(({ text, places: n }) => [text, n]).sort()).toEqual(expected.sort());
  });
});

describe('UnigramLattice', () => {
  const pieces = ['a', 'b', '🦀', 'ab', 'ba', 'aba', 'b🦀', 'ab🦀'];
  const scores = Float64Array.from([-2.1, -2.3, -3.7, -3.2, -4.1, -5.37, -5.9, -6.4]);
  /** All ways to cut a text, the best first. */
  function paths(text: string): { ids: number[]; score: number }[] {
    if (text === '') return [{ ids: [], score: 0 }];
    return pieces
      .flatMap((piece, id) =>
        text.startsWith(piece)
          ? paths(text.slice(piece.length)).map(({ ids, score }) => ({ ids: [id, ...ids], score: score + scores[id]! }))
          : [],
      )
      .sort((a, b) => b.score - a.score);
  }
  it('finds the two best paths', () => {
    const lattice = new UnigramLattice(pieces, scores, pieces.length, DOUBLE);
    for (const text of ['ab🦀', 'abab', 'aabba🦀', 'ba', 'a']) {
      lattice.fill(text);
      expect(lattice.best()).toEqual(paths(text)[0]!.ids);
      expect(lattice.twoBest()).toEqual(
        paths(text)
          .slice(0, 2)
          .map(({ ids }) => ids),
      );
    }
  });
  it('gives the expectation of every piece', () => {
    const lattice = new UnigramLattice(pieces, scores, pieces.length, DOUBLE);
    const expected = new Float64Array(pieces.length + 1);
    lattice.fill('abab🦀');
    lattice.addExpected(3, expected);
    const all = paths('abab🦀');
    const total = all.reduce((sum, { score }) => sum + Math.exp(score), 0);
    for (const id of pieces.keys()) {
      const sum = all.reduce((s, { ids, score }) => s + Math.exp(score) * ids.filter(other => other === id).length, 0);
      expect(expected[id]).toBeCloseTo((3 * sum) / total, 12);
    }
  });
});

describe('trainTokenizer', () => {
  it.each(TRAINABLE_TYPES)('makes a file for %s that loads, the same from a stream', async type => {
    const options = { type, vocabSize: type === 'byte-bpe' ? 300 : 90, specialTokens: ['<pad>'] };
    async function* stream() {
      yield* POEM;
    }
    const json = JSON.stringify(await trainTokenizer(POEM, options));
    expect(JSON.stringify(await trainTokenizer(stream(), options))).toBe(json);
    const tokenizer = tokenizerFromJson(JSON.parse(json));
    expect(tokenizer.encodeIds('<pad>', { addSpecialTokens: false })).toEqual([tokenizer.tokenToId('<pad>')]);
    expect(tokenizer.encodeIds('die Katze').length).toBeGreaterThan(0);
  });
  it.each(['unigram', 'bpe', 'word', 'char'] as const)(
    'cuts texts as a SentencePiece model of type %s',
    async modelType => {
      const texts = [...POEM, ...POEM.map(line => line.toLowerCase())];
      const options = { vocabSize: 80, controlSymbols: ['<pad>'], hardVocabLimit: false, characterCoverage: 1 };
      const pieces = await trainSentencePiece(
        texts.map(text => text.trimEnd()),
        { modelType, ...options },
      );
      const file = tokenizerOfPieces(
        {
          pieces,
          algorithm: modelType,
          byteFallback: false,
          unkId: 0,
          bosId: 1,
          eosId: 2,
          padId: undefined,
          unkSurface: ' ⁇ ',
          whitespaceAsSuffix: false,
          normalizer: {
            name: '',
            charsmap: new Uint8Array(),
            addDummyPrefix: true,
            removeExtraWhitespaces: true,
            escapeWhitespaces: true,
          },
        },
        { addBos: false },
      );
      const json = await trainTokenizer(texts, {
        type: `sentencepiece-${modelType}`,
        vocabSize: 80,
        specialTokens: ['<pad>', '<s>'],
        characterCoverage: 1,
      });
      const tokenizer = tokenizerFromJson(JSON.parse(JSON.stringify(json)));
      expect(tokenizer.vocabSize).toBe(pieces.length);
      expect([...tokenizer.allSpecialIds].map(id => tokenizer.idToToken(id))).toEqual([
        '<unk>',
        '<s>',
        '</s>',
        '<pad>',
      ]);
      for (const text of [...texts, '  das  Haus ', 'Hausboote im Haus<pad> und Ж', 'zzzz', '']) {
        const line = text.trimEnd();
        expect(tokenizer.encodeIds(line)).toEqual(file.encodeIds(line));
        expect(tokenizer.encode(line).ids).toEqual(file.encode(line).ids);
      }
      for (const text of POEM)
        if (modelType !== 'word') expect(tokenizer.decode(tokenizer.encodeIds(text.trimEnd()))).toBe(text.trimEnd());
    },
  );
  it('writes every byte', async () => {
    const tokenizer = tokenizerFromJson(await trainTokenizer(POEM, { type: 'byte-bpe', vocabSize: 300 }));
    for (const text of [...POEM, 'unseen: ЖЩ\0\u0085 \u{1f9ff}'])
      expect(tokenizer.decode(tokenizer.encodeIds(text))).toBe(text);
  });
  it('stops when asked to, and says how far it is', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(trainTokenizer(POEM, { type: 'bpe', signal: aborted })).rejects.toThrow('enough');
    const stages = new Set<string>();
    const controller = new AbortController();
    const endless = (function* () {
      for (let i = 0; ; i++) yield `word${i} `;
    })();
    const training = trainTokenizer(endless, {
      type: 'byte-bpe',
      maxWords: 1000,
      signal: controller.signal,
      onProgress({ stage }) {
        stages.add(stage);
        controller.abort(new Error('seen'));
      },
    });
    await expect(training).rejects.toThrow('seen');
    expect([...stages]).toEqual(['read']);
  });
  it('refuses what cannot be', async () => {
    await expect(trainTokenizer(POEM, { type: 'bpe', vocabSize: 0 })).rejects.toThrow('no size of a vocabulary');
    await expect(trainUnigram(counted({ abcdef: 3 }), { vocabSize: 4 })).rejects.toThrow('no room for all characters');
    await expect(trainTokenizer(POEM, { type: 'bpe', normalizer: { type: 'Nonsense' } })).rejects.toThrow('Nonsense');
  });
});

it('orders texts by code points', () => {
  expect(['\u{1f980}', '\uffee', 'a', 'ab', '\ud7ff'].sort(byCodePoints)).toEqual([
    'a',
    'ab',
    '\ud7ff',
    '\uffee',
    '\u{1f980}',
  ]);
});
