import { describe, expect, it } from 'vitest';
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { toByteChars } from './byte-alphabet.ts';
import { tokenizerFromFiles } from './load.ts';
import { tokenizerFromJson } from './load-json.ts';
import { tokenizerFromTiktoken } from './load-tiktoken.ts';
import { tokenizerFromVocabMerges } from './load-vocab.ts';

const alphabet = Array.from({ length: 256 }, (_, byte) => byte);
const byteTokens = alphabet.map(byte => {
  const visible = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  return visible ? String.fromCharCode(byte) : '';
});
{
  let next = 256;
  byteTokens.forEach((token, byte) => {
    if (token === '') byteTokens[byte] = String.fromCharCode(next++);
  });
}
const vocab = Object.fromEntries([...byteTokens, 'ab', 'abc', 'Ġab'].map((token, id) => [token, id]));
const added = (id: number, content: string, flags: object = {}) => ({
  id,
  content,
  special: true,
  normalized: false,
  ...flags,
});

/** A small byte-level tokenizer.json, changed as a test needs it. */
function json(changes: object = {}): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [added(300, '<s>'), added(301, '<pad>'), added(302, '<tool>', { special: false, normalized: true })],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [
        { SpecialToken: { id: '<s>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { Sequence: { id: 'B', type_id: 1 } },
      ],
      special_tokens: { '<s>': { id: '<s>', ids: [300], tokens: ['<s>'] } },
    },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab, merges: ['a b', 'ab c', 'Ġ ab'] },
    ...changes,
  };
}
/** A component whose parts are the same object twice, and so on: 2^depth paths. */
const entangled = (depth: number): object => (depth === 0 ? { type: 'ByteLevel' } : twice(entangled(depth - 1)));
const twice = (part: object) => ({ type: 'Sequence', decoders: [part, part] });
const model = (changes: object) => ({ model: { type: 'BPE', vocab, merges: [], ...changes } });

describe('encode', () => {
  const tokenizer = tokenizerFromJson(json());

  it('gives ids, tokens, offsets in code units, word and sequence numbers', () => {
    const encoding = tokenizer.encode('😀abc ab<tool>', { pair: 'é' });
    expect(encoding.ids).toEqual([300, 0xf0, 0x9f, 0x98, 0x80, 257, 258, 302, 0xc3, 0xa9]);
    expect(encoding.tokens.slice(5)).toEqual(['abc', 'Ġab', '<tool>', 'Ã', '©']);
    expect(encoding.offsets.slice(4)).toEqual([
      [0, 2],
      [2, 5],
      [5, 8],
      [8, 14],
      [0, 1],
      [0, 1],
    ]);
    expect(encoding.wordIds).toEqual([null, 0, 0, 0, 0, 1, 2, 3, 0, 0]);
    expect(encoding.sequenceIds).toEqual([null, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(encoding.typeIds).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(encoding.specialTokensMask).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(tokenizer.encodeIds('😀abc ab<tool>', { pair: 'é' })).toEqual(encoding.ids);
  });

  it('counts offsets in code points on request, in further windows too', () => {
    const encoding = tokenizer.encode('😀abc ab', { pair: '😀1!', offsets: 'codePoints', maxLength: 9 });
    expect(encoding.offsets.slice(4)).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect(encoding.overflowing.at(-1)!.offsets.slice(-2)).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  it('takes special tokens in a text as text on request, other added tokens never', () => {
    expect(tokenizer.encodeIds('<s>', { addSpecialTokens: false })).toEqual([300]);
    const plain = tokenizer.encodeIds('<s><tool>', { addSpecialTokens: false, parseSpecialTokens: false });
    expect(plain).toEqual([0x3c, 0x73, 0x3e, 302]);
  });

  it('takes lone surrogates as U+FFFD', () => {
    expect(tokenizer.encodeIds('a\ud800b\udc00')).toEqual(tokenizer.encodeIds('a\ufffdb\ufffd'));
    expect(tokenizer.encode('\ud800b').offsets.at(-1)).toEqual([1, 2]);
  });

  it('truncates to whole windows that overlap, on either side', () => {
    const encoding = tokenizer.encode('1!2?3', { maxLength: 3, stride: 1 });
    expect([encoding, ...encoding.overflowing].map(e => e.tokens.join(''))).toEqual([
      '<s>1!',
      '<s>!2',
      '<s>2?',
      '<s>?3',
    ]);
    const left = tokenizer.encode('1!2?3', { maxLength: 3, truncationSide: 'left' });
    expect([left, ...left.overflowing].map(e => e.tokens.join(''))).toEqual(['<s>?3', '<s>!2', '<s>1']);
    expect(tokenizer.encodeIds('1!2?3', { maxLength: 3 })).toEqual([300, 0x31, 0x21]);
    expect(tokenizer.encodeIds('1!2?3', { maxLength: 3, truncation: false })).toHaveLength(6);
    expect(tokenizer.encodeIds('1!', { maxLength: 4, pair: '2?3', truncation: 'only_second' })).toEqual([
      300, 0x31, 0x21, 0x32,
    ]);
  });

  it.each([Number.NaN, -2, 0.5, Number.POSITIVE_INFINITY])('refuses the stride and the maxLength %d', count => {
    for (const text of ['1!2?3', '1']) {
      expect(() => tokenizer.encode(text, { maxLength: 3, stride: count })).toThrow(
        'the stride is not a number of tokens',
      );
      expect(() => tokenizer.encodeIds(text, { maxLength: count })).toThrow(TokenizerError);
      expect(() => tokenizer.encode(text, { maxLength: count + 2 })).toThrow(TokenizerError);
    }
  });

  it('says why it cannot truncate', () => {
    expect(() => tokenizer.encode('1!2', { maxLength: 0 })).toThrow('no room');
    expect(() => tokenizer.encode('1!2', { maxLength: 2, stride: 1 })).toThrow('stride');
    expect(() => tokenizer.encode('1!2', { maxLength: 2, truncation: 'only_second' })).toThrow('there is none');
    expect(() => tokenizer.encode('1', { pair: '2!3', maxLength: 2, truncation: 'only_first' })).toThrow(
      TokenizerError,
    );
  });

  it('pads batches', () => {
    const [short, long] = tokenizer.encodeBatch(['1', ['1', '2']], {
      padding: 'longest',
      paddingSide: 'left',
      padToMultipleOf: 4,
    });
    expect(short!.ids).toEqual([301, 301, 300, 0x31]);
    expect(short!.attentionMask).toEqual([0, 0, 1, 1]);
    expect(long!.ids).toEqual([301, 300, 0x31, 0x32]);
    for (const bad of [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY]) {
      expect(() => tokenizer.encodeBatch(['1'], { padding: bad })).toThrow('the length to pad to');
      expect(() => tokenizer.encodeBatch(['1'], { padding: 4, padToMultipleOf: bad })).toThrow('padToMultipleOf');
    }
    const bare = tokenizerFromJson(json({ added_tokens: [] }));
    expect(() => bare.encodeBatch(['1'], { padding: 4 })).toThrow('no padding token');
  });

  it('counts', () => {
    expect(tokenizer.count('abc ab')).toBe(2);
    expect(tokenizer.vocabSize).toBe(262);
    expect(tokenizer.specialTokens).toEqual({ bos: 300, pad: 301 });
    expect([...tokenizer.allSpecialIds]).toEqual([300, 301]);
    expect(tokenizer.tokenToId('<tool>')).toBe(302);
    expect(tokenizer.idToToken(400)).toBeUndefined();
  });

  it('takes a long run of one character and a long text without any cut', () => {
    for (const text of [
      ' '.repeat(200_000),
      'a'.repeat(200_000),
      'abc'.repeat(70_000),
      '\n'.repeat(200_000),
      '🙂'.repeat(50_000),
    ]) {
      const ids = tokenizer.encodeIds(text, { addSpecialTokens: false });
      expect(tokenizer.decode(ids) === text).toBe(true);
    }
  });
});

describe('added tokens', () => {
  const encode = (flags: object, text: string, changes: object = {}) =>
    tokenizerFromJson(json({ post_processor: null, added_tokens: [added(300, '<x>', flags)], ...changes })).encode(
      text,
    );

  it('take white space with them, which the next one cannot take again', () => {
    expect(encode({ lstrip: true }, 'a \u3000<x> b').tokens).toEqual(['a', ' \u3000<x>', 'Ġ', 'b']);
    expect(encode({ rstrip: true }, '<x> \n<x>').tokens).toEqual(['<x> \n', '<x>']);
    expect(encode({ lstrip: true, rstrip: true }, '<x> <x>').tokens).toEqual(['<x> ', '<x>']);
  });

  it('stand alone if they must', () => {
    expect(encode({ single_word: true }, '(<x>)').ids).toContain(300);
    for (const text of ['a<x>', '<x>a', '_<x>', '<x>\u0301', '𝒜<x>'])
      expect(encode({ single_word: true }, text).ids).not.toContain(300);
  });

  it('are found in the normalized text by their own normalized form', () => {
    const normalizer = { type: 'Lowercase' };
    expect(encode({ normalized: true, content: 'STRASSE' }, 'strasse', { normalizer }).ids).toEqual([300]);
    expect(encode({ normalized: false, content: 'STRASSE' }, 'strasse', { normalizer }).ids).not.toContain(300);
  });

  it('match the longest text', () => {
    const tokens = [added(300, '->'), added(301, '-->'), added(302, '--')];
    const tokenizer = tokenizerFromJson(json({ added_tokens: tokens, post_processor: null }));
    expect(tokenizer.encode('---->->-').tokens).toEqual(['--', '-->', '->', '-']);
  });
});

describe('added tokens of one text or id', () => {
  it('count once, the first of them', () => {
    const tokens = [added(300, 'X'), added(301, 'X')];
    expect(tokenizerFromJson(json({ added_tokens: tokens, post_processor: null })).encodeIds('X')).toEqual([300]);
  });
  it('are refused with one id, which the reference would give to neither', () => {
    const tokens = [added(300, 'X'), added(300, 'Y')];
    expect(() => tokenizerFromJson(json({ added_tokens: tokens }))).toThrow('two added tokens have the same id');
  });
});

describe('decode', () => {
  const tokenizer = tokenizerFromJson(json());

  it('gives the text back and leaves out special tokens on request', () => {
    const ids = tokenizer.encodeIds('Größe ﷽ <tool> 👩‍🚀\ufeff');
    expect(tokenizer.decode(ids)).toBe('<s>Größe ﷽ <tool> 👩‍🚀\ufeff');
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('Größe ﷽ <tool> 👩‍🚀\ufeff');
    expect(tokenizer.decode([0x61, 9999, 0x62])).toBe('ab');
    expect(tokenizer.decode([0x41, 0x20, 0x2e], { cleanUpSpaces: true })).toBe('A.');
    expect(() => tokenizer.decode([-1])).toThrow(TokenizerError);
  });

  it('streams what it decodes, with clean-up as well', () => {
    const text = "A . b  ?! ' ' do not ' do no n't 'm x 's 've 're do not.'s ' 'm ' n't  , é .";
    const ids = tokenizer.encodeIds(text, { addSpecialTokens: false });
    const whole = tokenizer.decode(ids, { cleanUpSpaces: true });
    expect(whole).toContain("A. b ?!'' don't'do non't'm x's");
    // Every part of the text, so that it ends within every replacement.
    for (let end = 0; end <= ids.length; end++) {
      const stream = tokenizer.stream({ cleanUpSpaces: true });
      const part = ids.slice(0, end);
      const streamed = part.map(id => stream.push(id)).join('') + stream.flush();
      expect(streamed).toBe(tokenizer.decode(part, { cleanUpSpaces: true }));
    }
  });

  it('streams text only when its characters are complete', () => {
    const stream = tokenizer.stream({ skipSpecialTokens: true });
    const shown = tokenizer.encodeIds('aé😀').map(id => stream.push(id));
    expect(shown).toEqual(['', 'a', '', 'é', '', '', '', '😀']);
    expect(stream.push(0xe2)).toBe('');
    expect(stream.flush()).toBe('\ufffd');
  });
});

describe('loading', () => {
  it('gives one tokenizer from several formats', () => {
    const merges = '#version: 0.2\na b\nab c\nĠ ab\n';
    const ranks = Object.entries(vocab)
      .map(([token, id]) => `${btoa(String.fromCharCode(...Array.from(token, c => byteTokens.indexOf(c))))} ${id}`)
      .join('\n');
    const tokenizers = [
      tokenizerFromJson(json()),
      tokenizerFromVocabMerges(vocab, merges),
      tokenizerFromTiktoken(ranks, {
        pattern: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        specialTokens: {},
      }),
      tokenizerFromFiles({ 'vocab.json': JSON.stringify(vocab), 'merges.txt': merges, 'README.md': '' }),
    ];
    const text = "abc ab\n it's Ünïcode  ";
    const [first, ...others] = tokenizers.map(tokenizer => tokenizer.encodeIds(text, { addSpecialTokens: false }));
    for (const ids of others) expect(ids).toEqual(first);
  });

  it('takes the roles of tokens from the configuration', () => {
    const extras = {
      config: { eos_token: { content: '<tool>' }, bos_token: null },
      specialTokensMap: { unk_token: '!' },
    };
    expect(tokenizerFromJson(json(), extras).specialTokens).toEqual({ bos: 300, eos: 302, pad: 301, unk: 33 });
  });

  it("does as RoBERTa does if the vocabulary is RoBERTa's", () => {
    const tokenizer = tokenizerFromVocabMerges({ ...vocab, '<s>': 400, '</s>': 401, '<mask>': 402 }, '');
    expect(tokenizer.encodeIds('a <mask>', { pair: 'b' })).toEqual([400, 0x61, 402, 401, 401, 0x62, 401]);
  });

  it('applies the saved truncation and padding only on request', () => {
    const padding = { strategy: { Fixed: 6 }, direction: 'Left', pad_id: 301, pad_type_id: 2, pad_token: '<pad>' };
    const truncation = { direction: 'Right', max_length: 3, strategy: 'LongestFirst', stride: 0 };
    const tokenizer = tokenizerFromJson(json({ padding, truncation }));
    expect(tokenizer.encodeIds('1!2')).toHaveLength(4);
    const [encoding] = tokenizer.encodeBatch(['1!2'], tokenizer.savedOptions);
    expect(encoding!.ids).toEqual([301, 301, 301, 300, 0x31, 0x21]);
    expect(encoding!.typeIds).toEqual([2, 2, 2, 0, 0, 0]);
  });

  it.each([
    ['no object', 7, 'an object'],
    ['no model', json({ model: undefined }), 'no model'],
    ['a model of a wrong type', json({ model: [] }), 'model'],
    ['no vocabulary', json({ model: { type: 'BPE', merges: [] } }), 'model.vocab'],
    ['an empty vocabulary', json(model({ vocab: {} })), 'empty'],
    ['an id that is no number', json(model({ vocab: { a: '1' } })), 'model.vocab["a"]'],
    ['an id that is too large', json(model({ vocab: { a: 2 ** 40 } })), '2147483647'],
    ['one id for two tokens', json(model({ vocab: { a: 1, b: 1 } })), 'same id'],
    ['a merge of one token', json(model({ merges: ['ab'] })), 'model.merges[0]'],
    ['a merge of three tokens', json(model({ merges: [['a', 'b', 'c']] })), 'model.merges[0]'],
    ['a merge of unknown tokens', json(model({ merges: ['a zz'] })), '"zz"'],
    ['an unknown token that does not exist', json(model({ unk_token: '<unk>' })), 'unknown token'],
    ['an added token without an id', json({ added_tokens: [{ content: 'x' }] }), 'added_tokens[0].id'],
    ['an empty added token', json({ added_tokens: [added(1, '')] }), 'empty'],
    [
      'a template with an unknown token',
      json({
        post_processor: {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: 'x' } }],
          pair: [],
          special_tokens: {},
        },
      }),
      'special_tokens.x',
    ],
    ['a truncation without a length', json({ truncation: {} }), 'truncation.max_length'],
    [
      'components nested without end',
      json({ normalizer: JSON.parse('{"normalizers":['.repeat(60) + ']}'.repeat(60)) }),
      'nested',
    ],
    [
      'components that share their parts so often that they cannot be counted',
      json({ decoder: entangled(40) }),
      'nested',
    ],
    [
      'a space mark of two characters',
      json({ pre_tokenizer: { type: 'Metaspace', replacement: '__' } }),
      'pre_tokenizer.replacement',
    ],
  ])('names the fault of a file with %s', (_, file, message) => {
    expect(() => tokenizerFromJson(file)).toThrow(TokenizerError);
    expect(() => tokenizerFromJson(file)).toThrow(message);
  });

  it.each([
    ['Nope', { model: { type: 'Nope' } }],
    ['Nope', { normalizer: { type: 'Nope' } }],
    ['Nope', { pre_tokenizer: { type: 'Nope' } }],
    ['Nope', { post_processor: { type: 'Nope' } }],
    ['Nope', { decoder: { type: 'Nope' } }],
  ])('names the type %s that it does not know', (type, changes) => {
    expect(() => tokenizerFromJson(json(changes))).toThrow(UnsupportedError);
    expect(() => tokenizerFromJson(json(changes))).toThrow(type);
  });

  it('refuses pre-tokenizers of so many steps that each text would grow without bound', () => {
    const pretokenizers = (count: number) =>
      Array.from({ length: count }, () => ({ type: 'ByteLevel', use_regex: false }));
    const file = (count: number) => json({ pre_tokenizer: { type: 'Sequence', pretokenizers: pretokenizers(count) } });
    expect(() => tokenizerFromJson(file(4))).not.toThrow();
    expect(() => tokenizerFromJson(file(5))).toThrow('too many steps');
  });

  it('names the file that is at fault', () => {
    expect(() => tokenizerFromFiles({ 'tokenizer.json': '{' })).toThrow('tokenizer.json');
    expect(() => tokenizerFromFiles({ 'weights.bin': '' })).toThrow('weights.bin');
  });

  it.each([
    ['YQ== x', 'base64 rank'],
    ['Y!== 1', 'base64 rank'],
    ['YQ=', 'base64 rank'],
    ['YQ== 1\nYQ== 2', 'twice'],
    ['YQ== 1\nYg== 1', 'twice'],
    ['', 'empty'],
    ['YQ== 0', 'how texts are cut'],
  ])('names the fault of the rank file %j', (content, message) => {
    expect(() => tokenizerFromTiktoken(content)).toThrow(message);
  });

  it('reads the bytes of every base64 length', () => {
    for (const text of ['a', 'ab', 'abc', 'aé', '\0ÿ']) {
      const tokenizer = tokenizerFromTiktoken(`${Buffer.from(text).toString('base64')} 5\n`, {
        pattern: '\\s+',
        specialTokens: {},
      });
      expect(tokenizer.idToToken(5)).toBe(toByteChars(text));
    }
  });
});
