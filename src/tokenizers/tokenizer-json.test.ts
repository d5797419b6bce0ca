import { describe, expect, it } from 'vitest';
import { FlatMerges, FlatVocab, parseTokenizerJson, scoreOf } from './tokenizer-json.ts';

/** What was read flat as the values of plain JSON. */
function plain(value: unknown): unknown {
  if (value instanceof FlatMerges)
    return Array.from({ length: value.pairs.length / 2 }, (_, i) => [value.pairs.at(2 * i), value.pairs.at(2 * i + 1)]);
  if (value instanceof FlatVocab) {
    const entries = Array.from(value.values, (number, i) => [value.texts.at(i), number] as const);
    return value.numbers === 'ids' ? Object.fromEntries(entries) : entries;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}
const modelOf = (file: unknown) => (file as { model: { vocab: unknown; merges?: unknown } }).model;

const BPE = {
  version: '1.0',
  added_tokens: [{ id: 0, content: '"vocab": {"\\' }],
  model: {
    type: 'BPE',
    options: { vocab: [1, { merges: ['}'] }] },
    vocab: { '!': 0, 'a"\\/\b\f\n\r\t': 7, 'ä 🐕\u2028': 2147483647, __proto__: 3, '': 9 },
    merges: [
      ['a', 'b c'],
      ['"', '\\'],
    ],
    unk_token: null,
  },
  decoder: null,
};
const UNIGRAM = { model: { unk_id: 0, vocab: [['<unk>', 0] as const, ['▁a', -3.5] as const] }, truncation: null };

describe('parseTokenizerJson', () => {
  it('reads vocabularies and merges flat, however the file is spaced and escaped', () => {
    const escaped = JSON.stringify(BPE).replace(
      /[\u0080-\uffff]/g,
      unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    for (const text of [JSON.stringify(BPE), JSON.stringify(BPE, null, 2), ` \r\n\t${escaped}\n`]) {
      const file = parseTokenizerJson(text);
      expect(modelOf(file).vocab).toBeInstanceOf(FlatVocab);
      expect(modelOf(file).merges).toBeInstanceOf(FlatMerges);
      expect(plain(file)).toEqual(JSON.parse(text));
    }
    const pieces = parseTokenizerJson(JSON.stringify(UNIGRAM, null, 1));
    expect(modelOf(pieces).vocab).toBeInstanceOf(FlatVocab);
    expect(plain(pieces)).toEqual(UNIGRAM);
  });

  it('cuts merges that are written with a space', () => {
    const file = parseTokenizerJson('{"model":{"vocab":{"a":1},"merges":["a b","\\u0120 cd"]}}');
    expect(plain(modelOf(file).merges)).toEqual([
      ['a', 'b'],
      ['Ġ', 'cd'],
    ]);
  });

  it('leaves what is written in another way to the reader of the engine', () => {
    const models = [
      '{"vocab":{}}',
      '{"vocab":[]}',
      '{"vocab":{"a":1.5}}',
      '{"vocab":{"a":-1}}',
      '{"vocab":{"a":4294967296}}',
      '{"vocab":{"a":"b"}}',
      '{"vocab":{"\\ud800":1}}',
      '{"vocab":{"a":1},"vocab":{"b":2}}',
      '{"vocab":[["a",-1,2]]}',
      '{"vocab":[["a",null]]}',
      '{"vocab":{"a":1},"merges":["a"]}',
      '{"vocab":{"a":1},"merges":["a b c"]}',
      '{"vocab":{"a":1},"merges":[" a"]}',
      '{"vocab":{"a":1},"merges":[["a","b","c"]]}',
      '7',
    ];
    for (const model of models) expect(parseTokenizerJson(`{"model":${model}}`)).toEqual({ model: JSON.parse(model) });
    expect(parseTokenizerJson('{"model":{"vocab":{"a":1}},"model":3}')).toEqual({ model: 3 });
    const broken = [
      '',
      '{',
      '{"model":{"vocab":{"a":1}}',
      '{"model":{"vocab":{"a":01}}}',
      '{"model":{"vocab":{"a\n":1}}}',
    ];
    for (const text of [...broken, '{"model":{"vocab":{"a":1},}}', '{"a":[},"model":{"vocab":{"a":1}}}'])
      expect(() => parseTokenizerJson(text)).toThrow(SyntaxError);
  });
});

describe('scoreOf', () => {
  const read = (text: string) => scoreOf(`x${text}y`, 1, 1 + text.length);

  it('divides the digits by a power of ten, with a rounding at each step', () => {
    for (const text of ['9.2430706787109375', '-11.349609375', '-3.40', '0.1', '5', '0', '12345.678', '-0.00012345'])
      expect(read(text)).toBe(Number(text.replace('.', '')) / 10 ** (text.split('.')[1]?.length ?? 0));
  });

  it('takes exponents and more digits than count, and refuses what is no number', () => {
    expect(['1e-3', '-2.5E+2', '0.1000000000000000000000', '1e400'].map(read)).toEqual([0.001, -250, 0.1, Infinity]);
    for (const text of ['', '-', '.5', '5.', '01', '-01.5', '1e', 'NaN', '0x1', '1 2'])
      expect(read(text)).toBeUndefined();
  });
});
