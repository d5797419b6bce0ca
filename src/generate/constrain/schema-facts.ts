/**
 * What a JSON schema says about a value by itself, and two of them together. JSON Schema 2020-12, with the older spellings
 * (`definitions`, `items` as a list, `nullable`, `exclusiveMinimum` as a mark on `minimum`).
 */
import { ConfigError } from '../../errors.ts';
import { show } from '../options.ts';
import type { NumberBounds } from './json-numbers.ts';

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
  readonly required: ReadonlySet<string>;
  /** Of the names of all properties, as strings; undefined = not said. */
  readonly names?: readonly Subschema[] | undefined;
  /** Of properties without a name in `properties`; undefined = not said. */
  readonly additional?: readonly Subschema[] | undefined;
  readonly minProperties: number;
  readonly maxProperties: number;
}

/** Keywords that say nothing about which values are valid. */
const ANNOTATIONS = new Set([
  ...['$schema', '$id', 'id', '$comment', '$defs', 'definitions', '$anchor', '$vocabulary', 'title', 'description'],
  ...['default', 'example', 'examples', 'deprecated', 'readOnly', 'writeOnly', 'contentMediaType', 'contentEncoding'],
  ...['contentSchema', 'discriminator'],
]);
const KEYWORDS = new Set([
  ...['$ref', 'type', 'nullable', 'enum', 'const', 'allOf', 'anyOf', 'oneOf', 'not'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'format'],
  ...['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
  ...['properties', 'required', 'additionalProperties', 'propertyNames', 'minProperties', 'maxProperties'],
]);

/** What a schema says that is true. */
export function nothingSaid(where: string): Facts {
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
    required: new Set(),
    minProperties: 0,
    maxProperties: Number.POSITIVE_INFINITY,
  };
}

/** The fields of a schema. @throws ConfigError for what is none, and for a keyword that is not supported */
export function fieldsOf(schema: unknown, where: string): Record<string, unknown> {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new ConfigError('not a schema', { seen: show(schema), expected: 'an object, true or false', where });
  for (const name of Object.keys(schema))
    if (!KEYWORDS.has(name) && !ANNOTATIONS.has(name) && !name.startsWith('x-')) throw unsupported(name, where);
  return schema as Record<string, unknown>;
}

/** The error for a keyword that is not supported. */
export function unsupported(name: string, where: string): ConfigError {
  return new ConfigError(`the keyword "${name}" of a JSON schema is not supported`, {
    expected: name === 'not' ? '{}, which says that nothing is valid' : [...KEYWORDS].join(', '),
    fix: 'leave it out, and check the value afterwards',
    where: `${where}/${name}`,
  });
}

/** @throws ConfigError for the value of a keyword, with its place */
export function refuseValue(seen: unknown, expected: string, where: string): never {
  throw new ConfigError('a keyword of the JSON schema has no such value', { seen: show(seen), expected, where });
}

/** What a schema says by itself. @throws ConfigError for a keyword that has no such value */
export function readOwn(fields: Readonly<Record<string, unknown>>, where: string): Facts {
  const read = <T>(name: string, expected: string, accepts: (value: unknown) => boolean): T | undefined => {
    const value = fields[name];
    if (value === undefined || accepts(value)) return value as T | undefined;
    return refuseValue(value, expected, `${where}/${name}`);
  };
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const count = (name: string) => read<number>(name, 'an integer from 0 on', isCount);
  const bound = (name: string) => read<number>(name, 'a number', Number.isFinite);
  // In older documents true says that the bound beside it is not in the range.
  const boundsOn = (inclusive: string, exclusive: string) => {
    if (fields[exclusive] === true) return [undefined, bound(inclusive)];
    return [bound(inclusive), fields[exclusive] === false ? undefined : bound(exclusive)];
  };
  const [minimum, exclusiveMinimum] = boundsOn('minimum', 'exclusiveMinimum');
  const [maximum, exclusiveMaximum] = boundsOn('maximum', 'exclusiveMaximum');
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
  const { additionalProperties, propertyNames } = fields;
  return {
    where,
    ...(types && { types }),
    ...(values && { values }),
    minimum,
    maximum,
    exclusiveMinimum,
    exclusiveMaximum,
    minLength: count('minLength') ?? 0,
    maxLength: count('maxLength') ?? Number.POSITIVE_INFINITY,
    patterns: pattern === undefined ? [] : [{ source: pattern, where: `${where}/pattern` }],
    formats: format === undefined ? [] : [{ name: format, where: `${where}/format` }],
    minItems: count('minItems') ?? 0,
    maxItems: count('maxItems') ?? Number.POSITIVE_INFINITY,
    prefixItems: (tuple ?? []).map((schema, i) => sub(schema, tupleName, i)),
    ...(items !== undefined && { items: sub(items, itemsName) }),
    properties: new Map(Object.entries(properties).map(([name, schema]) => [name, sub(schema, 'properties', name)])),
    required: new Set(read<string[]>('required', 'a list of names', isNames)),
    ...(propertyNames !== undefined && { names: sub(propertyNames, 'propertyNames') }),
    ...(additionalProperties !== undefined && { additional: sub(additionalProperties, 'additionalProperties') }),
    minProperties: count('minProperties') ?? 0,
    maxProperties: count('maxProperties') ?? Number.POSITIVE_INFINITY,
  };
}

/** What two schemas say together. */
export function both(a: Facts, b: Facts): Facts {
  const types = a.types && b.types ? commonTypes(a.types, b.types) : (a.types ?? b.types);
  const values = a.values && b.values ? commonValues(a.values, b.values) : (a.values ?? b.values);
  const items = joined(a.items, b.items);
  const names = joined(a.names, b.names);
  const additional = joined(a.additional, b.additional);
  const named = new Set([...a.properties.keys(), ...b.properties.keys()]);
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
      [...named].map(name => [name, [a, b].flatMap(facts => facts.properties.get(name) ?? facts.additional ?? [])]),
    ),
    required: new Set([...a.required, ...b.required]),
    ...(names && { names }),
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

/** The bounds that both have, each the narrower one. */
export function tighter(a: NumberBounds, b: NumberBounds): NumberBounds {
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
export function commonTypes(a: readonly JsonType[], b: readonly JsonType[]): JsonType[] {
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
export const typesOfValues = (values: readonly unknown[]): JsonType[] => [...new Set(values.map(typeOfValue))];

function commonValues(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  const known = new Set(b.map(canonical));
  return a.filter(value => known.has(canonical(value)));
}

/** Equal for equal values, whatever the order of their properties. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)}}`;
}
