import { describe, expect, it } from 'vitest';
import { FormatError } from '../errors.ts';
import { JsonReader } from './json-reader.ts';

const reader = (text: string) => new JsonReader(text, 'a.json');
function skip(text: string): void {
  const json = reader(text);
  json.skip();
  json.end();
}

describe('JsonReader', () => {
  it('reads an object in any legal spelling', () => {
    const found: unknown[] = [];
    const json = reader('\r\n{ "a" : 12,\t"\\u00e4\\"\\\\":"x" , "": [1 ,2,[] , {}] } \n');
    json.object(key => {
      if (key === 'a') found.push(json.unsigned());
      else if (key === '') json.array(() => json.skip());
      else found.push(key, json.string());
    });
    json.end();
    expect(found).toEqual([12, 'ä"\\', 'x']);
  });

  it('reads numbers, tells what comes next, and leaves known keys to the caller', () => {
    const json = reader(' {"a": -1.5e3, "b":null, "c": [2]}');
    const found: [string, unknown][] = [];
    const readNext = (key: string) => {
      const next = json.peek();
      if (/[-0-9]/.test(next)) found.push([key, json.number()]);
      else found.push([key, next], [key, json.skip()]);
    };
    expect(json.peek()).toBe('{');
    json.object(readNext, () => false);
    expect(json.peek()).toBe('');
    expect(found).toEqual([
      ['a', -1500],
      ['b', 'n'],
      ['b', undefined],
      ['c', '['],
      ['c', undefined],
    ]);
    expect(() => reader('{"a":1,"a":2}').object(readNext, key => key === 'a')).toThrow(/given twice/);
    for (const text of ['01', 'true', '"1"', '-']) expect(() => reader(text).number(), text).toThrow(FormatError);
  });

  it.each(['0', '-0', '1.5e-7', '"x"', 'null', 'true', 'false', '[]', '{"a":[{}]}', ' [ 1 , 2 ] '])(
    'takes %s as JSON.parse does',
    text => {
      JSON.parse(text);
      expect(() => skip(text)).not.toThrow();
    },
  );

  it.each([
    ...['', '01', '1.', '.5', '+1', '1e', '--1', 'nul', 'NaN', 'Infinity', "'a'", '[1,]', '[,1]', '[1 2]', '{"a"}'],
    ...[
      '{"a":1,}',
      '{a:1}',
      '{"a":1',
      '[1',
      '"a',
      '"\t"',
      '"\\x"',
      '"\\u12"',
      '"\\',
      '1 2',
      '{} x',
      '[1;2]',
      '\ufeff{}',
    ],
  ])('refuses %j as JSON.parse does', text => {
    expect(() => JSON.parse(text)).toThrow();
    expect(() => skip(text)).toThrow(/in a\.json, character \d+/);
  });

  it('refuses what JSON.parse lets pass', () => {
    expect(() => skip('{"a":{"b":1,"\\u0062":2}}')).toThrow(
      /given twice .* seen: "b" \(in a\.json, character 20, at "a" > "b"/,
    );
    expect(() => skip('["\\ud800"]')).toThrow(/half a surrogate pair/);
    expect(() => skip('["\\ud83d\\ude00"]')).not.toThrow();
  });

  it('bounds nesting', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => skip(nested(64))).not.toThrow();
    expect(() => skip(nested(65))).toThrow(/deeper than 64 levels/);
    expect(() => skip('{"a":'.repeat(1_000_000))).toThrow(/deeper than 64 levels/);
  });

  it.each(['-1', '1.0', '1e3', '01', 'true', '-0'])('refuses %s as an unsigned integer', text => {
    expect(() => reader(text).unsigned()).toThrow(/not a whole number of 0 or more; seen: /);
  });

  it('refuses integers that a number cannot hold', () => {
    expect(reader('9007199254740991').unsigned()).toBe(2 ** 53 - 1);
    expect(() => reader('9007199254740992').unsigned()).toThrow(/too large; seen: "9007199254740992"/);
    expect(() => reader('9'.repeat(1000)).unsigned()).toThrow(/too large; seen: "9{100}…"/);
  });

  it('says what it found instead of what', () => {
    expect(() => skip('[1}')).toThrow(/seen: }; expected: ',' or ']'/);
    expect(() => reader('[').object(() => {})).toThrow(/seen: \[; expected: an object/);
    expect(() => reader('').string()).toThrow(/seen: the end of the text; expected: a string/);
    expect(() => skip('{}\0')).toThrow(/seen: the byte 0x00; expected: nothing but spaces/);
  });
});
