/** Small tokenizers for the objectives: one of each form of the published models, over English words and single letters. */
import { type Tokenizer, tokenizerFromJson } from '../../src/tokenizers/index.ts';
import type { Rng } from '../../src/util/rng.ts';

const WORDS = [
  'the',
  'a',
  'dog',
  'cat',
  'bird',
  'tree',
  'house',
  'sees',
  'likes',
  'finds',
  'small',
  'old',
  'red',
  'and',
];
const LETTERS = Array.from('abcdefghijklmnopqrstuvwxyz0123456789');
const SIGNS = Array.from('.,!?:;-\'"[]');
const token = (content: string, id: number) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
});
const part = (id: 'A' | 'B', type_id: number) => ({ Sequence: { id, type_id } });
const added = (id: string, type_id = 0) => ({ SpecialToken: { id, type_id } });

/** A tokenizer of words and letters; pieces that continue a word begin with `##`. */
function build(
  specials: readonly string[],
  around?: { readonly single: object[]; readonly pair: object[] },
): Tokenizer {
  const pieces = [...WORDS, ...LETTERS, ...LETTERS.map(letter => `##${letter}`), ...SIGNS];
  const tokens = [...specials, ...new Set(pieces)];
  const unknown = specials.find(name => /unk/i.test(name))!;
  const used = new Set(JSON.stringify(around ?? {}).match(/(?<="SpecialToken":\{"id":")[^"]+/g));
  return tokenizerFromJson({
    version: '1.0',
    added_tokens: specials.map(token),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: around
      ? {
          type: 'TemplateProcessing',
          ...around,
          special_tokens: Object.fromEntries(
            [...used].map(id => [id, { id, ids: [specials.indexOf(id)], tokens: [id] }]),
          ),
        }
      : null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unknown,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((text, id) => [text, id])),
    },
  });
}

/** `[CLS] a [SEP] b [SEP]`, with a mask. */
export const PAIR_TOKENIZER = build(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'], {
  single: [added('[CLS]'), part('A', 0), added('[SEP]')],
  pair: [added('[CLS]'), part('A', 0), added('[SEP]'), part('B', 1), added('[SEP]', 1)],
});
/** `<s> a </s>`, with a mask. */
export const MASK_TOKENIZER = build(['<s>', '<pad>', '</s>', '<unk>', '<mask>'], {
  single: [added('<s>'), part('A', 0), added('</s>')],
  pair: [added('<s>'), part('A', 0), added('</s>'), added('</s>'), part('B', 0), added('</s>')],
});
/** `a </s>`, with forty sentinels. */
export const SENTINEL_TOKENIZER = build(
  ['<pad>', '</s>', '<unk>', ...Array.from({ length: 40 }, (_, i) => `<extra_id_${i}>`)],
  { single: [part('A', 0), added('</s>')], pair: [part('A', 0), added('</s>'), part('B', 0), added('</s>')] },
);
/** Nothing around a text; documents end with `<|endoftext|>`. */
export const TEXT_TOKENIZER = build(['<unk>', '<|endoftext|>']);

/** Sentences of known words, and unknown ones that fall into letters. */
export function randomText(words: number, rng: Rng): string {
  const letters = () => Array.from({ length: 2 + rng.below(4) }, () => LETTERS[rng.below(26)]!).join('');
  const word = () => (rng.uniform() < 0.3 ? letters() : WORDS[rng.below(WORDS.length)]!);
  return Array.from({ length: words }, (_, i) => `${word()}${i % 8 === 7 ? '.' : ''}`).join(' ');
}
