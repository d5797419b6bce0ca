/**
 * Whether a value is valid under a JSON schema (2020-12), written from the specification and apart from what generates values. Only for
 * the keywords that the tests use.
 */

type Schema = boolean | { readonly [keyword: string]: unknown };

/** The first thing that is wrong, with its place; undefined = valid. */
export function invalidity(value: unknown, schema: Schema, root: Schema = schema, at = '$'): string | undefined {
  if (typeof schema === 'boolean') return schema ? undefined : `${at} is not allowed`;
  for (const [keyword, said] of Object.entries(schema)) {
    const rule = RULES[keyword];
    if (!rule) {
      if (NOTES.has(keyword)) continue;
      throw new Error(`the validator of the tests has no ${keyword}`);
    }
    const problem = rule(value, said as never, { schema, root, at });
    if (problem) return problem;
  }
  return undefined;
}

const NOTES = new Set(['$defs', 'definitions', 'title', 'description', 'then', 'default']);

interface Place {
  readonly schema: { readonly [keyword: string]: unknown };
  readonly root: Schema;
  readonly at: string;
}
type Rule = (value: unknown, said: never, place: Place) => string | undefined;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const equal = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (isObject(a) && isObject(b)) {
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every(name => name in b && equal(a[name], b[name]));
  }
  return a === b;
};
const hasType = (value: unknown, type: string): boolean =>
  type === 'null'
    ? value === null
    : type === 'array'
      ? Array.isArray(value)
      : type === 'object'
        ? isObject(value)
        : type === 'integer'
          ? Number.isInteger(value)
          : typeof value === type;
const refuse = (isFine: boolean, { at }: Place, what: string) => (isFine ? undefined : `${at}: ${what}`);
const all = (problems: Iterable<string | undefined>) => [...problems].find(problem => problem !== undefined);

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  date: text => /^\d{4}-\d\d-\d\d$/.test(text) && isDay(text),
  time: text =>
    /^\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(`2020-01-01T${text}`)),
  'date-time': text =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && isDay(text.slice(0, 10)),
  uuid: text => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
  email: text => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text),
  ipv4: text => text.split('.').length === 4 && text.split('.').every(part => /^\d+$/.test(part) && Number(part) < 256),
  uri: text => URL.canParse(text),
  ipv6: text => URL.canParse(`http://[${text}]/`),
};
function isDay(text: string): boolean {
  const [year, month, day] = text.split('-').map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

const RULES: Readonly<Record<string, Rule>> = {
  $ref: (value, said: string, place) => {
    const target = said
      .split('/')
      .slice(1)
      .reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], place.root);
    return invalidity(value, target as Schema, place.root, place.at);
  },
  type: (value, said: string | string[], place) =>
    refuse(
      [said].flat().some(type => hasType(value, type)),
      place,
      `${JSON.stringify(value)} is not ${said}`,
    ),
  nullable: () => undefined,
  enum: (value, said: unknown[], place) =>
    refuse(
      said.some(item => equal(item, value)),
      place,
      `${JSON.stringify(value)} is not listed`,
    ),
  const: (value, said: unknown, place) =>
    refuse(equal(said, value), place, `${JSON.stringify(value)} is another value`),
  allOf: (value, said: Schema[], { root, at }) => all(said.map(part => invalidity(value, part, root, at))),
  anyOf: (value, said: Schema[], place) =>
    refuse(
      said.some(part => invalidity(value, part, place.root, place.at) === undefined),
      place,
      `${JSON.stringify(value)} meets no branch`,
    ),
  oneOf: (value, said: Schema[], place) =>
    refuse(
      said.filter(part => invalidity(value, part, place.root, place.at) === undefined).length === 1,
      place,
      `${JSON.stringify(value)} does not meet exactly one branch`,
    ),
  minimum: (value, said: number, place) =>
    refuse(typeof value !== 'number' || value >= said, place, `${value} < ${said}`),
  maximum: (value, said: number, place) =>
    refuse(typeof value !== 'number' || value <= said, place, `${value} > ${said}`),
  exclusiveMinimum: (value, said: number, place) =>
    refuse(typeof value !== 'number' || value > said, place, `${value} <= ${said}`),
  exclusiveMaximum: (value, said: number, place) =>
    refuse(typeof value !== 'number' || value < said, place, `${value} >= ${said}`),
  minLength: (value, said: number, place) =>
    refuse(typeof value !== 'string' || [...value].length >= said, place, `shorter than ${said}`),
  maxLength: (value, said: number, place) =>
    refuse(typeof value !== 'string' || [...value].length <= said, place, `longer than ${said}`),
  pattern: (value, said: string, place) =>
    refuse(
      typeof value !== 'string' || new RegExp(said, 'u').test(value),
      place,
      `${JSON.stringify(value)} !~ ${said}`,
    ),
  format: (value, said: string, place) =>
    refuse(typeof value !== 'string' || FORMATS[said]!(value), place, `${JSON.stringify(value)} is no ${said}`),
  items: (value, said: Schema, { schema, root, at }) => {
    const from = ((schema.prefixItems as unknown[] | undefined) ?? []).length;
    return Array.isArray(value)
      ? all(value.slice(from).map((item, i) => invalidity(item, said, root, `${at}[${from + i}]`)))
      : undefined;
  },
  prefixItems: (value, said: Schema[], { root, at }) =>
    Array.isArray(value)
      ? all(said.slice(0, value.length).map((part, i) => invalidity(value[i], part, root, `${at}[${i}]`)))
      : undefined,
  minItems: (value, said: number, place) =>
    refuse(!Array.isArray(value) || value.length >= said, place, `fewer than ${said} items`),
  maxItems: (value, said: number, place) =>
    refuse(!Array.isArray(value) || value.length <= said, place, `more than ${said} items`),
  properties: (value, said: Record<string, Schema>, { root, at }) =>
    isObject(value)
      ? all(
          Object.entries(said).map(([name, part]) =>
            Object.hasOwn(value, name) ? invalidity(value[name], part, root, `${at}.${name}`) : undefined,
          ),
        )
      : undefined,
  required: (value, said: string[], place) =>
    isObject(value)
      ? all(said.map(name => refuse(Object.hasOwn(value, name), place, `${name} is missing`)))
      : undefined,
  propertyNames: (value, said: Schema, { root, at }) =>
    isObject(value) ? all(Object.keys(value).map(name => invalidity(name, said, root, `${at} name`))) : undefined,
  not: (value, said: Schema, place) =>
    refuse(invalidity(value, said, place.root, place.at) !== undefined, place, `${JSON.stringify(value)} is excluded`),
  additionalProperties: (value, said: Schema, { schema, root, at }) => {
    if (!isObject(value)) return undefined;
    const named = (schema.properties as Record<string, unknown> | undefined) ?? {};
    return all(
      Object.entries(value)
        .filter(([name]) => !Object.hasOwn(named, name))
        .map(([name, member]) => invalidity(member, said, root, `${at}.${name}`)),
    );
  },
};
