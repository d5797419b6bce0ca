/**
 * The result of encoding a text, and cutting it into windows, joining and padding it. Rules: huggingface/tokenizers 0.22.
 * The windows of `overflowing` are those of that library in its order, with four deviations. A window says of each token which text
 * it is of (`sequenceIds`), which the library forgets in pairs without a post-processor. A template with the second text in front
 * gets its windows in the order of the texts with the types that it says; there, in that of the template with types by that order. A
 * `maxLength` below the number of added tokens is an error, where the library gives a result that is longer than asked. And the
 * stride has to fit into the room of a text that is cut, not into `maxLength` whether or not anything is.
 */
import { TokenizerError } from '../errors.ts';

/** Tokens of a text or a pair; all lists but `overflowing` have one entry per token. */
export interface Encoding {
  ids: number[];
  tokens: string[];
  /** 0 or 1: which kind of segment a token is in, as the model's template says. */
  typeIds: number[];
  /** 0 for padding, else 1. */
  attentionMask: number[];
  /** 1 for tokens that the template or the padding added, else 0. */
  specialTokensMask: number[];
  /** UTF-16 code units of the text a token came from, `[start, end)`; `[0, 0]` for added tokens. */
  offsets: [number, number][];
  /** Index of the pre-tokenized piece within its text; null for added tokens. */
  wordIds: (number | null)[];
  /** 0 for the first text, 1 for the second; null for added tokens. */
  sequenceIds: (number | null)[];
  /** The further windows of a text that was too long. */
  overflowing: Encoding[];
}

/** Which of two texts loses tokens. */
export type TruncationStrategy = 'longest_first' | 'only_first' | 'only_second';
export type Side = 'left' | 'right';

export function emptyEncoding(): Encoding {
  return {
    ids: [],
    tokens: [],
    typeIds: [],
    attentionMask: [],
    specialTokensMask: [],
    offsets: [],
    wordIds: [],
    sequenceIds: [],
    overflowing: [],
  };
}

/** The tokens `[from, to)`. */
export function sliceEncoding(encoding: Encoding, from: number, to: number): Encoding {
  return {
    ids: encoding.ids.slice(from, to),
    tokens: encoding.tokens.slice(from, to),
    typeIds: encoding.typeIds.slice(from, to),
    attentionMask: encoding.attentionMask.slice(from, to),
    specialTokensMask: encoding.specialTokensMask.slice(from, to),
    offsets: encoding.offsets.slice(from, to).map(([start, end]) => [start, end]),
    wordIds: encoding.wordIds.slice(from, to),
    sequenceIds: encoding.sequenceIds.slice(from, to),
    overflowing: [],
  };
}

/** Adds one token that stands for no text. */
export function pushAdded(encoding: Encoding, id: number, token: string, typeId: number, attention: 0 | 1): void {
  encoding.ids.push(id);
  encoding.tokens.push(token);
  encoding.typeIds.push(typeId);
  encoding.attentionMask.push(attention);
  encoding.specialTokensMask.push(1);
  encoding.offsets.push([0, 0]);
  encoding.wordIds.push(null);
  encoding.sequenceIds.push(null);
}

/** Adds the tokens of `part` behind those of `encoding`. */
export function appendEncoding(encoding: Encoding, part: Encoding): void {
  // One by one: spreading a long list into push overflows the stack.
  for (let i = 0; i < part.ids.length; i++) {
    encoding.ids.push(part.ids[i]!);
    encoding.tokens.push(part.tokens[i]!);
    encoding.typeIds.push(part.typeIds[i]!);
    encoding.attentionMask.push(part.attentionMask[i]!);
    encoding.specialTokensMask.push(part.specialTokensMask[i]!);
    encoding.offsets.push(part.offsets[i]!);
    encoding.wordIds.push(part.wordIds[i]!);
    encoding.sequenceIds.push(part.sequenceIds[i]!);
  }
}

/** Refuses what is no number of tokens: a fraction or NaN would never reach the end of a text. */
function checkTokenCount(name: string, count: number): void {
  if (Number.isInteger(count) && count >= 0) return;
  throw new TokenizerError(`${name} is not a number of tokens`, {
    seen: String(count),
    expected: 'a whole number from 0',
  });
}

const tooShort = (room: number, strategy: TruncationStrategy) =>
  new TokenizerError('the text to truncate would have no token left', {
    seen: `room for ${room} tokens, strategy ${strategy}`,
    fix: 'raise maxLength or choose another strategy',
  });

/**
 * How many tokens of one or two texts of lengths `first` and `second` stay if there is room for `room` in all. Throws
 * TokenizerError where the strategy cannot reach it, and for a `room` that is no whole number from 0.
 */
export function keptLengths(
  first: number,
  second: number | undefined,
  room: number,
  strategy: TruncationStrategy,
): [number, number] {
  checkTokenCount('the room that maxLength leaves for text', room);
  const excess = first + (second ?? 0) - room;
  if (excess <= 0) return [first, second ?? 0];
  if (room === 0) return [0, 0];
  if (strategy === 'only_first') {
    if (first <= excess) throw tooShort(room, strategy);
    return [first - excess, second ?? 0];
  }
  if (strategy === 'only_second') {
    if (second === undefined) throw new TokenizerError('only_second truncates the second text, but there is none');
    if (second <= excess) throw tooShort(room, strategy);
    return [first, second - excess];
  }
  if (second === undefined) return [room, 0];
  const short = Math.min(first, second);
  let keptShort = short;
  let keptLong = short > room ? short : Math.max(short, room - short);
  if (keptShort + keptLong > room) {
    keptShort = Math.floor(room / 2);
    keptLong = room - keptShort;
  }
  return first > second ? [keptLong, keptShort] : [keptShort, keptLong];
}

/**
 * The windows of `size` tokens over `length` tokens as `[from, to)`, each overlapping the one before by `stride`, from the
 * side that is kept. Throws TokenizerError if the stride leaves no progress, or if `size` or `stride` is no whole number from 0.
 */
export function windows(length: number, size: number, stride: number, side: Side): [number, number][] {
  checkTokenCount('the room for text', size);
  checkTokenCount('the stride', stride);
  if (size >= length) return [[0, length]];
  if (size === 0)
    return [
      [0, 0],
      [0, length],
    ];
  if (stride >= size) {
    throw new TokenizerError('the stride must be smaller than the room for text', {
      seen: `stride ${stride}, room ${size}`,
    });
  }
  const ranges: [number, number][] = [];
  const step = size - stride;
  for (let at = 0; ; at += step) {
    const end = Math.min(at + size, length);
    ranges.push(side === 'right' ? [at, end] : [length - end, length - at]);
    if (end === length) return ranges;
  }
}

/** How short encodings are filled up. */
export interface PaddingOptions {
  /** `longest`: to the longest of the batch; a number: to that length; false: not at all (the default). */
  padding?: 'longest' | number | false;
  /** The side that the padding stands on; default right. */
  paddingSide?: Side;
  /** Rounds the length up to a multiple of this. */
  padToMultipleOf?: number;
  /** Default: the tokenizer's padding token. */
  padId?: number;
  padTypeId?: number;
  padToken?: string;
}

interface Filler {
  readonly id: number;
  readonly token: string;
  readonly typeId: number;
  readonly side: Side;
}

function padOne(encoding: Encoding, length: number, filler: Filler): Encoding {
  const missing = length - encoding.ids.length;
  const overflowing = encoding.overflowing.map(window => padOne(window, length, filler));
  if (missing <= 0) return { ...encoding, overflowing };
  const padding = emptyEncoding();
  for (let i = 0; i < missing; i++) pushAdded(padding, filler.id, filler.token, filler.typeId, 0);
  const padded = filler.side === 'left' ? padding : sliceEncoding(encoding, 0, encoding.ids.length);
  appendEncoding(padded, filler.side === 'left' ? encoding : padding);
  padded.overflowing = overflowing;
  return padded;
}

/**
 * The encodings of a batch at the length that `options` ask for. Longer ones stay as they are. Throws TokenizerError for a
 * length that is no whole number.
 */
export function padEncodings(encodings: readonly Encoding[], options: PaddingOptions, filler: Filler): Encoding[] {
  const { padding, padToMultipleOf } = options;
  if (padding === undefined || padding === false) return [...encodings];
  let length = padding === 'longest' ? encodings.reduce((longest, e) => Math.max(longest, e.ids.length), 0) : padding;
  checkTokenCount('the length to pad to', length);
  checkTokenCount('padToMultipleOf', padToMultipleOf ?? 0);
  if (padToMultipleOf) length = Math.ceil(length / padToMultipleOf) * padToMultipleOf;
  return encodings.map(encoding => padOne(encoding, length, filler));
}
