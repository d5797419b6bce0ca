/**
 * Pre-tokenizers that know characters only by their kind: BERT's (Devlin et al. 2018, tokenization.py), `Whitespace`,
 * `WhitespaceSplit` and `Digits` of huggingface/tokenizers. Each character is looked at once.
 */
import { widthAt } from './offsets.ts';
import { isPunctuation, isWhiteSpace } from './reference-classes.ts';
import { translateRegex } from './regex-translate.ts';
import type { Scan } from './split-patterns.ts';

const DROPPED = 1;
/** A piece by itself. */
const ALONE = 2;
// Two kinds whose characters form a piece with neighbours of the same kind.
const RUN = 3;
const OTHER_RUN = 4;

/** The scanner that cuts by kinds. `kindOf` is asked once for each character of the basic plane. */
function scanKinds(kindOf: (char: string) => number): Scan {
  /** Kind of each code unit, 0 = not asked yet. Surrogates stay at that: they are asked for in pairs. */
  const kinds = new Uint8Array(0x10000);
  return (text, from, to, emit) => {
    let start = from;
    let current = 0;
    for (let at = from; at < to; ) {
      let kind = kinds[text.charCodeAt(at)]!;
      let end = at + 1;
      if (kind === 0) {
        end = at + widthAt(text, at);
        kind = kindOf(text.slice(at, end));
        if (end === at + 1) kinds[text.charCodeAt(at)] = kind;
      }
      if (kind !== current || kind === ALONE) {
        if (current !== DROPPED && start < at) emit(start, at);
        start = at;
        current = kind;
      }
      at = end;
    }
    if (current !== DROPPED && start < to) emit(start, to);
  };
}

/** Words between white space, which is dropped, and every punctuation character by itself. */
export const scanBert = scanKinds(char => (isWhiteSpace(char) ? DROPPED : isPunctuation(char) ? ALONE : RUN));

const WORD = translateRegex('\\w').regex;
const isWord = (char: string) => char.search(WORD) === 0;

/** `\w+|[^\w\s]+` */
export const scanWordsAndSymbols = scanKinds(char => (isWord(char) ? RUN : isWhiteSpace(char) ? DROPPED : OTHER_RUN));

/** What stands between white space. */
export const scanWords = scanKinds(char => (isWhiteSpace(char) ? DROPPED : RUN));

const isDigit = (char: string) => /\p{N}/u.test(char);

/** Numbers apart from the rest. */
export const scanNumbers = scanKinds(char => (isDigit(char) ? RUN : OTHER_RUN));
/** Every digit by itself. */
export const scanDigits = scanKinds(char => (isDigit(char) ? ALONE : RUN));
