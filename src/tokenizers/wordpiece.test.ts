import { describe, expect, it } from 'vitest';
import { TokenizerError } from '../errors.ts';
import { Vocabulary } from './vocabulary.ts';
import { WordPiece, type WordPieceOptions } from './wordpiece.ts';

const model = (tokens: readonly string[], options: Partial<WordPieceOptions> = {}) =>
  new WordPiece({
    vocab: Vocabulary.of(tokens.map((token, id) => [token, id] as const)),
    unknown: '[UNK]',
    continuingPrefix: '##',
    longestWord: 100,
    ...options,
  });
const VOCABULARY = ['[UNK]', 'haus', '##boot', '##bo', 'h', '##a', '##u', '##s', '##', '😀', '##😀', '##o', '##ot'];

/** Tokens as texts, and once more by `appendIds`, twice: found anew and known. */
function pieces(wordPiece: WordPiece, word: string): string[] {
  const tokens = wordPiece.tokenize(word);
  for (let time = 0; time < 2; time++) {
    const ids: number[] = [];
    wordPiece.appendIds(`..${word}..`, 2, 2 + word.length, ids);
    expect(ids).toEqual(tokens.map(({ id }) => id));
  }
  return tokens.map(({ id, start, end }) => `${wordPiece.idToToken(id)} ${start}-${end}`);
}

describe('WordPiece', () => {
  const wordPiece = model(VOCABULARY);

  it('takes the longest entry from the left', () => {
    expect(pieces(wordPiece, 'hausboot')).toEqual(['haus 0-4', '##boot 4-8']);
    expect(pieces(wordPiece, 'hausbo')).toEqual(['haus 0-4', '##bo 4-6']);
    expect(pieces(wordPiece, 'hau')).toEqual(['h 0-1', '##a 1-2', '##u 2-3']);
    expect(pieces(wordPiece, '😀😀')).toEqual(['😀 0-2', '##😀 2-4']);
    expect(pieces(wordPiece, '')).toEqual([]);
  });

  it('does not look back: a word that gets stuck is unknown as a whole', () => {
    expect(pieces(wordPiece, 'hausbox')).toEqual(['[UNK] 0-7']);
    expect(pieces(wordPiece, 'boot')).toEqual(['[UNK] 0-4']);
    expect(pieces(model(['[UNK]', 'a', 'ab', '##bc']), 'abc')).toEqual(['[UNK] 0-3']);
  });

  it('counts the characters of a word that is too long, not its code units', () => {
    expect(pieces(model(VOCABULARY, { longestWord: 3 }), '😀😀😀')).toHaveLength(3);
    expect(pieces(model(VOCABULARY, { longestWord: 2 }), '😀😀😀')).toEqual(['[UNK] 0-6']);
    expect(pieces(model(VOCABULARY, { longestWord: 2 ** 31 - 1 }), `h${'a'.repeat(9999)}`)).toHaveLength(10_000);
  });

  it('goes on with bare entries where the prefix is empty, and with none where no entry has it', () => {
    expect(pieces(model(['[UNK]', 'a', 'b'], { continuingPrefix: '' }), 'ab')).toEqual(['a 0-1', 'b 1-2']);
    expect(pieces(model(['[UNK]', 'a', 'b']), 'ab')).toEqual(['[UNK] 0-2']);
    expect(pieces(model(['[UNK]', 'a', 'b']), 'a')).toEqual(['a 0-1']);
  });

  it('refuses a vocabulary without the unknown token', () => {
    expect(() => model(['a'])).toThrow('the unknown token is not in the vocabulary');
    expect(() => model(['a'])).toThrow(TokenizerError);
  });
});
