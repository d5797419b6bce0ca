import { expect, it } from 'vitest';
import { trim, trimEnd, words } from './whitespace.ts';

it('is what Python takes for white space', () => {
  expect(trimEnd(' a\u0085\x1c\u2003')).toBe(' a');
  expect(trim('\u3000\x1fa b\n')).toBe('a b');
  expect(trim('\ufeffa\ufeff')).toBe('\ufeffa\ufeff');
  expect([trim(' \t'), trimEnd('')]).toEqual(['', '']);
  expect(words('a\u0085b\ufeff  c')).toEqual(['a', 'b\ufeff', 'c']);
});
