/** A tokenizer of a few words, as the JSON of its file: [CLS] and [SEP] around a text, `geht` in two pieces. */

const VOCAB = [
  ...['[PAD]', '[CLS]', '[SEP]', '[MASK]', '[UNK]', 'Anna', 'ge', '##ht', 'zum', 'Haus', '.', 'Sie', 'sieht', 'es'],
  ...['Nacht', 'der', 'Hund', 'die', 'Katze', 'jagt'],
];
export const SMALL_TOKENIZER = {
  added_tokens: [0, 1, 2, 3, 4].map(id => ({ id, content: VOCAB[id]!, special: true })),
  normalizer: null,
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model: {
    ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    vocab: Object.fromEntries(VOCAB.map((token, id) => [token, id])),
  },
  post_processor: { type: 'BertProcessing', sep: ['[SEP]', 2], cls: ['[CLS]', 1] },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
};
