/**
 * The parts that model families put around a SentencePiece file, by the `tokenizer_class` of their tokenizer_config.json, in the
 * form of a tokenizer.json: huggingface/transformers convert_slow_tokenizer.py. A `.model` file and the tokenizer.json made
 * from it then give the same ids.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import type { SentencePieceModel } from '../formats/sentencepiece.ts';
import { parseAddedTokens } from './added-tokens.ts';
import { asCount, flag, type JsonObject, optionalString } from './json-fields.ts';
import { MBART_LANGUAGES, MBART50_LANGUAGES, NLLB_LANGUAGES } from './language-codes.ts';
import { tokenContent } from './special-tokens.ts';

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
  readonly unknownId: (file: SentencePieceModel, config: JsonObject) => number;
  readonly normalizers: (charsmap: readonly Component[], config: JsonObject) => readonly Component[];
  /** Items of the template: tokens by role; `A` and `B` are the texts. Type ids behind a colon. */
  readonly single: readonly string[];
  readonly pair: readonly string[];
  /** The code that stands for `lang` in the template where the configuration has no `src_lang`. */
  readonly language?: string;
  /** The template of configurations with `legacy_behaviour`. */
  readonly legacy?: Pick<Family, 'single' | 'pair'>;
  /** Texts are first cut at white space. */
  readonly splitsAtSpaces?: boolean;
  /** Batches are padded on the left, with tokens of this type. */
  readonly leftPadType?: number;
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

const unscored = (piece: string): Entry => [piece, 0];

/** Ids as in fairseq: its own first four, then the pieces behind the file's first three, then languages, then the mask. */
const fairseq =
  (languages: (config: JsonObject) => readonly string[] = () => []): Family['vocab'] =>
  (pieces, config) => [
    ...['<s>', '<pad>', '</s>', '<unk>'].map(unscored),
    ...pieces.slice(3),
    ...[...languages(config), '<mask>'].map(unscored),
  ];

/** How many tokens a configuration may add to those of the file. */
const MOST_EXTRA = 100_000;

const t5: Family = {
  vocab(pieces, config) {
    const extra = asCount(config.extra_ids ?? 100, `${where}.extra_ids`);
    if (extra > MOST_EXTRA)
      throw new UnsupportedError('a tokenizer has too many extra ids', {
        seen: `${extra}`,
        expected: `at most ${MOST_EXTRA}`,
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
  vocab: fairseq(),
  specials: { bos: '<s>', pad: '<pad>', eos: '</s>', unk: '<unk>', mask: '<mask>' },
  flags: { mask: { lstrip: true, normalized: true } },
  unknownId: () => 3,
  normalizers: trimmed,
  single: ['bos:0', 'A:0', 'eos:0'],
  pair: ['bos:0', 'A:0', 'eos:0', 'eos:0', 'B:0', 'eos:0'],
};

/** Lample & Conneau's numbering for French (Martin et al. 2020): the file's first piece is replaced by five others. */
const camembert: Family = {
  ...xlmRoberta,
  vocab: pieces => [
    ...['<s>NOTUSED', '<pad>', '</s>NOTUSED', '<unk>'].map(unscored),
    ['<unk>NOTUSED', -100],
    ...pieces.slice(1),
    ['<mask>', 0],
  ],
};

const LANGUAGE_BEHIND = { single: ['A:0', 'eos:0', 'lang:0'], pair: ['A:0', 'B:0', 'eos:0', 'lang:0'] } as const;
const LANGUAGE_BEFORE = { single: ['lang:0', 'A:0', 'eos:0'], pair: ['lang:0', 'A:0', 'B:0', 'eos:0'] } as const;

const mbart: Family = {
  ...xlmRoberta,
  vocab: fairseq(() => MBART_LANGUAGES),
  language: 'en_XX',
  ...LANGUAGE_BEHIND,
};

const mbart50: Family = { ...mbart, vocab: fairseq(() => MBART50_LANGUAGES), ...LANGUAGE_BEFORE };

const nllb: Family = {
  ...xlmRoberta,
  vocab: fairseq(({ additional_special_tokens: codes }) =>
    Array.isArray(codes) && codes.length > 0 ? codes.flatMap(code => tokenContent(code) ?? []) : NLLB_LANGUAGES,
  ),
  language: 'eng_Latn',
  ...LANGUAGE_BEFORE,
  legacy: LANGUAGE_BEHIND,
};

/** Zhang et al. 2019: tokens of pre-training stand before the pieces, which are `offset` places further on. */
const pegasus: Family = {
  vocab(pieces, config) {
    const offset = pegasusOffset(config);
    const sentence = config.mask_token_sent === null ? [] : [tokenContent(config.mask_token_sent) ?? '<mask_1>'];
    const mask = offset > 0 ? [tokenContent(config.mask_token) ?? '<mask_2>'] : [];
    return [
      ...[
        tokenContent(config.pad_token) ?? '<pad>',
        tokenContent(config.eos_token) ?? '</s>',
        ...sentence,
        ...mask,
      ].map(unscored),
      ...Array.from({ length: Math.max(0, offset - 2) }, (_, i): Entry => [`<unk_${i + 2}>`, -100]),
      ...pieces.slice(2),
    ];
  },
  specials: { eos: '</s>', pad: '<pad>', unk: '<unk>', mask: '<mask_2>' },
  unknownId: (file, config) => (file.unkId ?? 0) + pegasusOffset(config),
  normalizers: trimmed,
  splitsAtSpaces: true,
  single: ['A:0', 'eos:0'],
  pair: ['A:0', 'B:0', 'eos:0'],
};

function pegasusOffset(config: JsonObject): number {
  const offset = asCount(config.offset ?? 103, `${where}.offset`);
  if (offset <= MOST_EXTRA) return offset;
  throw new UnsupportedError('the pieces of a tokenizer are moved too far', {
    seen: `${offset}`,
    expected: `at most ${MOST_EXTRA}`,
  });
}

/** A digit with a comma behind it is no piece of ALBERT. */
const DIGIT_COMMA = /\p{Nd},$/u;

const withoutAccents =
  (lowerCase: boolean): Family['normalizers'] =>
  (charsmap, config) => [
    literal('``', '"'),
    literal("''", '"'),
    ...(flag(config, 'keep_accents', false, where) ? [] : [{ type: 'NFKD' }, { type: 'StripAccents' }]),
    ...(flag(config, 'do_lower_case', lowerCase, where) ? [{ type: 'Lowercase' }] : []),
    ...charsmap,
    regex(' {2,}', ' '),
  ];

const albert: Family = {
  vocab: pieces => pieces.map(([piece, score]): Entry => [piece, DIGIT_COMMA.test(piece) ? score - 100 : score]),
  specials: { pad: '<pad>', unk: '<unk>', cls: '[CLS]', sep: '[SEP]', mask: '[MASK]' },
  flags: { mask: { lstrip: true } },
  unknownId: ofFile,
  normalizers: withoutAccents(true),
  ...BERT_LIKE,
};

/** Yang et al. 2019: what ALBERT took over, but in the case of the text and with the class token at the end. */
const xlnet: Family = {
  ...albert,
  specials: {
    ...{ bos: '<s>', eos: '</s>', unk: '<unk>', sep: '<sep>' },
    ...{ pad: '<pad>', cls: '<cls>', mask: '<mask>' },
  },
  normalizers: withoutAccents(false),
  leftPadType: 3,
  single: ['A:0', 'sep:0', 'cls:2'],
  pair: ['A:0', 'sep:0', 'B:1', 'sep:1', 'cls:2'],
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
  ['CamembertTokenizer', camembert],
  ['MBartTokenizer', mbart],
  ['MBart50Tokenizer', mbart50],
  ['NllbTokenizer', nllb],
  ['PegasusTokenizer', pegasus],
  ['XLNetTokenizer', xlnet],
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
  const family = familyOf(config);
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
    tokenContent(config[`${role}_token`]) ?? usual,
  ]);
  const specials = new Map<string, string>(roles as [string, string][]);
  const own = new Set(file.pieces.map(({ piece }) => piece));
  if (family.language !== undefined) specials.set('lang', languageOf(config, family.language, ids));
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
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
  return {
    added_tokens: added,
    normalizer: { type: 'Sequence', normalizers: family.normalizers(precompiled, config) },
    pre_tokenizer: family.splitsAtSpaces
      ? { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] }
      : metaspace,
    decoder: metaspace,
    post_processor: templateOf(family, config, specials, ids),
    ...(family.leftPadType !== undefined && {
      padding: {
        ...{ strategy: 'BatchLongest', direction: 'Left', pad_type_id: family.leftPadType },
        ...{ pad_id: ids.get(specials.get('pad') ?? ''), pad_token: specials.get('pad') },
      },
    }),
    model: { type: 'Unigram', unk_id: family.unknownId(file, config), vocab, byte_fallback: false },
  };
}

function familyOf(config: JsonObject): Family | undefined {
  // The configuration of DeBERTa v3 says no more than what kind of vocabulary this is.
  const usual = config.vocab_type === 'spm' ? 'DebertaV2Tokenizer' : undefined;
  const name = optionalString(config, 'tokenizer_class', where)?.replace(/Fast$/, '') ?? usual;
  return name === undefined ? undefined : families.get(name);
}

/** The tokens around texts, with the special tokens by their roles. */
function templateOf(
  family: Family,
  config: JsonObject,
  specials: ReadonlyMap<string, string>,
  ids: ReadonlyMap<string, number>,
): Component {
  const item = (text: string) => {
    const [who = '', type] = text.split(':');
    const type_id = Number(type);
    return who === 'A' || who === 'B'
      ? { Sequence: { id: who, type_id } }
      : { SpecialToken: { id: specials.get(who), type_id } };
  };
  const { single, pair } = flag(config, 'legacy_behaviour', false, where) ? { ...family, ...family.legacy } : family;
  return {
    type: 'TemplateProcessing',
    single: single.map(item),
    pair: pair.map(item),
    special_tokens: Object.fromEntries(
      [...specials.values()].map(token => [token, { id: token, ids: [ids.get(token)], tokens: [token] }]),
    ),
  };
}

/**
 * A tokenizer.json with the configured language in its template, where its class has languages: the file itself has that of
 * whoever wrote it. Throws TokenizerError.
 */
export function withLanguageTemplate(file: JsonObject, config: JsonObject): JsonObject {
  const family = familyOf(config);
  if (family?.language === undefined) return file;
  const ids = new Map(parseAddedTokens(file.added_tokens).map(({ content, id }) => [content, id]));
  const eos = tokenContent(config.eos_token) ?? family.specials.eos ?? '';
  const specials = new Map([
    ['eos', eos],
    ['lang', languageOf(config, family.language, ids)],
  ]);
  return { ...file, post_processor: templateOf(family, config, specials, ids) };
}

/** The configured language of the texts. Throws TokenizerError for one that the model has no token for. */
function languageOf(config: JsonObject, usual: string, ids: ReadonlyMap<string, number>): string {
  const language = optionalString(config, 'src_lang', where) ?? usual;
  if (ids.has(language)) return language;
  throw new TokenizerError('the tokenizer has no such language', {
    seen: language,
    expected: `a code such as ${usual}`,
  });
}
