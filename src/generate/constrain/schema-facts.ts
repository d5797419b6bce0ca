/**
 * What a JSON schema says about a value, gathered: `$ref` followed, `allOf` merged, `anyOf` and `oneOf` as a list of alternatives, each
 * of which is flat. JSON Schema 2020-12, with the older spellings (`definitions`, `items` as a list, `nullable`).
 */
import { ConfigError } from '../../errors.ts';
import { show } from '../options.ts';
import type { NumberBounds } from './json-numbers.ts';
import { checkDocument, referenced } from './schema-document.ts';

export const JSON_TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/** A schema within a schema, and where it stands. */
export interface Subschema {
  readonly schema: unknown;
  readonly where: string;
}

/** All of what is set holds. Lists of subschemas: the value meets each of them. */
export interface Facts extends NumberBounds {
  readonly where: string;
  /** Undefined = any. */
  readonly types?: readonly JsonType[] | undefined;
  readonly values?: readonly unknown[] | undefined;
  readonly minLength: number;
  readonly maxLength: number;
  readonly patterns: readonly { readonly source: string; readonly where: string }[];
  readonly formats: readonly { readonly name: string; readonly where: string }[];
  readonly minItems: number;
  readonly maxItems: number;
  readonly prefixItems: readonly (readonly Subschema[])[];
  /** Of the items behind `prefixItems`; undefined = not said. */
  readonly items?: readonly Subschema[] | undefined;
  readonly properties: ReadonlyMap<string, readonly Subschema[]>;
  readonly required: readonly string[];
  /** Of properties without a name in `properties`; undefined = not said. */
  readonly additional?: readonly Subschema[] | undefined;
  readonly minProperties: number;
  readonly maxProperties: number;
}

/** Keywords that say nothing about which values are valid. */
const ANNOTATIONS = new Set([
  ...['$schema', '$id', 'id', '$comment', '$defs', 'definitions', '$anchor', '$vocabulary', 'title', 'description'],
  ...['default', 'example', 'examples', 'deprecated', 'readOnly', 'writeOnly', 'contentMediaType', 'contentEncoding'],
]);
const KEYWORDS = new Set([
  ...['$ref', 'type', 'nullable', 'enum', 'const', 'allOf', 'anyOf', 'oneOf'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'format'],
  ...['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
  ...['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
]);
const MOST_ALTERNATIVES = 500;
const MOST_BRANCHES = 5000;
const DEEPEST = 64;
/** References lead to the same schema again and again; so many are read. */
const MOST_READ = 100_000;

/** Reads the schemas of one document. */
export class SchemaReader {
  readonly #document: unknown;
  /** Of properties that were compared: each branch of a `oneOf` is with all others. */
  readonly #values = new Map<readonly Subschema[], readonly unknown[] | undefined>();
  #read = 0;

  /** @throws ConfigError for a document that is too large, too deep, or within itself */
  constructor(document: unknown) {
    checkDocument(document);
    this.#document = document;
  }

  /**
   * What all of the schemas say together, as alternatives; none = nothing is valid.
   * @throws ConfigError for a keyword that is not supported or has no such value
   */
  alternatives(subschemas: readonly Subschema[], depth = 0): readonly Facts[] {
    return subschemas.reduce<readonly Facts[]>(
      (known, subschema, i) => (i === 0 ? this.#of(subschema, depth) : product(known, this.#of(subschema, depth))),
      [nothingSaid('#')],
    );
  }

  /** The schema that a reference names. */
  resolve(reference: unknown, where: string): Subschema {
    return { schema: referenced(this.#document, reference, where), where: reference as string };
  }

  #of({ schema, where }: Subschema, depth: number): readonly Facts[] {
    if (depth > DEEPEST)
      throw new ConfigError('a schema refers to itself without a value between, or too deep', { where });
    if (++this.#read > MOST_READ)
      throw new ConfigError('the schema leads to too many schemas', { expected: `${MOST_READ} to be read`, where });
    if (schema === true) return [nothingSaid(where)];
    if (schema === false) return [];
    const fields = fieldsOf(schema, where);
    let found: readonly Facts[] = [readOwn(fields, where)];
    const and = (others: readonly Facts[]) => {
      found = product(found, others);
    };
    if (fields.$ref !== undefined) and(this.#of(this.resolve(fields.$ref, where), depth + 1));
    for (const part of branches(fields, 'allOf', where)) and(this.#of(part, depth + 1));
    const any = branches(fields, 'anyOf', where);
    if (any.length > 0) and(any.flatMap(part => this.#of(part, depth + 1)));
    const one = branches(fields, 'oneOf', where);
    if (one.length > 0) {
      if (one.length > MOST_ALTERNATIVES) throw tooManyBranches(one.length, MOST_ALTERNATIVES, `${where}/oneOf`);
      const read = one.map(part => this.#of(part, depth + 1));
      this.#checkExclusive(read, `${where}/oneOf`, depth);
      and(read.flat());
    }
    return found;
  }

  /** A value may meet only one branch of a `oneOf`; that has to be plain to see. */
  #checkExclusive(branchFacts: readonly (readonly Facts[])[], where: string, depth: number): void {
    branchFacts.forEach((branch, i) => {
      for (const [j, other] of branchFacts.entries())
        if (j > i && branch.some(a => other.some(b => !this.#disjoint(a, b, depth))))
          throw new ConfigError('a value may meet several branches of oneOf', {
            seen: `branches ${i} and ${j}`,
            expected: 'branches of other types, or with a required property of other constant values',
            fix: 'say anyOf, if one or more is meant',
            where,
          });
    });
  }
  #disjoint(a: Facts, b: Facts, depth: number): boolean {
    if (a.values && b.values) return commonValues(a.values, b.values).length === 0;
    const types = (facts: Facts) => facts.types ?? (facts.values ? typesOfValues(facts.values) : JSON_TYPES);
    const common = commonTypes(types(a), types(b));
    return common.every(type => {
      if (type === 'integer' || type === 'number') {
        const both = { ...a, ...b, ...tighter(a, b) };
        const low = Math.max(both.minimum ?? -Infinity, both.exclusiveMinimum ?? -Infinity);
        const high = Math.min(both.maximum ?? Infinity, both.exclusiveMaximum ?? Infinity);
        return low > high || (low === high && (low === both.exclusiveMinimum || high === both.exclusiveMaximum));
      }
      if (type !== 'object') return false;
      return a.required.some(name => {
        if (!b.required.includes(name)) return false;
        const [mine, theirs] = [a, b].map(facts => this.#valuesOf(facts.properties.get(name), depth));
        return mine && theirs && commonValues(mine, theirs).length === 0;
      });
    });
  }
  #valuesOf(subschemas: readonly Subschema[] | undefined, depth: number): readonly unknown[] | undefined {
    if (!subschemas) return undefined;
    if (!this.#values.has(subschemas)) {
      const all = this.alternatives(subschemas, depth + 1);
      this.#values.set(subschemas, all.every(facts => facts.values) ? all.flatMap(facts => facts.values!) : undefined);
    }
    return this.#values.get(subschemas);
  }
}

function nothingSaid(where: string): Facts {
  return {
    where,
    minLength: 0,
    maxLength: Number.POSITIVE_INFINITY,
    patterns: [],
    formats: [],
    minItems: 0,
    maxItems: Number.POSITIVE_INFINITY,
    prefixItems: [],
    properties: new Map(),
    required: [],
    minProperties: 0,
    maxProperties: Number.POSITIVE_INFINITY,
  };
}

function fieldsOf(schema: unknown, where: string): Record<string, unknown> {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new ConfigError('not a schema', { seen: show(schema), expected: 'an object, true or false', where });
  for (const name of Object.keys(schema))
    if (!KEYWORDS.has(name) && !ANNOTATIONS.has(name) && !name.startsWith('x-'))
      throw new ConfigError(`the keyword "${name}" of a JSON schema is not supported`, {
        expected: [...KEYWORDS].join(', '),
        fix: 'leave it out, and check the value afterwards',
        where: `${where}/${name}`,
      });
  return schema as Record<string, unknown>;
}

/** What a schema lists under `allOf`, `anyOf` or `oneOf`. */
export function branches(fields: Readonly<Record<string, unknown>>, name: string, where: string): Subschema[] {
  const list = fields[name];
  if (list === undefined) return [];
  if (!Array.isArray(list) || list.length === 0) return refuseValue(list, 'a list of schemas', `${where}/${name}`);
  if (list.length > MOST_BRANCHES) throw tooManyBranches(list.length, MOST_BRANCHES, `${where}/${name}`);
  return list.map((schema, i) => ({ schema, where: `${where}/${name}/${i}` }));
}

function refuseValue(seen: unknown, expected: string, where: string): never {
  throw new ConfigError('a keyword of the JSON schema has no such value', { seen: show(seen), expected, where });
}

/** What a schema says by itself. */
function readOwn(fields: Readonly<Record<string, unknown>>, where: string): Facts {
  const read = <T>(name: string, expected: string, accepts: (value: unknown) => boolean): T | undefined => {
    const value = fields[name];
    if (value === undefined || accepts(value)) return value as T | undefined;
    return refuseValue(value, expected, `${where}/${name}`);
  };
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const count = (name: string) => read<number>(name, 'an integer from 0 on', isCount);
  const bound = (name: string) => read<number>(name, 'a number', Number.isFinite);
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const isNames = (value: unknown) => Array.isArray(value) && value.every(name => typeof name === 'string');
  const sub = (schema: unknown, ...path: (string | number)[]): Subschema[] => [
    { schema, where: [where, ...path.map(step => String(step).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/') },
  ];

  if (read<boolean>('uniqueItems', 'true or false', value => typeof value === 'boolean'))
    refuseValue(true, 'false: what was listed before is not remembered', `${where}/uniqueItems`);
  read('multipleOf', '1', value => value === 1);
  const known = (value: unknown) => (JSON_TYPES as readonly unknown[]).includes(value);
  const type = read<JsonType | readonly JsonType[]>(
    'type',
    `one of ${JSON_TYPES.join(', ')}, or a list of them`,
    value => (Array.isArray(value) ? value.length > 0 && value.every(known) : known(value)),
  );
  const ofType = type === undefined ? undefined : [type].flat();
  const nullable = read<boolean>('nullable', 'true or false', value => typeof value === 'boolean');
  const named = ofType && nullable ? [...new Set([...ofType, 'null' as const])] : ofType;
  const types =
    fields.multipleOf === 1
      ? commonTypes(
          named ?? JSON_TYPES,
          JSON_TYPES.filter(t => t !== 'number'),
        )
      : named;
  const listed = read<unknown[]>(
    'enum',
    'a list of at least one value',
    value => Array.isArray(value) && value.length > 0,
  );
  const constant = Object.hasOwn(fields, 'const') ? [fields.const] : undefined;
  const values = listed && constant ? commonValues(listed, constant) : (constant ?? listed);
  const pattern = read<string>('pattern', 'a regular expression', value => typeof value === 'string');
  const format = read<string>('format', 'a name', value => typeof value === 'string');

  const tuple = Array.isArray(fields.items)
    ? fields.items
    : read<unknown[]>('prefixItems', 'a list of schemas', Array.isArray);
  const items = Array.isArray(fields.items) ? fields.additionalItems : fields.items;
  const itemsName = Array.isArray(fields.items) ? 'additionalItems' : 'items';
  const tupleName = Array.isArray(fields.items) ? 'items' : 'prefixItems';
  const properties = read<Record<string, unknown>>('properties', 'an object of schemas', isObject) ?? {};
  const { additionalProperties } = fields;
  return {
    where,
    ...(types && { types }),
    ...(values && { values }),
    minimum: bound('minimum'),
    maximum: bound('maximum'),
    exclusiveMinimum: bound('exclusiveMinimum'),
    exclusiveMaximum: bound('exclusiveMaximum'),
    minLength: count('minLength') ?? 0,
    maxLength: count('maxLength') ?? Number.POSITIVE_INFINITY,
    patterns: pattern === undefined ? [] : [{ source: pattern, where: `${where}/pattern` }],
    formats: format === undefined ? [] : [{ name: format, where: `${where}/format` }],
    minItems: count('minItems') ?? 0,
    maxItems: count('maxItems') ?? Number.POSITIVE_INFINITY,
    prefixItems: (tuple ?? []).map((schema, i) => sub(schema, tupleName, i)),
    ...(items !== undefined && { items: sub(items, itemsName) }),
    properties: new Map(Object.entries(properties).map(([name, schema]) => [name, sub(schema, 'properties', name)])),
    required: read<string[]>('required', 'a list of names', isNames) ?? [],
    ...(additionalProperties !== undefined && { additional: sub(additionalProperties, 'additionalProperties') }),
    minProperties: count('minProperties') ?? 0,
    maxProperties: count('maxProperties') ?? Number.POSITIVE_INFINITY,
  };
}

function tooManyBranches(count: number, most: number, where: string): ConfigError {
  return new ConfigError('too many branches', { seen: `${count}`, expected: `at most ${most}`, where });
}

function product(some: readonly Facts[], others: readonly Facts[]): readonly Facts[] {
  if (some.length * others.length > MOST_ALTERNATIVES)
    throw new ConfigError('the alternatives of the schema multiply', {
      seen: `${some.length} times ${others.length}`,
      expected: `at most ${MOST_ALTERNATIVES}`,
      where: some[0]?.where,
    });
  return some.flatMap(a => others.map(b => both(a, b)));
}

function both(a: Facts, b: Facts): Facts {
  const types = a.types && b.types ? commonTypes(a.types, b.types) : (a.types ?? b.types);
  const values = a.values && b.values ? commonValues(a.values, b.values) : (a.values ?? b.values);
  const items = joined(a.items, b.items);
  const additional = joined(a.additional, b.additional);
  const names = new Set([...a.properties.keys(), ...b.properties.keys()]);
  const length = Math.max(a.prefixItems.length, b.prefixItems.length);
  return {
    where: a.where,
    ...(types && { types }),
    ...(values && { values }),
    ...tighter(a, b),
    minLength: Math.max(a.minLength, b.minLength),
    maxLength: Math.min(a.maxLength, b.maxLength),
    patterns: [...a.patterns, ...b.patterns],
    formats: [...a.formats, ...b.formats],
    minItems: Math.max(a.minItems, b.minItems),
    maxItems: Math.min(a.maxItems, b.maxItems),
    prefixItems: Array.from({ length }, (_, i) => [a, b].flatMap(facts => facts.prefixItems[i] ?? facts.items ?? [])),
    ...(items && { items }),
    properties: new Map(
      [...names].map(name => [name, [a, b].flatMap(facts => facts.properties.get(name) ?? facts.additional ?? [])]),
    ),
    required: [...new Set([...a.required, ...b.required])],
    ...(additional && { additional }),
    minProperties: Math.max(a.minProperties, b.minProperties),
    maxProperties: Math.min(a.maxProperties, b.maxProperties),
  };
}

function joined(
  a: readonly Subschema[] | undefined,
  b: readonly Subschema[] | undefined,
): readonly Subschema[] | undefined {
  return a && b ? [...a, ...b] : (a ?? b);
}

function tighter(a: NumberBounds, b: NumberBounds): NumberBounds {
  const pick = (x: number | undefined, y: number | undefined, choose: (x: number, y: number) => number) =>
    x === undefined ? y : y === undefined ? x : choose(x, y);
  return {
    minimum: pick(a.minimum, b.minimum, Math.max),
    exclusiveMinimum: pick(a.exclusiveMinimum, b.exclusiveMinimum, Math.max),
    maximum: pick(a.maximum, b.maximum, Math.min),
    exclusiveMaximum: pick(a.exclusiveMaximum, b.exclusiveMaximum, Math.min),
  };
}

/** Integers are numbers. */
function commonTypes(a: readonly JsonType[], b: readonly JsonType[]): JsonType[] {
  const has = (types: readonly JsonType[], type: JsonType) =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return JSON_TYPES.filter(type => has(a, type) && has(b, type)).filter(
    (type, _, all) => type !== 'integer' || !all.includes('number'),
  );
}

export function typeOfValue(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'boolean' | 'string' | 'object';
}
const typesOfValues = (values: readonly unknown[]): JsonType[] => [...new Set(values.map(typeOfValue))];

function commonValues(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  const known = new Set(b.map(canonical));
  return a.filter(value => known.has(canonical(value)));
}

/** Equal for equal values, whatever the order of their properties. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)}}`;
}
