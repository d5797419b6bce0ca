/**
 * Words between white space, as Python splits them. The reference libraries are written in Python, whose white space differs
 * from JavaScript's: it has the separators U+001C to U+001F and U+0085, and lacks the byte order mark.
 */

const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACES = new RegExp(`[${SPACE}]+`, 'u');
const TRAILING = new RegExp(`[${SPACE}]+$`, 'u');
const LEADING = new RegExp(`^[${SPACE}]+`, 'u');

/** The words of a text: what lies between white space. */
export function words(text: string): string[] {
  return text.split(SPACES).filter(word => word !== '');
}

/** The text without white space at its end. */
export function trimEnd(text: string): string {
  return text.replace(TRAILING, '');
}

/** The text without white space at its ends. */
export function trim(text: string): string {
  return trimEnd(text.replace(LEADING, ''));
}
