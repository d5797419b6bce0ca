import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { createStopMatcher, cutAtStop } from './stop.ts';

function stream(pieces: readonly string[], stops: readonly string[]) {
  const matcher = createStopMatcher(stops);
  const out = pieces.map(piece => matcher.push(piece));
  return { out: [...out, matcher.end()], found: matcher.found };
}

describe('stop strings', () => {
  it('holds back what may become one', () => {
    expect(stream(['Hello\n', '\nUs', 'ual'], ['\n\nUser:'])).toEqual({
      out: ['Hello', '', '\n\nUsual', ''],
      found: undefined,
    });
    expect(stream(['Hello\n', '\nUser', ': next'], ['\n\nUser:'])).toEqual({
      out: ['Hello', '', '', ''],
      found: '\n\nUser:',
    });
    expect(stream(['ab', 'ab'], ['abc'])).toEqual({ out: ['', 'ab', 'ab'], found: undefined });
  });

  it('finds overlapping beginnings', () => {
    expect(stream(['aa', 'a', 'ab'], ['aab'])).toEqual({ out: ['', 'a', 'a', ''], found: 'aab' });
    expect(stream(['ababab', 'c'], ['ababc'])).toEqual({ out: ['ab', '', ''], found: 'ababc' });
  });

  it('takes the one that ends first, and of those the longer', () => {
    expect(cutAtStop('one two', ['two', 'ne'])).toEqual({ text: 'o', stopString: 'ne' });
    expect(cutAtStop('one two', ['two', ' two'])).toEqual({ text: 'one', stopString: ' two' });
    expect(cutAtStop('xabcd', ['abcd', 'bc'])).toEqual({ text: 'xa', stopString: 'bc' });
    expect(cutAtStop('nothing', ['x'])).toEqual({ text: 'nothing', stopString: undefined });
  });

  it('says nothing after the end', () => {
    const matcher = createStopMatcher(['x']);
    expect([matcher.push('ax'), matcher.push('b'), matcher.end()]).toEqual(['a', '', '']);
  });

  it('refuses an empty one', () => {
    expect(() => createStopMatcher(['a', ''])).toThrow('at least one character');
  });

  it('gives the same text however it is cut, and never more than is certain: 500 random texts', () => {
    for (let seed = 0; seed < 500; seed++) {
      const rng = createRng(seed);
      const word = (length: number) => Array.from({ length }, () => 'ab'[rng.below(2)]).join('');
      const text = word(20);
      const stops = [word(1 + rng.below(6)), word(3 + rng.below(4))];
      // The definition: read character by character until the text ends with a stop string.
      let expected = text;
      let found: string | undefined;
      for (let end = 1; end <= text.length && !found; end++) {
        const ending = stops.filter(stop => text.slice(0, end).endsWith(stop)).sort((a, b) => b.length - a.length);
        found = ending[0];
        if (found) expected = text.slice(0, end - found.length);
      }
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + rng.below(4);
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      const matcher = createStopMatcher(stops);
      let out = '';
      for (const piece of pieces) {
        out += matcher.push(piece);
        expect(expected.startsWith(out), `seed ${seed}`).toBe(true);
      }
      out += matcher.end();
      expect([out, matcher.found], `seed ${seed}`).toEqual([expected, found]);
    }
  });
});
