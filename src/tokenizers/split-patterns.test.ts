import { describe, expect, it } from 'vitest';
import { matchesOf, translateRegex } from './regex-translate.ts';
import { SPLIT_PATTERNS, scannerFor } from './split-patterns.ts';

function scan(name: keyof typeof SPLIT_PATTERNS, text: string): string[] {
  const pieces: string[] = [];
  scannerFor(SPLIT_PATTERNS[name])!(text, 0, text.length, (start, end) => {
    pieces.push(text.slice(start, end));
  });
  return pieces;
}

/** Deterministic texts out of everything that the rules tell apart. */
function texts(count: number): string[] {
  const parts = [
    ' ',
    '  ',
    '\t',
    '\n',
    '\r\n',
    '\u0085',
    '\u00a0',
    '\u3000',
    'a',
    'B',
    'über',
    'ǅ',
    'ʰ',
    'あ',
    '漢',
    '\u0301',
    '𝒜',
  ];
  parts.push(
    '1',
    '23',
    '4567',
    '½',
    '٣',
    "'",
    "'s",
    "'ſ",
    "'LL",
    "'Re",
    "'d",
    '.',
    '!?',
    '/',
    '//',
    '-',
    '😀',
    '\u200d',
    '_',
    '\u0000',
  );
  let state = 42;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + next(12) }, () => parts[next(parts.length)]).join(''),
  );
}

describe('split rules', () => {
  const text = "Der Hund's  123456 jagt\n\n die Katze!! it'LL";
  it.each([
    ['gpt2', "Der| Hund|'s| | 123456| jagt|\n\n| die| Katze|!!| it|'|LL"],
    ['llama3', "Der| Hund|'s| | |123|456| jagt|\n\n| die| Katze|!!| it|'LL"],
    ['o200k', "Der| Hund's| | |123|456| jagt|\n\n| die| Katze|!!| it'LL"],
    ['qwen2', "Der| Hund|'s| | |1|2|3|4|5|6| jagt|\n\n| die| Katze|!!| it|'LL"],
    ['tekken', "Der| Hund|'s| | |1|2|3|4|5|6| jagt|\n\n| die| Katze|!!| it|'LL"],
  ] as const)('%s cuts as published', (name, expected) => {
    expect(scan(name, text).join('|')).toBe(expected);
  });

  it('keeps white space at the end whole in the shipped form of cl100k only', () => {
    expect(scan('cl100k', 'a \n ')).toEqual(['a', ' \n ']);
    expect(scan('llama3', 'a \n ')).toEqual(['a', ' \n', ' ']);
  });

  it('gives capitals back to a word that has no small letter', () => {
    expect(scan('o200k', 'AあBC')).toEqual(['Aあ', 'BC']);
  });

  for (const [name, pattern] of Object.entries(SPLIT_PATTERNS)) {
    // tiktoken's engine takes `$` as the end of the text, the translation as that of a line.
    const source = name === 'cl100k' ? pattern.replace('\\s++$', '\\s++\\z') : pattern;
    it(`${name} cuts as its regular expression does`, () => {
      const reference = translateRegex(source);
      for (const sample of texts(3000)) {
        const expected = [...matchesOf(reference, sample)].map(([start, end]) => sample.slice(start, end));
        expect(scan(name as keyof typeof SPLIT_PATTERNS, sample)).toEqual(expected);
      }
    });
  }

  it('keeps inside the given stretch', () => {
    const pieces: [number, number][] = [];
    scannerFor(SPLIT_PATTERNS.gpt2)!("it's  here", 2, 6, (start, end) => pieces.push([start, end]));
    expect(pieces).toEqual([
      [2, 4],
      [4, 6],
    ]);
  });

  it('does not know other patterns', () => {
    expect(scannerFor('\\s+')).toBeUndefined();
  });
});
