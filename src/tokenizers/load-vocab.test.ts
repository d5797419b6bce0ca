import { describe, expect, it } from 'vitest';
import { TokenizerError } from '../errors.ts';
import { BYTE_CHARS } from './byte-alphabet.ts';
import { tokenizerFromFiles } from './load.ts';
import { tokenizerFromVocabMerges, tokenizerFromVocabText } from './load-vocab.ts';

const idsByPlace = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));

describe('vocab.txt', () => {
  const SPECIALS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const text = (...tokens: string[]) => [...SPECIALS, ...tokens, ''].join('\n');

  it('gives BERT as it is published: template, special tokens, decoding', () => {
    const tokenizer = tokenizerFromVocabText(text('haus', '##boot', '.', 'grun'));
    const encoding = tokenizer.encode('HausBOOT [MASK].', { pair: 'grün' });
    expect(encoding.tokens).toEqual(['[CLS]', 'haus', '##boot', '[MASK]', '.', '[SEP]', 'grun', '[SEP]']);
    expect(encoding.typeIds).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
    expect(tokenizer.decode(encoding.ids, { skipSpecialTokens: true })).toBe('hausboot. grun');
    expect(tokenizer.specialTokens).toEqual({ pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 });
  });

  it('is cased if it has capital letters, or as the configuration says', () => {
    const tokens = (vocabulary: string, config?: object) =>
      tokenizerFromVocabText(vocabulary, { config }).encode('Grün', { addSpecialTokens: false }).tokens;
    const cased = text('Grün', 'grün', 'grun', 'Grun');
    expect(tokens(cased)).toEqual(['Grün']);
    expect(tokens(text('grün', 'grun', '[DRUG]'))).toEqual(['grun']);
    expect(tokens(cased, { do_lower_case: true })).toEqual(['grun']);
    expect(tokens(cased, { do_lower_case: true, strip_accents: false })).toEqual(['grün']);
    expect(tokens(cased, { do_lower_case: false, strip_accents: true })).toEqual(['Grun']);
    const chinese = (config: object) => tokenizerFromVocabText(text('中', '##文', '文'), { config }).count('中文');
    expect([chinese({}), chinese({ tokenize_chinese_chars: false })]).toEqual([2, 2]);
    expect(
      tokenizerFromVocabText(text('中', '##文', '文'), { config: { tokenize_chinese_chars: false } }).encode('中文')
        .tokens,
    ).toContain('##文');
  });

  it('takes the names of its special tokens from the configuration', () => {
    const config = { unk_token: '<unk>', cls_token: { content: '<s>' }, sep_token: '</s>', pad_token: '<pad>' };
    const tokenizer = tokenizerFromVocabText('<pad>\r\n<unk>\r\n<s>\r\n</s>\r\na\r\n', { config });
    expect(tokenizer.encode('a b').tokens).toEqual(['<s>', 'a', '<unk>', '</s>']);
  });

  it('takes the later line of an entry that is there twice, and counts blank lines', () => {
    const tokenizer = tokenizerFromVocabText('[UNK]\na\n\nb\na\n__proto__');
    expect(tokenizer.encodeIds('a b')).toEqual([4, 3]);
    expect(tokenizer.tokenToId('__proto__')).toBe(5);
  });

  it('is found among files, and needs an unknown token', () => {
    expect(tokenizerFromFiles({ 'vocab.txt': text('a'), 'README.md': '' }).encodeIds('a')).toEqual([2, 5, 3]);
    expect(() => tokenizerFromFiles({ 'vocab.txt': 'a\nb\n' })).toThrow(TokenizerError);
    expect(() => tokenizerFromFiles({ 'vocab.txt': '' })).toThrow('empty');
  });
});

describe('vocab.json and merges.txt with words that end in </w>', () => {
  it("are GPT-1's: BERT's words, unknown characters", () => {
    const vocab = idsByPlace(['<unk>', 't', 'h', 'e', 't</w>', 'e</w>', '.</w>', 'th', 'the</w>']);
    const tokenizer = tokenizerFromVocabMerges(vocab, 't h\nth e</w>\n');
    const encoding = tokenizer.encode('The. thé xt <unk>');
    expect(encoding.tokens).toEqual(['the</w>', '.</w>', 'the</w>', '<unk>', 't</w>', '<unk>']);
    expect(encoding.offsets[3]).toEqual([9, 10]);
    expect(tokenizer.decode(encoding.ids, { skipSpecialTokens: true })).toBe('the . the t');
  });

  it("are CLIP's: bytes in lower case, single digits, start and end", () => {
    const merged = ['ca', 'cat</w>', 'th', 'the</w>', "'s</w>"];
    const ends = BYTE_CHARS.map(char => `${char}</w>`);
    const vocab = idsByPlace([...BYTE_CHARS, ...ends, ...merged, '<|startoftext|>', '<|endoftext|>']);
    const tokenizer = tokenizerFromVocabMerges(vocab, "#version: 0.2\nc a\nca t</w>\nt h\nth e</w>\n' s</w>\n");
    const { ids, offsets } = tokenizer.encode("The  Cat's 42 Über!!");
    expect(ids).toEqual([517, 515, 513, 516, 308, 306, 195, 188, 98, 101, 370, 33, 289, 518]);
    expect(offsets.slice(4, 8)).toEqual([
      [11, 12],
      [12, 13],
      [14, 15],
      [14, 15],
    ]);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("the cat 's 4 2 über !!");
  });
});
