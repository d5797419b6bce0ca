/** How models reach their tokens that look up whole words, characters, or the pieces of another model in a vocabulary. */
import { byteToken } from './bpe.ts';
import type { PieceLookup } from './piece-lookup.ts';
import type { PieceVocab } from './piece-vocab.ts';
import type { ModelTrace, TracedToken } from './trace.ts';
import type { WordLevel } from './wordlevel.ts';

/** One look-up. */
export interface LookupStep {
  readonly text: string;
  /** Undefined: it is no entry. */
  readonly id: number | undefined;
}
export interface LookupTrace {
  readonly kind: 'WordLevel' | 'Word' | 'Char';
  readonly lookups: readonly LookupStep[];
  readonly tokens: readonly TracedToken[];
}

export interface PieceVocabTrace {
  readonly kind: 'PieceVocab';
  /** A language code in front of the text, which is one piece. */
  readonly code: string;
  /** How the text behind it is cut; ids and places are those of that model and that text. */
  readonly cut: ModelTrace;
  /** Each piece in the vocabulary. */
  readonly lookups: readonly LookupStep[];
  readonly tokens: readonly TracedToken[];
}

/** The look-up of a pre-tokenized piece. A piece that is no entry is the unknown token, or nothing where there is none. */
export function traceWordLevel(model: WordLevel, piece: string): LookupTrace {
  const own = model.tokenToId(piece);
  const id = own ?? model.unknownId;
  const tokens =
    id === undefined || piece === '' ? [] : [{ id, text: model.idToToken(id)!, start: 0, end: piece.length }];
  return { kind: 'WordLevel', lookups: [{ text: piece, id: own }], tokens };
}

/** The look-ups of SentencePiece's words or characters. Unknown neighbours become one token, or each its bytes. */
export function tracePieceLookup(model: PieceLookup, piece: string): LookupTrace {
  const { vocab, scan, byteFallback } = model.options;
  const lookups: LookupStep[] = [];
  const tokens: TracedToken[] = [];
  scan(piece, 0, piece.length, (start, end) => {
    const text = piece.slice(start, end);
    const own = vocab.get(text);
    lookups.push({ text, id: own });
    if (own !== undefined) {
      tokens.push({ id: own, text, start, end });
      return;
    }
    const bytes = Array.from(utf8.encode(text), (byte, i) => ({ id: model.tokenToId(byteToken(byte)) ?? -1, byte, i }));
    if (byteFallback && bytes.every(({ id }) => id >= 0)) {
      for (const { id, byte, i } of bytes)
        tokens.push({ id, text: byteToken(byte), start, end: i === bytes.length - 1 ? end : start });
      return;
    }
    const last = tokens.at(-1);
    const from = last?.id === model.unknownId ? tokens.pop()!.start : start;
    tokens.push({ id: model.unknownId, text: piece.slice(from, end), start: from, end });
  });
  return { kind: model.type, lookups, tokens };
}

/** How a text is cut, which `cutBy` traces, and the look-ups of the pieces. One that is no entry is the unknown token. */
export function tracePieceVocab(
  model: PieceVocab,
  text: string,
  cutBy: (model: PieceVocab['pieces'], text: string) => ModelTrace,
): PieceVocabTrace {
  const length = model.codeLength(text);
  const code = text.slice(0, length);
  const cut = cutBy(model.pieces, text.slice(length));
  const pieces = cut.tokens.map(token => ({ ...token, start: token.start + length, end: token.end + length }));
  const all = length > 0 ? [{ text: code, start: 0, end: length }, ...pieces] : pieces;
  return {
    kind: 'PieceVocab',
    code,
    cut,
    lookups: all.map(piece => ({ text: piece.text, id: model.tokenToId(piece.text) })),
    tokens: all.map(piece => ({ ...piece, id: model.tokenToId(piece.text) ?? model.unknownId })),
  };
}
const utf8 = new TextEncoder();
