/**
 * The parts that model families put around a SentencePiece file, by the `tokenizer_class` of their tokenizer_config.json, in the
 * form of a tokenizer.json: huggingface/transformers convert_slow_tokenizer.py. A `.model` file and the tokenizer.json made
 * from it then give the same ids.
 */
import { UnsupportedError } from '../errors.ts';
import type { SentencePieceModel } from '../formats/sentencepiece.ts';
import { asCount, flag, type JsonObject, optionalString } from './json-fields.ts';

type Entry = readonly [piece: string, score: number];
type Component = JsonObject;

/** What a family adds to the pieces of the file. */
interface Family {
  /** The vocabulary in the order of its ids. */
  readonly vocab: (pieces: readonly Entry[], config: JsonObject) => readonly Entry[];
  /** Special tokens beside the control pieces of the file, by role and usual name. */
  readonly specials: Readonly<Record<string, string>>;
  /** Special tokens that also take the space before them, or are looked for in the normalized text. */
  readonly flags?: Readonly<Record<string, { readonly lstrip?: boolean; readonly normalized?: boolean }>>;
  readonly unknownId: (file: SentencePieceModel) => number;
  readonly normalizers: (charsmap: readonly Component[], config: JsonObject) => readonly Component[];
  /** Items of the template: tokens by role; `A` and `B` are the texts. Type ids behind a colon. */
  readonly single: readonly string[];
  readonly pair: readonly string[];
}

const regex = (Regex: string, content: string): Component => ({ type: 'Replace', pattern: { Regex }, content });
const literal = (text: string, content: string): Component => ({ type: 'Replace', pattern: { String: text }, content });
const where = 'tokenizer_config.json';

const trimmed: Family['normalizers'] = charsmap => [
  ...charsmap,
  { type: 'Strip', strip_left: false, strip_right: true },
  regex(' {2,}', '▁'),
];
const BERT_LIKE = {
  single: ['cls:0', 'A:0', 'sep:0'],
  pair: ['cls:0', 'A:0', 'sep:0', 'B:1', 'sep:1'],
} as const;
const ofFile: Family['unknownId'] = file => file.pieces.findIndex(({ type }) => type === 'unknown');

/** Ids as in fairseq: its own first four, then the pieces behind the file's first three, then the mask. */
const fairseq: Family['vocab'] = pieces => [
  ['<s>', 0],
  ['<pad>', 0],
  ['</s>', 0],
  ['<unk>', 0],
  ...pieces.slice(3),
  ['<mask>', 0],
];

const t5: Family = {
  vocab(pieces, config) {
    const extra = asCount(config.extra_ids ?? 100, `${where}.extra_ids`);
    if (extra > 100_000)
      throw new UnsupportedError('a tokenizer has too many extra ids', {
        seen: `${extra}`,
        expected: 'at most 100000',
      });
    return [...pieces, ...Array.from({ length: extra }, (_, i): Entry => [`<extra_id_${extra - 1 - i}>`, 0])];
  },
  specials: { eos: '</s>', pad: '<pad>', unk: '<unk>' },
  unknownId: ofFile,
  normalizers: trimmed,
  single: ['A:0', 'eos:0'],
  pair: ['A:0', 'eos:0', 'B:0', 'eos:0'],
};

const xlmRoberta: Family = {
  vocab: fairseq,
  specials: { bos: '<s>', pad: '<pad>', eos: '</s>', unk: '<unk>', mask: '<mask>' },
  flags: { mask: { lstrip: true, normalized: true } },
  unknownId: () => 3,
  normalizers: trimmed,
  single: ['bos:0', 'A:0', 'eos:0'],
  pair: ['bos:0', 'A:0', 'eos:0', 'eos:0', 'B:0', 'eos:0'],
};

/** A digit with a comma behind it is no piece of ALBERT. */
const DIGIT_COMMA = /\p{Nd},$/u;

const albert: Family = {
  vocab: pieces => pieces.map(([piece, score]): Entry => [piece, DIGIT_COMMA.test(piece) ? score - 100 : score]),
  specials: { pad: '<pad>', unk: '<unk>', cls: '[CLS]', sep: '[SEP]', mask: '[MASK]' },
  flags: { mask: { lstrip: true } },
  unknownId: ofFile,
  normalizers: (charsmap, config) => [
    literal('``', '"'),
    literal("''", '"'),
    ...(flag(config, 'keep_accents', false, where) ? [] : [{ type: 'NFKD' }, { type: 'StripAccents' }]),
    ...(flag(config, 'do_lower_case', true, where) ? [{ type: 'Lowercase' }] : []),
    ...charsmap,
    regex(' {2,}', ' '),
  ],
  ...BERT_LIKE,
};

const debertaV2: Family = {
  vocab: pieces => (pieces.some(([piece]) => piece === '[MASK]') ? pieces : [...pieces, ['[MASK]', 0]]),
  specials: { pad: '[PAD]', cls: '[CLS]', sep: '[SEP]', unk: '[UNK]', mask: '[MASK]' },
  flags: { unk: { normalized: true } },
  unknownId: ofFile,
  normalizers: (charsmap, config) => [
    ...(flag(config, 'do_lower_case', false, where) ? [{ type: 'Lowercase' }] : []),
    { type: 'Strip', strip_left: true, strip_right: true },
    ...charsmap,
    regex(' {2,}', ' '),
  ],
  ...BERT_LIKE,
};

const families: ReadonlyMap<string, Family> = new Map([
  ['T5Tokenizer', t5],
  ['XLMRobertaTokenizer', xlmRoberta],
  ['AlbertTokenizer', albert],
  ['DebertaV2Tokenizer', debertaV2],
]);

/** Bytes in base64. */
function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * The tokenizer.json of a Unigram file with the configuration beside it; undefined where the configuration names no family
 * that is known here, and the file speaks for itself. Throws TokenizerError.
 */
export function familyJson(file: SentencePieceModel, config: JsonObject): JsonObject | undefined {
  const name = optionalString(config, 'tokenizer_class', where)?.replace(/Fast$/, '');
  const family = name === undefined ? undefined : families.get(name);
  if (!family || file.algorithm !== 'unigram') return undefined;
  const { charsmap } = file.normalizer;
  const precompiled = charsmap.length > 0 ? [{ type: 'Precompiled', precompiled_charsmap: toBase64(charsmap) }] : [];
  const vocab = family.vocab(
    file.pieces.map(({ piece, score }): Entry => [piece, score]),
    config,
  );
  const ids = new Map(vocab.map(([piece], id) => [piece, id]));
  const roles = Object.entries(family.specials).map(([role, usual]) => [
    role,
    nameOf(config[`${role}_token`]) ?? usual,
  ]);
  const specials = new Map<string, string>(roles as [string, string][]);
  const own = new Set(file.pieces.map(({ piece }) => piece));
  const special = new Set([
    ...specials.values(),
    ...file.pieces.flatMap(({ piece, type }) => (type === 'control' ? [piece] : [])),
    ...vocab.flatMap(([piece]) => (own.has(piece) ? [] : [piece])),
  ]);
  const userDefined = file.pieces.flatMap(({ piece, type }) => (type === 'user_defined' ? [piece] : []));
  const flags = new Map(Object.entries(family.flags ?? {}).map(([role, set]) => [specials.get(role), set]));
  const added = [...special, ...userDefined.filter(piece => !special.has(piece))].flatMap(content => {
    const id = ids.get(content);
    const entry = { id, content, special: special.has(content), normalized: false, ...flags.get(content) };
    return id === undefined ? [] : [entry];
  });
  const item = (text: string) => {
    const [who = '', type] = text.split(':');
    const type_id = Number(type);
    return who === 'A' || who === 'B'
      ? { Sequence: { id: who, type_id } }
      : { SpecialToken: { id: specials.get(who), type_id } };
  };
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
  return {
    added_tokens: added,
    normalizer: { type: 'Sequence', normalizers: family.normalizers(precompiled, config) },
    pre_tokenizer: metaspace,
    decoder: metaspace,
    post_processor: {
      type: 'TemplateProcessing',
      single: family.single.map(item),
      pair: family.pair.map(item),
      special_tokens: Object.fromEntries(
        [...specials.values()].map(token => [token, { id: token, ids: [ids.get(token)], tokens: [token] }]),
      ),
    },
    model: { type: 'Unigram', unk_id: family.unknownId(file), vocab, byte_fallback: false },
  };
}

/** The text of a token in a configuration: a string, or an object with `content`. */
function nameOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const content = typeof token === 'object' && token !== null && 'content' in token ? token.content : undefined;
  return typeof content === 'string' ? content : undefined;
}
