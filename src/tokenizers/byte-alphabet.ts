/**
 * The 256 printable characters that byte-level vocabularies write bytes with: GPT-2 (Radford et al. 2019), openai/gpt-2
 * src/encoder.py. Visible Latin-1 characters stand for themselves, the other 68 bytes for U+0100 and up, in order.
 */

/** The character of each byte, `[256]`. */
export const BYTE_CHARS: readonly string[] = byteChars();

function byteChars(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(visible ? byte : next++);
  });
}

const charBytes = new Int16Array(0x144).fill(-1);
BYTE_CHARS.forEach((char, byte) => {
  charBytes[char.charCodeAt(0)] = byte;
});

/** The byte that a code unit writes, or -1 if it writes none. */
export function byteOfChar(unit: number): number {
  return unit < charBytes.length ? charBytes[unit]! : -1;
}

/** The UTF-8 bytes of `codePoint` as characters of the alphabet: 1 to 4 of them. */
export function byteCharsOf(codePoint: number): string {
  if (codePoint < 0x80) return BYTE_CHARS[codePoint]!;
  let chars = BYTE_CHARS[0x80 | (codePoint & 63)]!;
  if (codePoint < 0x800) return BYTE_CHARS[0xc0 | (codePoint >> 6)]! + chars;
  chars = BYTE_CHARS[0x80 | ((codePoint >> 6) & 63)]! + chars;
  if (codePoint < 0x10000) return BYTE_CHARS[0xe0 | (codePoint >> 12)]! + chars;
  chars = BYTE_CHARS[0x80 | ((codePoint >> 12) & 63)]! + chars;
  return BYTE_CHARS[0xf0 | (codePoint >> 18)]! + chars;
}

/** The UTF-8 bytes of `text` as characters of the alphabet. */
export function toByteChars(text: string): string {
  let chars = '';
  for (let i = 0; i < text.length; i++) {
    const codePoint = text.codePointAt(i)!;
    if (codePoint > 0xffff) i++;
    chars += byteCharsOf(codePoint);
  }
  return chars;
}
