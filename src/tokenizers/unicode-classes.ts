/**
 * The Unicode classes that the split rules of tokenizers ask for, one byte per code point, from the engine's own tables.
 * `\s` is Unicode White_Space: JavaScript's own `\s` has U+FEFF and lacks U+0085.
 */

/** Lu and Lt. */
export const UPPER = 1;
/** Ll. */
export const LOWER = 2;
/** Lm and Lo: letters that stand in both the upper and the lower class of o200k. */
export const CASELESS = 4;
/** M. */
export const MARK = 8;
/** N. */
export const NUMBER = 16;
/** White_Space except line feed and carriage return. */
export const BLANK = 32;
/** Line feed and carriage return. */
export const NEWLINE = 64;
/** Everything else. */
export const OTHER = 128;

export const LETTER = UPPER | LOWER | CASELESS;
export const SPACE = BLANK | NEWLINE;
/** Not white space, not a letter, not a number. */
export const SYMBOL = MARK | OTHER;

function classify(codePoint: number): number {
  if (codePoint === 10 || codePoint === 13) return NEWLINE;
  const char = String.fromCodePoint(codePoint);
  if (/\p{L}/u.test(char)) {
    if (/\p{Ll}/u.test(char)) return LOWER;
    return /[\p{Lu}\p{Lt}]/u.test(char) ? UPPER : CASELESS;
  }
  if (/\p{White_Space}/u.test(char)) return BLANK;
  if (/\p{N}/u.test(char)) return NUMBER;
  return /\p{M}/u.test(char) ? MARK : OTHER;
}

// Filled on demand: a text touches few of the 1.1 million code points, and untouched pages cost nothing.
const classes = new Uint8Array(0x110000);
for (let code = 0; code < 128; code++) classes[code] = classify(code);

/** The class of a code point: exactly one of the bits above. */
export function classOf(codePoint: number): number {
  return classes[codePoint] || (classes[codePoint] = classify(codePoint));
}

/** The first position at or after `at` (and before `to`) whose character is of none of the classes in `mask`. */
export function endOfRun(text: string, at: number, to: number, mask: number): number {
  while (at < to) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800) {
      if (!(classOf(unit) & mask)) return at;
      at++;
    } else {
      const codePoint = text.codePointAt(at)!;
      if (!(classOf(codePoint) & mask)) return at;
      at += codePoint > 0xffff ? 2 : 1;
    }
  }
  return at;
}
