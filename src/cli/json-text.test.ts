import { describe, expect, it } from 'vitest';
import { jsonText } from './json-text.ts';

describe('jsonText', () => {
  it('puts lists of numbers on one line, and nothing else', () => {
    expect(jsonText({ ids: [1, -2.5e-7, Number.NaN], rows: [[1], [2, 3]], words: ['a'], none: [] })).toBe(
      '{\n  "ids": [1, -2.5e-7, null],\n  "rows": [\n    [1],\n    [2, 3]\n  ],\n  "words": [\n    "a"\n  ],\n  "none": []\n}',
    );
    expect(jsonText([1, 2])).toBe('[1, 2]');
  });
  it('leaves strings as they are', () => {
    const value = { text: '[\n  1,\n  2\n]', list: ['[\n 1\n]'] };
    expect(JSON.parse(jsonText(value))).toEqual(value);
  });
});
