import { describe, expect, it } from 'vitest';
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { MAX_REGEX_INPUT } from './regex-cost.ts';
import { matchesOf, translateRegex } from './regex-translate.ts';
import { SPLIT_PATTERNS } from './split-patterns.ts';

const found = (pattern: string, text: string) =>
  [...matchesOf(translateRegex(pattern), text)].map(([start, end]) => text.slice(start, end));

describe('translateRegex', () => {
  it.each([
    ['\\s+', 'a\u0085\u00a0b\ufeffc', ['\u0085\u00a0']],
    ['\\w+', 'größe_1 a\u0301b!', ['größe_1', 'a\u0301b']],
    ['\\d', 'x٣½', ['٣']],
    ['.+', 'a\rb\nc', ['a\rb', 'c']],
    ['^.', 'ab\ncd', ['a', 'c']],
    ['.$', 'ab\ncd', ['b', 'd']],
    ['(?i:ab|s)', 'aBſ', ['aB', 'ſ']],
    ['(?i)kelvin', 'K\u212aelvin KELVIN', ['\u212aelvin', 'KELVIN']],
    ['[a-c&&[^b]]+', 'abc', ['a', 'c']],
    ['[^(\\s|[.,])]+', 'ab,c d(e', ['ab', 'c', 'd', 'e']],
    ['\\p{Han}|\\p{^L}', '漢a1', ['漢', '1']],
    ['\\x41\\u0042\\x{1F600}', 'AB😀', ['AB😀']],
    ['a++b|a', 'aab a', ['aab', 'a']],
    ['a{2}', 'aaaaa', ['aa', 'aa']],
    ['\\bno\\b', 'no nobody', ['no']],
  ] as const)('%s', (pattern, text, expected) => {
    expect(found(pattern, text)).toEqual(expected);
  });

  it('names nothing twice in a class, which would take the engine seconds', () => {
    expect(translateRegex(`[${'\\p{L}'.repeat(3000)}a-cxa-c]+`).regex.source).toBe('[\\p{L}\\u{61}-\\u{63}\\u{78}]+');
    expect(found('[xx&&[x]]', 'xy')).toEqual(['x']);
  });

  it('makes possessive quantifiers keep what they have', () => {
    expect(found('\\s++(?!x)|.', '  x')).toEqual([' ', ' ', 'x']);
    expect(found('\\s+(?!x)|.', '  x')).toEqual([' ', ' ', 'x']);
    expect(found('a++a', 'aaa')).toEqual([]);
  });

  it.each([
    '(a+)+',
    '(a|aa)*',
    '(a?){2,}',
    '(',
    'a)',
    '[a',
    'a**',
    '*',
    '\\',
    '\\h',
    '\\1',
    '(?<n>a)',
    '(?x:a)',
    '[[:alpha:]]',
    '[b-a]',
    'a{9999}',
    '\\p{Nope}',
    `${'('.repeat(60)}a${')'.repeat(60)}`,
    'a'.repeat(20_001),
    `${'a?'.repeat(40)}${'a'.repeat(40)}`,
    `${'(?:\\w|\\d)?'.repeat(20)}!`,
    `${'(a|b|a)'.repeat(30)}c`,
    '.{0,900}.{0,900}.{0,900}.{0,900}x',
    '.*.*.*.*.*.*.*x',
  ])('refuses %s', pattern => {
    expect(() => translateRegex(pattern)).toThrow(UnsupportedError);
  });

  it('limits texts for patterns that try too much and have no linear way', () => {
    const limit = (pattern: string) => translateRegex(pattern).longest;
    expect(limit('(?=.*.*x)a')).toBe(465);
    expect(limit('(?<=x.*.*)a')).toBe(465);
    expect(limit('(?=.*x)a')).toBe(MAX_REGEX_INPUT);
    expect(() => found('(?=.*x)a', ' '.repeat(MAX_REGEX_INPUT + 1))).toThrow(TokenizerError);
    for (const pattern of ['.*.*.*x', ...Object.values(SPLIT_PATTERNS)])
      expect(limit(pattern)).toBeGreaterThan((100 * MAX_REGEX_INPUT) / pattern.length);
  });
});
