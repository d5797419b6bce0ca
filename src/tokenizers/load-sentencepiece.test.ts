import { describe, expect, it } from 'vitest';
import { CONTROLS, field, modelFile, type Piece } from '../../test/tokenizers/model-file.ts';
import { FormatError } from '../errors.ts';
import { readSentencePieceModel } from '../formats/sentencepiece.ts';
import { tokenizerFromFiles } from './load.ts';
import { tokenizerFromSentencePiece } from './load-sentencepiece.ts';

const LETTERS: Piece[] = [
  ['▁', -10],
  ['a', -11],
  ['b', -12],
];

describe('tokenizerFromSentencePiece', () => {
  const tokensOf = (pieces: readonly Piece[], text: string, trainer?: number[], normalizer?: number[]) =>
    tokenizerFromSentencePiece(modelFile([...CONTROLS, ...pieces], trainer, normalizer)).encode(text, {
      addSpecialTokens: false,
    }).tokens;

  it('joins by score, leftmost first where scores are equal', () => {
    expect(tokensOf([...LETTERS, ['ab', -1], ['ba', -2]], 'aba')).toEqual(['▁', 'ab', 'a']);
    expect(tokensOf([...LETTERS, ['ab', -2], ['ba', -1]], 'aba')).toEqual(['▁', 'a', 'ba']);
    expect(tokensOf([...LETTERS, ['ab', -1], ['ba', -1]], 'baba')).toEqual(['▁', 'ba', 'ba']);
  });

  it('keeps user-defined pieces whole, space mark or not', () => {
    expect(tokensOf([...LETTERS, ['ab', -1], ['ba', 0, 'user_defined']], 'abab')).toEqual(['▁', 'a', 'ba', 'b']);
  });

  it('fuses unknown characters, or writes bytes', () => {
    expect(tokensOf(LETTERS, 'axyb')).toEqual(['▁', 'a', '<unk>', 'b']);
    const bytes = Array.from(
      { length: 256 },
      (_, byte): Piece => [`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, 0, 'byte'],
    );
    expect(tokensOf([...bytes, ...LETTERS], 'é', [...field(3, 2), ...field(35, 1)])).toEqual(['▁', '<0xC3>', '<0xA9>']);
  });

  it('removes or keeps spaces and adds the prefix as the file says', () => {
    const pieces: Piece[] = [...LETTERS, ['▁a', -1]];
    const [keep, collapse] = [field(4, 0), field(4, 1)];
    expect(tokensOf(pieces, ' a  b ', undefined, keep)).toEqual(['▁', '▁a', '▁', '▁', 'b', '▁']);
    expect(tokensOf(pieces, ' a  b ', undefined, collapse)).toEqual(['▁a', '▁', 'b']);
    expect(tokensOf(pieces, 'a', undefined, [...keep, ...field(3, 0)])).toEqual(['a']);
    expect(tokensOf(pieces, 'a b', [...field(3, 2), ...field(24, 1)], collapse)).toEqual(['a', '▁', 'b', '▁']);
    expect(tokensOf(pieces, '  ', undefined, collapse)).toEqual([]);
    expect(tokensOf(pieces, '', undefined, keep)).toEqual([]);
  });

  it('adds the begin token unless told otherwise, and prefixes every stretch unless it is not to', () => {
    const file = modelFile([...CONTROLS, ...LETTERS, ['▁a', -1]]);
    const encode = (options: object) => tokenizerFromSentencePiece(file, options).encode('a<s>a').tokens;
    expect(encode({})).toEqual(['<s>', '▁a', '<s>', '▁a']);
    expect(encode({ addBos: false, addEos: true, legacy: false })).toEqual(['▁a', '<s>', 'a', '</s>']);
  });

  it('decodes with one leading space less and a sign for unknown tokens', () => {
    const tokenizer = tokenizerFromSentencePiece(modelFile([...CONTROLS, ...LETTERS]));
    expect(tokenizer.decode([3, 4, 0, 3, 5])).toBe('a \u2047  b');
    expect(tokenizer.decode([1, 3, 4], { skipSpecialTokens: true })).toBe('a');
  });

  const UNIGRAM = field(3, 1);
  const [WORD, CHAR] = [field(3, 3), field(3, 4)];
  const COLLAPSE = field(4, 1);
  /** `[text, start, end]` of the tokens. */
  const placed = (pieces: readonly Piece[], text: string, trainer: number[], normalizer = COLLAPSE) => {
    const tokenizer = tokenizerFromSentencePiece(modelFile([...CONTROLS, ...pieces], trainer, normalizer));
    const encoding = tokenizer.encode(text, { addSpecialTokens: false, parseSpecialTokens: false });
    expect(tokenizer.encodeIds(text, { addSpecialTokens: false, parseSpecialTokens: false })).toEqual(encoding.ids);
    return encoding.tokens.map((token, i) => [token, ...encoding.offsets[i]!]);
  };

  it('cuts by Unigram, where user-defined pieces win and control pieces are text', () => {
    const pieces: Piece[] = [...LETTERS, ['ab', -3], ['▁a', -13], ['ba', 0, 'user_defined'], ['bb', -1, 'unused']];
    expect(placed(pieces, 'ab', UNIGRAM)).toEqual([
      ['▁', 0, 0],
      ['ab', 0, 2],
    ]);
    expect(tokensOf(pieces, 'baa', UNIGRAM)).toEqual(['▁', 'ba', 'a']);
    expect(tokensOf(pieces, 'bb', UNIGRAM)).toEqual(['▁', 'b', 'b']);
    expect(placed(pieces, 'a<s>', UNIGRAM).map(([token]) => token)).toEqual(['▁a', '<s>']);
  });

  it('places tokens as the library does: one ends where the next begins', () => {
    const pieces: Piece[] = [...LETTERS, ['▁b', -1]];
    expect(placed(pieces, '  a   b  ', UNIGRAM)).toEqual([
      ['▁', 2, 2],
      ['a', 2, 3],
      ['▁b', 3, 7],
    ]);
  });

  it('looks words up whole', () => {
    const pieces: Piece[] = [
      ['▁a', -1],
      ['▁ab', -1],
    ];
    expect(placed(pieces, 'ab a x y ab', WORD)).toEqual([
      ['▁ab', 0, 2],
      ['▁a', 2, 4],
      ['▁x▁y', 4, 8],
      ['▁ab', 8, 11],
    ]);
  });

  it('looks characters up, but for user-defined pieces', () => {
    const pieces: Piece[] = [...LETTERS, ['ab', 0, 'user_defined']];
    expect(placed(pieces, 'aab😀', CHAR)).toEqual([
      ['▁', 0, 0],
      ['a', 0, 1],
      ['ab', 1, 3],
      ['😀', 3, 5],
    ]);
  });

  it.each([UNIGRAM, WORD, CHAR])('needs an unknown piece (algorithm %j)', (...algorithm) => {
    expect(() => tokenizerFromSentencePiece(modelFile(LETTERS, algorithm as number[]))).toThrow('no unknown piece');
  });

  it.each([[UNIGRAM], [WORD]])('refuses a text piece that stands twice (algorithm %j)', algorithm => {
    expect(() => tokenizerFromSentencePiece(modelFile([...CONTROLS, ['a', 0], ['a', 0]], algorithm))).toThrow('twice');
  });

  it('becomes its family by the configuration beside it', () => {
    const pieces: Piece[] = [...CONTROLS, ['▁', -2], ['a', -3], ['▁a', -1]];
    const tokensWith = (config: object) => {
      const tokenizer = tokenizerFromFiles({
        'spiece.model': modelFile(pieces, UNIGRAM),
        'tokenizer_config.json': JSON.stringify(config),
      });
      return tokenizer.encode('a', { pair: 'aa' }).tokens.map(token => [token, tokenizer.tokenToId(token)]);
    };
    expect(tokensWith({ tokenizer_class: 'XLMRobertaTokenizer' })).toEqual([
      ['<s>', 0],
      ['▁a', 6],
      ['</s>', 2],
      ['</s>', 2],
      ['▁a', 6],
      ['a', 5],
      ['</s>', 2],
    ]);
    expect(tokensWith({ tokenizer_class: 'T5TokenizerFast', extra_ids: 2 }).map(([token]) => token)).toEqual([
      '▁a',
      '</s>',
      '▁a',
      'a',
      '</s>',
    ]);
    // A class that is not known leaves the file to itself.
    expect(tokensWith({ tokenizer_class: 'LlamaTokenizer' })[0]).toEqual(['<s>', 1]);
    expect(() => tokensWith({ tokenizer_class: 'T5Tokenizer', extra_ids: 4e9 })).toThrow('extra_ids');
  });

  it('refuses a piece that stands twice', () => {
    expect(() => tokenizerFromSentencePiece(modelFile([...CONTROLS, ['a', 0], ['a', 0]]))).toThrow('twice');
  });
});

describe('readSentencePieceModel', () => {
  it('skips fields it does not know and reads negative ids', () => {
    const minusOne = [...[43 * 8].flatMap(key => [(key % 128) + 128, key >> 7]), ...Array(9).fill(0xff), 0x01];
    const file = readSentencePieceModel(modelFile([['a', -1.5]], [...field(3, 2), ...field(99, 'x'), ...minusOne]));
    expect(file.pieces).toEqual([{ piece: 'a', score: -1.5, type: 'normal' }]);
    expect([file.unkId, file.bosId, file.padId]).toEqual([0, undefined, undefined]);
  });

  it.each([
    ['nothing', [], 'no pieces'],
    ['a length of 4 GB', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], 'beyond the end'],
    ['an endless number', [0x0a, ...Array(12).fill(0xff)], 'too long'],
    ['a number cut short', [0x0a, 0x80], 'ends within'],
    ['a group', [0x0b], 'wire type 3'],
    ['field 0', [0x00, 0x00], 'field number 0'],
    ['a number for a piece', [0x08, 0x01], 'not a SentencePiece model'],
    ['a piece of an unknown type', field(1, Uint8Array.from(field(3, 9))), 'unknown type'],
    ['an unknown algorithm', [...modelFile([['a', 0]], field(3, 7))], 'unknown algorithm'],
    ['a score that is not a number', [...modelFile([['a', Number.NaN]])], 'not a number'],
    ['text where a number belongs', field(1, Uint8Array.from(field(3, 'x'))), 'a number'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSentencePieceModel(Uint8Array.from(bytes))).toThrow(FormatError);
    expect(() => readSentencePieceModel(Uint8Array.from(bytes))).toThrow(message);
  });
});
