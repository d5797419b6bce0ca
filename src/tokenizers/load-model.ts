/** The models of tokenizer.json files (huggingface/tokenizers): BPE, WordPiece, Unigram, WordLevel. */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { Bpe } from './bpe.ts';
import { asCount, asList, asObject, flag, isCount, type JsonObject, optionalString, shown } from './json-fields.ts';
import { mergesFromList } from './merge-table.ts';
import type { Model } from './model.ts';
import { PackedTexts } from './packed-texts.ts';
import { BYTE_STEP, type PreTokenizerStep } from './pre-tokenizers.ts';
import { FlatMerges, FlatVocab, scoreOf } from './tokenizer-json.ts';
import { UNKNOWN_PENALTY, Unigram } from './unigram.ts';
import { Vocabulary } from './vocabulary.ts';
import { WordLevel } from './wordlevel.ts';
import { WordPiece } from './wordpiece.ts';

/** `vocab` of a model: token -> id. Throws TokenizerError. */
function parseVocab(value: unknown, where: string): Vocabulary {
  if (value instanceof FlatVocab && value.numbers === 'ids') return new Vocabulary(value.texts, value.values);
  const object = asObject(value, where);
  const tokens = Object.keys(object);
  if (tokens.length === 0) throw new TokenizerError('a vocabulary is empty', { where });
  const ids = new Int32Array(tokens.length);
  for (let i = 0; i < tokens.length; i++) {
    const id = object[tokens[i]!];
    // The place is written out only for what is wrong: that takes longer than all else.
    ids[i] = isCount(id) ? id : asCount(id, `${where}[${JSON.stringify(tokens[i])}]`);
  }
  return new Vocabulary(tokens, ids);
}

/** A merge as `"a b"` or `["a", "b"]`. */
function splitMerge(merge: unknown, index: number, where: string): [string, string] {
  if (typeof merge === 'string') {
    const space = merge.indexOf(' ');
    if (space > 0 && space < merge.length - 1 && merge.indexOf(' ', space + 1) < 0)
      return [merge.slice(0, space), merge.slice(space + 1)];
  } else if (
    Array.isArray(merge) &&
    merge.length === 2 &&
    typeof merge[0] === 'string' &&
    typeof merge[1] === 'string'
  ) {
    return [merge[0], merge[1]];
  }
  throw new TokenizerError('a merge is not two tokens', {
    seen: shown(merge),
    expected: '"a b" or ["a", "b"]',
    where: `${where}.merges[${index}]`,
  });
}

/** Says whether the model reads bytes itself instead of the characters that stand for them. */
type ModelParser = (config: JsonObject, bytes: boolean, where: string) => Model;

function parseBpe(config: JsonObject, bytes: boolean, where: string): Bpe {
  const vocab = parseVocab(config.vocab, `${where}.vocab`);
  const continuingPrefix = optionalString(config, 'continuing_subword_prefix', where) ?? '';
  const endSuffix = optionalString(config, 'end_of_word_suffix', where) ?? '';
  const unknown = optionalString(config, 'unk_token', where);
  if (unknown !== undefined && vocab.id(unknown) === undefined) {
    throw new TokenizerError('the unknown token is not in the vocabulary', { seen: JSON.stringify(unknown), where });
  }
  const pairs =
    config.merges instanceof FlatMerges
      ? config.merges.pairs
      : PackedTexts.of(asList(config.merges, `${where}.merges`).flatMap((merge, i) => splitMerge(merge, i, where)));
  const merges = mergesFromList(vocab, pairs, continuingPrefix.length);
  return new Bpe({
    vocab,
    merges,
    bytes,
    unknown,
    continuingPrefix,
    endSuffix,
    fuseUnknown: flag(config, 'fuse_unk', false, where),
    byteFallback: flag(config, 'byte_fallback', false, where),
    ignoreMerges: flag(config, 'ignore_merges', false, where),
  });
}

function parseWordPiece(config: JsonObject, _bytes: boolean, where: string): WordPiece {
  return new WordPiece({
    vocab: parseVocab(config.vocab, `${where}.vocab`),
    unknown: optionalString(config, 'unk_token', where) ?? '[UNK]',
    continuingPrefix: optionalString(config, 'continuing_subword_prefix', where) ?? '##',
    longestWord: asCount(config.max_input_chars_per_word ?? 100, `${where}.max_input_chars_per_word`),
  });
}

/** `vocab` of a model: pieces with their scores. Throws TokenizerError. */
function parseScores(value: unknown, where: string): FlatVocab {
  if (value instanceof FlatVocab && value.numbers === 'scores') return value;
  const entries = asList(value, where);
  if (entries.length === 0) throw new TokenizerError('a vocabulary is empty', { where });
  const scores = new Float64Array(entries.length);
  const pieces = entries.map((entry, id) => {
    const [piece, score] = Array.isArray(entry) ? entry : [];
    if (typeof piece !== 'string' || typeof score !== 'number' || Number.isNaN(score))
      throw new TokenizerError('an entry of the vocabulary is not a piece with its score', {
        seen: shown(entry),
        expected: '["piece", score]',
        where: `${where}[${id}]`,
      });
    const text = String(score);
    scores[id] = scoreOf(text, 0, text.length) ?? score;
    return piece;
  });
  return new FlatVocab('scores', PackedTexts.of(pieces), scores);
}

function parseUnigram(config: JsonObject, _bytes: boolean, where: string): Unigram {
  const { texts, values } = parseScores(config.vocab, `${where}.vocab`);
  const { unk_id: unknown } = config;
  return new Unigram({
    pieces: texts,
    scores: values,
    unknown: unknown === undefined || unknown === null ? undefined : asCount(unknown, `${where}.unk_id`),
    unknownScore: values.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY,
    byteFallback: flag(config, 'byte_fallback', false, where),
    library: 'tokenizers',
  });
}

const parseWordLevel: ModelParser = (config, _bytes, where) =>
  new WordLevel(parseVocab(config.vocab, `${where}.vocab`), optionalString(config, 'unk_token', where) ?? '<unk>');

const models: ReadonlyMap<string, ModelParser> = new Map<string, ModelParser>([
  ['BPE', parseBpe],
  ['WordPiece', parseWordPiece],
  ['Unigram', parseUnigram],
  ['WordLevel', parseWordLevel],
]);

/** Old files leave the type of the model out. */
function modelType(config: JsonObject, where: string): string {
  const type = optionalString(config, 'type', where);
  if (type !== undefined) return type;
  if ('merges' in config) return 'BPE';
  const { vocab } = config;
  if (Array.isArray(vocab) || (vocab instanceof FlatVocab && vocab.numbers === 'scores')) return 'Unigram';
  return 'max_input_chars_per_word' in config ? 'WordPiece' : 'WordLevel';
}

/**
 * The model of a tokenizer.json, and the steps left to do before it. Throws TokenizerError; UnsupportedError for a type that is
 * not known.
 */
export function parseModel(
  value: unknown,
  steps: readonly PreTokenizerStep[],
): { model: Model; preTokenizer: readonly PreTokenizerStep[] } {
  const where = 'model';
  if (value === undefined)
    throw new TokenizerError('a tokenizer file has no model', { expected: 'an object with the field model' });
  const config = asObject(value, where);
  const type = modelType(config, where);
  const parse = models.get(type);
  if (!parse)
    throw new UnsupportedError(`tokenizer model type ${type} is not supported`, {
      expected: [...models.keys()].join(', '),
      where,
    });
  const bytes =
    type === 'BPE' && steps.at(-1) === BYTE_STEP && !config.continuing_subword_prefix && !config.end_of_word_suffix;
  return { model: parse(config, bytes, where), preTokenizer: bytes ? steps.slice(0, -1) : steps };
}
