/** Tokenizers from SentencePiece `.model` files: Unigram, BPE, word and character models. */
import { TokenizerError } from '../errors.ts';
import { readSentencePieceModel, type SentencePiece, type SentencePieceModel } from '../formats/sentencepiece.ts';
import { type AddedToken, LongestMatch, specialToken } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { byteRuns, type Decoder } from './decoders.ts';
import { mergesFromRanks } from './merge-table.ts';
import type { Model } from './model.ts';
import { widthAt } from './offsets.ts';
import { PieceLookup } from './piece-lookup.ts';
import { surroundWith } from './post-processors.ts';
import { parsePreTokenizer } from './pre-tokenizers.ts';
import { sentencePieceNormalizer } from './sentencepiece-normalizer.ts';
import type { Scan } from './split-patterns.ts';
import { type SpecialTokens, Tokenizer } from './tokenizer.ts';
import { UNKNOWN_PENALTY, Unigram } from './unigram.ts';
import { Vocabulary } from './vocabulary.ts';

export interface SentencePieceOptions {
  /** Puts the begin token before each text; default true, as Llama and Mistral do. The file itself does not say. */
  addBos?: boolean;
  /** Puts the end token behind each text; default false. */
  addEos?: boolean;
  /**
   * False: text behind a special token gets no space mark of its own (`legacy: false` in tokenizer_config.json). Default
   * true: as the SentencePiece library does with each stretch of text.
   */
  legacy?: boolean;
}

/**
 * A tokenizer from the bytes of a `.model` file. Control pieces that stand in a text are recognised, which the library
 * itself never does; `parseSpecialTokens: false` gives its ids. Throws FormatError, TokenizerError.
 */
export function tokenizerFromSentencePiece(bytes: Uint8Array, options: SentencePieceOptions = {}): Tokenizer {
  return tokenizerOfPieces(readSentencePieceModel(bytes), options);
}

/**
 * A tokenizer from what a `.model` file, or a vocabulary of the same kind in another file, says. `addedTokens`: what is looked
 * for in a text before anything else, by default the control pieces. Throws TokenizerError.
 */
export function tokenizerOfPieces(
  file: SentencePieceModel,
  options: SentencePieceOptions,
  addedTokens: readonly AddedToken[] = controlTokens(file),
): Tokenizer {
  const { addBos = true, addEos = false, legacy = true } = options;
  const userDefined = userDefinedOf(file);
  const kept = keptOf(userDefined);
  const prefix = file.normalizer.addDummyPrefix;
  const token = (id: number | undefined) => (id === undefined ? [] : [[file.pieces[id]!.piece, id] as const]);
  return new Tokenizer({
    model: modelOf(file, userDefined, kept),
    normalizer: sentencePieceNormalizer(file, kept, prefix && legacy),
    preTokenizer:
      prefix && !legacy ? parsePreTokenizer({ type: 'Metaspace', prepend_scheme: 'first', split: false }) : [],
    addedTokens,
    postProcessor: surroundWith(addBos ? token(file.bosId) : [], addEos ? token(file.eosId) : []),
    decoder: sentencePieceDecoder(file),
    specialTokens: specialTokensOf(file),
    cleanUpSpaces: false,
    savedOptions: {},
  });
}

function controlTokens({ pieces }: SentencePieceModel): AddedToken[] {
  const tokens: AddedToken[] = [];
  for (const [id, { piece, type }] of pieces.entries())
    if ((type === 'control' || type === 'unknown') && piece !== '') tokens.push(specialToken(piece, id));
  return tokens;
}

function specialTokensOf({ bosId, eosId, unkId, padId }: SentencePieceModel): SpecialTokens {
  return {
    ...(bosId !== undefined && { bos: bosId }),
    ...(eosId !== undefined && { eos: eosId }),
    ...(unkId !== undefined && { unk: unkId }),
    ...(padId !== undefined && { pad: padId }),
  };
}

/** The ids of all pieces. Throws TokenizerError for one that stands twice. */
function idsOf({ pieces }: SentencePieceModel): Map<string, number> {
  const vocab = new Map<string, number>();
  for (const [id, { piece }] of pieces.entries()) {
    if (vocab.has(piece))
      throw new TokenizerError('a piece stands twice in the vocabulary', {
        seen: JSON.stringify(piece),
        where: `piece ${id}`,
      });
    vocab.set(piece, id);
  }
  return vocab;
}

/** The model that cuts normalized texts into the pieces of a file. Throws TokenizerError. */
export function modelOfPieces(file: SentencePieceModel): Model {
  const userDefined = userDefinedOf(file);
  return modelOf(file, userDefined, keptOf(userDefined));
}

const userDefinedOf = ({ pieces }: SentencePieceModel): string[] =>
  pieces.filter(({ type }) => type === 'user_defined').map(({ piece }) => piece);

const keptOf = (userDefined: readonly string[]) =>
  userDefined.length > 0 ? new LongestMatch(userDefined.map(piece => [piece, true] as const)) : undefined;

function modelOf(
  file: SentencePieceModel,
  userDefined: readonly string[],
  kept: LongestMatch<unknown> | undefined,
): Model {
  if (file.algorithm === 'bpe') return bpeOf(file, Vocabulary.of(idsOf(file)), userDefined);
  const unknown = file.pieces.findIndex(({ type }) => type === 'unknown');
  if (unknown < 0)
    throw new TokenizerError('a SentencePiece model has no unknown piece', { seen: `${file.pieces.length} pieces` });
  const pieces = file.pieces.map(({ piece }) => piece);
  const { byteFallback } = file;
  if (file.algorithm === 'unigram') return unigramOf(file, pieces, unknown);
  const text = idsOf(file);
  for (const { piece, type } of file.pieces) if (!isText(type)) text.delete(piece);
  return file.algorithm === 'word'
    ? new PieceLookup({ type: 'Word', pieces, vocab: text, unknown, byteFallback, scan: scanWords })
    : new PieceLookup({ type: 'Char', pieces, vocab: text, unknown, byteFallback, scan: scanCharacters(kept) });
}

/** User-defined pieces get more than any other path over the same text could; unused ones are left out. */
function unigramOf(file: SentencePieceModel, pieces: readonly string[], unknown: number): Unigram {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { type, score } of file.pieces) {
    if (type !== 'normal') continue;
    if (score < least) least = score;
    if (score > most) most = score;
  }
  // Without normal pieces any number will do.
  if (most < least) [least, most] = [0, 0];
  const encoder = new TextEncoder();
  const scores = new Float64Array(pieces.length).fill(Number.NaN);
  for (const [id, { piece, score, type }] of file.pieces.entries()) {
    if (type === 'normal') scores[id] = score;
    else if (type === 'user_defined') scores[id] = Math.fround(encoder.encode(piece).length * most) - 0.1;
  }
  return new Unigram({
    pieces,
    scores,
    unknown,
    unknownScore: Math.fround(least - UNKNOWN_PENALTY),
    byteFallback: file.byteFallback,
    library: 'sentencepiece',
  });
}

/** A word begins at each space mark. */
const scanWords: Scan = (text, from, to, emit) => {
  for (let at = from; at < to; ) {
    const mark = text.indexOf('▁', at + 1);
    const end = mark < 0 || mark > to ? to : mark;
    emit(at, end);
    at = end;
  }
};

/** Single characters, but for user-defined pieces. */
function scanCharacters(kept: LongestMatch<unknown> | undefined): Scan {
  return (text, from, to, emit) => {
    for (let at = from; at < to; ) {
      const end = kept?.at(text, at)?.end ?? at + widthAt(text, at);
      emit(at, end);
      at = end;
    }
  };
}

function bpeOf(file: SentencePieceModel, vocab: Vocabulary, userDefined: readonly string[]): Bpe {
  const { pieces } = file;
  const ids = pieces.flatMap(({ type }, id) => (isText(type) ? [id] : []));
  ids.sort((a, b) => pieces[b]!.score - pieces[a]!.score);
  const unknown = file.pieces.find(({ type }) => type === 'unknown');
  return new Bpe({
    vocab,
    merges: mergesFromRanks(
      vocab,
      ids,
      ids.map(id => pieces[id]!.score),
    ),
    bytes: false,
    unknown: unknown?.piece,
    fuseUnknown: true,
    byteFallback: file.byteFallback,
    frozen: userDefined,
    unused: file.pieces.filter(({ type }) => type === 'unused').map(({ piece }) => piece),
  });
}

/** Whether pieces of a type can come from text. */
function isText(type: SentencePiece['type']): boolean {
  return type === 'normal' || type === 'user_defined' || type === 'unused';
}

/**
 * Decoding as the library does: space marks become spaces but for the first one, unknown tokens a sign, invalid bytes U+FFFD.
 * Deviation: control tokens give their own text, as those of tokenizer.json do; leave them out with `skipSpecialTokens`.
 * Tokens that are not among the `known`, where those are given, are texts of another model and keep the space in front.
 */
export function sentencePieceDecoder(file: SentencePieceModel, known?: ReadonlySet<string>): Decoder {
  const { addDummyPrefix, removeExtraWhitespaces } = file.normalizer;
  const unknown = file.pieces.find(({ type }) => type === 'unknown')?.piece;
  // Not the file itself, so that it does not stay in memory.
  const { unkSurface } = file;
  return next => {
    const runs = byteRuns(next, 'each');
    let atStart = true;
    const push = (token: string) => {
      if (runs.take(token)) {
        atStart = false;
        return;
      }
      runs.end();
      let text = token === unknown ? unkSurface : token;
      const strips = atStart && (addDummyPrefix || removeExtraWhitespaces) && known?.has(token) !== false;
      if (strips && text.startsWith('▁')) {
        text = text.slice(1);
        atStart = text === '' && removeExtraWhitespaces;
      } else atStart = false;
      const plain = text.replaceAll('▁', ' ');
      if (plain) next.push(plain);
    };
    return {
      push,
      drain() {
        runs.drain();
        next.drain();
      },
      finish() {
        runs.end();
        next.finish();
      },
    };
  };
}
