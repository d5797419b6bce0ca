/** Tokenizers of the usual kinds for tiny vocabularies: every printable ASCII character, and some longer tokens. */
import { type Tokenizer, tokenizerFromJson } from '../../src/tokenizers/index.ts';

const CHARACTERS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const LONGER = [
  '":',
  '",',
  '{"',
  '"}',
  '":"',
  '1',
  'th',
  'the',
  'in',
  'an',
  'er',
  '], [',
  '00',
  'tr',
  'tru',
  'nul',
  '},{',
];

const special = (content: string, id: number) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
});

/** Special tokens in the first ids, then what `write` makes of characters and longer texts, up to `size`. */
function vocabularyOf(specials: readonly string[], size: number, texts: readonly string[]): string[] {
  return [...new Set([...specials, ...texts])].slice(0, size);
}

/** GPT-2's kind: each space is Ġ. No line end, so that some characters cannot be written. */
export function byteLevelTokenizer(size: number, specials: readonly string[] = ['<pad>', '<s>', '</s>']): Tokenizer {
  const texts = [...CHARACTERS, ...LONGER].map(text => text.replaceAll(' ', 'Ġ'));
  const vocab = vocabularyOf(specials, size, texts);
  return tokenizerFromJson({
    added_tokens: specials.map(special),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(vocab.map((token, id) => [token, id])), merges: [] },
  });
}

/** All 256 bytes, so that a character may come in parts. */
export function fullByteTokenizer(specials: readonly string[] = ['<pad>', '<s>', '</s>']): Tokenizer {
  const visible = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
  const bytes = range(0, 255).map(byte => {
    const hidden = range(0, byte - 1).filter(other => !visible.includes(other)).length;
    return String.fromCodePoint(visible.includes(byte) ? byte : 256 + hidden);
  });
  const vocab = [
    ...specials,
    ...bytes,
    ...LONGER.filter(text => text.length > 1).map(text => text.replaceAll(' ', 'Ġ')),
  ];
  return tokenizerFromJson({
    added_tokens: specials.map(special),
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(vocab.map((token, id) => [token, id])), merges: [] },
  });
}

/** SentencePiece's kind: ▁ is a space, and none at the beginning of a text. */
export function metaspaceTokenizer(size: number, specials: readonly string[] = ['<pad>', '</s>', '<unk>']): Tokenizer {
  const texts = [...CHARACTERS.map(text => (text === ' ' ? '▁' : text)), '▁the', '▁a', '▁in', '▁b', 'ing', 'er', ' ['];
  const vocab = vocabularyOf(specials, size, texts);
  return tokenizerFromJson({
    added_tokens: specials.map(special),
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
    model: { type: 'Unigram', vocab: vocab.map((token, id) => [token, -id]), unk_id: 2 },
  });
}

/** BERT's kind: a token begins a word unless it is marked. */
export function wordPieceTokenizer(): Tokenizer {
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
  const vocab = [
    '[PAD]',
    '[UNK]',
    '[SEP]',
    ...letters,
    ...letters.map(letter => `##${letter}`),
    'the',
    '##ing',
    '.',
    ',',
  ];
  return tokenizerFromJson({
    added_tokens: ['[PAD]', '[UNK]', '[SEP]'].map(special),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
    },
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
