/** Normalizers, pre-tokenizers and decoders one by one. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../errors.ts';
import { parseDecoder } from './decoders.ts';
import { parseNormalizer } from './normalizers.ts';
import { codePointIndex, originalRange, unchangedText, wellFormed } from './offsets.ts';
import { parsePreTokenizer, preTokenizeAligned, preTokenizeText } from './pre-tokenizers.ts';
import { StreamDecoder, TextSink } from './stream-decoder.ts';

/** Pieces with their offsets; checks that the fast way gives the same pieces. */
function pieces(config: unknown, text: string): [string, number, number][] {
  const steps = parsePreTokenizer(config);
  const aligned: [string, number, number][] = [];
  preTokenizeAligned(steps, unchangedText(text, 0), 0, text.length, true, (piece, start, end) => {
    aligned.push([piece.text.slice(start, end), ...originalRange(piece, start, end)]);
  });
  const plain: string[] = [];
  preTokenizeText(steps, text, 0, text.length, true, (piece, start, end) => plain.push(piece.slice(start, end)));
  expect(plain).toEqual(aligned.map(([piece]) => piece));
  return aligned;
}

function normalized(config: unknown, text: string): string {
  const normalizer = parseNormalizer(config);
  const plain = normalizer.text(text);
  expect(normalizer.aligned(unchangedText(text, 0)).text).toBe(plain);
  return plain;
}

function decoded(config: unknown, tokens: readonly string[]): string {
  const decoder = parseDecoder(config);
  const sink = new TextSink();
  const stage = decoder(sink, false);
  for (const token of tokens) stage.push(token);
  stage.finish();
  const stream = new StreamDecoder(decoder, i => tokens[i]);
  const text = sink.take();
  expect(tokens.map((_, i) => stream.push(i)).join('') + stream.flush()).toBe(text);
  return text;
}

describe('pre-tokenizers', () => {
  it.each([
    ['Removed', 'the|final|countdown'],
    ['Isolated', 'the|-|final|-|-|countdown'],
    ['MergedWithPrevious', 'the-|final-|-|countdown'],
    ['MergedWithNext', 'the|-final|-|-countdown'],
    ['Contiguous', 'the|-|final|--|countdown'],
  ])('Split with behavior %s', (behavior, expected) => {
    for (const pattern of [{ String: '-' }, { Regex: '-' }]) {
      const found = pieces({ type: 'Split', pattern, behavior }, 'the-final--countdown');
      expect(found.map(([piece]) => piece).join('|')).toBe(expected);
    }
  });

  it.each([
    ['Removed', 'a|b|c'],
    ['Isolated', 'a|b|-|c'],
    ['MergedWithPrevious', 'a|b-|c'],
    ['MergedWithNext', 'a|b|-c'],
    ['Contiguous', 'ab|-|c'],
  ])(
    'Split, inverted, with behavior %s keeps neighbouring matches apart unless it joins them',
    (behavior, expected) => {
      const found = pieces({ type: 'Split', pattern: { Regex: '[a-z]' }, behavior, invert: true }, 'ab-c');
      expect(found.map(([piece]) => piece).join('|')).toBe(expected);
    },
  );

  it.each([
    { type: 'Whitespace' },
    { type: 'WhitespaceSplit' },
    { type: 'BertPreTokenizer' },
    { type: 'Digits' },
    { type: 'UnicodeScripts' },
  ])('%o takes ten million characters without a cut', config => {
    const counts: number[] = [];
    preTokenizeText(parsePreTokenizer(config), 'a'.repeat(1e7), 0, 1e7, true, (_, start, end) => {
      counts.push(end - start);
    });
    expect(counts).toEqual([1e7]);
  });

  it('UnicodeScripts cuts where the script changes, and drops what comes before the first one', () => {
    const found = pieces({ type: 'UnicodeScripts' }, ' どこで生れ。Yes a\u20bf');
    expect(found.map(([piece]) => piece)).toEqual(['どこで生れ', '。', 'Yes a\u20bf']);
  });

  it('Metaspace puts marks before words, and the first one only where it has to', () => {
    const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' };
    expect(pieces(metaspace, '  a  b').map(([piece]) => piece)).toEqual(['▁', '▁a', '▁', '▁b']);
    expect(pieces(metaspace, 'a b')).toEqual([
      ['▁a', 0, 1],
      ['▁b', 1, 3],
    ]);
    const first = [{ type: 'WhitespaceSplit' }, { type: 'Metaspace', prepend_scheme: 'first' }];
    expect(pieces({ type: 'Sequence', pretokenizers: first }, 'a b').map(([piece]) => piece)).toEqual(['▁a', 'b']);
  });

  it('ByteLevel writes bytes and knows where they are from', () => {
    expect(pieces({ type: 'ByteLevel', add_prefix_space: true }, 'ü 1')).toEqual([
      ['ĠÃ¼', 0, 1],
      ['Ġ1', 1, 3],
    ]);
  });

  it('refuses unknown behaviors', () => {
    expect(() => parsePreTokenizer({ type: 'Punctuation', behavior: 'Sometimes' })).toThrow(UnsupportedError);
  });
});

describe('normalizers', () => {
  it('keep the place of what they compose, decompose, drop and insert', () => {
    const ranges = (config: unknown, text: string) => {
      const result = parseNormalizer(config).aligned(unchangedText(text, 0));
      return Array.from(result.text, (char, i) => [char, ...originalRange(result, i, i + 1)]);
    };
    expect(ranges({ type: 'NFC' }, 'xe\u0301y')).toEqual([
      ['x', 0, 1],
      ['é', 1, 2],
      ['y', 3, 4],
    ]);
    expect(ranges({ type: 'NFKD' }, 'ﬁé')).toEqual([
      ['f', 0, 1],
      ['i', 0, 1],
      ['e', 1, 2],
      ['\u0301', 1, 2],
    ]);
    expect(ranges({ type: 'Replace', pattern: { Regex: '\\s+' }, content: '_' }, 'a \tb')).toEqual([
      ['a', 0, 1],
      ['_', 2, 3],
      ['b', 3, 4],
    ]);
    expect(ranges({ type: 'Prepend', prepend: '▁' }, 'ab')).toEqual([
      ['▁', 0, 1],
      ['a', 0, 1],
      ['b', 1, 2],
    ]);
    expect(ranges({ type: 'Strip', strip_left: true, strip_right: true }, '\u3000a ')).toEqual([['a', 1, 2]]);
  });

  it('lower-case character by character', () => {
    expect(normalized({ type: 'Lowercase' }, 'ΣΊΣΥΦΟΣ İ')).toBe('σίσυφοσ i\u0307');
  });

  it('BertNormalizer does all steps, or those that a file asks for', () => {
    const text = 'Ærø Müller\0 \u200b 中文\tStraße É';
    expect(normalized({ type: 'BertNormalizer' }, text)).toBe('ærø muller   中  文  straße e');
    expect(normalized({ type: 'BertNormalizer', strip_accents: false, handle_chinese_chars: false }, text)).toBe(
      'ærø müller  中文 straße é',
    );
    expect(normalized({ type: 'BertNormalizer', lowercase: false, clean_text: false }, 'É\0\t')).toBe('É\0\t');
    expect(normalized({ type: 'BertNormalizer', lowercase: false, strip_accents: true }, 'É')).toBe('E');
  });

  it.each([
    ['BertNormalizer', 'a', 1],
    ['StripAccents', 'a', 1],
    ['NFD', 'a\u0316\u0316', 200_001],
    ['NFKC', 'á\u0316\u0316', 200_000],
  ])('%s takes a long run of marks', (type, beginning, length) => {
    const text = `a${'\u0301\u0316'.repeat(100_000)}`;
    const plain = parseNormalizer({ type }).text(text);
    expect([plain.slice(0, 3), plain.length]).toEqual([beginning, length]);
    expect(parseNormalizer({ type }).aligned(unchangedText(text, 0)).text === plain).toBe(true);
  });

  it('replace literally', () => {
    expect(normalized({ type: 'Replace', pattern: { String: 'a' }, content: '$&' }, 'bab')).toBe('b$&b');
  });
});

describe('decoders', () => {
  const llama = {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  };

  it('turn runs of bytes into text, or into one U+FFFD per byte', () => {
    expect(decoded(llama, ['▁▁a', '<0xC3>', '<0xA4>', '▁b'])).toBe(' aä b');
    expect(decoded({ type: 'ByteFallback' }, ['<0xE2>', '<0x82>', 'x', '<0xC3>'])).toBe('\ufffd\ufffdx\ufffd');
    const decoder = parseDecoder({ type: 'ByteFallback' });
    const sink = new TextSink();
    const stage = decoder(sink, false);
    for (const token of ['<0xC3>', '<0xA4>', '<0xFF>']) stage.push(token);
    stage.finish();
    expect(sink.take()).toBe('\ufffd\ufffd\ufffd');
  });

  it('show a character as soon as its bytes are there', () => {
    const tokens = ['▁', '<0xF0>', '<0x9F>', '<0x98>', '<0x80>', '<0xC3>'];
    const stream = new StreamDecoder(parseDecoder(llama), i => tokens[i]);
    expect(tokens.map((_, i) => stream.push(i))).toEqual(['', '', '', '', '😀', '']);
    expect(stream.flush()).toBe('\ufffd');
  });

  it('byte level: text that is not in the alphabet stands for itself', () => {
    expect(decoded({ type: 'ByteLevel' }, ['Ġa', 'Ã', '¼', '猫', 'ü'])).toBe(' aü猫\ufffd');
  });

  it('BPE suffixes are spaces, but for the last one', () => {
    expect(decoded({ type: 'BPEDecoder', suffix: '</w>' }, ['ab</w>', 'c', 'd</w>'])).toBe('ab cd');
    expect(decoded({ type: 'BPEDecoder', suffix: '</w>' }, ['a</w>b', '', '</w>c</w>'])).toBe('a bc');
  });

  it('BPE suffixes hold nothing back but the space', () => {
    const tokens = ['ab</w>', 'c', 'd</w>'];
    const stream = new StreamDecoder(parseDecoder({ type: 'BPEDecoder', suffix: '</w>' }), i => tokens[i]);
    expect([0, 1, 2, 0].map(i => stream.push(i))).toEqual(['ab', ' c', 'd', ' ab']);
    expect(stream.flush()).toBe('');
  });
});

interface Case {
  readonly name: string;
  readonly config?: unknown;
  readonly text?: string;
  readonly tokens?: string[];
  readonly out?: unknown;
  readonly unchanged?: string[];
}

const goldens = fileURLToPath(new URL('../../test/tokenizers/data/components/components.json', import.meta.url));
describe('components as in the reference', () => {
  const read = () =>
    JSON.parse(readFileSync(goldens, 'utf8')) as Record<'normalizers' | 'pre_tokenizers' | 'decoders', Case[]>;
  /** Cases with their configuration, which only one case of each name carries. */
  const casesOf = (kind: 'normalizers' | 'pre_tokenizers' | 'decoders') => {
    const all = read()[kind];
    const configs = new Map(all.filter(entry => entry.config).map(entry => [entry.name, entry.config]));
    return all.map(entry => ({ ...entry, config: configs.get(entry.name) }));
  };

  it('normalizers', () => {
    for (const { config, text, out, unchanged = [] } of casesOf('normalizers')) {
      if (text !== undefined && out !== undefined) expect(normalized(config, wellFormed(text))).toBe(out);
      for (const same of unchanged) expect(normalized(config, wellFormed(same))).toBe(wellFormed(same));
    }
  });

  it('pre-tokenizers', () => {
    for (const { config, text, out } of casesOf('pre_tokenizers')) {
      if (text === undefined) continue;
      const index = codePointIndex(wellFormed(text));
      const seen = pieces(config, wellFormed(text)).map(([piece, start, end]) => [piece, index[start], index[end]]);
      expect(seen).toEqual(out);
    }
  });

  it('decoders', () => {
    for (const { config, tokens, out } of casesOf('decoders')) if (tokens) expect(decoded(config, tokens)).toBe(out);
  });
});

describe('normalizers that feed each other', () => {
  it('are refused before they fill the memory', () => {
    const grow = { type: 'Replace', pattern: { String: 'a' }, content: 'aaaaaaaa' };
    const hostile = parseNormalizer({ type: 'Sequence', normalizers: Array.from({ length: 20 }, () => grow) });
    expect(() => hostile.text('a')).toThrow('blow the text up');
  });
});
