import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { MAX_REGEX_INPUT } from './regex-cost.ts';
import { matchesOf, translateRegex } from './regex-translate.ts';
import { SPLIT_PATTERNS } from './split-patterns.ts';

const PATTERNS = [
  ...Object.values(SPLIT_PATTERNS),
  'a+b|a|\\s',
  'a*b',
  'a*?b|.',
  '(?:a|ab)(?:c|bcd)?d*',
  'a{2,4}b|a{3}',
  'a{0,2}?b',
  '(?:ab){2,}|a',
  'a++b|b++',
  'a{1,2}+a|\\s?+x',
  '\\s+(?!\\S)|\\s+|\\S',
  '(?<=a)b+|(?<!a)b',
  '^a+|b$|\\ba',
  '(?i:AB|s)|[^a-c]+?🐕|x?',
  '.*🐕|.',
];
const ALPHABET = ['a', 'b', 'c', 'd', 'A', ' ', '\n', '🐕', "'s", '7', 'é', '\u0301', '!', 'x'];

describe('RegexProgram', () => {
  it.each(PATTERNS)('finds what the engine finds: %s', pattern => {
    const { regex, program } = translateRegex(pattern);
    const rng = createRng(9);
    for (let round = 0; round < 400; round++) {
      const letters = round % 2 === 0 ? ALPHABET : ALPHABET.slice(0, 2 + rng.below(4));
      const text = Array.from({ length: rng.below(30) }, () => letters[rng.below(letters.length)]).join('');
      const expected = Array.from(text.matchAll(regex), match => [match.index, match.index + match[0].length]);
      expect([...program!.matches(text)], text).toEqual(expected.filter(([start, end]) => end! > start!));
    }
  });

  it.each(['\\s+x', 'a++b', '\\s*[\\r\\n]+|x', '.*.*.*x', 'a{1,20}b'])('ends soon on a long text: %s', pattern => {
    const text = `${'a'.repeat(300_000)}${' '.repeat(300_000)}${'a'.repeat(500_000)}`;
    expect(text.length).toBeGreaterThan(MAX_REGEX_INPUT);
    expect([...matchesOf(translateRegex(pattern), text)]).toEqual([]);
    expect([...matchesOf(translateRegex(pattern), `${text}\n`)]).toHaveLength(pattern.includes('n') ? 1 : 0);
  });

  it('is not made for what it could not do in linear time', () => {
    for (const pattern of ['(?=.*x)a', '(?<=x.*)a', '(?:ab)++c', '(?:a?)?b', 'a{1,1000}b'])
      expect(translateRegex(pattern).program).toBeUndefined();
  });
});
