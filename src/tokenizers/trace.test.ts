import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJson } from './load-json.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { ModelTrace, TracedPiece, TracedStretch } from './trace.ts';
import type { BpeTrace } from './trace-bpe.ts';

const bpe = (vocab: readonly string[], merges: readonly string[], options: object = {}) =>
  tokenizerFromJson({
    model: { type: 'BPE', vocab: Object.fromEntries(vocab.map((token, id) => [token, id])), merges, ...options },
  });
const stretchOf = (tokenizer: Tokenizer, text: string): TracedStretch => {
  const [part] = tokenizer.trace(text).parts;
  if (part?.kind !== 'text') throw new Error('a text was expected');
  return part;
};
const pieceOf = (tokenizer: Tokenizer, text: string): TracedPiece => {
  const [part] = stretchOf(tokenizer, text).parts;
  if (part?.kind !== 'piece') throw new Error('a piece was expected');
  return part;
};
function modelOf<K extends ModelTrace['kind']>(tokenizer: Tokenizer, text: string, kind: K) {
  const { model } = pieceOf(tokenizer, text);
  if (model.kind !== kind) throw new Error(`${kind} was expected`);
  return model as Extract<ModelTrace, { kind: K }>;
}

describe('BPE', () => {
  const letters = ['a', 'b', 'c', 'h', 'o', 'r', 's', 't', 'u'];
  const tokenizer = bpe(
    [...letters, 'us', 'au', 'oo', 'boo', 'boot', 'aus', 'haus'],
    [...['u s', 'a u', 'o o', 'b oo', 'boo t', 'a us', 'h aus']],
  );
  it('lists merges by rank with the rows they make', () => {
    const { stretches, tokens, bytes } = modelOf(tokenizer, 'hausboot', 'BPE');
    expect(bytes).toBe(false);
    expect(stretches).toHaveLength(1);
    expect(stretches[0]!.symbols.map(({ text }) => text).join(' ')).toBe('h a u s b o o t');
    expect(stretches[0]!.merges.map(({ rank, left, right, at }) => [rank, left, right, at])).toEqual([
      [0, 'u', 's', 2],
      [2, 'o', 'o', 5],
      [3, 'b', 'oo', 4],
      [4, 'boo', 't', 4],
      [5, 'a', 'us', 1],
      [6, 'h', 'aus', 0],
    ]);
    expect(stretches[0]!.merges.map(({ symbols }) => symbols!.join(' '))).toEqual([
      'h a us b o o t',
      'h a us b oo t',
      'h a us boo t',
      'h a us boot',
      'h aus boot',
      'haus boot',
    ]);
    expect(tokens.map(({ text, start, end }) => [text, start, end])).toEqual([
      ['haus', 0, 4],
      ['boot', 4, 8],
    ]);
  });
  it('joins the leftmost of equal pairs first, without overlap', () => {
    const { stretches } = modelOf(bpe(['a', 'aa'], ['a a']), 'aaaaa', 'BPE');
    expect(stretches[0]!.merges.map(({ at, symbols }) => [at, symbols!.join(' ')])).toEqual([
      [0, 'aa a a a'],
      [2, 'aa aa a'],
    ]);
  });
  it('says when an entry is taken as a whole, with the merges that lead to it if there are', () => {
    const whole = (merges: readonly string[]) =>
      modelOf(bpe(['a', 'b', 'c', 'ab', 'abc'], merges, { ignore_merges: true }), 'abc', 'BPE');
    const reached = whole(['a b', 'ab c']);
    expect(reached.stretches[0]).toMatchObject({ whole: 'entry', merges: [{ token: 'ab' }, { token: 'abc' }] });
    const alone = whole(['a b']);
    expect(alone.stretches[0]).toMatchObject({ whole: 'entry', merges: [], symbols: [{ text: 'abc' }] });
    expect(alone.tokens.map(({ text }) => text)).toEqual(['abc']);
  });
  it('leaves the rows out of pieces above 256 symbols, which take no more than a few times as long per symbol', () => {
    const tokenizer = bpe(['a', 'aa', 'aaaa'], ['a a', 'aa aa']);
    const trace = (count: number) => modelOf(tokenizer, 'a'.repeat(count), 'BPE') as BpeTrace;
    expect(trace(256).stretches[0]!.merges.every(({ symbols }) => symbols !== undefined)).toBe(true);
    const { merges } = trace(40_000).stretches[0]!;
    expect(merges).toHaveLength(30_000);
    expect(merges.every(({ symbols }) => symbols === undefined)).toBe(true);
  });
  it('shows in its rows what a smaller vocabulary would have made', () => {
    const path = fileURLToPath(new URL('../../test/tokenizers/data/roberta-style/tokenizer.json', import.meta.url));
    const json = JSON.parse(readFileSync(path, 'utf8')) as { model: { merges: unknown[] } };
    const whole = tokenizerFromJson(json);
    const { stretches } = modelOf(whole, ' Hausboot', 'BPE');
    const { merges, symbols } = stretches[0]!;
    expect(merges.at(-1)!.token).toBe('ĠHausboot');
    for (const count of [0, 20, 60, 150, 250, json.model.merges.length]) {
      const smaller = tokenizerFromJson({
        ...json,
        model: { ...json.model, merges: json.model.merges.slice(0, count) },
      });
      const learned = merges.filter(({ rank }) => rank < count).at(-1)?.symbols ?? symbols.map(({ text }) => text);
      expect(learned, `${count} merges`).toEqual(smaller.encode(' Hausboot', { addSpecialTokens: false }).tokens);
    }
  });
});

describe('WordPiece', () => {
  const vocab = { '[UNK]': 0, ha: 1, haus: 2, '##boot': 3, '##b': 4, ä: 5 };
  const tokenizer = tokenizerFromJson({ model: { type: 'WordPiece', vocab, max_input_chars_per_word: 10 } });
  const tries = (word: string) =>
    modelOf(tokenizer, word, 'WordPiece').matches.map(({ failed, found }) => [failed.join(' '), found?.text]);
  it('tries the longest candidate first, but none that is longer than every entry', () => {
    expect(tries('hausboot')).toEqual([
      ['hausbo hausb', 'haus'],
      ['', '##boot'],
    ]);
  });
  it('shows where an unknown word got stuck', () => {
    expect(tries('hausbx')).toEqual([
      ['hausbx hausb', 'haus'],
      ['##bx', '##b'],
      ['##x', undefined],
    ]);
    expect(modelOf(tokenizer, 'hausbx', 'WordPiece').tokens).toEqual([{ id: 0, text: '[UNK]', start: 0, end: 6 }]);
  });
  it('does not look at words that are too long', () => {
    const trace = modelOf(tokenizer, 'ä'.repeat(11), 'WordPiece');
    expect([trace.tooLong, trace.matches.length, trace.tokens[0]!.text]).toEqual([true, 0, '[UNK]']);
    expect(modelOf(tokenizer, '🚤'.repeat(10), 'WordPiece').tooLong).toBe(false);
  });
});

describe('Unigram', () => {
  const vocab = [
    ['<unk>', 0],
    ['a', -1],
    ['b', -1],
    ['ab', -2],
    ['bc', -1.5],
  ];
  const tokenizer = tokenizerFromJson({ model: { type: 'Unigram', vocab, unk_id: 0 } });
  it('gives every edge, its best sum, and the best path', () => {
    const { lattice, score, tokens } = modelOf(tokenizer, 'abc', 'Unigram');
    expect(lattice.map(({ text, start, end, total, best }) => [text, start, end, total, best])).toEqual([
      ['a', 0, 1, -1, true],
      ['ab', 0, 2, -2, false],
      ['b', 1, 2, -2, false],
      ['bc', 1, 3, -2.5, true],
      ['c', 2, 3, -14, false],
    ]);
    expect(score).toBe(-2.5);
    expect(tokens.map(({ text }) => text)).toEqual(['a', 'bc']);
  });
  it('joins unknown neighbours', () => {
    const { tokens } = modelOf(tokenizer, 'azzb', 'Unigram');
    expect(tokens.map(({ id, text, start, end }) => [id, text, start, end])).toEqual([
      [1, 'a', 0, 1],
      [0, 'zz', 1, 3],
      [2, 'b', 3, 4],
    ]);
  });
});

describe('the stages', () => {
  const tokenizer = tokenizerFromJson({
    added_tokens: [{ id: 5, content: '<x>', special: true }],
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'StripAccents' }, { type: 'Lowercase' }] },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: { type: 'BertProcessing', sep: ['</s>', 3], cls: ['<s>', 4] },
    model: { type: 'WordLevel', vocab: { '<unk>': 0, uber: 1, haus: 2, '</s>': 3, '<s>': 4 }, unk_token: '<unk>' },
  });
  it('are all there, with the place of each character of the normalized text', () => {
    const trace = tokenizer.trace('Über <x>Boot');
    expect(trace.parts.map(part => [part.kind, part.start, part.end, part.text])).toEqual([
      ['text', 0, 5, 'Über '],
      ['added', 5, 8, '<x>'],
      ['text', 8, 12, 'Boot'],
    ]);
    const { normalized, alignment, parts } = trace.parts[0] as TracedStretch;
    expect([normalized, alignment]).toEqual([
      'uber ',
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
        [4, 5],
      ],
    ]);
    expect(parts).toMatchObject([{ kind: 'piece', word: 0, start: 0, end: 4, text: 'uber', offsets: [[0, 4]] }]);
    expect((trace.parts[2] as TracedStretch).parts).toMatchObject([
      { word: 2, start: 8, end: 12, model: { kind: 'WordLevel', lookups: [{ text: 'boot', id: undefined }] } },
    ]);
    expect(trace.template).toHaveLength(3);
    expect(trace.encoding).toEqual(tokenizer.encode('Über <x>Boot'));
    expect(trace.encoding.tokens).toEqual(['<s>', 'uber', '<x>', '<unk>', '</s>']);
  });
  it('end without added tokens where none are asked for', () => {
    const trace = tokenizer.trace('haus', { addSpecialTokens: false });
    expect([trace.template.length, trace.encoding.ids]).toEqual([1, [2]]);
  });
  it('are plain data', () => {
    const trace = tokenizer.trace('Über <x>Boot \ud800');
    expect(structuredClone(trace)).toEqual(trace);
    expect(trace.text).toBe('Über <x>Boot \ufffd');
  });
  it('are few for an empty text', () => {
    expect(tokenizer.trace('').parts).toEqual([]);
    expect(tokenizer.trace('').encoding.ids).toEqual([4, 3]);
    expect(stretchOf(tokenizer, ' ').parts).toEqual([]);
  });
});
