/**
 * The way from a text to its tokens as data, stage by stage: added tokens, normalized text, pieces, what the model did with
 * each, post-processing. It is computed anew over the same tables, so that encoding itself keeps no record; both end in the
 * same tokens, which the tests check.
 */
import { UnsupportedError } from '../errors.ts';
import type { AddedTokenSplitter } from './added-tokens.ts';
import { Bpe } from './bpe.ts';
import { type Encoding, emptyEncoding } from './encoding.ts';
import type { Model } from './model.ts';
import { type AlignedText, originalRange, sliceAligned, unchangedText, wellFormed, widthAt } from './offsets.ts';
import { PieceLookup } from './piece-lookup.ts';
import { PieceVocab } from './piece-vocab.ts';
import { fillTemplate, type TemplateItem, trimOffsets } from './post-processors.ts';
import { preTokenizeAligned } from './pre-tokenizers.ts';
import type { EncodeOptions, TokenizerParts } from './tokenizer.ts';
import { type BpeTrace, traceBpe } from './trace-bpe.ts';
import {
  type LookupTrace,
  type PieceVocabTrace,
  tracePieceLookup,
  tracePieceVocab,
  traceWordLevel,
} from './trace-lookup.ts';
import { traceUnigram, type UnigramTrace } from './trace-unigram.ts';
import { traceWordPiece, type WordPieceTrace } from './trace-wordpiece.ts';
import { Unigram } from './unigram.ts';
import { WordLevel } from './wordlevel.ts';
import { WordPiece } from './wordpiece.ts';

/** A token where it stands in a piece: `start` and `end` are code units of the piece. */
export interface TracedToken {
  readonly id: number;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}
/** What a model did with a piece, by `kind`. All have the `tokens` they end in. */
export type ModelTrace = BpeTrace | WordPieceTrace | UnigramTrace | LookupTrace | PieceVocabTrace;

/** A stretch that an added token was found in. `start` and `end` are code units of the text. */
export interface TracedAddedToken {
  readonly kind: 'added';
  readonly start: number;
  readonly end: number;
  /** What was found: the token with the white space that it takes, normalized where it is searched in normalized text. */
  readonly text: string;
  readonly id: number;
}
/** A piece that the model works on alone. */
export interface TracedPiece {
  readonly kind: 'piece';
  /** As in `wordIds` of the encoding. */
  readonly word: number;
  /** The range of the text that it stands for. */
  readonly start: number;
  readonly end: number;
  /** The piece as the model sees it. */
  readonly text: string;
  readonly model: ModelTrace;
  /** The range of the text that each of the model's tokens stands for, before post-processing. */
  readonly offsets: readonly (readonly [start: number, end: number])[];
}
/** A stretch of the text between added tokens. */
export interface TracedStretch {
  readonly kind: 'text';
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly normalized: string;
  /** For each code unit of `normalized` the range of the text that it stands for. */
  readonly alignment: readonly (readonly [start: number, end: number])[];
  /** Pieces, and added tokens that are searched in normalized text. */
  readonly parts: readonly (TracedPiece | TracedAddedToken)[];
}
/** Every stage of a tokenization. All of it is plain data. */
export interface TokenizationTrace {
  /** The text; a lone surrogate has become U+FFFD. */
  readonly text: string;
  readonly parts: readonly (TracedStretch | TracedAddedToken)[];
  /** What is put around the tokens of the text, which stand in place of `sequence`. */
  readonly template: readonly TemplateItem[];
  /** Offsets have lost the white space at both ends of a token. */
  readonly trimmed: boolean;
  /** The result, equal to that of `encode`. */
  readonly encoding: Encoding;
}

/** The options of `encode` that a trace takes. */
export type TraceOptions = Pick<EncodeOptions, 'addSpecialTokens' | 'parseSpecialTokens'>;

/** What a trace reads of a tokenizer. */
export interface TracedTokenizer {
  readonly parts: TokenizerParts;
  readonly rawSplitter: AddedTokenSplitter;
  readonly normalizedSplitter: AddedTokenSplitter;
  idToToken(id: number): string | undefined;
}

/** The trace of a text. Throws TokenizerError as `encode` does, and UnsupportedError for a model of another library. */
export function traceText(tokenizer: TracedTokenizer, input: string, options: TraceOptions): TokenizationTrace {
  const { addSpecialTokens: special = true, parseSpecialTokens = true } = options;
  const { postProcessor } = tokenizer.parts;
  const text = wellFormed(input);
  const parts: (TracedStretch | TracedAddedToken)[] = [];
  let word = 0;
  tokenizer.rawSplitter.split(text, parseSpecialTokens, (start, end, token) => {
    if (token) {
      parts.push({ kind: 'added', start, end, text: text.slice(start, end), id: token.id });
      word++;
      return;
    }
    const stretch = traceStretch(tokenizer, text, start, end, parseSpecialTokens, word);
    parts.push(stretch);
    word += stretch.parts.length;
  });
  const found = tokensOf(tokenizer, parts);
  if (postProcessor.trim) trimOffsets(found, text, postProcessor.trim.addPrefixSpace);
  return {
    text,
    parts,
    template: special ? postProcessor.single : postProcessor.single.filter(item => 'sequence' in item),
    trimmed: postProcessor.trim !== undefined,
    encoding: fillTemplate(postProcessor.single, [found], special),
  };
}

/** Normalizing and cutting what stands between added tokens; its first piece has the number `word`. */
function traceStretch(
  { parts: { normalizer, preTokenizer, model }, normalizedSplitter }: TracedTokenizer,
  text: string,
  start: number,
  end: number,
  special: boolean,
  word: number,
): TracedStretch {
  const raw = unchangedText(text.slice(start, end), start);
  const normal = normalizer ? normalizer.aligned(raw) : raw;
  const parts: (TracedPiece | TracedAddedToken)[] = [];
  const addPiece = (source: AlignedText, from: number, to: number) => {
    const piece = source.text.slice(from, to);
    const [first, last] = originalRange(source, from, to);
    const trace = traceModel(model, piece);
    const offsets = trace.tokens.map(token => originalRange(source, from + token.start, from + token.end));
    parts.push({
      kind: 'piece',
      word: word + parts.length,
      start: first,
      end: last,
      text: piece,
      model: trace,
      offsets,
    });
  };
  normalizedSplitter.split(normal.text, special, (from, to, token) => {
    if (token) {
      const [first, last] = originalRange(normal, from, to);
      parts.push({ kind: 'added', start: first, end: last, text: normal.text.slice(from, to), id: token.id });
    } else {
      const atBegin = start === 0 && from === 0;
      preTokenizeAligned(preTokenizer, sliceAligned(normal, from, to), 0, to - from, atBegin, addPiece);
    }
  });
  return { kind: 'text', start, end, text: raw.text, normalized: normal.text, alignment: alignmentOf(normal), parts };
}

function alignmentOf(normal: AlignedText): (readonly [number, number])[] {
  const { text, starts, ends } = normal;
  if (starts && ends) return Array.from(starts, (start, i) => [start, ends[i]!]);
  const alignment: (readonly [number, number])[] = [];
  for (let at = 0; at < text.length; ) {
    const range = originalRange(normal, at, at + widthAt(text, at));
    for (const stop = at + widthAt(text, at); at < stop; at++) alignment.push(range);
  }
  return alignment;
}

function traceModel(model: Model, piece: string): ModelTrace {
  if (model instanceof Bpe) return traceBpe(model, piece);
  if (model instanceof WordPiece) return traceWordPiece(model, piece);
  if (model instanceof Unigram) return traceUnigram(model, piece);
  if (model instanceof WordLevel) return traceWordLevel(model, piece);
  if (model instanceof PieceLookup) return tracePieceLookup(model, piece);
  if (model instanceof PieceVocab) return tracePieceVocab(model, piece, traceModel);
  throw new UnsupportedError(`a ${model.type} model has no trace`, { expected: 'a model of this library' });
}

/** The tokens of all parts, as `encode` has them before post-processing. */
function tokensOf(
  { parts: { model }, idToToken }: TracedTokenizer,
  parts: readonly (TracedStretch | TracedAddedToken)[],
): Encoding {
  const encoding = emptyEncoding();
  const add = (id: number, text: string, [start, end]: readonly [number, number], word: number) => {
    encoding.ids.push(id);
    encoding.tokens.push(text);
    encoding.typeIds.push(0);
    encoding.attentionMask.push(1);
    encoding.specialTokensMask.push(0);
    encoding.offsets.push([start, end]);
    encoding.wordIds.push(word);
    encoding.sequenceIds.push(0);
  };
  // An added token may have another text than the model's entry of the same id.
  const nameOf = ({ id, text }: TracedToken) => (text === model.idToToken(id) ? (idToToken(id) ?? text) : text);
  let word = 0;
  for (const part of parts.flatMap(part => (part.kind === 'text' ? part.parts : [part]))) {
    if (part.kind === 'added') add(part.id, part.text, [part.start, part.end], word);
    else for (const [i, token] of part.model.tokens.entries()) add(token.id, nameOf(token), part.offsets[i]!, word);
    word++;
  }
  return encoding;
}
