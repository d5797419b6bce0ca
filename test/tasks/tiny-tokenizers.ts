/** Tokenizers with vocabularies that fit the tiny checkpoints of the golden data, as the JSON of a tokenizer.json. */

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzäöüß'];
const DIGITS = [...'0123456789'];
const MARKS = [...".,?!':-"];
const WORDS = [
  ...['der', 'hund', 'die', 'katze', 'jagt', 'berlin', 'anna', 'wohnt', 'in', 'paris', 'liebt', 'und', 'the', 'dog'],
  ...['is', 'this', 'example', 'sport', 'wo', 'wer', 'nicht', 'maria'],
];
type Json = Readonly<Record<string, unknown>>;

/** Where special tokens go: the token's id by its text. */
export type Specials = Readonly<Record<string, number>>;

/** `size` entries: specials at their ids, `pieces` in the other places, and names for places that are left. */
function arranged(specials: Specials, pieces: readonly string[], size: number): string[] {
  const at = new Map(Object.entries(specials).map(([token, id]) => [id, token]));
  const rest = pieces.values();
  return Array.from({ length: size }, (_, id) => at.get(id) ?? rest.next().value ?? `<unused${id}>`);
}
const addedTokens = (specials: Specials) =>
  Object.entries(specials).map(([content, id]) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false },
    special: !content.startsWith('>>'),
  }));
const template = (specials: Specials, single: readonly string[], pair: readonly string[]) => {
  const item = (entry: string) => {
    const [who, type = '0'] = entry.split(':');
    const type_id = Number(type);
    return who === 'A' || who === 'B' ? { Sequence: { id: who, type_id } } : { SpecialToken: { id: who, type_id } };
  };
  return {
    type: 'TemplateProcessing',
    single: single.map(item),
    pair: pair.map(item),
    special_tokens: Object.fromEntries(
      Object.entries(specials).map(([token, id]) => [token, { id: token, ids: [id], tokens: [token] }]),
    ),
  };
};
const FRAME = { version: '1.0', truncation: null, padding: null };

/** BERT's kind: words in small letters, cut into pieces that are marked where they go on. */
export function wordPiece(specials: Specials, size: number, single: readonly string[], pair: readonly string[]): Json {
  const ends = ['en', 'er', 's', 'in'].map(end => `##${end}`);
  const characters = [...LETTERS, ...DIGITS];
  const pieces = [...characters, ...characters.map(c => `##${c}`), ...MARKS, ...ends, ...WORDS];
  const vocab = arranged(specials, pieces, size);
  return {
    ...FRAME,
    added_tokens: addedTokens(specials),
    normalizer: {
      ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true },
      ...{ strip_accents: false, lowercase: true },
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: template(specials, single, pair),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{ type: 'WordPiece', unk_token: '[UNK]' in specials ? '[UNK]' : '<unk>', continuing_subword_prefix: '##' },
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
    },
  };
}

/** SentencePiece's kind: pieces that carry the space before them. */
export function unigram(specials: Specials, size: number, single: readonly string[], pair: readonly string[]): Json {
  const pieces = ['▁', ...LETTERS, ...MARKS, ...WORDS.map(word => `▁${word}`), ...DIGITS];
  const vocab = arranged(specials, pieces, size);
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
  return {
    ...FRAME,
    added_tokens: addedTokens(specials),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: metaspace,
    post_processor: template(specials, single, pair),
    decoder: metaspace,
    model: {
      type: 'Unigram',
      unk_id: specials['<unk>'],
      vocab: vocab.map((piece, id) => [piece, id < 5 ? 0 : -Math.max(1, 8 - piece.length) - id / 1000]),
      byte_fallback: false,
    },
  };
}
