import { describe, expect, it } from 'vitest';
import { FormatError } from '../errors.ts';
import { Charsmap } from './charsmap.ts';
import { parseNormalizer } from './normalizers.ts';
import { unchangedText } from './offsets.ts';

/** Bytes of a block of children in the table, so that every child has a place of its own. */
const BLOCK = 256;
const LEAF = 0x100;

/** The file form of a trie and a table. */
function blobOf(units: readonly number[], table: Uint8Array): Uint8Array {
  const trie = Uint32Array.from(units, unit => unit ?? 0);
  return new Uint8Array([
    ...new Uint8Array(Uint32Array.of(trie.byteLength).buffer),
    ...new Uint8Array(trie.buffer),
    ...table,
  ]);
}

/** Rules as SentencePiece would compile them, with more room: node n has its children in block n + 1. */
function compiled(rules: Readonly<Record<string, string>>): Uint8Array {
  const encoder = new TextEncoder();
  const table: number[] = [];
  /** Unit and position of each node. */
  const nodes: { position: number; label: number; value: number; children: Map<number, number> }[] = [
    { position: 0, label: 0, value: -1, children: new Map() },
  ];
  for (const [source, target] of Object.entries(rules)) {
    let node = 0;
    for (const byte of encoder.encode(source)) {
      let next = nodes[node]!.children.get(byte);
      if (next === undefined) {
        next = nodes.length;
        nodes.push({ position: BLOCK * (node + 1) + byte, label: byte, value: -1, children: new Map() });
        nodes[node]!.children.set(byte, next);
      }
      node = next;
    }
    nodes[node]!.value = table.length;
    table.push(...encoder.encode(target), 0);
  }
  const units = new Array<number>(BLOCK * (nodes.length + 1)).fill(0);
  nodes.forEach(({ position, label, value }, node) => {
    const block = BLOCK * (node + 1);
    units[position] = (((position ^ block) << 10) | (value >= 0 ? LEAF : 0) | label) >>> 0;
    if (value >= 0) units[block] = (0x80000000 | value) >>> 0;
  });
  return blobOf(units, Uint8Array.from(table));
}

const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
const normalizerOf = (rules: Readonly<Record<string, string>>) =>
  parseNormalizer({ type: 'Precompiled', precompiled_charsmap: base64(compiled(rules)) });

describe('Charsmap', () => {
  const charsmap = new Charsmap(compiled({ a: '1', ab: '2', é: 'e', '😀x': '', ﬁ: 'fi' }));

  it('finds the longest or the shortest rule', () => {
    expect(charsmap.match('abc', 0, 3, false)).toEqual({ replacement: '2', end: 2 });
    expect(charsmap.match('abc', 0, 3, true)).toEqual({ replacement: '1', end: 1 });
    expect(charsmap.match('abc', 0, 1, false)).toEqual({ replacement: '1', end: 1 });
    expect(charsmap.match('abc', 1, 3, false)).toBeUndefined();
    expect(charsmap.match('é', 0, 1, false)).toEqual({ replacement: 'e', end: 1 });
    expect(charsmap.match('😀xy', 0, 4, false)).toEqual({ replacement: '', end: 3 });
    expect(charsmap.match('😀y', 0, 3, false)).toBeUndefined();
    expect(charsmap.match('\0', 0, 1, false)).toBeUndefined();
  });

  it('tells at a glance where no rule fits', () => {
    expect(['b', 'ab', 'ac', 'é', '中'].map(text => charsmap.skips(text, 0))).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    const onlyPairs = new Charsmap(compiled({ ab: '2' }));
    expect(['ab', 'ac', 'a'].map(text => onlyPairs.skips(text, 0))).toEqual([false, true, true]);
  });

  it.each([
    ['nothing', new Uint8Array(0), 'damaged'],
    ['a trie larger than the file', Uint8Array.of(0xfc, 0xff, 0xff, 0xff, 1, 2, 3, 4), 'damaged'],
    ['a trie of a broken size', Uint8Array.of(3, 0, 0, 0, 1, 2, 3, 4), 'damaged'],
  ])('refuses %s', (_, blob, message) => {
    expect(() => new Charsmap(blob)).toThrow(FormatError);
    expect(() => new Charsmap(blob)).toThrow(message);
  });

  it('refuses a trie that leads back to itself, at the first text that follows it', () => {
    const letter = 'a'.charCodeAt(0);
    const units = new Array<number>(BLOCK).fill(0);
    // The root and the letter both lead to the letter.
    units[0] = 0;
    units[letter] = ((letter ^ 0) << 10) | letter;
    const cyclic = new Charsmap(blobOf(units, Uint8Array.of(0)));
    expect(() => cyclic.match('a'.repeat(1_000_000), 0, 1_000_000, false)).toThrow('too long');
  });

  it('refuses replacements outside the table or without an end', () => {
    const blob = compiled({ a: 'x' });
    blob[blob.length - 1] = 0x78;
    expect(() => new Charsmap(blob).match('a', 0, 1, false)).toThrow('no end');
    expect(() => new Charsmap(compiled({ a: 'x'.repeat(1000) })).match('a', 0, 1, false)).toThrow('no end');
  });

  it('survives a trie that points anywhere', () => {
    let state = 9;
    const units = Array.from({ length: 512 }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0));
    const wild = new Charsmap(blobOf(units, Uint8Array.of(65, 0)));
    for (let unit = 1; unit < 0xd800; unit++) {
      try {
        wild.match(String.fromCharCode(unit, 0x61), 0, 2, false);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
  });
});

describe('Precompiled', () => {
  const normalizer = normalizerOf({ 'e\u0301': 'é', '\u0001': '', ﬁ: 'fi', '\n': ' ', ﷺ: 'صلى الله', x: 'y' });
  /** Code units of the original for each unit of the result. */
  const aligned = (text: string) => {
    const result = normalizer.aligned(unchangedText(text, 0));
    expect(result.text).toBe(normalizer.text(text));
    const places = [...result.text].map((_, i) => (result.starts ? [result.starts[i], result.ends![i]] : [i, i + 1]));
    return [result.text, places];
  };

  it.each([
    // Outputs of huggingface/tokenizers 0.23.2 for the same rules.
    [
      'abc',
      'abc',
      [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
    ],
    [
      'ae\u0301b',
      'aéb',
      [
        [0, 1],
        [1, 2],
        [3, 4],
      ],
    ],
    ['e\u0301\u0302', 'é', [[0, 1]]],
    [
      'ﬁx',
      'fiy',
      [
        [0, 1],
        [0, 1],
        [1, 2],
      ],
    ],
    [
      'a\u0001b',
      'ab',
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [
      '\u0001ab',
      'ab',
      [
        [0, 1],
        [1, 2],
      ],
    ],
    [
      'ﬁ\u0001a',
      'fia',
      [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
    ],
    [
      'a\n\u0301',
      'a \u0301',
      [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
    ],
    [
      'x\u0301\u0301\u0301',
      'y\u0301\u0301\u0301',
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ],
    ],
    ['x\u0301', 'y', [[0, 1]]],
  ])('rewrites %j', (text, expected, places) => {
    expect(aligned(text)).toEqual([expected, places]);
  });

  it('reads a long text once', () => {
    const text = 'e\u0301ﬁ\n'.repeat(100_000);
    expect(normalizer.text(text)).toBe('éfi '.repeat(100_000));
  });

  it('refuses what is no base64', () => {
    expect(() => parseNormalizer({ type: 'Precompiled', precompiled_charsmap: '%%%' })).toThrow('base64');
    expect(() => parseNormalizer({ type: 'Precompiled' })).toThrow('precompiled_charsmap');
  });
});
