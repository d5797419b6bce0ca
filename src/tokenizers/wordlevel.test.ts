import { expect, it } from 'vitest';
import { TokenizerError } from '../errors.ts';
import { Vocabulary } from './vocabulary.ts';
import { WordLevel } from './wordlevel.ts';

const vocab = Vocabulary.of([
  ['haus', 0],
  ['boot', 7],
  ['?', 2],
]);

it('takes pieces as they are, others as the unknown token', () => {
  const model = new WordLevel(vocab, '?');
  expect(model.tokenize('boot')).toEqual([{ id: 7, start: 0, end: 4 }]);
  expect(model.tokenize('Boot')).toEqual([{ id: 2, start: 0, end: 4 }]);
  const ids: number[] = [];
  model.appendIds('hausboot', 4, 8, ids);
  expect(ids).toEqual([7]);
  expect([model.size, model.unknownId, model.idToToken(7), model.idToToken(1)]).toEqual([3, 2, 'boot', undefined]);
});

it('says which word it does not know where there is no unknown token', () => {
  const model = new WordLevel(vocab, '<unk>');
  expect(model.tokenize('haus')).toHaveLength(1);
  expect(() => model.tokenize('Schiff')).toThrow(TokenizerError);
  expect(() => model.appendIds('Schiff', 0, 6, [])).toThrow('"Schiff"');
});
