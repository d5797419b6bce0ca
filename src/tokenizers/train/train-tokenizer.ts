/**
 * From texts to a tokenizer: counts the words, trains a model, and writes down everything as a tokenizer.json of
 * huggingface/tokenizers, which heed and that library load.
 */
import { ConfigError } from '../../errors.ts';
import type { SentencePieceAlgorithm } from '../../formats/sentencepiece.ts';
import { BYTE_CHARS } from '../byte-alphabet.ts';
import type { JsonObject } from '../json-fields.ts';
import { parseNormalizer } from '../normalizers.ts';
import { wellFormed } from '../offsets.ts';
import { parsePreTokenizer } from '../pre-tokenizers.ts';
import { uniqueTokens } from './alphabet.ts';
import { type BpeTrainerOptions, trainBpe } from './bpe-trainer.ts';
import { type CountedWord, countWords, type Texts } from './count-words.ts';
import { sentencePieceJson } from './sentencepiece-json.ts';
import { type SentencePieceTrainerOptions, trainSentencePiece } from './sentencepiece-trainer.ts';
import { trainUnigram, type UnigramTrainerOptions } from './unigram-trainer.ts';
import { trainWordLevel } from './wordlevel-trainer.ts';
import { trainWordPiece } from './wordpiece-trainer.ts';

/** What learns from words and their counts, with the rules of huggingface/tokenizers. */
type WordsType = 'byte-bpe' | 'bpe' | 'wordpiece' | 'unigram' | 'wordlevel';
/** The kinds of tokenizers that can be trained; those of SentencePiece with the rules of that library. */
export type TrainableType = WordsType | `sentencepiece-${SentencePieceAlgorithm}`;
const SENTENCE_PIECE: ReadonlyMap<TrainableType, SentencePieceAlgorithm> = new Map(
  (['unigram', 'bpe', 'word', 'char'] as const).map(algorithm => [`sentencepiece-${algorithm}`, algorithm]),
);
export const TRAINABLE_TYPES: readonly TrainableType[] = [
  ...(['byte-bpe', 'bpe', 'wordpiece', 'unigram', 'wordlevel'] as const),
  ...SENTENCE_PIECE.keys(),
];
/** Whether SentencePiece's rules learn a type, which counts sentences and not words. */
export const isSentencePieceType = (type: TrainableType): boolean => SENTENCE_PIECE.has(type);

/** A tokenizer.json. */
export interface TokenizerJson {
  readonly version: '1.0';
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly JsonObject[];
  readonly normalizer: JsonObject | null;
  readonly pre_tokenizer: JsonObject | null;
  readonly post_processor: JsonObject | null;
  readonly decoder: JsonObject | null;
  readonly model: JsonObject;
}

/** The parts of a tokenizer around its model, as in a tokenizer.json. */
interface Components {
  readonly normalizer: JsonObject | null;
  readonly preTokenizer: JsonObject | null;
  readonly postProcessor: JsonObject | null;
  readonly decoder: JsonObject | null;
}

/** The options of the trainers; each takes those that it knows. Default components and unknown token depend on the type. */
export interface TrainTokenizerOptions
  extends BpeTrainerOptions,
    UnigramTrainerOptions,
    Pick<SentencePieceTrainerOptions, 'characterCoverage' | 'maxSentencepieceLength' | 'byteFallback'>,
    Partial<Components> {
  readonly type: TrainableType;
  /** The token for what the vocabulary cannot write; null for none. It becomes a special token. */
  readonly unknownToken?: string | null | undefined;
  /** Most different words that are counted exactly; see `countWords`. */
  readonly maxWords?: number | undefined;
  /** Receives the length of every text, in code units. */
  readonly onText?: ((length: number) => void) | undefined;
}

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const METASPACE = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
const BERT = {
  type: 'BertNormalizer',
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: null,
  lowercase: true,
};
const NOTHING: Components = { normalizer: null, preTokenizer: null, postProcessor: null, decoder: null };

const COMPONENTS: Readonly<Record<WordsType, Components>> = {
  'byte-bpe': {
    ...NOTHING,
    preTokenizer: BYTE_LEVEL,
    postProcessor: { ...BYTE_LEVEL, trim_offsets: false },
    decoder: BYTE_LEVEL,
  },
  bpe: { ...NOTHING, preTokenizer: METASPACE, decoder: METASPACE },
  wordpiece: {
    ...NOTHING,
    normalizer: BERT,
    preTokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  },
  unigram: { ...NOTHING, preTokenizer: METASPACE, decoder: METASPACE },
  wordlevel: { ...NOTHING, preTokenizer: { type: 'WhitespaceSplit' } },
};

const UNKNOWN_TOKENS: Readonly<Record<WordsType, string | null>> = {
  'byte-bpe': null,
  bpe: '<unk>',
  wordpiece: '[UNK]',
  unigram: '<unk>',
  wordlevel: '<unk>',
};

/**
 * Trains a tokenizer on texts, which may be a stream larger than memory, and gives its tokenizer.json; `tokenizerFromJson`
 * makes a tokenizer of it. The same texts and options give the same file. Throws TokenizerError, ConfigError,
 * UnsupportedError for an unknown component, and the signal's reason when aborted.
 */
export async function trainTokenizer(texts: Texts, options: TrainTokenizerOptions): Promise<TokenizerJson> {
  const specials = options.specialTokens ?? [];
  if (specials.includes('')) throw new ConfigError('a special token is empty', { fix: 'leave it out' });
  const algorithm = SENTENCE_PIECE.get(options.type);
  const trained = algorithm
    ? await trainOnSentences(texts, options, algorithm)
    : await trainOnWords(texts, options, options.type as WordsType);
  const { components, specialTokens, model, ids } = trained;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map(content => ({
      id: ids.get(content)!,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: components.normalizer,
    pre_tokenizer: components.preTokenizer,
    post_processor: components.postProcessor,
    decoder: components.decoder,
    model,
  };
}

interface Trained extends TrainedModel {
  readonly components: Components;
  readonly specialTokens: readonly string[];
}

async function trainOnWords(texts: Texts, options: TrainTokenizerOptions, type: WordsType): Promise<Trained> {
  const components = { ...COMPONENTS[type], ...given(options) };
  const { normalizer, preTokenizer } = components;
  const unknown = options.unknownToken === undefined ? UNKNOWN_TOKENS[type] : options.unknownToken;
  const words = await countWords(texts, {
    normalizer: normalizer ? parseNormalizer(normalizer) : undefined,
    preTokenizer: preTokenizer ? parsePreTokenizer(preTokenizer) : [],
    maxWords: options.maxWords,
    onText: options.onText,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  const specialTokens = uniqueTokens([...(unknown === null ? [] : [unknown]), ...(options.specialTokens ?? [])]);
  return { ...(await TRAINERS[type](words, { ...options, specialTokens }, unknown)), components, specialTokens };
}

/** What stands around a SentencePiece model is part of it: but for a normalizer in front, nothing of it can be chosen. */
async function trainOnSentences(
  texts: Texts,
  options: TrainTokenizerOptions,
  modelType: SentencePieceAlgorithm,
): Promise<Trained> {
  const { normalizer = null, onText } = options;
  const normal = normalizer ? parseNormalizer(normalizer) : undefined;
  // A line end ends a sentence there and is no part of it.
  async function* sentences() {
    for await (const text of texts) {
      onText?.(text.length);
      const line = wellFormed(text).replace(/\r?\n$/, '');
      yield normal ? normal.text(line) : line;
    }
  }
  const own = ['<unk>', '<s>', '</s>'];
  const controlSymbols = uniqueTokens(options.specialTokens ?? []).filter(token => !own.includes(token));
  const pieces = await trainSentencePiece(sentences(), {
    modelType,
    vocabSize: options.vocabSize,
    controlSymbols,
    characterCoverage: options.characterCoverage,
    maxSentencepieceLength: options.maxSentencepieceLength,
    byteFallback: options.byteFallback,
    hardVocabLimit: false,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  const { model, ids, ...components } = sentencePieceJson(pieces, modelType, normalizer);
  return { model, ids, components, specialTokens: [...own, ...controlSymbols] };
}

/** The components that the caller has set. */
function given({ normalizer, preTokenizer, postProcessor, decoder }: Partial<Components>): Partial<Components> {
  const entries = Object.entries({ normalizer, preTokenizer, postProcessor, decoder });
  return Object.fromEntries(entries.filter(([, component]) => component !== undefined));
}

interface TrainedModel {
  readonly model: JsonObject;
  readonly ids: ReadonlyMap<string, number>;
}

type Trainer = (
  words: readonly CountedWord[],
  options: TrainTokenizerOptions,
  unknown: string | null,
) => Promise<TrainedModel>;

const idsOf = (tokens: readonly string[]) => new Map(tokens.map((token, id) => [token, id]));

const TRAINERS: Readonly<Record<WordsType, Trainer>> = {
  'byte-bpe': (words, options, unknown) =>
    bpe(words, { ...options, initialAlphabet: [...BYTE_CHARS, ...(options.initialAlphabet ?? [])] }, unknown),
  bpe,
  async wordpiece(words, options, unknown) {
    if (unknown === null)
      throw new ConfigError('WordPiece needs an unknown token', { fix: "leave unknownToken out, or name it: '[UNK]'" });
    const ids = idsOf(await trainWordPiece(words, options));
    const model = {
      type: 'WordPiece',
      unk_token: unknown,
      continuing_subword_prefix: options.continuingSubwordPrefix ?? '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    };
    return { model, ids };
  },
  async unigram(words, options, unknown) {
    const { vocab, unkId } = await trainUnigram(words, { ...options, unkToken: unknown ?? undefined });
    const model = { type: 'Unigram', unk_id: unkId ?? null, vocab, byte_fallback: false };
    return { model, ids: idsOf(vocab.map(([piece]) => piece)) };
  },
  async wordlevel(words, options, unknown) {
    const ids = idsOf(trainWordLevel(words, options));
    return { model: { type: 'WordLevel', vocab: Object.fromEntries(ids), unk_token: unknown ?? '<unk>' }, ids };
  },
};

async function bpe(
  words: readonly CountedWord[],
  options: TrainTokenizerOptions,
  unknown: string | null,
): Promise<TrainedModel> {
  const { vocab, merges } = await trainBpe(words, options);
  const ids = idsOf(vocab);
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: unknown,
    continuing_subword_prefix: options.continuingSubwordPrefix ?? null,
    end_of_word_suffix: options.endOfWordSuffix ?? null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(ids),
    merges,
  };
  return { model, ids };
}
