/**
 * The split rules of well-known byte-level vocabularies as linear scanners: GPT-2 (openai/gpt-2), cl100k and o200k
 * (openai/tiktoken), Llama 3, Qwen 2, Tekken. A file names its rule by its regular expression; `scannerFor` recognises the
 * spellings in use. Regular expression engines take quadratic time on some of these rules; a scanner reads each character
 * a bounded number of times. Case-insensitive contractions take U+017F for s, as the reference engines do.
 */
import {
  CASELESS,
  classOf,
  endOfRun,
  LETTER,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  SPACE,
  SYMBOL,
  UPPER,
} from './unicode-classes.ts';

/** Receives the pieces of a text in order, as positions in it. */
export type Emit = (start: number, end: number) => void;

/** Cuts `text[from, to)` into pieces. What no piece covers is dropped. */
export type Scan = (text: string, from: number, to: number, emit: Emit) => void;

/** The end of the piece that begins at `at`, greater than `at`. */
type PieceEnd = (text: string, at: number, to: number) => number;

const SPACE_CHAR = 0x20;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;

const scanWith =
  (pieceEnd: PieceEnd): Scan =>
  (text, from, to, emit) => {
    for (let at = from; at < to; ) {
      const end = pieceEnd(text, at, to);
      emit(at, end);
      at = end;
    }
  };

/** End of 's 't 'm 'd 're 've 'll at the apostrophe at `at`, or `at` if there is none; `fold`: in any case. */
function endOfContraction(text: string, at: number, to: number, fold: boolean): number {
  if (at + 1 >= to || text.charCodeAt(at) !== APOSTROPHE) return at;
  const lower = (unit: number) => (unit >= 0x41 && unit <= 0x5a ? unit + 32 : unit === 0x17f ? 0x73 : unit);
  const first = fold ? lower(text.charCodeAt(at + 1)) : text.charCodeAt(at + 1);
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return at + 2;
  if (at + 2 >= to) return at;
  const second = fold ? lower(text.charCodeAt(at + 2)) : text.charCodeAt(at + 2);
  if (second === 0x65 && (first === 0x72 || first === 0x76)) return at + 3;
  return second === 0x6c && first === 0x6c ? at + 3 : at;
}

/** End of a piece of white space, `\s+(?!\S)|\s+`: the run without the last character if something follows it. */
function endOfSpace(text: string, at: number, to: number): number {
  const end = endOfRun(text, at, to, SPACE);
  return end === to || end === at + 1 ? end : end - 1;
}

/** The same after `\s*[\r\n]+`: up to and with the last line break of the run, if it has one. */
function endOfLinesOrSpace(text: string, at: number, to: number, wholeTail: boolean): number {
  const end = endOfRun(text, at, to, SPACE);
  if (wholeTail && end === to) return to;
  for (let last = end - 1; last >= at; last--) {
    const unit = text.charCodeAt(last);
    if (unit === 10 || unit === 13) return last + 1;
  }
  return end === to || end === at + 1 ? end : end - 1;
}

const classAt = (text: string, at: number) => classOf(text.codePointAt(at)!);
const afterChar = (text: string, at: number) => at + (text.codePointAt(at)! > 0xffff ? 2 : 1);

/** `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` */
function gpt2PieceEnd(text: string, at: number, to: number): number {
  const contraction = endOfContraction(text, at, to, false);
  if (contraction > at) return contraction;
  const start = text.charCodeAt(at) === SPACE_CHAR && at + 1 < to ? at + 1 : at;
  const kind = classAt(text, start);
  if (kind & LETTER) return endOfRun(text, start, to, LETTER);
  if (kind & NUMBER) return endOfRun(text, start, to, NUMBER);
  if (kind & SYMBOL) return endOfRun(text, start, to, SYMBOL);
  return endOfSpace(text, at, to);
}

interface ModernRule {
  /** Most digits in a piece. */
  readonly digits: 1 | 3;
  /** White space at the end of the text stays one piece (`\s++$` before the line break rule), as cl100k is shipped. */
  readonly wholeTail: boolean;
}

function endOfDigits(text: string, at: number, to: number, most: number): number {
  let end = at;
  for (let count = 0; count < most && end < to && classAt(text, end) & NUMBER; count++) end = afterChar(text, end);
  return end;
}

/** ` ?[^\s\p{L}\p{N}]+[\r\n]*` (with `slash`: `[\r\n/]*`), or `at` if it does not match. */
function endOfSymbols(text: string, at: number, to: number, slash: boolean): number {
  const start = text.charCodeAt(at) === SPACE_CHAR ? at + 1 : at;
  let end = endOfRun(text, start, to, SYMBOL);
  if (end === start) return at;
  for (; end < to; end++) {
    const unit = text.charCodeAt(end);
    if (unit !== 10 && unit !== 13 && !(slash && unit === SLASH)) break;
  }
  return end;
}

/** Llama 3's rule and its relatives: `(?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+` */
const llama3PieceEnd =
  ({ digits, wholeTail }: ModernRule): PieceEnd =>
  (text, at, to) => {
    const kind = classAt(text, at);
    if (kind & LETTER) return endOfRun(text, at, to, LETTER);
    if (kind & NUMBER) return endOfDigits(text, at, to, digits);
    const contraction = endOfContraction(text, at, to, true);
    if (contraction > at) return contraction;
    if (!(kind & NEWLINE)) {
      const next = afterChar(text, at);
      if (next < to && classAt(text, next) & LETTER) return endOfRun(text, next, to, LETTER);
      const symbols = endOfSymbols(text, at, to, false);
      if (symbols > at) return symbols;
    }
    return endOfLinesOrSpace(text, at, to, wholeTail);
  };

const CAPITAL = UPPER | CASELESS | MARK;
const SMALL = LOWER | CASELESS | MARK;

/** `[capital]*[small]+` from `at`, or `at`: the capitals give back characters of both classes until a small one is found. */
function endOfCapitalsThenSmall(text: string, at: number, to: number): number {
  const capitals = endOfRun(text, at, to, CAPITAL);
  const small = endOfRun(text, capitals, to, SMALL);
  if (small > capitals) return small;
  for (let end = capitals; end > at; ) {
    const before = end - (end - at >= 2 && text.codePointAt(end - 2)! > 0xffff ? 2 : 1);
    if (classAt(text, before) & SMALL) return end;
    end = before;
  }
  return at;
}

/** `[capital]+[small]*` from `at`, or `at`. */
function endOfCapitals(text: string, at: number, to: number): number {
  const capitals = endOfRun(text, at, to, CAPITAL);
  return capitals === at ? at : endOfRun(text, capitals, to, SMALL);
}

/** o200k's first two alternatives without the contraction, or `at`. */
function endOfCasedWord(text: string, at: number, to: number, kind: number): number {
  const prefixed = kind & (LETTER | NUMBER | NEWLINE) ? at : afterChar(text, at);
  for (const rule of [endOfCapitalsThenSmall, endOfCapitals]) {
    if (prefixed > at && prefixed < to) {
      const end = rule(text, prefixed, to);
      if (end > prefixed) return end;
    }
    const end = kind & (LETTER | MARK) ? rule(text, at, to) : at;
    if (end > at) return end;
  }
  return at;
}

/** o200k's rule (seven alternatives), and Tekken's: the same without contractions and with single digits. */
const o200kPieceEnd =
  ({ digits, contractions }: { digits: 1 | 3; contractions: boolean }): PieceEnd =>
  (text, at, to) => {
    const kind = classAt(text, at);
    if (kind & NUMBER) return endOfDigits(text, at, to, digits);
    const word = endOfCasedWord(text, at, to, kind);
    if (word > at) return contractions ? endOfContraction(text, word, to, true) : word;
    if (!(kind & NEWLINE)) {
      const symbols = endOfSymbols(text, at, to, true);
      if (symbols > at) return symbols;
    }
    return endOfLinesOrSpace(text, at, to, false);
  };

/** GPT-2's rule. */
export const scanGpt2: Scan = scanWith(gpt2PieceEnd);

const scanLlama3 = scanWith(llama3PieceEnd({ digits: 3, wholeTail: false }));
const scanCl100k = scanWith(llama3PieceEnd({ digits: 3, wholeTail: true }));
const scanQwen2 = scanWith(llama3PieceEnd({ digits: 1, wholeTail: false }));
const scanO200k = scanWith(o200kPieceEnd({ digits: 3, contractions: true }));
const scanTekken = scanWith(o200kPieceEnd({ digits: 1, contractions: false }));

const CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d";
const LINES_AND_SPACE = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const CAPITALS = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const SMALLS = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const MODERN_TAIL = `| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${LINES_AND_SPACE}`;
const casedWords = (contraction: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${CAPITALS}*${SMALLS}+${contraction}|[^\\r\\n\\p{L}\\p{N}]?${CAPITALS}+${SMALLS}*${contraction}`;

/** The regular expressions of the rules, each in one spelling. */
export const SPLIT_PATTERNS = {
  gpt2: `${CONTRACTIONS}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`,
  llama3: `(?i:${CONTRACTIONS})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}${MODERN_TAIL}`,
  cl100k:
    "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
  qwen2: `(?i:${CONTRACTIONS})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${MODERN_TAIL}`,
  o200k: `${casedWords(`(?i:${CONTRACTIONS})?`)}|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${LINES_AND_SPACE}`,
  tekken: `${casedWords('')}|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${LINES_AND_SPACE}`,
} as const;

const GPT2_SHIPPED = "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s";
const FOLDED = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";

const scanners: ReadonlyMap<string, Scan> = new Map([
  [SPLIT_PATTERNS.gpt2, scanGpt2],
  [GPT2_SHIPPED, scanGpt2],
  [SPLIT_PATTERNS.llama3, scanLlama3],
  [SPLIT_PATTERNS.llama3.replace(`(?i:${CONTRACTIONS})`, FOLDED), scanLlama3],
  [SPLIT_PATTERNS.cl100k, scanCl100k],
  [SPLIT_PATTERNS.qwen2, scanQwen2],
  [SPLIT_PATTERNS.o200k, scanO200k],
  [SPLIT_PATTERNS.tekken, scanTekken],
]);

/** The scanner of a well-known split rule given by its regular expression, or undefined for any other pattern. */
export function scannerFor(pattern: string): Scan | undefined {
  return scanners.get(pattern);
}
