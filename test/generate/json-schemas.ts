/** Twenty JSON schemas of the kinds that people ask models to fill. */
export const SCHEMAS: Readonly<Record<string, { readonly [keyword: string]: unknown }>> = {
  person: {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 12 },
      age: { type: 'integer', minimum: 0, maximum: 130 },
    },
    required: ['name', 'age'],
    additionalProperties: false,
  },
  optional: {
    type: 'object',
    properties: { a: { type: 'boolean' }, b: { type: 'null' }, c: { type: 'number' }, d: { type: 'string' } },
    required: ['c'],
  },
  sentiment: { enum: ['positive', 'negative', 'neutral', null, 3] },
  constant: { const: { kind: 'ping', at: [1, 2, { deep: true }] } },
  integers: {
    type: 'array',
    items: { type: 'integer', minimum: -17, exclusiveMaximum: 305 },
    minItems: 1,
    maxItems: 4,
  },
  decimals: { type: 'array', items: { type: 'number', minimum: -2.5, maximum: 10.25 }, minItems: 2, maxItems: 3 },
  positive: { type: 'number', exclusiveMinimum: 0 },
  tuple: {
    type: 'array',
    prefixItems: [{ type: 'string', maxLength: 3 }, { type: 'boolean' }],
    items: { type: 'null' },
    maxItems: 4,
  },
  tree: {
    $defs: {
      node: {
        type: 'object',
        properties: {
          value: { type: 'integer' },
          children: { type: 'array', items: { $ref: '#/$defs/node' }, maxItems: 2 },
        },
        required: ['value', 'children'],
        additionalProperties: false,
      },
    },
    $ref: '#/$defs/node',
  },
  list: {
    type: 'object',
    properties: { head: { type: ['string', 'null'] }, tail: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
    required: ['head', 'tail'],
    additionalProperties: false,
  },
  phone: { type: 'string', pattern: '^(\\([0-9]{3}\\))?[0-9]{3}-[0-9]{4}$' },
  within: { type: 'string', pattern: 'b[ae]d', minLength: 5, maxLength: 9 },
  dates: {
    type: 'object',
    properties: { day: { type: 'string', format: 'date' }, time: { type: 'string', format: 'time' } },
    required: ['day'],
    additionalProperties: false,
  },
  moment: { type: 'string', format: 'date-time' },
  ids: { type: 'array', items: { type: 'string', format: 'uuid' }, maxItems: 1 },
  contact: {
    anyOf: [
      {
        type: 'object',
        properties: { email: { type: 'string', format: 'email', maxLength: 20 } },
        required: ['email'],
      },
      { type: 'object', properties: { ip: { type: 'string', format: 'ipv4' } }, required: ['ip'] },
    ],
  },
  shape: {
    oneOf: [
      {
        type: 'object',
        properties: { kind: { const: 'circle' }, r: { type: 'number', minimum: 0 } },
        required: ['kind', 'r'],
      },
      {
        type: 'object',
        properties: { kind: { const: 'box' }, w: { type: 'integer' }, h: { type: 'integer' } },
        required: ['kind', 'w', 'h'],
      },
      { type: 'null' },
    ],
  },
  merged: {
    allOf: [
      { type: 'object', properties: { id: { type: 'integer', minimum: 5 } }, required: ['id'] },
      { properties: { id: { maximum: 60 }, tag: { type: 'string', maxLength: 4 } }, required: ['tag'] },
    ],
  },
  scores: {
    type: 'object',
    properties: { total: { type: 'integer', minimum: 0, maximum: 9 } },
    required: ['total'],
    propertyNames: { type: 'string', pattern: '^[a-z]+$', maxLength: 6 },
    additionalProperties: { type: 'integer', minimum: 10, maximum: 99 },
  },
  anything: { type: 'object' },
};
