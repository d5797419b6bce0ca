import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

describe('nearest', () => {
  it('finds the word that was meant, and none when nothing is near', () => {
    const words = ['run', 'tokenize', 'inspect', 'trace', 'doctor'];
    expect(nearest('rnu', words)).toBe('run');
    expect(nearest('tokenise', words)).toBe('tokenize');
    expect(nearest('inspekt', words)).toBe('inspect');
    expect(nearest('serve', words)).toBeUndefined();
    expect(nearest('', words)).toBeUndefined();
    expect(nearest('x'.repeat(1e6), words)).toBeUndefined();
  });
});

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['abc', 'abd', 1],
    ['kitten', 'sitting', 3],
  ])('%j to %j is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});
