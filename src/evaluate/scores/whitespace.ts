/**
 * Words between white space, as Python splits them. The reference libraries are written in Python, whose white space differs
 * from JavaScript's: it has the separators U+001C to U+001F and U+0085, and lacks the byte order mark.
 */

/** Runs of white space. */
export const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
const isSpace = (sign: string) => sign.search(SPACES) === 0;

/** The words of a text: what lies between white space. */
export function words(text: string): string[] {
  return text.split(SPACES).filter(word => word !== '');
}

/** The text without white space at its end, found from there: an expression would try each run inside, at each of its places. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** The text without white space at its ends. */
export function trim(text: string): string {
  const rest = trimEnd(text);
  let start = 0;
  while (start < rest.length && isSpace(rest[start]!)) start++;
  return rest.slice(start);
}
