/**
 * Tokenizers from the vocabulary inside a GGUF file: ggml-org/ggml docs/gguf.md (keys `tokenizer.ggml.*`); what the keys mean
 * is what ggml-org/llama.cpp src/llama-vocab.cpp does with them.
 */
import { FormatError, TokenizerError, UnsupportedError } from '../errors.ts';
import type { GgufMetadata, GgufValue } from '../formats/gguf-metadata.ts';
import type { PieceType, SentencePiece } from '../formats/sentencepiece.ts';
import { type AddedToken, specialToken } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { toByteChars } from './byte-alphabet.ts';
import { type Decoder, parseDecoder } from './decoders.ts';
import { tokenizerFromJson } from './load-json.ts';
import { tokenizerOfPieces } from './load-sentencepiece.ts';
import { mergesFromList } from './merge-table.ts';
import { PackedTexts } from './packed-texts.ts';
import { surroundWith } from './post-processors.ts';
import { parsePreTokenizer } from './pre-tokenizers.ts';
import { SPLIT_PATTERNS } from './split-patterns.ts';
import { type SpecialTokens, Tokenizer } from './tokenizer.ts';
import { Vocabulary } from './vocabulary.ts';

const PREFIX = 'tokenizer.ggml.';
const TYPES: readonly PieceType[] = ['normal', 'normal', 'unknown', 'control', 'user_defined', 'unused', 'byte'];

/** The keys of a vocabulary, typed on request. Every mismatch is a FormatError that names the key. */
class Vocab {
  readonly tokens: readonly string[];
  readonly #values: ReadonlyMap<string, GgufValue>;

  constructor(values: ReadonlyMap<string, GgufValue>) {
    this.#values = values;
    const tokens = this.strings('tokens');
    if (!tokens || tokens.length === 0)
      throw new FormatError('a GGUF file has no vocabulary', { expected: 'a list of texts', where: `${PREFIX}tokens` });
    this.tokens = tokens;
  }

  #wrong(key: string, expected: string): FormatError {
    return new FormatError('a key of a GGUF vocabulary has the wrong kind', { expected, where: PREFIX + key });
  }

  text(key: string): string | undefined {
    const value = this.#values.get(PREFIX + key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrong(key, 'a text');
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#values.get(PREFIX + key) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.#wrong(key, 'true or false');
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.#values.get(PREFIX + key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value;
    throw this.#wrong(key, 'a list of texts');
  }

  /** Numbers, one for each token. */
  perToken(key: string): ArrayLike<number> | undefined {
    const value = this.#values.get(PREFIX + key);
    if (value === undefined) return undefined;
    const typed = value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint32Array;
    if (typed && value.length === this.tokens.length) return value;
    throw this.#wrong(key, `a number for each of ${this.tokens.length} tokens`);
  }

  bytes(key: string): Uint8Array {
    const value = this.#values.get(PREFIX + key) ?? new Uint8Array(0);
    if (value instanceof Uint8Array || value instanceof Int8Array)
      return new Uint8Array(value.buffer, value.byteOffset, value.length);
    throw this.#wrong(key, 'a list of bytes');
  }

  /** The id of a token with a role; all bits set mean none. */
  id(key: string, fallback?: number): number | undefined {
    const value = this.#values.get(`${PREFIX}${key}_token_id`) ?? fallback;
    if (value === undefined || value === 0xffffffff || value === -1) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < this.tokens.length) return value;
    throw this.#wrong(`${key}_token_id`, `an id below ${this.tokens.length}`);
  }

  /** The token with an id, as templates take it. */
  named(id: number | undefined): (readonly [token: string, id: number])[] {
    return id === undefined ? [] : [[this.tokens[id]!, id]];
  }

  types(): PieceType[] {
    const types = this.perToken('token_type');
    return this.tokens.map((_, id) => {
      const type = TYPES[types ? types[id]! : 1];
      if (type) return type;
      throw new FormatError('a token has an unknown type', {
        seen: `${types![id]}`,
        expected: '0 to 6',
        where: `${PREFIX}token_type[${id}]`,
      });
    });
  }

  special(fallback: { bos?: number; eos?: number; unk?: number; pad?: number } = {}): SpecialTokens {
    const ids = {
      bos: this.id('bos', fallback.bos),
      eos: this.id('eos', fallback.eos),
      pad: this.id('padding', fallback.pad),
      unk: this.id('unknown', fallback.unk),
      cls: this.id('cls'),
      sep: this.id('seperator'),
      mask: this.id('mask'),
    };
    return Object.fromEntries(Object.entries(ids).filter(([, id]) => id !== undefined));
  }
}

/** GPT-2's rule leaves spaces at the end to what stands between the matches. */
const GPT2 = SPLIT_PATTERNS.gpt2;
const DIGITS_THEN_GPT2 = ['\\p{N}', GPT2];
const SENTENCES = ' ?[^(\\s|.,!?…。，、।۔،)]+';

/** The split rules that `tokenizer.ggml.pre` names: each cuts further what the one before has left. */
export const RULES: Readonly<Record<string, readonly string[]>> = {
  default: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2, '\\p{N}+', '[0-9][0-9][0-9]'],
  falcon: ['[\\p{P}\\$\\+<=>\\^~\\|`]+', GPT2, '[0-9][0-9][0-9]'],
  'deepseek-coder': ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', '[一-龥ࠀ-一가-퟿]+', '\\p{N}'],
  viking: [SENTENCES, '\\p{N}'],
  ...named(['gpt-2', 'mpt', 'olmo', 'jais', 'phi-2', 'gigachat', 'roberta-bpe', 'modern-bert'], [GPT2]),
  ...named(['jina-es', 'jina-de', 'jina-v1-en', 'jina-v2-es', 'jina-v2-de', 'jina-v2-code'], [GPT2]),
  ...named(['starcoder', 'refact', 'command-r', 'smollm', 'codeshell', 'exaone', 'minerva-7b'], DIGITS_THEN_GPT2),
  ...named(
    ['llama3', 'llama-v3', 'llama-bpe', 'falcon3', 'dbrx', 'smaug-bpe', 'glm4', 'chatglm-bpe'],
    [SPLIT_PATTERNS.llama3],
  ),
  ...named(['qwen2', 'stablelm2', 'deepseek-r1-qwen'], [SPLIT_PATTERNS.qwen2]),
  ...named(['poro-chat', 'bloom', 'gpt3-finnish'], [SENTENCES]),
  ...named(['gpt-4o', 'llama4'], [SPLIT_PATTERNS.o200k]),
  tekken: [SPLIT_PATTERNS.tekken],
};
/** Rules whose models have spaces before punctuation in their texts; of the others decoded text is cleaned up. */
const UNCLEANED = [
  'deepseek-coder',
  'command-r',
  'qwen2',
  'deepseek-r1-qwen',
  'poro-chat',
  'viking',
  'smollm',
  'tekken',
];
/** Rules under which a whole piece that is a token stays whole. */
const WHOLE_PIECES = ['llama3', 'llama-v3', 'llama-bpe', 'falcon3', 'tekken'];

function named(names: readonly string[], rules: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(names.map(name => [name, rules]));
}

/** Tokens that are looked for in a text before anything else; user-defined ones always, the others if the caller allows. */
function addedTokens(vocab: Vocab, types: readonly PieceType[]): AddedToken[] {
  return vocab.tokens.flatMap((token, id) => {
    const type = types[id];
    if (token === '' || (type !== 'control' && type !== 'unknown' && type !== 'user_defined')) return [];
    return [{ ...specialToken(token, id), special: type !== 'user_defined' }];
  });
}

/** What `add_bos_token` and `add_eos_token` ask for. */
function template(vocab: Vocab, special: SpecialTokens, addBos: boolean, addEos: boolean) {
  return surroundWith(
    vocab.flag('add_bos_token', addBos) ? vocab.named(special.bos) : [],
    vocab.flag('add_eos_token', addEos) ? vocab.named(special.eos) : [],
  );
}

/** Byte-level BPE. */
function fromGpt2(vocab: Vocab): Tokenizer {
  const pre = vocab.text('pre') ?? 'default';
  const rules = Object.hasOwn(RULES, pre) ? RULES[pre] : undefined;
  if (!rules)
    throw new UnsupportedError('the split rule of a GGUF vocabulary is not known', {
      seen: pre,
      expected: Object.keys(RULES).join(', '),
      fix: 'use the tokenizer.json of the model',
      where: `${PREFIX}pre`,
    });
  const ids = new Vocabulary(
    vocab.tokens,
    vocab.tokens.map((_, id) => id),
    (_, id) => new TokenizerError('a token stands twice in the vocabulary', { where: `${PREFIX}tokens[${id}]` }),
  );
  const ignoreMerges = WHOLE_PIECES.includes(pre);
  const special = vocab.special();
  const added = addedTokens(vocab, vocab.types());
  const merges = mergesFromList(ids, PackedTexts.of((vocab.strings('merges') ?? []).flatMap(splitMerge)));
  return new Tokenizer({
    model: new Bpe({ vocab: ids, merges, bytes: true, ignoreMerges }),
    normalizer: undefined,
    preTokenizer: rules.flatMap(Regex =>
      parsePreTokenizer({ type: 'Split', pattern: { Regex }, behavior: 'Isolated' }),
    ),
    addedTokens: added,
    postProcessor: template(vocab, special, ignoreMerges, false),
    decoder: byteLevelBut(new Set(added.map(({ content }) => content))),
    specialTokens: special,
    cleanUpSpaces: !UNCLEANED.includes(pre),
    savedOptions: {},
  });
}

/** Decodes the byte alphabet, but for tokens that are plain text. */
function byteLevelBut(texts: ReadonlySet<string>): Decoder {
  const bytes = parseDecoder({ type: 'ByteLevel' });
  return (next, fused) => {
    const stage = bytes(next, fused);
    return { ...stage, push: token => stage.push(texts.has(token) ? toByteChars(token) : token) };
  };
}

function splitMerge(merge: string, index: number): [string, string] {
  const space = merge.indexOf(' ', 1);
  if (space > 0) return [merge.slice(0, space), merge.slice(space + 1)];
  throw new FormatError('a merge is not two tokens', {
    seen: JSON.stringify(merge.slice(0, 60)),
    where: `${PREFIX}merges[${index}]`,
  });
}

/** SentencePiece vocabularies: BPE of the Llama family, Unigram of T5. */
function fromPieces(vocab: Vocab, algorithm: 'bpe' | 'unigram'): Tokenizer {
  const isBpe = algorithm === 'bpe';
  const special = vocab.special(isBpe ? { bos: 1, eos: 2, unk: 0 } : { eos: 1, unk: 2, pad: 0 });
  const scores = vocab.perToken('scores');
  if (!scores) throw new FormatError('a GGUF vocabulary has no scores', { where: `${PREFIX}scores` });
  const types = vocab.types();
  const pieces = types.map((type, id): SentencePiece => {
    const score = scores[id]!;
    if (Number.isNaN(score))
      throw new FormatError('the score of a token is not a number', { where: `${PREFIX}scores[${id}]` });
    // What is found in a text before anything else is nothing for the model; padding of the embedding table is of the unknown
    // type too, but only one token is the unknown one.
    const own = id === special.unk ? 'unknown' : type === 'unknown' || type === 'user_defined' ? 'control' : type;
    return { piece: vocab.tokens[id]!, score, type: own };
  });
  return tokenizerOfPieces(
    {
      pieces,
      algorithm,
      byteFallback: isBpe,
      unkId: special.unk,
      bosId: special.bos,
      eosId: special.eos,
      padId: special.pad,
      unkSurface: ' \u2047 ',
      whitespaceAsSuffix: false,
      normalizer: {
        name: '',
        charsmap: vocab.bytes('precompiled_charsmap'),
        addDummyPrefix: vocab.flag('add_space_prefix', true),
        removeExtraWhitespaces: vocab.flag('remove_extra_whitespaces', !isBpe),
        escapeWhitespaces: true,
      },
    },
    { addBos: vocab.flag('add_bos_token', isBpe), addEos: vocab.flag('add_eos_token', !isBpe) },
    addedTokens(vocab, types),
  );
}

/** BERT's WordPiece. The file marks the beginnings of words, vocab.txt their continuations. */
function fromBert(vocab: Vocab): Tokenizer {
  const special = vocab.special({ unk: 100 });
  const [cls, sep] = [special.cls ?? special.bos, special.sep ?? special.eos];
  if (special.unk === undefined || cls === undefined || sep === undefined)
    throw new FormatError('a BERT vocabulary lacks a token', {
      expected: 'ids of the unknown, cls and separator tokens',
    });
  const types = vocab.types();
  const words = vocab.tokens.map((token, id) => {
    if (types[id] !== 'normal' || (token.startsWith('[') && token.endsWith(']'))) return token;
    return token.startsWith('▁') ? token.slice(1) : `##${token}`;
  });
  // Without a prototype `__proto__` is a key like the others.
  const ids: Record<string, number> = Object.create(null);
  for (const [id, word] of words.entries()) ids[word] = id;
  // A vocabulary with capitals is cased; the file does not say.
  const cased = words.some((word, id) => types[id] === 'normal' && !word.startsWith('[') && /[A-Z]/.test(word));
  return tokenizerFromJson({
    added_tokens: addedTokens(vocab, types).map(({ id, content, special: isSpecial }) => ({
      id,
      content,
      special: isSpecial,
      normalized: false,
    })),
    normalizer: { type: 'BertNormalizer', lowercase: !cased },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', cls: [words[cls], cls], sep: [words[sep], sep] },
    decoder: { type: 'WordPiece', prefix: '##' },
    model: { type: 'WordPiece', vocab: ids, unk_token: words[special.unk] },
  });
}

const models: ReadonlyMap<string, (vocab: Vocab) => Tokenizer> = new Map([
  ['gpt2', fromGpt2],
  ['llama', (vocab: Vocab) => fromPieces(vocab, 'bpe')],
  ['t5', (vocab: Vocab) => fromPieces(vocab, 'unigram')],
  ['bert', fromBert],
]);

/** What files say that hold a model and no vocabulary. */
export const NO_VOCABULARY = 'no_vocab';

/** Whether there is a tokenizer inside a GGUF file, of whatever kind. */
export function hasVocabulary({ values }: Pick<GgufMetadata, 'values'>): boolean {
  const kind = values.get(`${PREFIX}model`);
  return kind !== undefined && kind !== NO_VOCABULARY;
}

/** The tokenizer inside a GGUF file. Throws FormatError, TokenizerError; UnsupportedError for a kind or a split rule that is not known. */
export function tokenizerFromGguf({ values }: Pick<GgufMetadata, 'values'>): Tokenizer {
  const kind = values.get(`${PREFIX}model`);
  const make = typeof kind === 'string' ? models.get(kind) : undefined;
  if (make) return make(new Vocab(values));
  throw new UnsupportedError('a GGUF file has no tokenizer of a known kind', {
    seen: typeof kind === 'string' ? kind : 'none',
    expected: [...models.keys()].join(', '),
    where: `${PREFIX}model`,
  });
}
