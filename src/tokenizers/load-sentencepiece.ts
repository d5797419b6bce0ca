/** Tokenizers from SentencePiece `.model` files. Of the four algorithms only BPE is supported. */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { readSentencePieceModel, type SentencePiece, type SentencePieceModel } from '../formats/sentencepiece.ts';
import { type AddedToken, LongestMatch, specialToken } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { byteRuns, type Decoder } from './decoders.ts';
import { mergesFromRanks, type RankedToken } from './merge-table.ts';
import { surroundWith } from './post-processors.ts';
import { parsePreTokenizer } from './pre-tokenizers.ts';
import { sentencePieceNormalizer } from './sentencepiece-normalizer.ts';
import { type SpecialTokens, Tokenizer } from './tokenizer.ts';

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
 * itself never does; `parseSpecialTokens: false` gives its ids. Throws FormatError, TokenizerError, UnsupportedError.
 */
export function tokenizerFromSentencePiece(bytes: Uint8Array, options: SentencePieceOptions = {}): Tokenizer {
  const file = readSentencePieceModel(bytes);
  if (file.algorithm !== 'bpe') {
    throw new UnsupportedError(`SentencePiece model type ${file.algorithm.toUpperCase()} is not supported`, {
      expected: 'BPE',
    });
  }
  const { addBos = true, addEos = false, legacy = true } = options;
  const userDefined = file.pieces.filter(({ type }) => type === 'user_defined').map(({ piece }) => piece);
  const kept = userDefined.length > 0 ? new LongestMatch(userDefined.map(piece => [piece, true] as const)) : undefined;
  const prefix = file.normalizer.addDummyPrefix;
  const addedTokens: AddedToken[] = file.pieces.flatMap(({ piece, type }, id) =>
    (type === 'control' || type === 'unknown') && piece !== '' ? [specialToken(piece, id)] : [],
  );
  const token = (id: number | undefined) => (id === undefined ? [] : [[file.pieces[id]!.piece, id] as const]);
  return new Tokenizer({
    model: bpeOf(file, userDefined),
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

function specialTokensOf({ bosId, eosId, unkId, padId }: SentencePieceModel): SpecialTokens {
  return {
    ...(bosId !== undefined && { bos: bosId }),
    ...(eosId !== undefined && { eos: eosId }),
    ...(unkId !== undefined && { unk: unkId }),
    ...(padId !== undefined && { pad: padId }),
  };
}

function bpeOf(file: SentencePieceModel, userDefined: readonly string[]): Bpe {
  const vocab = new Map<string, number>();
  const entries: RankedToken[] = [];
  file.pieces.forEach(({ piece, type, score }, id) => {
    if (vocab.has(piece))
      throw new TokenizerError('a piece stands twice in the vocabulary', {
        seen: JSON.stringify(piece),
        where: `piece ${id}`,
      });
    vocab.set(piece, id);
    if (isText(type)) entries.push({ token: piece, id, priority: score });
  });
  entries.sort((a, b) => b.priority - a.priority);
  const unknown = file.pieces.find(({ type }) => type === 'unknown');
  return new Bpe({
    vocab,
    merges: mergesFromRanks(entries),
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
 */
function sentencePieceDecoder(file: SentencePieceModel): Decoder {
  const { addDummyPrefix, removeExtraWhitespaces } = file.normalizer;
  const unknown = file.pieces.find(({ type }) => type === 'unknown')?.piece;
  return next => {
    const runs = byteRuns(next, 'each');
    let atStart = true;
    const push = (token: string) => {
      if (runs.take(token)) {
        atStart = false;
        return;
      }
      runs.end();
      let text = token === unknown ? file.unkSurface : token;
      if (atStart && (addDummyPrefix || removeExtraWhitespaces) && text.startsWith('▁')) {
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
