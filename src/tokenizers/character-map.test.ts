import { describe, expect, it } from 'vitest';
import { perCharacter } from './character-map.ts';
import { originalRange, unchangedText } from './offsets.ts';

const NEW: Readonly<Record<string, string>> = {
  A: 'a',
  '\0': '0',
  '0': '\0',
  '-': '',
  ß: 'ss',
  '😀': ':)',
  猫: '🐈',
  '\uffff': 'x',
  y: '\uffff',
  𝒜: 'b',
};
const replacement = (char: string) => NEW[char] ?? char;
const expected = (text: string) => Array.from(text, replacement).join('');

describe('perCharacter', () => {
  it('rewrites every character, the first time and later', () => {
    const normalizer = perCharacter(replacement);
    for (let time = 0; time < 2; time++)
      for (const text of ['', 'abc', 'AaßA', '\0' + '0\0', '-', '😀猫𝒜😁', 'y\uffffz', 'ab-'])
        for (const seen of [normalizer.text(text), normalizer.aligned(unchangedText(text, 0)).text])
          expect(seen).toBe(expected(text));
  });

  it('keeps pairs of surrogates whole wherever the text is cut inside', () => {
    for (const length of [32_767, 32_768, 65_535, 70_000]) {
      const text = `${'A'.repeat(length)}😁猫😀${'ß'.repeat(40_000)}`;
      expect(perCharacter(replacement).text(text) === expected(text)).toBe(true);
    }
    const wide = perCharacter(() => 'long '.repeat(20_000));
    expect(wide.text('ab')).toBe('long '.repeat(40_000));
  });

  it('knows where the characters are from', () => {
    const aligned = perCharacter(replacement).aligned(unchangedText('aß-😀A', 10));
    const ranges = Array.from({ length: aligned.text.length }, (_, i) => originalRange(aligned, i, i + 1));
    expect(aligned.text).toBe('ass:)a');
    expect(ranges).toEqual([
      [10, 11],
      [11, 12],
      [11, 12],
      [13, 15],
      [13, 15],
      [15, 16],
    ]);
  });
});
