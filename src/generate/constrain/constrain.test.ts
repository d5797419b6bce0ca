import { describe, expect, it } from 'vitest';
import { fullByteTokenizer, metaspaceTokenizer, wordPieceTokenizer } from '../../../test/generate/small-tokenizers.ts';
import { tableDecoder } from '../../../test/generate/table-decoder.ts';
import { BYTE_CHARS } from '../../tokenizers/byte-alphabet.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import { createRng } from '../../util/rng.ts';
import { generateAll } from '../generate.ts';
import type { GenerateOptions } from '../options.ts';
import { choices } from './choices.ts';
import { complement, rangesOf, utf8Ranges } from './code-points.ts';
import type { Constraint } from './constraint.ts';
import { grammar } from './grammar.ts';
import { jsonSchema } from './json-schema.ts';
import { regex } from './regex.ts';
import { StateMachine } from './states.ts';
import { tokenTexts } from './token-texts.ts';

/** Whether a machine takes a text, byte by byte. */
const machines = new WeakMap<Constraint, StateMachine>();
function accepts(constraint: Constraint, text: string): boolean {
  const machine = machines.get(constraint) ?? new StateMachine(constraint.language);
  machines.set(constraint, machine);
  let state = machine.start ?? null;
  for (const byte of new TextEncoder().encode(text)) state = state && machine.step(state, machine.classOf[byte]!);
  return state?.accepts ?? false;
}

describe('sets of characters', () => {
  it('become exactly their UTF-8 sequences', () => {
    const rng = createRng(1);
    for (let trial = 0; trial < 30; trial++) {
      const bound = [0x100, 0x1000, 0x20000, 0x110000][trial % 4]!;
      const pairs = Array.from({ length: 3 }, () => [rng.below(bound), rng.below(bound)].sort((a, b) => a - b));
      const set = complement(complement(rangesOf(pairs as [number, number][])));
      const sequences = utf8Ranges(set);
      const isIn = (point: number) => {
        const bytes = new TextEncoder().encode(String.fromCodePoint(point));
        return sequences.filter(
          ranges =>
            ranges.length === bytes.length && ranges.every(([low, high], i) => bytes[i]! >= low && bytes[i]! <= high),
        ).length;
      };
      const probes = [
        ...set.flatMap(edge => [edge - 1, edge, edge + 1]),
        ...Array.from({ length: 50 }, () => rng.below(bound)),
      ];
      for (const point of probes.filter(p => p >= 0 && p <= 0x10ffff && !(p >= 0xd800 && p <= 0xdfff)))
        expect(isIn(point), point.toString(16)).toBe(
          set.some((low, i) => i % 2 === 0 && point >= low && point <= set[i + 1]!) ? 1 : 0,
        );
    }
  });
});

describe('characters that are halves of pairs', () => {
  it('are in no set and no vocabulary', () => {
    expect(rangesOf([[0xd700, 0xe0ff]])).toEqual([0xd700, 0xd7ff, 0xe000, 0xe0ff]);
    // An a, an é, half a pair, a slash in three bytes: the last two are no UTF-8.
    const words = [[0x61], [0xc3, 0xa9], [0xed, 0xa0, 0x80], [0xe0, 0x80, 0xaf]];
    const tokenizer = {
      decode: (ids: Iterable<number>) => new TextDecoder().decode(Uint8Array.from([...ids].flatMap(id => words[id]!))),
      idToToken: (id: number) => words[id]!.map(byte => BYTE_CHARS[byte]!).join(''),
    };
    expect(tokenTexts(tokenizer, words.length).alphabet).toEqual([0x61, 0x61, 0xe9, 0xe9]);
  });
});

describe('regular expressions', () => {
  const PATTERNS = [
    ...[
      'abc',
      'a|bc|',
      '(a|b)*c',
      'a{2,3}b{2}c{1,}',
      '[^a-c]x',
      '\\d+\\.\\w*',
      'é[à-ü]?',
      '(?:x(y)?)+?',
      '\\u0041\\x42',
      '.',
    ],
    ...['[\\]\\-a]', '(?<n>q)r', '^ab$', 'a$|^b', '\\p{Lu}{2}', '[\\s\\S]{2}', '((((a?)?)?)?)b', '(a*)*b', '(|a){3}'],
    ...[
      '(?!ab)[a-c]+',
      '(?=.{3}$)a*b*',
      'a(?!a)(?=b|c$).*',
      '(?!^a+$)a?a?b?',
      '(?=(?!aa)a).{1,4}',
      '[\\u0000-\\uffff]',
    ],
  ];
  const TEXTS = [
    ...[
      '',
      'a',
      'b',
      'c',
      'ab',
      'bc',
      'abc',
      'aab',
      'aabbc',
      'aaabbccc',
      'dx',
      'ax',
      '1.2',
      '12.ab_',
      'é',
      'éü',
      'xyxx',
    ],
    ...['AB', '\n', '😀', ']', '-', 'qr', 'ÄÖ', 'éx', '\na', 'aab', 'aaab', 'aa', 'aaa', 'aaaa', 'ac', 'babac'],
  ];
  it.each(PATTERNS)('%s', pattern => {
    const expected = new RegExp(`^(?:${pattern})$`, 'u');
    const constraint = regex(pattern);
    for (const text of TEXTS) expect(accepts(constraint, text), JSON.stringify(text)).toBe(expected.test(text));
  });
  it('take flags from a RegExp', () => {
    expect(accepts(regex(/aBc/i), 'AbC')).toBe(true);
    expect(accepts(regex(/[^a]/i), 'A')).toBe(false);
    expect(accepts(regex(/./s), '\n')).toBe(true);
    expect(() => regex(/a/m)).toThrow(/flag .* seen: m/);
  });
  it.each([
    ['(a)\\1', /a reference to a group, at character 5 of/],
    ['a(b|(?=b))', /looking ahead within a group, at character 7 of/],
    ['(?<=a)b', /looking behind/],
    ['(?=a', /not closed/],
    ['\\bword', /a word boundary/],
    ['a^b', /an anchor within the pattern/],
    ['(a', /not closed/],
    ['a)', /closes nothing/],
    ['a**', /a quantifier behind a quantifier/],
    ['a{5,2}', /from high to low/],
    ['[z-a]', /a range that is none/],
    ['a{1,9999999}', /a count above 100000/],
    ['\\uD800', /half a character/],
    ['('.repeat(200), /more than 100 groups/],
  ])('%s is refused', (pattern, message) => {
    expect(() => regex(pattern)).toThrow(message);
  });
});

describe('grammars', () => {
  const ARITHMETIC = `
    # GBNF
    root   ::= expression
    expression ::= term ([-+] term)*   // two terms
    term   ::= "(" expression ")" | number
    number ::= [0-9]{1,3}
      | "x"
  `;
  it.each(['1+2', '((x))-12+(3)', '123'])('GBNF takes %s', text =>
    expect(accepts(grammar(ARITHMETIC), text)).toBe(true),
  );
  it.each(['', '1+', '(1', '1234', 'y', '1)'])('GBNF refuses %j', text =>
    expect(accepts(grammar(ARITHMETIC), text)).toBe(false),
  );
  it("reads Lark's notation", () => {
    const lark = grammar(`
      start: greeting "," " "? NAME ["!" ~ 1..2]  -> hello
      greeting: "hi"i | "good " ("day" | "night")
      NAME.2: /[A-Z][a-z]+/
    `);
    expect(['HI,Ann', 'good night, Bob!!', 'hi, Al!'].map(text => accepts(lark, text))).toEqual([true, true, true]);
    expect(['good, Ann', 'hi ann', 'hi,Ann!!!'].map(text => accepts(lark, text))).toEqual([false, false, false]);
  });
  it('reads escapes', () => {
    expect(accepts(grammar('root ::= "\\n\\"\\x41\\u00e9" [\\]\\\\^]'), '\n"Aé^')).toBe(true);
    // A backslash that is escaped escapes nothing.
    expect(accepts(grammar('root ::= "\\\\d\\\\x41\\[\\U0001F600\\ud83d\\ude00"'), '\\d\\x41[😀😀')).toBe(true);
    expect(accepts(grammar('start: "ß\\x41"i'), 'ßa')).toBe(true);
    expect(accepts(grammar('start: "ß"i'), 'S')).toBe(false);
    expect(() => grammar('root ::= "\\U00110000"')).toThrow(/cannot be read; seen: \\U00110000.*line 1/);
  });
  it.each([
    ['root ::= a', /names a rule that it does not have; seen: a/],
    ['root ::= root "a" | "b"', /begins with itself; seen: root -> root/],
    ['root ::= a* b\na ::= "x"\nb ::= a? root', /begins with itself; seen: root -> b -> root/],
    ['other ::= "a"', /no rule to start with; seen: other/],
    ['root ::= "a"\nroot ::= "b"', /a second rule root.*line 2/],
    ['root ::= ("a"', /bracket that is not closed.*line 1/],
    ['%ignore WS\nstart: "a"', /no rule.*line 1/],
    ['start: /if(?!x)/ "y"', /looking ahead in a part of a grammar/],
  ])('%j is refused', (text, message) => {
    expect(() => grammar(text)).toThrow(message);
  });
});

describe('JSON schemas', () => {
  const takes = (schema: unknown, text: string) => accepts(jsonSchema(schema), text);
  it('hold integers and numbers to their bounds exactly', () => {
    const rng = createRng(3);
    for (let trial = 0; trial < 24; trial++) {
      const [a, b] = [0, 1]
        .map(() => Math.round((rng.uniform() - 0.5) * 10 ** (1 + (trial % 4)) * 100) / 100)
        .sort((x, y) => x - y);
      const whole = jsonSchema({ type: 'integer', minimum: a, exclusiveMaximum: b! + 1 });
      const decimal = jsonSchema({ type: 'number', minimum: a, exclusiveMaximum: b });
      for (let i = 0; i < 20; i++) {
        const x = Math.round(a! + (b! - a!) * (rng.uniform() * 1.4 - 0.2));
        if (!Object.is(x, -0)) expect(accepts(whole, String(x)), `${x} in ${a} .. ${b}`).toBe(x >= a! && x < b! + 1);
        const y = Math.round((a! + (b! - a!) * (rng.uniform() * 1.4 - 0.2)) * 1000) / 1000;
        for (const z of [y, a!, b!])
          if (!Object.is(z, -0)) expect(accepts(decimal, String(z)), `${z} in ${a} .. ${b}`).toBe(z >= a! && z < b!);
      }
    }
    expect(takes({ type: 'integer' }, '-0')).toBe(true);
    expect(takes({ type: 'integer', minimum: 5 }, '007')).toBe(false);
    expect(takes({ type: 'number', minimum: 0.5, maximum: 0.5 }, '0.5')).toBe(true);
  });
  it('spell strings in one way', () => {
    expect(takes({ type: 'string' }, '"a\\n\\"é😀\\u0001"')).toBe(true);
    expect(takes({ type: 'string' }, '"\\u0061"')).toBe(false);
    expect(takes({ type: 'string' }, '"\n"')).toBe(false);
    expect(takes({ type: 'string', maxLength: 2 }, '"😀\\n"')).toBe(true);
    expect(takes({ type: 'string', maxLength: 2 }, '"abc"')).toBe(false);
    expect(takes({ type: 'string', pattern: '^["\\\\]$' }, '"\\""')).toBe(true);
  });
  it('never let a further property have the name of one that is known', () => {
    const schema = { type: 'object', properties: { ab: { type: 'null' } }, additionalProperties: { type: 'boolean' } };
    expect(takes(schema, '{"a":true,"abc":false}')).toBe(true);
    expect(takes(schema, '{"ab":true}')).toBe(false);
    expect(takes(schema, '{"\\u0061b":true}')).toBe(false);
    expect(takes(schema, '{"ab":null,"ab":true}')).toBe(false);
  });
  it('merge what has to hold at once', () => {
    const schema = {
      $defs: { id: { type: 'integer', minimum: 3 } },
      allOf: [{ properties: { a: { $ref: '#/$defs/id' } }, required: ['a'] }, { additionalProperties: { maximum: 5 } }],
      type: 'object',
    };
    expect(['3', '5', '6', '2'].map(n => takes(schema, `{"a":${n}}`))).toEqual([true, true, false, false]);
    expect(takes({ anyOf: [{ type: 'string' }, { type: 'integer' }], enum: ['a', 1, null] }, 'null')).toBe(false);
    expect(takes({ type: ['string', 'null'], maxLength: 1 }, 'null')).toBe(true);
    expect(takes({ type: 'string', nullable: true }, 'null')).toBe(true);
  });
  it('lay JSON out as asked', () => {
    const schema = { type: 'array', items: { type: 'integer' } };
    expect(accepts(jsonSchema(schema, { whitespace: 'compact' }), '[1, 2]')).toBe(false);
    expect(accepts(jsonSchema(schema, { whitespace: 'spaced' }), '[1, 2]')).toBe(true);
    expect(accepts(jsonSchema(schema, { whitespace: 'free' }), '[\n  1,\n  2\n]')).toBe(true);
  });
  it.each([
    [{ type: 'object', patternProperties: {} }, /"patternProperties" .* not supported.*in #\/patternProperties/],
    [{ type: 'array', items: { not: { type: 'null' } } }, /"not" .* not supported.*in #\/items\/not/],
    [{ type: 'array', uniqueItems: true }, /no such value; seen: true.*in #\/uniqueItems/],
    [{ properties: { a: { type: 'text' } } }, /seen: "text".*in #\/properties\/a\/type/],
    [{ type: 'string', format: 'color' }, /"color" .* not supported; expected: date,.*in #\/format/],
    [{ $ref: '#/$defs/none' }, /leads nowhere; seen: "#\/\$defs\/none"/],
    [{ $ref: 'http://example.org/x' }, /leads nowhere/],
    [{ $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }, /begins with itself|refers to itself/],
    [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, /several branches of oneOf; seen: branches 0 and 1/],
    [{ type: 'integer', minimum: 5, maximum: 4 }, /no value is valid/],
    [{ type: 'object', properties: { a: false }, required: ['a'] }, /no value is valid/],
    [{ type: 'object', additionalProperties: true, minProperties: 2 }, /number of properties cannot be held to/],
    [{ enum: ['abc', 'b'], maxLength: 1 }, /list of values and other conditions/],
    [{ type: 'string', minLength: 1000, maxLength: 5000, pattern: 'a.*b.*c' }, /too many states together.*in #/],
    [[], /not a schema/],
  ])('%j is refused', (schema, message) => {
    expect(() => jsonSchema(schema)).toThrow(message);
  });
  it('refuse what is built to take all memory', () => {
    let deep: unknown = { type: 'null' };
    for (let i = 0; i < 5000; i++) deep = { type: 'array', items: deep };
    expect(() => jsonSchema(deep)).toThrow(/too deep/);
    expect(() =>
      jsonSchema({ allOf: Array.from({ length: 12 }, () => ({ anyOf: [{ minLength: 1 }, { maxLength: 9 }] })) }),
    ).toThrow(/alternatives of the schema multiply/);
  });
});

describe('vocabularies', () => {
  const [bytes, metaspace, wordPiece] = [fullByteTokenizer(), metaspaceTokenizer(120), wordPieceTokenizer()];
  const flat = (size: number) => tableDecoder({ vocabSize: size, logits: () => new Float32Array(size) });
  const sample = async (tokenizer: Tokenizer, constraint: Constraint, options: GenerateOptions = {}) => {
    const decoder = flat(tokenizer.vocabSize);
    const texts = tokenTexts(tokenizer, decoder.vocabSize);
    const end = tokenizer.tokenToId('</s>') ?? tokenizer.tokenToId('[SEP]')!;
    const merged = { constraint, tokenTexts: texts, temperature: 1, maxNewTokens: 24, eosTokenId: end, ...options };
    const done = await generateAll(decoder, [[end]], merged);
    return tokenizer.decode(done.sequences[0]!.ids, { skipSpecialTokens: true, cleanUpSpaces: false });
  };

  it('characters in parts come out whole', async () => {
    for (let seed = 0; seed < 30; seed++)
      expect(await sample(bytes, regex('[à-üΑ-Ω一-龥😀-😎]{2,4}'), { seed })).toMatch(/^[à-üΑ-Ω一-龥😀-😎]{2,4}$/u);
  });
  it('the space that SentencePiece drops at the beginning is none', async () => {
    for (let seed = 0; seed < 30; seed++)
      expect(await sample(metaspace, regex('[a-z]+( [a-z]+)?'), { seed })).toMatch(/^[a-z]+( [a-z]+)?$/);
  });
  it('words of WordPiece', async () => {
    for (let seed = 0; seed < 30; seed++)
      expect(await sample(wordPiece, regex('(the|a)[a-z]{0,5}'), { seed })).toMatch(/^(the|a)[a-z]{0,5}$/);
  });
  it('what cannot be written is refused with the character', async () => {
    await expect(sample(wordPiece, regex('"[a-z]"'))).rejects.toThrow(/no token for "\\"" alone/);
    await expect(sample(metaspace, choices(['naïve']))).rejects.toThrow(/no token for "ï" alone/);
  });
  it('a token as long as a book is known and not offered', () => {
    const words = ['a', 'b'.repeat(20), 'b'.repeat(70_000)];
    const tokenizer = {
      decode: (ids: Iterable<number>) => [...ids].map(id => words[id]).join(''),
      idToToken: (id: number) => words[id],
    };
    const { texts, short, long } = tokenTexts(tokenizer, words.length).later;
    expect([texts[2]!.length, short.size, long.size]).toEqual([70_000, 1, 20]);
  });
  it('a tokenizer whose tokens depend on each other is refused', () => {
    const merging = {
      decode: (ids: Iterable<number>) => [...new Set(ids)].map(id => 'abc'[id]).join(''),
      idToToken: (id: number) => 'abc'[id],
    };
    expect(() => tokenTexts(merging, 3)).toThrow(/no text of their own/);
  });

  it('long counts are followed without a state for each when they are made', async () => {
    expect(new StateMachine(regex('(a{90000,100000}b){1,50000}').language).size).toBeLessThan(10);
    const options = { maxNewTokens: 2000, doSample: false };
    // Of equal scores the first allowed one is taken: the end as soon as it may come.
    expect(await sample(bytes, regex('a{1200,100000}'), options)).toBe('a'.repeat(1200));
  });
  it('a budget counts tokens, not bytes, and names what is missing', async () => {
    const constraint = choices(['"},{"},{"},{']);
    expect(await sample(bytes, constraint, { maxNewTokens: 7 })).toBe('"},{"},{"},{');
    await expect(sample(bytes, constraint, { maxNewTokens: 5 })).rejects.toThrow(
      /does not fit; seen: room for 5 tokens; expected: at least 6/,
    );
  });
  it('a forced last token is counted, and forced first ones stand outside', async () => {
    const end = 2;
    const options = { forcedEosTokenId: end, forcedBosTokenId: 1, maxNewTokens: 6, temperature: 1 };
    for (let seed = 0; seed < 10; seed++)
      expect(await sample(bytes, regex('[ab]+;'), { ...options, seed })).toMatch(/^[ab]{1,3};$/);
  });
});
