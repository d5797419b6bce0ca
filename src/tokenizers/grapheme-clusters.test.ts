import { describe, expect, it } from 'vitest';
import { clusterEnd, standsAlone } from './grapheme-clusters.ts';

function clustersOf(text: string): string[] {
  const clusters: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = clusterEnd(text, at);
    clusters.push(text.slice(at, end));
    at = end;
  }
  return clusters;
}

/** Characters of every class that all versions of Unicode in use agree about. */
const ALPHABET = [
  ...['a', ' ', '1', 'é', '中', '\r', '\n', '\t', '\u200b', '\u0300', '\u0301', '\u200d', '\ufe0f', '\u0903', '\u0e33'],
  ...['\u0600', '\u1100', '\u1161', '\u11a8', '가', '각', '🇩', '🇪', '😀', '👩', '🏽', '\u{1d165}', '\u{e0020}', '©'],
];

describe('clusterEnd', () => {
  it.each([
    ['e\u0301\u0302x', ['e\u0301\u0302', 'x']],
    ['\r\n\n\r', ['\r\n', '\n', '\r']],
    ['\n\u0301', ['\n', '\u0301']],
    ['\u1100\u1161\u11a8\u1100', ['\u1100\u1161\u11a8', '\u1100']],
    ['🇩🇪🇫🇷', ['🇩🇪', '🇫🇷']],
    ['👩🏽‍🚀👩', ['👩🏽‍🚀', '👩']],
    ['\u0600a', ['\u0600a']],
    // Two Indic consonants with a linker between them, U+094D.
    ['क\u094dषक', ['क\u094dष', 'क']],
  ])('cuts %j', (text, clusters) => {
    expect(clustersOf(text)).toEqual(clusters);
  });

  it('agrees with the host', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
    let state = 3;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 3000; round++) {
      const text = Array.from({ length: 1 + random(9) }, () => ALPHABET[random(ALPHABET.length)]).join('');
      expect(clustersOf(text)).toEqual(Array.from(segmenter.segment(text), ({ segment }) => segment));
    }
  });

  it('takes a million marks in linear time', () => {
    expect(clusterEnd(`a${'\u0301'.repeat(1_000_000)}b`, 0)).toBe(1_000_001);
  });
});

it('standsAlone is true where a cluster needs no look at the neighbours', () => {
  const alone = ['a', 'é', '中', 'ﬁ', '！'];
  const not = ['\n', '\u0301', '\u200d', '가', '\u1100', '\ud83d', '\ude00', '\u0600', '©', 'क'];
  expect(alone.map(char => standsAlone(char.charCodeAt(0)))).toEqual(alone.map(() => true));
  expect(not.map(char => standsAlone(char.charCodeAt(0)))).toEqual(not.map(() => false));
});
