import { describe, expect, it } from 'vitest';
import { FormatError, HeedError, UnsupportedError } from '../errors.ts';
import type { GgufValue } from '../formats/gguf-metadata.ts';
import { tokenizerFromGguf } from './load-gguf.ts';

const tokenizerOf = (values: Readonly<Record<string, GgufValue>>) =>
  tokenizerFromGguf({
    values: new Map(Object.entries(values).map(([key, value]) => [`tokenizer.ggml.${key}`, value])),
  });

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER = 4;

const GPT2 = {
  model: 'gpt2',
  pre: 'gpt-2',
  tokens: ['a', 'b', 'ab', 'Ġ', 'Ġab', '<|end|>', 'ö'],
  token_type: Int32Array.of(NORMAL, NORMAL, NORMAL, NORMAL, NORMAL, CONTROL, USER),
  merges: ['a b', 'Ġ ab'],
  bos_token_id: 5,
  eos_token_id: 5,
};
const LLAMA = {
  model: 'llama',
  tokens: ['<unk>', '<s>', '</s>', '▁', 'a', 'b', 'ab', '▁ab', '[PAD8]'],
  scores: Float32Array.of(0, 0, 0, -4, -5, -6, -1, -2, 0),
  token_type: Int32Array.of(UNKNOWN, CONTROL, CONTROL, NORMAL, NORMAL, NORMAL, NORMAL, NORMAL, UNKNOWN),
};
const BERT = {
  model: 'bert',
  tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '▁haus', 'boot', '▁!'],
  token_type: Int32Array.of(CONTROL, CONTROL, CONTROL, CONTROL, NORMAL, NORMAL, NORMAL),
  unknown_token_id: 1,
  cls_token_id: 2,
  seperator_token_id: 3,
};

describe('tokenizerFromGguf', () => {
  it('reads byte-level BPE', () => {
    const tokenizer = tokenizerOf(GPT2);
    expect(tokenizer.encodeIds('ab ab<|end|>')).toEqual([2, 4, 5]);
    expect(tokenizerOf({ ...GPT2, add_bos_token: true }).encodeIds('ab')).toEqual([5, 2]);
    // A token that is plain text looks like a byte of the alphabet.
    expect(tokenizer.decode(tokenizer.encodeIds('aöa'))).toBe('aöa');
    expect(tokenizer.specialTokens).toMatchObject({ bos: 5, eos: 5 });
  });

  it('cuts by the rule that the file names', () => {
    const withDigits = {
      ...GPT2,
      tokens: [...GPT2.tokens, '1', '11'],
      token_type: Int32Array.of(1, 1, 1, 1, 1, 3, 4, 1, 1),
    };
    const ids = (pre: string) => tokenizerOf({ ...withDigits, pre, merges: ['1 1'] }).encodeIds('11');
    expect(ids('gpt-2')).toEqual([8]);
    expect(ids('starcoder')).toEqual([7, 7]);
    expect(() => ids('never-heard-of')).toThrow(UnsupportedError);
    expect(() => ids('toString')).toThrow('tokenizer.json of the model');
  });

  it('can run every rule that it names', () => {
    let rules = '';
    try {
      tokenizerOf({ ...GPT2, pre: '' });
    } catch (error) {
      rules = (error as HeedError).expected!;
    }
    expect(rules.split(', ')).toContain('llama-bpe');
    for (const pre of rules.split(', '))
      expect(tokenizerOf({ ...GPT2, pre }).encodeIds('ab ab\n', { addSpecialTokens: false })).toContain(2);
  });

  it('reads SentencePiece BPE', () => {
    const tokenizer = tokenizerOf(LLAMA);
    expect(tokenizer.encode('ab').tokens).toEqual(['<s>', '▁ab']);
    expect(tokenizer.encodeIds('z', { addSpecialTokens: false })).toEqual([3, 0]);
    expect(tokenizer.encodeIds('[PAD8]', { addSpecialTokens: false })).toEqual([8]);
    expect(tokenizer.decode([1, 7], { skipSpecialTokens: true })).toBe('ab');
    expect(tokenizerOf({ ...LLAMA, add_space_prefix: false, add_bos_token: false }).encodeIds('ab')).toEqual([6]);
  });

  it('reads Unigram', () => {
    const tokens = ['<pad>', '</s>', '<unk>', '▁', 'a', '▁ab', 'b'];
    const scores = Float32Array.of(0, 0, 0, -2, -3, -4, -5);
    const token_type = Int32Array.of(CONTROL, CONTROL, UNKNOWN, NORMAL, NORMAL, NORMAL, NORMAL);
    const tokenizer = tokenizerOf({ model: 't5', tokens, scores, token_type });
    expect(tokenizer.encodeIds(' ab  zz ')).toEqual([5, 3, 2, 1]);
  });

  it('reads WordPiece', () => {
    const tokenizer = tokenizerOf(BERT);
    expect(tokenizer.encodeIds('Hausboot!')).toEqual([2, 4, 5, 6, 3]);
    expect(tokenizer.decode([4, 5])).toBe('hausboot');
    const cased = tokenizerOf({ ...BERT, tokens: [...BERT.tokens.slice(0, 6), '▁Haus'] });
    expect(cased.encodeIds('Haus haus', { addSpecialTokens: false })).toEqual([6, 4]);
  });

  it('keeps a token named __proto__', () => {
    const tokenizer = tokenizerOf({ ...BERT, tokens: [...BERT.tokens.slice(0, 4), '▁__proto__', 'x', '▁y'] });
    expect(tokenizer.idToToken(4)).toBe('__proto__');
  });

  const broken: [string, Readonly<Record<string, GgufValue>>, string][] = [
    ['no model', { tokens: ['a'] }, 'no tokenizer'],
    ['an unknown model', { model: 'rwkv', tokens: ['a'] }, 'rwkv'],
    ['no tokens', { model: 'gpt2' }, 'no vocabulary'],
    ['tokens that are numbers', { ...GPT2, tokens: Int32Array.of(1) }, 'tokens'],
    ['types for other tokens', { ...GPT2, token_type: Int32Array.of(1) }, 'token_type'],
    ['an unknown token type', { ...LLAMA, token_type: new Int32Array(9).fill(9) }, 'unknown type'],
    ['an id outside', { ...GPT2, bos_token_id: 99 }, 'bos_token_id'],
    ['a token twice', { ...GPT2, tokens: ['a', 'a', 'ab', 'Ġ', 'Ġab', '<|end|>', 'ö'] }, 'twice'],
    ['a merge of one token', { ...GPT2, merges: ['ab'] }, 'not two tokens'],
    ['a merge of unknown tokens', { ...GPT2, merges: ['x y'] }, 'not in the vocabulary'],
    ['no scores', { model: 'llama', tokens: LLAMA.tokens }, 'scores'],
    ['a score that is no number', { ...LLAMA, scores: new Float32Array(9).fill(Number.NaN) }, 'not a number'],
    ['a vocabulary without separators', { model: 'bert', tokens: ['a'] }, 'unknown'],
  ];
  it.each(broken)('refuses %s', (_, values, message) => {
    expect(() => tokenizerOf(values)).toThrow(HeedError);
    expect(() => tokenizerOf(values)).toThrow(message);
  });

  it('takes ids with all bits set for none', () => {
    expect(tokenizerOf({ ...GPT2, padding_token_id: 0xffffffff }).specialTokens.pad).toBeUndefined();
    expect(() => tokenizerOf({ ...GPT2, padding_token_id: 1.5 })).toThrow(FormatError);
  });
});
