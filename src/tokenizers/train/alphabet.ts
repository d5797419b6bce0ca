/** What the trainers share about characters and vocabularies. */
import { ConfigError } from '../../errors.ts';

/** Orders texts by code points, as the reference libraries do. Units alone put U+E000 and up behind the surrogates. */
export function byCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    // A surrogate stands for a code point above all single units.
    if (x !== y) return (x >= 0xd800 && x < 0xe000 ? x + 0x10000 : x) - (y >= 0xd800 && y < 0xe000 ? y + 0x10000 : y);
  }
  return a.length - b.length;
}

/** The tokens without those that came before. */
export function uniqueTokens(tokens: readonly string[]): string[] {
  return [...new Set(tokens)];
}

/** Throws ConfigError for what is no size of a vocabulary. */
export function checkVocabSize(size: number): void {
  if (Number.isInteger(size) && size > 0 && size < 2 ** 31) return;
  throw new ConfigError('vocabSize is no size of a vocabulary', {
    seen: String(size),
    expected: 'a whole number from 1',
  });
}
