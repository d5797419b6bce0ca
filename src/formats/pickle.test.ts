import { describe, expect, it } from 'vitest';
import { bytesOf, int, joined, text, tuple, u32, u64 } from '../../test/formats/torch-builder.ts';
import {
  kindOf,
  PickleBytes,
  PickleCutError,
  PickleDict,
  type PickleGlobal,
  type PickleHost,
  PickleSequence,
  readPickle,
} from './pickle.ts';

const host: PickleHost = {
  globals: new Map<string, PickleGlobal>([
    ['m.pair', { path: 'm.pair', call: args => new PickleSequence('list', [...args]) }],
    ['m.type', { path: 'm.type' }],
    ['m.a.b', { path: 'm.a.b' }],
  ]),
  persistent: id => ['persistent', plain(id)],
};
const read = (...parts: (string | number | Uint8Array)[]) => readPickle(bytesOf(...parts), 0, host, 'x');

/** A value as JSON-like data; tuples as `{ tuple }`. */
function plain(value: unknown): unknown {
  if (value instanceof PickleSequence) {
    const items = value.items.map(plain);
    return value.kind === 'list' ? items : { [value.kind]: items };
  }
  if (value instanceof PickleBytes) return { bytes: value.length };
  if (!(value instanceof PickleDict)) return value;
  return new Map(value.items.flatMap((key, i) => (i % 2 ? [] : [[key, plain(value.items[i + 1])] as const])));
}

/** Written by CPython 3.11; the same object in protocols 2 and 4. */
const PYTHON: Record<string, string> = {
  2: 'gAJ9cQAoWAQAAABpbnRzcQFdcQIoSwBL/00AAU3//0oAAAEASv////9K////f4oGAAAAAAABigcAAAAAAADgigcAAAAAAAAgigkAAAAAAAAAAMCKGgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABZVgEAAAAcmVzdHEDXXEEKEc/+AAAAAAAAEeAAAAAAAAAAE6IiVgBAAAAeHEFWAYAAADDqfCfmIBxBmVYBgAAAHR1cGxlc3EHKClLAYVxCEsBSwKGcQlLAUsCSwOHcQooSwFLAksDSwR0cQt0cQxYBgAAAHNoYXJlZHENXXEOKF1xD2gPZUsDfXEQWAYAAABuZXN0ZWRxEX1xEnN1Lg==',
  4: 'gASV4gAAAAAAAAB9lCiMBGludHOUXZQoSwBL/00AAU3//0oAAAEASv////9K////f4oGAAAAAAABigcAAAAAAADgigcAAAAAAAAgigkAAAAAAAAAAMCKGgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABZYwEcmVzdJRdlChHP/gAAAAAAABHgAAAAAAAAABOiImMAXiUjAbDqfCfmICUZYwGdHVwbGVzlCgpSwGFlEsBSwKGlEsBSwJLA4eUKEsBSwJLA0sEdJR0lIwGc2hhcmVklF2UKF2UaA9lSwN9lIwGbmVzdGVklH2Uc3Uu',
};
const OBJECT = new Map<unknown, unknown>([
  ['ints', [0, 255, 256, 65535, 65536, -1, 2 ** 31 - 1, 2 ** 40, -(2n ** 53n), 2n ** 53n, -(2n ** 70n), 2n ** 200n]],
  ['rest', [1.5, -0, null, true, false, 'x', 'é😀']],
  ['tuples', { tuple: [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]].map(tuple => ({ tuple })) }],
  ['shared', [[], []]],
  [3, new Map([['nested', new Map()]])],
]);

describe('readPickle', () => {
  it.each(Object.entries(PYTHON))('reads what Python writes, protocol %s', (_, base64) => {
    const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
    const { value, end } = readPickle(bytes, 0, host, 'x');
    expect(end).toBe(bytes.length);
    expect(plain(value)).toEqual(OBJECT);
    const shared = (value as PickleDict).get('shared') as PickleSequence;
    expect(shared.items[0]).toBe(shared.items[1]);
  });

  it('reads bytes, sets, calls, persistent ids; and where it is told to begin', () => {
    expect(plain(read('(B', u32(3), 'abcC', 2, 'de', 0x8f, '(K', 1, 0x90, 't.').value)).toEqual({
      tuple: [{ bytes: 3 }, { bytes: 2 }, { set: [1] }],
    });
    expect(plain(read('cm\npair\nK', 1, 'K', 2, 0x86, 'R.').value)).toEqual([1, 2]);
    expect(plain(read(text('m'), text('pair'), 0x93, ')', 0x81, '.').value)).toEqual([]);
    expect(read(int(-5), 'Q.').value).toEqual(['persistent', -5]);
    expect(plain(read('(', text('k'), int(1), 'd}b.').value)).toEqual(new Map([['k', 1]]));
    expect(readPickle(bytesOf('N.', 0x88, '.'), 2, host, 'x')).toEqual({ value: true, end: 4 });
    expect(read('U', 2, 'abNN00.').value).toBe('ab');
  });

  it('takes the last of equal keys, as Python does', () => {
    expect((read('}(', text('k'), int(1), text('k'), int(2), 'u.').value as PickleDict).get('k')).toBe(2);
  });

  it.each<[string, (string | number | Uint8Array)[], RegExp]>([
    [
      'an unknown name',
      ['cos\nsystem\n.'],
      /not on the list of what a checkpoint may hold; seen: "os\.system".*x, byte 11/,
    ],
    ['a dotted name, even where the list has its letters', ['cm\na.b\n.'], /not on the list.*seen: "m\.a\.b"/],
    ['a name that is no text', [int(1), text('a'), 0x93, '.'], /not named by text; seen: 1 and "a"/],
    ['a call of a type', ['cm\ntype\n)R.'], /calls something that is no function; seen: m\.type/],
    ['a call of data', ['])R.'], /calls something that is no function; seen: a list of 0/],
    ['arguments that are no tuple', ['cm\npair\n]R.'], /arguments of m\.pair are no tuple; seen: a list of 0/],
    ['instances', ['(i', 'os\nsystem\n.'], /opcode is not allowed.*seen: 0x69 \("i"\)/],
    ['objects', ['(o.'], /0x6f \("o"\)/],
    ['extensions', [0x82, 1, '.'], /opcode is not allowed in a checkpoint; seen: 0x82/],
    ['texts without a length', ['V\n.'], /0x56 \("V"\)/],
    ['64-bit lengths', [0x8d, u64(2 ** 40), '.'], /opcode is not allowed.*seen: 0x8d/],
    ['long longs', [0x8b, u32(2 ** 31), '.'], /opcode is not allowed.*seen: 0x8b/],
    [
      'a text longer than the file',
      ['X', u32(2 ** 32 - 1), 'ab.'],
      /ends in the middle; seen: 3 bytes left.*4294967295 more/,
    ],
    ['bytes longer than the file', ['B', u32(2 ** 31), 'ab.'], /ends in the middle/],
    ['a frame longer than the file', [0x95, u64(2n ** 64n - 1n), 'N.'], /ends in the middle/],
    ['a line without an end', ['cos'], /ends in the middle; seen: 2 bytes left; expected: the end of a line/],
    ['a text that is not UTF-8', ['X', u32(1), 0xff, '.'], /not valid UTF-8 \(in x, byte 6/],
    ['other protocols', [0x80, 6, 'N.'], /unknown pickle protocol; seen: 6/],
    ['an empty stack', ['0.'], /needs more values than there are; seen: 0; expected: 1/],
    ['a mark in the way', ['N(a.'], /needs more values than there are; seen: 0/],
    ['no mark', ['Nt.'], /needs a mark, and there is none/],
    ['nothing at the end', ['.'], /values left over; seen: 0 values/],
    ['too much at the end', ['NN.'], /values left over; seen: 2 values and 0 marks/],
    ['an empty place of the memo', ['j', u32(2 ** 32 - 1), '.'], /never stored in the memo; seen: index 4294967295/],
    ['appending to a tuple', [')Na.'], /opcode extends a list; seen: a tuple of 0/],
    ['entries of a list', [']NNs.'], /sets entries of a dict; seen: a list of 0/],
    ['a key without a value', ['}(Nu.'], /key without a value; seen: 1/],
    ['attributes of a list', [']}b.'], /sets attributes of something; seen: a list of 0/],
  ])('refuses %s', (_, parts, message) => {
    expect(() => read(...parts)).toThrow(message);
    expect(() => read(...parts)).toThrow(expect.objectContaining({ name: 'FormatError' }));
  });

  it('tells a pickle that goes on from one that is wrong', () => {
    const whole = joined([bytesOf(0x80, 4), tuple(text('abc'), int(7)), bytesOf('cm\npair\n)R', 0x86, '.')]);
    for (let length = 0; length < whole.length; length++) {
      expect(() => readPickle(whole.subarray(0, length), 0, host, 'x')).toThrow(PickleCutError);
    }
    expect(() => readPickle(whole, 0, host, 'x')).not.toThrow();
  });

  it('numbers the memo from 0 or 1 on, and makes no room for what nobody stored', () => {
    for (const first of [0, 1]) expect(read('Nq', first, '0Kxq', first + 1, '0h', first, '.').value).toBe(null);
    expect(() => read('Nq', 1, 'h', 0, '.')).toThrow(/never stored in the memo; seen: index 0/);
    expect(() => read('Nr', u32(2 ** 32 - 1), '.')).toThrow(/not numbered in order; seen: 4294967295; expected: 0/);
  });

  it('has no more containers than its length can fill', () => {
    const lists = (count: number) => read(new Uint8Array(count).fill(0x5d), new Uint8Array(count - 1).fill(0x30), '.');
    expect(lists(10_000).value).toEqual(new PickleSequence('list', []));
    expect(() => lists(100_000)).toThrow(/too many containers; expected: at most 35000/);
  });

  it('builds values that hold themselves and deep ones without following them', () => {
    const list = read(']q', 0, 'h', 0, 'a.').value as PickleSequence;
    expect(list.items[0]).toBe(list);
    const depth = 300_000;
    const level = bytesOf(0x85, 'J', u32(0), '0N0');
    const levels = Uint8Array.from({ length: depth * level.length }, (_, i) => level[i % level.length]!);
    const deep = read(')', levels, '.').value as PickleSequence;
    expect(kindOf(deep)).toBe('a tuple of 1');
    expect(() => read(new Uint8Array(depth).fill(0x28), '.')).toThrow(/300000 marks/);
  });

  it('stops after two million steps', () => {
    expect(() => readPickle(new Uint8Array(2_000_001).fill(0x4e), 0, host, 'x')).toThrow(/more than 2000000 opcodes/);
  });
});
