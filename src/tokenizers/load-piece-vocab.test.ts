import { describe, expect, it } from 'vitest';
import { CONTROLS, field, modelFile, type Piece } from '../../test/tokenizers/model-file.ts';
import { type LanguageOptions, tokenizerFileNames, tokenizerFromFiles } from './load.ts';
import { loadTokenizerFrom } from './load-folder.ts';

// Expected ids and texts are those of transformers 4.57.6 with these same files.
const UNIGRAM = field(3, 1);
const COLLAPSE = field(4, 1);
const model = (pieces: readonly Piece[]) => modelFile([...CONTROLS, ...pieces], UNIGRAM, COLLAPSE);
const SOURCE = model([
  ['▁', -4],
  ['a', -3],
  ['b', -3.5],
  ['▁a', -2],
  ['ab', -2.5],
]);
const TARGET = model([
  ['▁', -4],
  ['c', -3],
  ['▁c', -2],
  ['x', -3],
]);
const numbered = (tokens: readonly string[]) =>
  JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id])));

describe('tokenizerFromMarian', () => {
  const files = {
    'source.spm': SOURCE,
    'target.spm': TARGET,
    'vocab.json': numbered(['</s>', '<unk>', '▁', 'a', '▁a', 'ab', '>>fra<<', 'c', '▁c', 'x', '<pad>']),
    'tokenizer_config.json': '{"source_lang": "en", "target_lang": "fr"}',
  };
  const source = tokenizerFromFiles(files);
  const target = tokenizerFromFiles(files, { target: true });

  it.each([
    ['ab a', [4, 1, 4, 0], [2, 5, 2, 3, 0]],
    ['abb cx', [4, 1, 1, 2, 1, 0], [2, 1, 8, 9, 0]],
    ['>>fra<< a', [6, 4, 0], [6, 2, 3, 0]],
    ['a >>fra<< a', [4, 2, 1, 3, 1, 4, 0], [2, 3, 2, 6, 2, 3, 0]],
    ['>>deu<<a', [1, 4, 0], [1, 2, 3, 0]],
    ['x', [2, 9, 0], [2, 9, 0]],
    ['a</s>a', [4, 0, 4, 0], [2, 3, 0, 2, 3, 0]],
  ])('looks the pieces of %j up, of sources and of targets', (text, ofSource, ofTarget) => {
    expect(source.encode(text).ids).toEqual(ofSource);
    expect(source.encodeIds(text)).toEqual(ofSource);
    expect(target.encode(text).ids).toEqual(ofTarget);
  });

  it.each([source, target])('traces how a text is cut and what is looked up', tokenizer => {
    for (const text of ['ab a', 'abb cx', '>>fra<< a', '>>deu<<a', '', 'a</s>a'])
      expect(tokenizer.trace(text).encoding).toEqual(tokenizer.encode(text));
  });
  it('traces the pieces that the vocabulary does not have', () => {
    const [part] = source.trace('>>fra<< abb').parts;
    const [piece] = part?.kind === 'text' ? part.parts : [];
    const model = piece?.kind === 'piece' ? piece.model : undefined;
    expect(model).toMatchObject({
      kind: 'PieceVocab',
      code: '>>fra<<',
      cut: { kind: 'Unigram' },
      lookups: [
        { text: '>>fra<<', id: 6 },
        { text: '▁a', id: 4 },
        { text: 'b', id: undefined },
        { text: 'b', id: undefined },
      ],
    });
  });

  it('places the language code and what stands behind it', () => {
    expect(source.encode('>>fra<< a').offsets.slice(0, 2)).toEqual([
      [0, 7],
      [8, 9],
    ]);
    expect(source.encode('a', { pair: 'ab' }).ids).toEqual([4, 4, 1, 0]);
  });

  it.each([
    [[8, 7, 0], 'cc</s>', 'cc'],
    [[4, 2, 7, 1, 4, 8], 'a c<unk>  a c', 'a c a c'],
    [[6, 8, 10, 10], '>>fra<< c<pad> <pad>', '>>fra<< c'],
    [[2, 9, 0, 8], 'x</s> c', 'x c'],
  ])('decodes %j with the model of the target', (ids, text, withoutSpecials) => {
    for (const tokenizer of [source, target]) {
      expect(tokenizer.decode(ids)).toBe(text);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(withoutSpecials);
    }
  });

  it('takes a vocabulary of its own for targets', () => {
    const separate = { ...files, 'target_vocab.json': numbered(['<pad>', '</s>', '<unk>', '▁c', 'x']) };
    expect(tokenizerFromFiles(separate, { target: true }).encode('cx').ids).toEqual([3, 4, 1]);
    expect(tokenizerFromFiles(separate).encode('a').ids).toEqual([4, 0]);
    expect(tokenizerFromFiles(separate).decode([3, 4])).toBe('cx');
  });

  it('refuses a vocabulary without its special tokens', () => {
    expect(() => tokenizerFromFiles({ ...files, 'vocab.json': '{"a": 0}' })).toThrow('special token');
    expect(() => tokenizerFromFiles({ ...files, 'vocab.json': '{"a": "0"}' })).toThrow('whole number');
  });
});

describe('tokenizerFromM2m100', () => {
  const files = {
    'sentencepiece.bpe.model': SOURCE,
    'vocab.json': numbered(['<s>', '<pad>', '</s>', '<unk>', '▁', 'a', '▁a', 'ab']),
    'tokenizer_config.json': '{"tokenizer_class": "M2M100Tokenizer", "src_lang": "fr", "tgt_lang": "de"}',
  };
  const source = tokenizerFromFiles(files);

  it('puts the language in front of texts', () => {
    expect(source.encode('ab ab').ids).toEqual([32, 6, 3, 6, 3, 2]);
    expect(source.encode('__en__ a').ids).toEqual([32, 26, 6, 2]);
    expect(source.encode('a', { pair: 'a' }).ids).toEqual([32, 6, 6, 2]);
    expect(tokenizerFromFiles(files, { target: true }).encode('a').ids).toEqual([24, 6, 2]);
    expect(tokenizerFromFiles(files, { language: 'en' }).encode('a').ids).toEqual([26, 6, 2]);
    expect(() => tokenizerFromFiles(files, { language: 'xx' })).toThrow('no such language');
  });

  it.each([
    [[30, 6, 7, 2], '__ff__ aab</s>', 'aab'],
    [[6, 30, 6, 2, 6], 'a __ff__ a</s>a', 'a a a'],
  ])('decodes %j with languages set apart', (ids, text, withoutSpecials) => {
    expect(source.decode(ids)).toBe(text);
    const stream = source.stream();
    expect(ids.map(id => stream.push(id)).join('') + stream.flush()).toBe(text);
    expect(source.decode(ids, { skipSpecialTokens: true })).toBe(withoutSpecials);
  });
});

describe('families with languages or tokens of their own', () => {
  const encodes = (file: Uint8Array, config: object, text: string, pair?: string, options?: LanguageOptions) =>
    tokenizerFromFiles({ 'spiece.model': file, 'tokenizer_config.json': JSON.stringify(config) }, options).encode(
      text,
      pair === undefined ? {} : { pair },
    );
  const languages = { src_lang: 'de_DE', tgt_lang: 'ro_RO' };

  it.each([
    ['MBartTokenizer', languages, [7, 2, 11], [7, 4, 3, 7, 2, 11], [7, 2, 28]],
    ['MBart50Tokenizer', languages, [11, 7, 2], [11, 7, 4, 3, 7, 2], [28, 7, 2]],
    ['CamembertTokenizer', {}, [5, 10, 6], [5, 10, 6, 6, 7, 3, 10, 6], [5, 10, 6]],
  ])('%s', (name, more, single, pair, target) => {
    const config = { tokenizer_class: name, ...more };
    expect(encodes(SOURCE, config, 'a').ids).toEqual(single);
    expect(encodes(SOURCE, config, 'a', '5, a').ids).toEqual(pair);
    expect(encodes(SOURCE, config, 'a', undefined, { target: true }).ids).toEqual(target);
  });

  it('numbers the languages of NLLB behind the pieces, the mask behind them', () => {
    const nllb = { tokenizer_class: 'NllbTokenizer' };
    // ace_Arab is the first; English, as in the vocabulary of 256,000 pieces, 46 places further on.
    expect(encodes(SOURCE, nllb, 'a').ids).toEqual([9 + 46, 7, 2]);
    expect(encodes(SOURCE, { ...nllb, src_lang: 'ace_Arab', legacy_behaviour: true }, 'a').ids).toEqual([7, 2, 9]);
    expect(encodes(SOURCE, nllb, '<mask>').ids).toEqual([9 + 46, 9 + 202, 2]);
    const own = { ...nllb, additional_special_tokens: ['aa', { content: 'bb' }], src_lang: 'bb' };
    expect(encodes(SOURCE, own, 'a').ids).toEqual([10, 7, 2]);
    expect(() => encodes(SOURCE, { ...nllb, src_lang: 'en' }, 'a')).toThrow('no such language');
  });

  it('puts the configured language into the template of a tokenizer.json', () => {
    const added = ['</s>', 'de_DE', 'ro_RO'].map((content, id) => ({ id, content, special: true }));
    const files = {
      'tokenizer.json': JSON.stringify({
        added_tokens: added,
        model: { type: 'WordLevel', vocab: { a: 3, '<unk>': 4 } },
      }),
      'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'MBart50TokenizerFast', ...languages }),
    };
    expect(tokenizerFromFiles(files).encode('a').ids).toEqual([1, 3, 0]);
    expect(tokenizerFromFiles(files, { target: true }).encode('a', { pair: 'a' }).ids).toEqual([2, 3, 3, 0]);
    expect(() => tokenizerFromFiles(files, { language: 'de' })).toThrow('no such language');
  });

  it('moves the pieces of Pegasus', () => {
    const file = modelFile(
      [
        ['<pad>', 0, 'control'],
        ['</s>', 0, 'control'],
        ['<unk>', 0, 'unknown'],
        ...([
          ['▁', -4],
          ['a', -3],
          ['▁a', -2],
        ] as const),
      ],
      [...UNIGRAM, ...field(40, 2), ...field(41, 3), ...field(42, 1), ...field(43, 0)],
      COLLAPSE,
    );
    const config = { tokenizer_class: 'PegasusTokenizer' };
    expect(encodes(file, config, 'a').ids).toEqual([108, 1]);
    expect(encodes(file, config, 'a', '5, a').ids).toEqual([108, 106, 105, 108, 1]);
    expect(encodes(file, config, '<mask_1> <mask_2><unk_2>').ids).toEqual([2, 3, 4, 1]);
    expect(() => encodes(file, { ...config, offset: 1e9 }, 'a')).toThrow('moved too far');
  });

  it('puts the class of XLNet at the end, and padding in front', () => {
    const file = model([
      ['<cls>', 0, 'control'],
      ['<sep>', 0, 'control'],
      ['<pad>', 0, 'control'],
      ['<mask>', 0, 'control'],
      ...([
        ['▁', -4],
        ['a', -3],
        ['▁a', -2],
        ['5,', -1],
        ['5', -3],
        [',', -3],
      ] as const),
    ]);
    const config = JSON.stringify({ tokenizer_class: 'XLNetTokenizer' });
    const tokenizer = tokenizerFromFiles({ 'spiece.model': file, 'tokenizer_config.json': config });
    const pair = tokenizer.encode('a', { pair: '5, a' });
    expect(pair.ids).toEqual([9, 4, 7, 11, 12, 9, 4, 3]);
    expect(pair.typeIds).toEqual([0, 0, 1, 1, 1, 1, 1, 2]);
    const [short] = tokenizer.encodeBatch(['a', 'a a'], tokenizer.savedOptions);
    expect([short?.ids, short?.typeIds]).toEqual([
      [5, 9, 4, 3],
      [3, 0, 0, 2],
    ]);
  });

  it('knows DeBERTa by the kind of its vocabulary', () => {
    const file = modelFile(
      [
        ['[PAD]', 0, 'control'],
        ['[CLS]', 0, 'control'],
        ['[SEP]', 0, 'control'],
        ['[UNK]', 0, 'unknown'],
        ...([
          ['▁', -4],
          ['a', -3],
          ['▁a', -2],
        ] as const),
      ],
      [...UNIGRAM, ...field(40, 3), ...field(41, 1), ...field(42, 2), ...field(43, 0)],
      COLLAPSE,
    );
    const pair = encodes(file, { do_lower_case: false, vocab_type: 'spm' }, 'a', '5, a');
    expect(pair.ids).toEqual([1, 6, 2, 4, 3, 6, 2]);
    expect(pair.typeIds).toEqual([0, 0, 0, 1, 1, 1, 1]);
  });
});

describe('the choice of files', () => {
  it.each([
    [['source.spm', 'target.spm', 'vocab.json', 'tokenizer.json'], ['tokenizer.json']],
    [
      ['vocab.json', 'target.spm', 'source.spm', 'target_vocab.json'],
      ['source.spm', 'target.spm', 'vocab.json', 'target_vocab.json'],
    ],
    [['source.spm', 'vocab.json'], []],
    [
      ['vocab.json', 'sentencepiece.bpe.model'],
      ['sentencepiece.bpe.model', 'vocab.json'],
    ],
    [['vocab.json', 'spm.model'], ['spm.model']],
    [['other.model', 'spiece.model'], ['spiece.model']],
    [
      ['vocab.json', 'merges.txt', 'source.spm', 'target.spm'],
      ['source.spm', 'target.spm', 'vocab.json'],
    ],
  ])('of %j', (names, chosen) => {
    expect(tokenizerFileNames(names)).toEqual(chosen);
  });

  it('finds the files of Marian where they cannot be listed', async () => {
    const there: Record<string, Uint8Array> = {
      'source.spm': SOURCE,
      'target.spm': TARGET,
      'vocab.json': new TextEncoder().encode(numbered(['</s>', '<unk>', '▁a', '<pad>'])),
    };
    const tokenizer = await loadTokenizerFrom(async name => there[name]);
    expect(tokenizer?.encode('a').ids).toEqual([2, 0]);
  });
});
