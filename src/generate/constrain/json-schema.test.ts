/** The schemas that zod writes, and what people write by hand, held against zod itself: what comes out is what it accepts. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createRng, type Rng } from '../../util/rng.ts';
import { jsonSchema } from './json-schema.ts';
import { type State, StateMachine } from './states.ts';

/** A text of the machine: any bytes for a while, then the shortest way to an end. */
function sample(machine: StateMachine, rng: Rng): string {
  const bytes: number[] = [];
  let state: State = machine.start!;
  const wander = rng.below(60);
  while (bytes.length < wander && !(state.accepts && rng.uniform() < 0.2)) {
    const ways = machine.bytes.flatMap((byte, byteClass) => {
      const next = machine.step(state, byteClass);
      return next ? [{ byte, next }] : [];
    });
    if (ways.length === 0) break;
    const way = ways[rng.below(ways.length)]!;
    bytes.push(way.byte);
    state = way.next;
  }
  for (let way = machine.shortestByte(state); way; way = machine.shortestByte(way.next)) bytes.push(way.byte);
  return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
}

function values(schema: unknown, count: number): unknown[] {
  const machine = new StateMachine(jsonSchema(schema).language);
  const rng = createRng(1);
  return Array.from({ length: count }, () => JSON.parse(sample(machine, rng)) as unknown);
}

function takes(schema: unknown, text: string): boolean {
  const machine = new StateMachine(jsonSchema(schema).language);
  let state: State | null = machine.start ?? null;
  for (const byte of new TextEncoder().encode(text)) state = state && machine.step(state, machine.classOf[byte]!);
  return state?.accepts ?? false;
}

const Tree = z.object({
  value: z.int(),
  get children(): z.ZodArray<typeof Tree> {
    return z.array(Tree).max(2);
  },
});
const pair = [z.object({ a: z.string() }), z.object({ b: z.number() })] as const;
const FORMS: Readonly<Record<string, z.ZodType>> = {
  record: z.record(z.string(), z.number()),
  'record of listed names': z.record(z.enum(['a', 'b"']), z.int()),
  'record of some listed names': z.partialRecord(z.enum(['a', 'b', 'c']), z.int()),
  'record of a pattern': z.record(z.string().regex(/^[a-z]+\d$/), z.boolean()),
  'record of lengths': z.record(z.string().min(2).max(3), z.null()),
  'record of numerals': z.record(z.number(), z.boolean()),
  'record of a template': z.record(z.templateLiteral(['id_', z.int()]), z.string()),
  'record of a union': z.record(z.union([z.literal('q'), z.string().regex(/^k/)]), z.string()),
  'discriminated union': z.discriminatedUnion('k', [
    z.object({ k: z.literal('a'), n: z.number() }),
    z.object({ k: z.literal(['b', 'c']), s: z.string() }),
  ]),
  'exclusive union': z.xor([z.string(), z.number()]),
  union: z.union([z.string(), z.array(z.string()).length(2)]),
  nullable: z.object({ a: z.string().nullable(), b: z.int().nullish(), c: z.enum(['p', 'q']).nullable() }),
  literals: z.literal([1, 'a', null, true]),
  'enum of numbers': z.enum({ A: 1, B: 2 }),
  tuple: z.tuple([z.string(), z.number()]),
  'tuple with a rest': z.tuple([z.string()], z.boolean()),
  'tuple with an optional part': z.tuple([z.string(), z.number().optional()]),
  'lengths of arrays': z.array(z.int32()).min(1).max(3),
  'safe integers': z.int(),
  bounds: z.number().positive().max(10),
  'all floats': z.float32(),
  date: z.iso.date(),
  time: z.iso.time(),
  'date and time': z.iso.datetime({ precision: 3 }),
  'date and time with an offset': z.iso.datetime({ offset: true, local: true }),
  email: z.email(),
  'email of a length': z.email().max(64),
  uuid: z.uuidv4(),
  url: z.url(),
  ipv4: z.ipv4(),
  ipv6: z.ipv6(),
  mac: z.mac(),
  cidr: z.cidrv4(),
  base64: z.base64(),
  telephone: z.e164(),
  ulid: z.ulid(),
  lowercase: z.string().lowercase(),
  'conditions on a string': z.string().startsWith('x').endsWith('y').max(9),
  template: z.templateLiteral(['v', z.int(), '.', z.enum(['a', 'b'])]),
  'loose object': z.looseObject({ a: z.string() }),
  'catch-all': z.object({ a: z.string() }).catchall(z.boolean()),
  intersection: z.intersection(...pair),
  'intersection with a union': z.intersection(pair[0], z.union([pair[1], z.object({ c: z.null() })])),
  never: z.object({ a: z.never().optional(), b: z.array(z.never()) }),
  recursive: Tree,
  json: z.json(),
};

describe('what zod writes', () => {
  it.each(Object.keys(FORMS))('%s', name => {
    const form = FORMS[name]!;
    const documents = (['draft-2020-12', 'draft-7'] as const).map(target => z.toJSONSchema(form, { target }));
    const distinct = new Map(documents.map(({ $schema: _, ...schema }) => [JSON.stringify(schema), schema]));
    for (const schema of distinct.values())
      for (const value of values(schema, 12))
        expect(form.safeParse(value).error, JSON.stringify(value)).toBeUndefined();
  });
  it("reads OpenAPI's spelling", () => {
    const form = z.object({ a: z.number().positive().lt(3).nullable(), b: z.null() });
    for (const value of values(z.toJSONSchema(form, { target: 'openapi-3.0' }), 12))
      expect(form.safeParse(value).error, JSON.stringify(value)).toBeUndefined();
  });
  it.each([
    ['multiples', z.int().multipleOf(5), /seen: 5; expected: 1 \(in #\/properties\/x\/multipleOf\)/],
    ['properties by pattern', z.looseRecord(z.string().regex(/^S_/), z.int()), /#\/properties\/x\/patternProperties/],
    ['a look ahead within a group', z.iso.duration(), /within a group.*in #\/properties\/x\/pattern/],
    ['too many states', z.hostname(), /too many states together.*in #\/properties\/x/],
    [
      'a format without a pattern',
      z.jwt(),
      /"jwt" .* not supported.*say it as a pattern \(in #\/properties\/x\/format/,
    ],
  ])('refuses %s with its place', (_, form, message) => {
    expect(() => jsonSchema(z.toJSONSchema(z.object({ x: form })))).toThrow(message);
  });
});

describe('names of properties', () => {
  const lowercase = { propertyNames: { pattern: '^[a-z]+$' } };
  it('are held to propertyNames, whether they are known or not', () => {
    const schema = { type: 'object', ...lowercase, additionalProperties: { type: 'null' } };
    expect(['{}', '{"ab":null}', '{"a":null, "b":null}'].map(text => takes(schema, text))).toEqual([true, true, true]);
    expect(['{"A":null}', '{"":null}', '{"a":1}'].map(text => takes(schema, text))).toEqual([false, false, false]);
    const known = { ...schema, properties: { ok: { const: 1 }, NO: { const: 2 } } };
    expect(takes(known, '{"ok":1,"x":null}')).toBe(true);
    for (const text of ['{"ok":null}', '{"NO":2}']) expect(takes(known, text)).toBe(false);
    expect(() => jsonSchema({ ...known, required: ['NO'] })).toThrow(/no value is valid/);
  });
  it('that are listed come at most once, and those required do', () => {
    const schema = { propertyNames: { enum: ['a', 'b'] }, additionalProperties: { type: 'integer' }, required: ['b'] };
    expect(['{"b":1}', '{"b":1,"a":2}'].map(text => takes(schema, text))).toEqual([true, true]);
    for (const text of ['{}', '{"a":1}', '{"b":1,"b":2}', '{"b":1,"c":2}']) expect(takes(schema, text)).toBe(false);
  });
  it('that are listed are no others beside properties', () => {
    const schema = { properties: { a: { const: 1 } }, propertyNames: { enum: ['a', 'b'] } };
    expect(['{}', '{"a":1}', '{"b":1}'].map(text => takes(schema, text))).toEqual([true, true, false]);
    expect(takes({ ...schema, additionalProperties: true }, '{"a":1,"b":[]}')).toBe(true);
  });
  it('meet the conditions of all parts', () => {
    const schema = { type: 'object', allOf: [lowercase, { propertyNames: { maxLength: 2 } }] };
    expect(['{"ab":0}', '{"abc":0}', '{"A":0}'].map(text => takes(schema, text))).toEqual([true, false, false]);
    expect(takes({ type: 'object', propertyNames: { type: 'integer' } }, '{"1":0}')).toBe(false);
  });
});

describe('contradictions', () => {
  it('are told with their place', () => {
    const closed = (name: string) => ({
      ...{ type: 'object', properties: { [name]: { type: 'string' } }, required: [name], additionalProperties: false },
    });
    expect(() => jsonSchema({ allOf: [closed('a'), closed('b')] })).toThrow(
      /no value is valid.*nothing that is valid in #\/allOf\/0\/additionalProperties/,
    );
    const deep = {
      properties: { x: { type: 'array', minItems: 1, items: { type: 'integer', minimum: 5, maximum: 4 } } },
    };
    expect(() => jsonSchema({ ...deep, required: ['x'] })).toThrow(/in #\/properties\/x\/items, #\/properties\/x/);
  });
  it('that leave something valid are none', () => {
    expect(takes({ anyOf: [{ not: {} }, { type: 'null' }] }, 'null')).toBe(true);
    expect(takes({ properties: { a: { not: true } } }, '{}')).toBe(true);
    expect(takes({ type: 'null', not: false }, 'null')).toBe(true);
  });
});

describe('a format that nobody knows', () => {
  it('is what the pattern beside it says', () => {
    expect(takes({ type: 'string', format: 'plate', pattern: '^[A-Z]{2}$' }, '"AB"')).toBe(true);
    expect(() => jsonSchema({ type: 'string', format: 'plate' })).toThrow(/"plate" .* not supported/);
  });
  it('that is known holds beside the pattern', () => {
    const schema = { type: 'string', format: 'ipv4', pattern: '^1' };
    expect(['"1.2.3.4"', '"2.2.3.4"', '"1"'].map(text => takes(schema, text))).toEqual([true, false, false]);
  });
});
