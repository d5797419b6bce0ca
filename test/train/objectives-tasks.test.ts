/** Objectives with labels of their own: what counts in the loss, how labels fall on tokens, windows, errors of rows. */
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/train/data/index.ts';
import {
  causalLM,
  classification,
  completion,
  questionAnswering,
  sentencePair,
  sequenceToSequence,
  tokenClassification,
} from '../../src/train/objectives/index.ts';
import { MASK_TOKENIZER, PAIR_TOKENIZER, SENTINEL_TOKENIZER, TEXT_TOKENIZER } from './objectives-tokenizers.ts';

const rowOf = (fields: Record<string, unknown>) => [...rowsOf([fields])][0]!;
const table = (rows: unknown) => Array.from(rows as ArrayLike<number>[], row => Array.from(row));
const idsOf = (text: string) => TEXT_TOKENIZER.encodeIds(text);
const tokensOf = (ids: ArrayLike<number>, tokenizer = PAIR_TOKENIZER) =>
  Array.from(ids, id => tokenizer.idToToken(id)!);

describe('next tokens', () => {
  const eos = TEXT_TOKENIZER.specialTokens.eos!;
  it('come from documents with end tokens, labels are the tokens', () => {
    const objective = causalLM({ tokenizer: TEXT_TOKENIZER, length: 5 });
    const [example] = objective.encode(rowOf({ text: 'the dog sees' }));
    expect(Array.from(example!.ids)).toEqual([...idsOf('the dog sees'), eos]);
    expect(objective.encode(rowOf({ text: '' }))).toEqual([]);
    expect(objective.blockLength).toBe(5);
    const { inputs, tokens } = objective.batch([example!, example!], []);
    expect(inputs.input_ids).toEqual(inputs.labels);
    expect([tokens, inputs.attention_mask]).toEqual([6, undefined]);
    const bare = causalLM({ tokenizer: TEXT_TOKENIZER, length: 5, endToken: null, column: 'content' });
    expect(Array.from(bare.encode(rowOf({ content: 'the' }))[0]!.ids)).toEqual(idsOf('the'));
  });
  it('without packing have rows of their own, padded and not learned there', () => {
    const objective = causalLM({ tokenizer: TEXT_TOKENIZER, length: 4, packing: false, padToMultipleOf: 8 });
    const parts = objective.encode(rowOf({ text: 'the dog sees the cat and a' }));
    expect(parts.map(({ ids }) => ids.length)).toEqual([4, 4]);
    expect(objective.encode(rowOf({ text: 'the dog sees the' })).map(({ ids }) => ids.length)).toEqual([4]);
    expect(objective.blockLength).toBeUndefined();
    const { inputs, tokens } = objective.batch([parts[0]!, { ids: [7, 8] }], []);
    expect(table(inputs.labels)[1]).toEqual([7, 8, -100, -100]);
    expect(table(inputs.attention_mask)).toEqual([
      [1, 1, 1, 1],
      [1, 1, 0, 0],
    ]);
    expect(tokens).toBe(4);
  });
});

describe('completions', () => {
  const options = { tokenizer: TEXT_TOKENIZER, maxLength: 8 };
  const eos = TEXT_TOKENIZER.specialTokens.eos!;
  const row = rowOf({ prompt: 'the dog ', completion: 'sees a cat' });
  it('are learned, prompts are not', () => {
    const [example] = completion(options).encode(row);
    const { inputs, tokens } = completion(options).batch([example!, { ids: [3, 4, 5], learned: [0, 1, 1] }], []);
    const answer = [...idsOf('sees a cat'), eos];
    expect(table(inputs.labels)).toEqual([
      [-100, -100, ...answer],
      [-100, 4, 5, -100, -100, -100],
    ]);
    expect(tokens).toBe(6);
    const all = completion({ ...options, completionOnlyLoss: false }).batch([example!], []);
    expect(table(all.inputs.labels)).toEqual([[...idsOf('the dog sees a cat'), eos]]);
  });
  it('own the token that reaches into them', () => {
    const [example] = completion(options).encode(rowOf({ prompt: 'the do', completion: 'g' }));
    expect(tokensOf(example!.ids, TEXT_TOKENIZER)).toEqual(['the', 'dog', '<|endoftext|>']);
    expect(Array.from(example!.learned)).toEqual([0, 1, 1]);
    const framed = completion({ tokenizer: MASK_TOKENIZER, maxLength: 8 }).encode(
      rowOf({ prompt: 'a ', completion: 'dog' }),
    );
    expect(tokensOf(framed[0]!.ids, MASK_TOKENIZER)).toEqual(['<s>', 'a', 'dog', '</s>']);
    expect(Array.from(framed[0]!.learned)).toEqual([0, 0, 1, 1]);
  });
  it('lose their end, or are left out when nothing of them remains', () => {
    const cut = completion({ ...options, maxLength: 3 });
    expect(cut.encode(row).map(({ ids, learned }) => [ids.length, Array.from(learned)])).toEqual([[3, [0, 0, 1]]]);
    expect(cut.encode(rowOf({ prompt: 'the dog sees ', completion: 'a' }))).toEqual([]);
    const packing = completion({ ...options, maxLength: 3, packing: true });
    expect(packing.blockLength).toBe(3);
    expect(packing.encode(row)[0]!.ids.length).toBe(6);
  });
});

describe('classes of texts', () => {
  const options = { tokenizer: PAIR_TOKENIZER, maxLength: 8 };
  const labelOf = (fields: Record<string, unknown>, more = {}) => {
    const objective = classification({ ...options, ...more });
    return objective.batch(objective.encode(rowOf(fields)), []).inputs.labels;
  };
  it('have labels as numbers, names, lists or measures', () => {
    const labels = ['bad', 'good', 'odd'];
    expect(labelOf({ text: 'a', label: 2 })).toEqual([2]);
    expect(labelOf({ text: 'a', label: '2' })).toEqual([2]);
    expect(labelOf({ sentence: 'a', label: 'good' }, { labels })).toEqual([1]);
    expect(labelOf({ body: 'a', y: '1' }, { labels, textColumn: 'body', labelColumn: 'y' })).toEqual([1]);
    const multi = { labels, problemType: 'multi_label_classification' };
    expect(labelOf({ text: 'a', label: ['odd', 'bad'] }, multi)).toEqual([[1, 0, 1]]);
    expect(labelOf({ text: 'a', label: [0, 1, 1] }, multi)).toEqual([[0, 1, 1]]);
    expect(labelOf({ text: 'a', label: [] }, multi)).toEqual([[0, 0, 0]]);
    expect(labelOf({ text: 'a', label: '3.5' }, { problemType: 'regression' })).toEqual([3.5]);
  });
  it('name a label that is none', () => {
    expect(() => labelOf({ text: 'a', label: 'fine' }, { labels: ['bad', 'good'] })).toThrow(
      /no class.*seen: fine.*bad, good, or 0 to 1.*row 0/,
    );
    expect(() => labelOf({ text: 'a', label: 2 }, { labels: ['bad', 'good'] })).toThrow(/no class/);
    expect(() => labelOf({ text: 'a', label: -1 })).toThrow(/no class/);
    expect(() => labelOf({ text: 'a', label: 'x' }, { problemType: 'regression' })).toThrow(/no number/);
    expect(() => labelOf({ text: 'a' })).toThrow(/lacks a column.*expected: label/);
    expect(() => classification({ ...options, problemType: 'multi_label_classification' })).toThrow(/set labels/);
  });
  it('are of pairs too: framed, typed, cut at the longer text, padded', () => {
    const objective = sentencePair({ ...options, padToMultipleOf: 16, paddingSide: 'left' });
    const rows = [
      { sentence1: 'the dog sees a cat and a bird', sentence2: 'the tree', label: 1 },
      { sentence1: 'a', sentence2: 'the', label: 0 },
    ];
    const { inputs, tokens } = objective.batch(
      rows.flatMap(row => objective.encode(rowOf(row))),
      [],
    );
    const ids = table(inputs.input_ids);
    expect(tokensOf(ids[0]!)).toEqual(['[CLS]', 'the', 'dog', 'sees', '[SEP]', 'the', 'tree', '[SEP]']);
    expect(tokensOf(ids[1]!)).toEqual(['[PAD]', '[PAD]', '[PAD]', '[CLS]', 'a', '[SEP]', 'the', '[SEP]']);
    expect(table(inputs.token_type_ids)[1]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
    expect(table(inputs.attention_mask)[1]).toEqual([0, 0, 0, 1, 1, 1, 1, 1]);
    expect([inputs.labels, tokens]).toEqual([[1, 0], 2]);
    expect(() => objective.encode(rowOf({ sentence1: 'a', label: 0 }))).toThrow(/lacks a column.*sentence2/);
    expect(objective.encode(rowOf({ sentence1: ' ', sentence2: '', label: 0 }))).toEqual([]);
  });
});

describe('classes of words', () => {
  const options = { tokenizer: PAIR_TOKENIZER, maxLength: 9, labels: ['O', 'B-X', 'I-X'] };
  const row = { tokens: ['The', 'dogs', 'see', 'x,y'], ner_tags: ['O', 'B-X', 2, 0] };
  it('stand at the first piece, or at all', () => {
    const [first] = tokenClassification(options).encode(rowOf(row));
    expect(tokensOf(first!.ids)).toEqual(['[CLS]', 'the', 'dog', '##s', 's', '##e', '##e', 'x', '[SEP]']);
    expect(Array.from(first!.labels)).toEqual([-100, 0, 1, -100, 2, -100, -100, 0, -100]);
    const [all] = tokenClassification({ ...options, maxLength: 20, labelAllTokens: true }).encode(rowOf(row));
    expect(Array.from(all!.labels)).toEqual([-100, 0, 1, 1, 2, 2, 2, 0, 0, 0, -100]);
    const batch = tokenClassification(options).batch([first!], []);
    expect(batch.tokens).toBe(4);
  });
  it('survive words that give no token', () => {
    const [example] = tokenClassification({ ...options, tokenizer: MASK_TOKENIZER }).encode(
      rowOf({ words: ['a', '', 'dog'], tags: [1, 2, 0] }),
    );
    expect(Array.from(example!.labels)).toEqual([-100, 1, 0, -100]);
  });
  it('refuse rows whose lists do not fit', () => {
    const objective = tokenClassification(options);
    expect(() => objective.encode(rowOf({ tokens: ['a'], ner_tags: [] }))).toThrow(/1 words, 0 labels.*row 0/);
    expect(() => objective.encode(rowOf({ tokens: 'a', ner_tags: [0] }))).toThrow(/holds no list/);
    expect(() => objective.encode(rowOf({ tokens: ['a'], ner_tags: ['B-Y'] }))).toThrow(/no class.*B-Y/);
    expect(objective.encode(rowOf({ tokens: [], ner_tags: [] }))).toEqual([]);
  });
});

describe('answers in texts', () => {
  const options = { tokenizer: PAIR_TOKENIZER, maxLength: 12, docStride: 2 };
  const context = 'the old dog sees a small bird and the cat likes a red tree';
  const objective = questionAnswering(options);
  const answers = (text: string, start = context.indexOf(text)) => ({ text: [text], answer_start: [start] });
  const windows = (row: Record<string, unknown>) =>
    objective.encode(rowOf({ question: 'a dog and', context, ...row })).map(({ ids, span }) => {
      const [start, end] = Array.from(span) as [number, number];
      return tokensOf(ids)
        .slice(start, end + 1)
        .join(' ');
    });
  it('are found in the windows that hold them whole', () => {
    const lengths = objective.encode(rowOf({ question: 'a dog and', context })).map(({ ids }) => ids.length);
    expect(lengths).toEqual([12, 12, 12]);
    expect(windows({ answers: answers('old dog') })).toEqual(['old dog', '[CLS]', '[CLS]']);
    expect(windows({ answers: answers('small bird') })).toEqual(['[CLS]', 'small bird', '[CLS]']);
    expect(windows({ answers: answers('the cat') })).toEqual(['[CLS]', 'the cat', 'the cat']);
    expect(windows({ answers: answers('tree') })).toEqual(['[CLS]', '[CLS]', 'tree']);
    expect(windows({ answers: answers(context) })).toEqual(['[CLS]', '[CLS]', '[CLS]']);
    expect(windows({ answers: { text: [], answer_start: [] } })).toEqual(['[CLS]', '[CLS]', '[CLS]']);
    expect(windows({})).toEqual(['[CLS]', '[CLS]', '[CLS]']);
  });
  it('are counted in code points and cover tokens they cut', () => {
    const row = { question: 'a', context: '👍👍 the dogs', answers: { text: ['og'], answer_start: [8] } };
    const [window] = questionAnswering({ ...options, maxLength: 30 }).encode(rowOf(row));
    const [start, end] = Array.from(window!.span) as [number, number];
    expect(tokensOf(window!.ids).slice(start, end + 1)).toEqual(['dog']);
  });
  it('move with padding on the left', () => {
    const left = questionAnswering({ ...options, paddingSide: 'left' });
    const rows = ['the dog', 'the dog sees a bird'].map(context => ({
      ...{ question: 'a', context, answers: { text: ['dog'], answer_start: [4] } },
    }));
    const { inputs } = left.batch(
      rows.flatMap(row => left.encode(rowOf(row))),
      [],
    );
    table(inputs.input_ids).forEach((ids, i) => {
      expect(inputs.start_positions![i]).toBe(ids.indexOf(PAIR_TOKENIZER.tokenToId('dog')!));
      expect(inputs.end_positions![i]).toBe(inputs.start_positions![i]);
    });
  });
  it('that are not where the row says are refused', () => {
    expect(() => windows({ answers: answers('bird', 3) })).toThrow(/not where the row says.*at 3.*bird.*row 0/);
    expect(() => windows({ answers: { text: ['bird'] } })).toThrow(/answers are not as expected/);
  });
});

describe('texts from texts', () => {
  it('have a source and a target that ends', () => {
    const t5 = sequenceToSequence({
      ...{ tokenizer: SENTINEL_TOKENIZER, maxSourceLength: 6, maxTargetLength: 4, sourcePrefix: 'a: ' },
    });
    const rows = [
      { source: 'the dog sees the cat', target: 'old tree house' },
      { document: 'a', summary: 'dog' },
    ];
    const { inputs, tokens } = t5.batch(
      rows.flatMap(row => t5.encode(rowOf(row))),
      [],
    );
    const name = (ids: ArrayLike<number>) =>
      tokensOf(
        Array.from(ids).filter(id => id !== -100),
        SENTINEL_TOKENIZER,
      );
    expect(table(inputs.input_ids).map(name)).toEqual([
      ['a', ':', 'the', 'dog', 'sees', '</s>'],
      ['a', ':', 'a', '</s>', '<pad>', '<pad>'],
    ]);
    expect(table(inputs.labels).map(name)).toEqual([
      ['old', 'tree', 'house', '</s>'],
      ['dog', '</s>'],
    ]);
    expect(tokens).toBe(6);
    expect(t5.encode(rowOf({ source: 'a', target: ' ' }))).toEqual([]);
  });
  it('get an end where the tokenizer puts none', () => {
    const bare = sequenceToSequence({ tokenizer: TEXT_TOKENIZER, maxTargetLength: 3 });
    const [example] = bare.encode(rowOf({ source: 'a', target: 'the dog sees a cat' }));
    expect(tokensOf(example!.labels, TEXT_TOKENIZER)).toEqual(['the', 'dog', '<|endoftext|>']);
  });
});
