/**
 * Constraints that are made to take all time and memory: each is refused, or followed with little work. Work is counted by the machine
 * (states made, ways looked at), so nothing here depends on a clock.
 */
import { describe, expect, it } from 'vitest';
import { fullByteTokenizer } from '../../../test/generate/small-tokenizers.ts';
import { choices } from './choices.ts';
import type { Constraint } from './constraint.ts';
import { grammar } from './grammar.ts';
import { jsonSchema } from './json-schema.ts';
import { Kept } from './kept.ts';
import { regex } from './regex.ts';
import { TokenMasks } from './token-masks.ts';
import { tokenTexts } from './token-texts.ts';

const tokenizer = fullByteTokenizer();
const texts = tokenTexts(tokenizer, tokenizer.vocabSize);
const END = tokenizer.tokenToId('</s>')!;
const masksOf = (constraint: Constraint) => new TokenMasks(constraint.language, texts, [END]);

/** Follows a text as a generation does, with a mask for each step. Returns the work that it took. */
function follow(masks: TokenMasks, text: string): number {
  let position = masks.start([END]);
  for (const byte of new TextEncoder().encode(text)) {
    const scores = new Float32Array(texts.vocabSize);
    masks.apply(scores, position, 1e6);
    const id = texts.later.texts.indexOf(String.fromCharCode(byte));
    expect(scores[id], `${text}, byte ${byte}`).toBe(0);
    position = masks.advance(position, id)!;
  }
  return masks.machine.work;
}
const range = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const definitions = (count: number, make: (index: number) => unknown) => ({
  $ref: '#/$defs/a0',
  $defs: Object.fromEntries(range(count, i => [`a${i}`, make(i)])),
});
const to = (index: number) => ({ $ref: `#/$defs/a${index}` });

/** Of what a machine may do, a fortieth. What grows with the number of ways, and not of places, is far beyond all of it. */
const LITTLE = 500_000;

describe('followed with little work', () => {
  const CASES: Readonly<Record<string, readonly [make: () => Constraint, text: string]>> = {
    'repetitions that match in many ways': [() => regex('((a|a)*|(a|aa)*|(a*)*)*b'), 'a'.repeat(60)],
    'counts within each other': [() => regex('(((a{1,1000}b){1,1000}c){1,1000}d){1,1000}'), 'aabaabc'],
    'what a table of states would need 2^40 rows for': [() => regex('(a|b)*a(a|b){40}'), 'ab'.repeat(40)],
    'optional parts in a row': [() => regex('a?'.repeat(60)), 'a'.repeat(40)],
    'empty loops': [() => grammar('root ::= (""*)* ("a"?)* e{0,100} "b"\ne ::= ""'), 'aaab'],
    // The stack of a push-down machine forks at each step, and both sides share what lies below.
    'rules that branch and end differently': [
      () => grammar('root ::= ("a" root "d" | "a" root "e") "c" | "z"'),
      `${'a'.repeat(80)}z${'dc'.repeat(80)}`,
    ],
    'rules that lead on in two ways each': [
      () => grammar(`root ::= x0\n${range(40, i => `x${i} ::= "a" x${i + 1} "b"?`).join('\n')}\nx40 ::= "z"`),
      `${'a'.repeat(40)}zb`,
    ],
    palindromes: [() => grammar('root ::= "a" root "a" | "b" root "b" | "a" | "b" | ""'), 'ab'.repeat(20)],
    'many texts that begin alike': [() => choices(range(3000, i => `prefix-${i}`)), 'prefix-2999'],
    'a list of values': [() => jsonSchema({ enum: range(3000, i => `v${(i * 7919) % 100_003}`) }), '"v0"'],
    'lengths without end': [
      () =>
        jsonSchema({
          ...{ type: 'array', maxItems: 1e9 },
          items: { type: 'array', items: { type: 'string', maxLength: 1e9 }, minItems: 100, maxItems: 1e9 },
        }),
      '[["ab","c"',
    ],
    'definitions that lead to each other': [
      () => jsonSchema(definitions(40, i => ({ properties: { x: to((i + 1) % 40), y: to((i * 7) % 40) } }))),
      '{"x":{"x":{},"y":{}}}',
    ],
  };
  it.each(Object.keys(CASES))('%s', name => {
    const [make, text] = CASES[name]!;
    expect(follow(masksOf(make()), text)).toBeLessThan(LITTLE);
  });

  it('counts beyond all numbers are known to be far', () => {
    const masks = masksOf(regex(`${'('.repeat(60)}a${'){100000}'.repeat(60)}`));
    expect(masks.distance(masks.start([END]))).toBeGreaterThan(1e299);
    expect(masks.machine.work).toBeLessThan(LITTLE);
  });
});

describe('refused', () => {
  const doubled = definitions(28, i => (i === 27 ? { type: 'null' } : { allOf: [to(i + 1), to(i + 1)] }));
  const CASES: Readonly<Record<string, readonly [make: () => unknown, message: RegExp]>> = {
    'left recursion behind what may be empty': [
      () => grammar('root ::= ("x"? e root "a") | "b"\ne ::= ""*'),
      /begins with itself; seen: root -> root/,
    ],
    'left recursion through many rules': [
      () => grammar(`root ::= x0\n${range(500, i => `x${i} ::= x${(i + 1) % 500} "a" | "b"`).join('\n')}`),
      /begins with itself/,
    ],
    'a rule that never ends': [() => grammar('root ::= "a" root'), /root never ends/],
    'signs behind each other': [() => grammar(`root ::= "a"${'*'.repeat(1000)}`), /too deep/],
    'brackets within each other': [() => regex(`${'(?='.repeat(200)}`), /more than 100 groups/],
    'looking ahead for many things': [
      () => masksOf(regex(`${range(20, i => `(?=.*${String.fromCharCode(97 + i)})`).join('')}.*`)),
      /too many states together/,
    ],
    'more optional parts in a row than can be looked through': [
      () => follow(masksOf(regex('a?'.repeat(3000))), 'a'),
      /too large or too ambiguous; seen: more than 1000/,
    ],
    'texts that each begin with the one before': [
      () => choices(range(400, i => 'a'.repeat(i))),
      /begin with each other/,
    ],
    'half a character': [() => choices(['\ud800']), /half a character/],
    'definitions that double': [() => jsonSchema(doubled), /too many schemas, or to too much to compare/],
    'references in a circle': [() => jsonSchema(definitions(50, i => to((i + 1) % 50))), /begins with itself/],
    'a long way of references': [() => jsonSchema(definitions(2000, i => to((i + 1) % 2000))), /too deep/],
    'definitions that merge with themselves': [
      () => jsonSchema(definitions(2, i => ({ allOf: [to(1 - i), { minLength: 1 }] }))),
      /refers to itself/,
    ],
    'branches that all have to be compared': [
      () => jsonSchema({ oneOf: range(300, i => ({ enum: range(200, j => 1000 * i + j) })) }),
      /too much to compare/,
    ],
    'branches of branches': [
      () => jsonSchema({ oneOf: range(100, () => ({ anyOf: range(100, j => ({ const: j })) })) }),
      /too many branches; seen: 10000; expected: at most 500 \(in #\/oneOf\)/,
    ],
    'many parts with many properties': [
      () =>
        jsonSchema({
          allOf: range(600, i => ({ properties: Object.fromEntries(range(60, j => [`${i} ${j}`, true])) })),
        }),
      /too much to compare/,
    ],
  };
  it.each(Object.keys(CASES))('%s', name => {
    const [make, message] = CASES[name]!;
    expect(make).toThrow(message);
  });

  it('is what takes more work than there is', () => {
    const masks = masksOf(regex('((((a{1,9}){1,9}){1,9}){1,9}){1,9}'));
    masks.machine.spend(19_990_000);
    expect(masks.machine.fullness).toBeGreaterThan(0.99);
    expect(() => follow(masks, 'a'.repeat(40))).toThrow(/too large or too ambiguous; seen: .* ways to them/);
  });
});

describe('what is kept', () => {
  it('is bounded in bytes, and what was asked for longest ago goes first', () => {
    const kept = new Kept<number, Int32Array>(3000, list => list.byteLength);
    const made: number[] = [];
    const ask = (...keys: readonly number[]) => {
      for (const key of keys)
        kept.get(key, () => {
          made.push(key);
          return new Int32Array(100);
        });
    };
    // 400 bytes and 256 beside them: four have room.
    ask(1, 2, 3, 4, 1, 5);
    expect(kept.bytes).toBe(4 * 656);
    ask(1, 3, 4, 5, 2);
    expect(made).toEqual([1, 2, 3, 4, 5, 2]);
    kept.get(6, () => new Int32Array(10_000));
    expect(kept.bytes).toBe(40_256);
    ask(1);
    expect(kept.bytes).toBe(656);
  });
});
