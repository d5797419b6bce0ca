/** The reader of CoNLL-U, and treebank sentences as rows of a model. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { FormatError } from '../../src/errors.ts';
import { type ConlluSentence, readConllu, treebankRows } from '../../src/explain/index.ts';
import { tokenizerFromJson } from '../../src/tokenizers/index.ts';
import { tinyModel } from '../families/tiny-model.ts';
import { SMALL_TOKENIZER } from './small-tokenizer.ts';

/** Lines with fields between spaces, `_` where nothing stands; only id, form, head, relation and misc are given. */
const word = (id: string, form: string, head = '_', deprel = '_', misc = '_') =>
  [id, form, form.toLowerCase(), 'X', '_', '_', head, deprel, '_', misc].join('\t');
const file = (...lines: string[]) => `${lines.join('\n')}\n`;
const read = (content: string): ConlluSentence[] => [...readConllu(content, 'a.conllu')];

const STORY = file(
  '# newdoc id = one',
  '# sent_id = one-1',
  '# text = Anna geht zum Haus.',
  word('1', 'Anna', '2', 'nsubj', 'Entity=B-PER'),
  word('2', 'geht', '0', 'root'),
  word('3-4', 'zum'),
  word('3', 'zu', '5', 'case'),
  word('4', 'dem', '5', 'det'),
  word('5', 'Haus', '2', 'obl', 'SpaceAfter=No|Note'),
  word('5.1', 'leer'),
  word('6', '.', '2', 'punct'),
  '',
  '# sent_id = one-2',
  word('1', 'Sie', '2', 'nsubj:expl', 'Antecedent=1:1'),
  word('2', 'sieht', '0', 'root'),
  word('3', 'es', '2', 'obj', 'Antecedent=1:5'),
  '',
  '# newdoc id = two',
  word('1', 'Nacht', '0', 'root'),
);

describe('readConllu', () => {
  it('reads words, ranges, empty nodes, comments and documents', () => {
    const [first, second, third] = read(STORY);
    expect(first).toMatchObject({ id: 'one-1', text: 'Anna geht zum Haus.', document: 0 });
    expect(first!.comments[0]).toBe('newdoc id = one');
    expect(first!.words.map(({ form }) => form)).toEqual(['Anna', 'geht', 'zu', 'dem', 'Haus', '.']);
    expect(first!.words.map(({ token }) => token)).toEqual([0, 1, 2, 2, 3, 4]);
    expect(first!.words.map(({ span }) => first!.text.slice(...span))).toEqual([
      ...['Anna', 'geht', 'zum', 'zum', 'Haus', '.'],
    ]);
    expect(first!.words[0]).toMatchObject({ head: 2, deprel: 'nsubj', lemma: 'anna', misc: { Entity: 'B-PER' } });
    expect(first!.words[4]!.misc).toEqual({ SpaceAfter: 'No', Note: '' });
    expect(first!.emptyNodes).toHaveLength(1);
    expect(second).toMatchObject({ text: 'Sie sieht es', document: 0 });
    expect(third).toMatchObject({ id: undefined, text: 'Nacht', document: 1 });
  });
  it('reads files with other line ends, a byte order mark, no last empty line and comments by themselves', () => {
    const [only, ...others] = read(
      `\ufeff# global.columns\r\n\r\n# text = A b\r\n${word('1', 'A')}\r\n${word('2', 'b')}`,
    );
    expect(others).toEqual([]);
    expect(only).toMatchObject({ text: 'A b', document: undefined, comments: ['global.columns', 'text = A b'] });
    expect(only!.words.map(({ head }) => head)).toEqual([undefined, undefined]);
    expect(read('')).toEqual([]);
  });
  it.each([
    ['fields', file('1 Anna'), 'a word has ten fields', 'line 1'],
    ['the count', file(word('1', 'a'), word('3', 'b')), 'words are counted from 1; seen: 3; expected: 2', 'line 2'],
    ['a range', file(word('1', 'a'), word('3-4', 'b')), 'a range of words that is none', 'line 2'],
    ['a range too long', file(word('1-3', 'ab'), word('1', 'a'), word('2', 'b')), 'beyond the sentence', 'line 1'],
    ['a head', file(word('1', 'a', '2', 'x')), 'no word of this sentence can be the head; seen: 2', 'line 1'],
    ['itself', file(word('1', 'a', '1', 'x')), 'not the word itself', 'line 1'],
    ['no number', file(word('1', 'a', 'b', 'x')), 'can be the head; seen: b', 'line 1'],
    ['the text', file('# text = b a', word('1', 'a'), word('2', 'b')), 'is not that of its words', 'line 2'],
    ['words', file(word('0.1', 'a')), 'a sentence without words', 'line 1'],
  ])('says what is wrong with %s, and where', (_, content, what, line) => {
    expect(() => read(content)).toThrow(FormatError);
    expect(() => read(content)).toThrow(what);
    expect(() => read(content)).toThrow(`a.conllu, ${line}`);
  });

  const TREEBANK = fileURLToPath(new URL('../../../shared/datasets/ud-german-gsd/dev.conllu', import.meta.url));
  const missing = existsSync(TREEBANK) ? '' : ' (skipped: the shared data sets are not here)';
  it.skipIf(missing)(`reads a published treebank${missing}`, () => {
    const content = readFileSync(TREEBANK, 'utf8');
    const sentences = read(content);
    expect(sentences.length).toBe(content.match(/^# text = /gm)!.length);
    expect(sentences.flatMap(({ words }) => words).length).toBe(content.match(/^\d+\t/gm)!.length);
    const subjects = content.match(/^\d+\t(?:[^\t]*\t){6}nsubj(?::\w+)?\t/gm)!.length;
    expect(sentences.flatMap(({ words }) => words).filter(({ deprel }) => /^nsubj\b/.test(deprel)).length).toBe(
      subjects,
    );
  });
});

describe('treebankRows', async () => {
  const backend = createReferenceBackend();
  const tokenizer = tokenizerFromJson(SMALL_TOKENIZER);
  const bert = await tinyModel('bert', backend);
  const model = { parts: { ...bert.parts, tokenizer }, contextLength: 24, graph: bert.graph.bind(bert) };
  const rowsOf = (content: string, options = {}) => [...treebankRows(model, readConllu(content), options)];

  it('finds the tokens of words and the pairs of both directions', () => {
    const [first, second] = rowsOf(STORY);
    // [CLS] Anna ge ##ht zum Haus . [SEP]
    expect(first!.ids).toEqual([1, 5, 6, 7, 8, 9, 10, 2]);
    expect(first!.added).toEqual([1, 0, 0, 0, 0, 0, 0, 1]);
    expect(first!.annotation.words).toEqual([[1], [2, 3], [4], [5], [6]]);
    expect(first!.annotation.pairs).toEqual([
      { relation: 'nsubj', direction: 'toHead', query: 0, targets: [1] },
      { relation: 'case', direction: 'toHead', query: 2, targets: [3] },
      { relation: 'det', direction: 'toHead', query: 2, targets: [3] },
      { relation: 'nsubj', direction: 'toDependent', query: 1, targets: [0] },
      { relation: 'case', direction: 'toDependent', query: 3, targets: [2] },
      { relation: 'det', direction: 'toDependent', query: 3, targets: [2] },
    ]);
    // The subtype counts; the antecedent is in a sentence that this row does not have.
    expect(second!.annotation.pairs.map(({ relation }) => relation)).toEqual(['nsubj', 'obj', 'nsubj', 'obj']);
  });
  it('joins the sentences of a document, in which antecedents are found', () => {
    const rows = rowsOf(STORY, { unit: 'document', relations: ['antecedent'] });
    expect(rows.map(({ annotation }) => annotation.document)).toEqual([0, 1]);
    expect(rows[0]!.ids).toEqual([1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 2]);
    expect(rows[0]!.annotation.pairs).toEqual([
      { relation: 'antecedent', direction: 'toHead', query: 5, targets: [0] },
      { relation: 'antecedent', direction: 'toHead', query: 7, targets: [3] },
      { relation: 'antecedent', direction: 'toDependent', query: 0, targets: [5] },
      { relation: 'antecedent', direction: 'toDependent', query: 3, targets: [7] },
    ]);
  });
  it('begins another row where a document is too long, and cuts a sentence that is', () => {
    const rows = rowsOf(STORY, { unit: 'document', maxTokens: 8 });
    expect(rows.map(({ ids }) => ids.length)).toEqual([8, 5, 3]);
    expect(rows.map(({ annotation }) => annotation.document)).toEqual([0, 0, 1]);
    const [cut] = rowsOf(STORY, { maxTokens: 5 });
    expect(cut!.annotation.words).toEqual([[1], [2, 3], [], [], []]);
    expect(cut!.annotation.pairs.map(({ relation }) => relation)).toEqual(['nsubj', 'nsubj']);
  });
  it('refuses antecedents that are none', () => {
    for (const value of ['1', '0:1', '1:9', 'a:b'])
      expect(() => rowsOf(file('# sent_id = x', word('1', 'Sie', '0', 'root', `Antecedent=${value}`)))).toThrow(
        `not an antecedent; seen: Antecedent=${value} of Sie`,
      );
  });
});
