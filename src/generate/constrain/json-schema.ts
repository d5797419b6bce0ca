/**
 * A constraint to JSON texts that are valid under a schema. What is written is always valid; of what would be valid a part is left
 * out: properties come in the schema's order, each string has one spelling, numbers have up to 15 digits, and an object with
 * `properties` or an array with `prefixItems` has no others unless the schema says so.
 *
 * Properties with a name in the schema (`properties`, `required`, a list of `propertyNames`) come at most once. That those with a
 * free name differ among themselves is nothing an automaton can remember, and is not held to: a name may come twice, each time with a
 * valid value, and whoever reads the text keeps the last. XGrammar, llama.cpp and Outlines do the same.
 */
import { ConfigError } from '../../errors.ts';
import { show } from '../options.ts';
import type { Constraint } from './constraint.ts';
import { JSON_FORMATS } from './json-formats.ts';
import { integerBetween, numberBetween } from './json-numbers.ts';
import {
  ANY_VALUE,
  anyInteger,
  anyNumber,
  anyStringCharacter,
  anyValueRules,
  type Layout,
  layoutOf,
  literal,
  quoted,
  stringCharacter,
  type Whitespace,
} from './json-text.ts';
import { choice, type Expression, exactly, IMPOSSIBLE, NOTHING, oneOf, repeat, rule, sequence } from './language.ts';
import { parseRegex } from './regex-syntax.ts';
import { type Facts, JSON_TYPES, type JsonType, type Subschema, typeOfValue } from './schema-facts.ts';
import { branches, SchemaReader, saysNothing } from './schema-reader.ts';
import { StateMachine } from './states.ts';

export interface JsonSchemaOptions {
  /** Spaces between tokens: none ('compact'), at most one behind `,` and `:` ('spaced', default), or any with line ends ('free'). */
  readonly whitespace?: Whitespace | undefined;
}

const MOST_PROPERTIES = 1000;
const MOST_FIXED_ITEMS = 1000;
const MOST_VALUES = 20_000;
/** So many properties, fixed items or levels are one rule: no expression is as deep as a schema is large. */
const PROPERTIES_PER_RULE = 16;
const LEVELS_PER_RULE = 4;
/** A way through the definitions of a schema may be as long as there are definitions, two levels for each. */
const DEEPEST = 300;

/**
 * JSON that is valid under `schema`, a parsed JSON Schema (2020-12; draft 7 and OpenAPI where they differ in spelling).
 * @throws ConfigError, with the place in the schema, for keywords and values that are not supported, and for a schema under which
 * nothing is valid
 */
export function jsonSchema(schema: unknown, options: JsonSchemaOptions = {}): Constraint {
  const { whitespace = 'spaced' } = options;
  if (!['compact', 'spaced', 'free'].includes(whitespace))
    throw new ConfigError('no such whitespace', { seen: show(whitespace), expected: 'compact, spaced, free' });
  const compiler = new SchemaCompiler(schema, layoutOf(whitespace));
  const root = compiler.compile([{ schema, where: '#' }]);
  const language = { root, rules: compiler.rules };
  const machine = new StateMachine(language);
  if (!machine.start) {
    // Innermost first.
    const empty = compiler.places.filter(({ where, expression }) => where !== '#' && !machine.hasTexts(expression));
    const places = empty.slice(0, 3).map(({ where }) => where);
    throw new ConfigError('no value is valid under this schema', {
      ...(places.length > 0 && { seen: `nothing that is valid in ${places.join(', ')}` }),
      fix: 'look for contradictions, and for additionalProperties: false beside the properties of another part',
      where: '#',
    });
  }
  return { language };
}

class SchemaCompiler {
  readonly rules: Map<string, Expression>;
  /** What was made of which part of the schema, for errors. */
  readonly places: { readonly where: string; readonly expression: Expression }[] = [];
  readonly #reader: SchemaReader;
  readonly #layout: Layout;
  /** By what has to hold at once: its expression, or while that is being made, the rule that it will be. */
  readonly #known = new Map<string, Expression>();
  readonly #ids = new Map<unknown, number>();
  /** Rules that are named and do not have their expression yet. */
  readonly #owed = new Set<string>();
  #depth = 0;
  #made = 0;

  constructor(document: unknown, layout: Layout) {
    this.#reader = new SchemaReader(document);
    this.#layout = layout;
    this.rules = new Map(anyValueRules(layout));
  }

  /** Values that meet each of the schemas; none = any value. */
  compile(subschemas: readonly Subschema[]): Expression {
    const said = subschemas.filter(({ schema }) => !saysNothing(schema));
    if (said.length === 0) return rule(ANY_VALUE);
    const ids = new Set(said.map(({ schema }) => this.#idOf(schema)));
    const key = [...ids].sort((a, b) => a - b).join();
    const known = this.#known.get(key);
    if (known) {
      if (known.kind === 'rule' && !this.rules.has(known.name)) this.#owed.add(known.name);
      return known;
    }
    const name = `schema ${key} at ${said[0]!.where}`;
    this.#known.set(key, rule(name));
    let body = this.#compileParts(said);
    this.places.push({ where: said[0]!.where, expression: body });
    // What the schema leads back to has to be a rule; what is used twice need not.
    if (this.#owed.delete(name) || this.#depth % LEVELS_PER_RULE === 0) {
      this.rules.set(name, body);
      body = rule(name);
    }
    this.#known.set(key, body);
    return body;
  }

  #idOf(schema: unknown): number {
    const id = this.#ids.get(schema) ?? this.#ids.size;
    this.#ids.set(schema, id);
    return id;
  }

  #compileParts(subschemas: readonly Subschema[]): Expression {
    if (++this.#depth > DEEPEST)
      throw new ConfigError('the schema is too deep', { expected: `${DEEPEST} levels`, where: subschemas[0]!.where });
    const reference = subschemas.length === 1 ? onlyReference(subschemas[0]!.schema) : undefined;
    const ways =
      reference !== undefined
        ? [this.compile([this.#reader.resolve(reference, subschemas[0]!.where)])]
        : (this.#branchesOf(subschemas) ?? this.#reader.alternatives(subschemas).map(facts => this.#value(facts)));
    this.#depth--;
    return choice(...ways);
  }

  /** The branches of a schema that is nothing but an `anyOf`: they need not be merged with anything. */
  #branchesOf(subschemas: readonly Subschema[]): Expression[] | undefined {
    const [{ schema, where } = { schema: undefined, where: '' }] = subschemas;
    if (subschemas.length > 1 || typeof schema !== 'object' || schema === null) return undefined;
    const plain = Object.keys(schema).every(name => name === 'anyOf' || name === 'description' || name === 'title');
    const any = plain ? branches(schema as { readonly anyOf?: unknown }, 'anyOf', where) : [];
    return any.length > 0 ? any.map(branch => this.compile([branch])) : undefined;
  }

  #value(facts: Facts): Expression {
    if (facts.values) return this.#oneOfValues(facts, facts.values);
    return choice(...typesOf(facts).map(type => this.#ofType(type, facts)));
  }

  #ofType(type: JsonType, facts: Facts): Expression {
    switch (type) {
      case 'null':
        return exactly('null');
      case 'boolean':
        return choice(exactly('true'), exactly('false'));
      case 'integer':
        return hasBounds(facts) ? integerBetween(boundsOf(facts)) : anyInteger;
      case 'number':
        return hasBounds(facts) ? numberBetween(boundsOf(facts)) : anyNumber;
      case 'string':
        return quoted(stringBody(facts));
      case 'array':
        return this.#array(facts);
      case 'object':
        return this.#object(facts);
    }
  }

  #oneOfValues(facts: Facts, values: readonly unknown[]): Expression {
    const { types } = facts;
    const typed = values.filter(value => {
      const type = typeOfValue(value);
      return !types || types.includes(type) || (type === 'integer' && types.includes('number'));
    });
    const beside = otherConditions(facts, typed);
    if (beside)
      throw new ConfigError('a list of values and other conditions on them are not supported together', {
        seen: beside,
        fix: 'leave the values out that do not meet it',
        where: facts.where,
      });
    if (typed.length > MOST_VALUES)
      throw new ConfigError('too many values', {
        seen: `${typed.length}`,
        expected: `at most ${MOST_VALUES}`,
        where: facts.where,
      });
    if (typed.every(value => typeof value !== 'object' || value === null))
      return oneOf(typed.map(value => JSON.stringify(value)));
    return choice(...typed.map(value => literal(value, this.#layout)));
  }

  #array({ prefixItems, items, minItems, maxItems, where }: Facts): Expression {
    const { comma, inside } = this.#layout;
    if (prefixItems.length > MOST_FIXED_ITEMS)
      throw new ConfigError('too many items with a schema of their own', {
        seen: `${prefixItems.length}`,
        expected: `${MOST_FIXED_ITEMS}`,
        where,
      });
    // Unless items are spoken of, there are no more than it takes.
    const most =
      items || prefixItems.length === 0 ? maxItems : Math.min(maxItems, Math.max(minItems, prefixItems.length));
    if (most < minItems) return IMPOSSIBLE;
    const fixed = prefixItems.slice(0, most);
    const further = this.compile(items ?? []);
    const behind = (count: number) => repeat(sequence(comma, further), Math.max(0, minItems - count), most - count);
    let rest =
      fixed.length > 0
        ? behind(fixed.length)
        : sequence(further, repeat(sequence(comma, further), Math.max(0, minItems - 1), Math.max(0, most - 1)));
    for (let i = fixed.length - 1; i >= 0; i--) {
      const item = sequence(...(i > 0 ? [comma] : []), this.compile(fixed[i]!), rest);
      rest = i > 0 && i >= minItems ? choice(NOTHING, item) : item;
      if (i % PROPERTIES_PER_RULE === 0 && i > 0) rest = this.#rule(rest);
    }
    const some = most === 0 ? IMPOSSIBLE : sequence(rest, inside);
    return sequence(exactly('['), inside, minItems === 0 ? choice(NOTHING, some) : some, exactly(']'));
  }

  #object(facts: Facts): Expression {
    const { comma, colon, inside } = this.#layout;
    const { properties, required, additional, where } = facts;
    const names = this.#names(facts);
    const closed = names?.listed !== undefined || (additional === undefined && properties.size > 0);
    const listed = additional === undefined && properties.size > 0 ? [] : (names?.listed ?? []);
    const others = [...new Set([...required, ...listed])].filter(name => !properties.has(name));
    const named = [...properties, ...others.map(name => [name, additional ?? []] as const)];
    if (named.length > MOST_PROPERTIES)
      throw new ConfigError('too many properties', { seen: `${named.length}`, expected: `${MOST_PROPERTIES}`, where });
    this.#checkCounts(facts, named.length, closed);
    const spelled = named.map(([name]) => JSON.stringify(name));
    const nameOf = (text: string): Expression =>
      names ? common([exactly(text), names.valid], [], where) : exactly(text);
    // A property with a name of its own.
    const further = closed
      ? undefined
      : sequence(
          common([names?.valid ?? anyString], named.length > 0 ? [oneOf(spelled)] : [], where),
          colon,
          this.compile(additional ?? []),
        );

    // What may follow from property i on, when none was written before and when one was.
    let first = further ? choice(NOTHING, sequence(further, repeat(sequence(comma, further), 0))) : NOTHING;
    let later = further ? repeat(sequence(comma, further), 0) : NOTHING;
    for (let i = named.length - 1; i >= 0; i--) {
      const [name, subschemas] = named[i]!;
      const member = sequence(nameOf(spelled[i]!), colon, this.compile(subschemas));
      const [asFirst, asLater] = [sequence(member, later), sequence(comma, member, later)];
      const must = required.has(name);
      first = must ? asFirst : choice(asFirst, first);
      later = must ? asLater : choice(asLater, later);
      if (i % PROPERTIES_PER_RULE === 0 && i > 0) [first, later] = [this.#rule(first), this.#rule(later)];
    }
    const gap = inside === NOTHING ? [] : [inside];
    return sequence(exactly('{'), ...gap, first, ...gap, exactly('}'));
  }

  /** Names of properties as `propertyNames` says, and their list if it is one. Undefined: any. */
  #names({ names }: Facts): { readonly valid: Expression; readonly listed: readonly string[] | undefined } | undefined {
    if (!names) return undefined;
    const strings = this.#reader
      .alternatives(names)
      .filter(({ types }) => !types || types.includes('string'))
      .map(facts => ({ ...facts, types: ['string' as const] }));
    const listed = strings.flatMap(({ values }) => values ?? []).filter(value => typeof value === 'string');
    const isList = strings.every(({ values }) => values);
    return { valid: choice(...strings.map(facts => this.#value(facts))), listed: isList ? listed : undefined };
  }

  /** Counts of properties can only be kept where the properties are known: a further one may repeat a name. */
  #checkCounts({ minProperties, maxProperties, required, where }: Facts, named: number, closed: boolean): void {
    const isMet = minProperties <= required.size && (maxProperties === Infinity || (closed && maxProperties >= named));
    if (isMet) return;
    throw new ConfigError('the number of properties cannot be held to', {
      seen: `minProperties ${minProperties}, maxProperties ${maxProperties}`,
      expected: `at most ${required.size} (those required), at least ${named} without additionalProperties`,
      where,
    });
  }

  #rule(body: Expression): Expression {
    const name = `part ${this.#made++}`;
    this.rules.set(name, body);
    return rule(name);
  }
}

/** The target of a schema that is nothing but a `$ref`. */
function onlyReference(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const names = Object.keys(schema).filter(
    name => !['title', 'description', 'default', '$defs', 'definitions'].includes(name),
  );
  return names.length === 1 && names[0] === '$ref' ? (schema as { $ref: unknown }).$ref : undefined;
}

const anyString = quoted(repeat(anyStringCharacter, 0));
/** The texts of all of some and of none of others. `where` is for errors. */
function common(all: readonly Expression[], none: readonly Expression[], where: string): Expression {
  return all.length === 1 && none.length === 0 ? all[0]! : { kind: 'common', all, none, where };
}

/** The types of a value: as said, or those that the conditions are about, or any. */
function typesOf(facts: Facts): readonly JsonType[] {
  if (facts.types) return facts.types;
  const about: JsonType[] = [];
  if (facts.properties.size > 0 || facts.required.size > 0 || facts.additional || facts.names) about.push('object');
  if (facts.prefixItems.length > 0 || facts.items || facts.minItems > 0 || facts.maxItems < Infinity)
    about.push('array');
  if (facts.patterns.length > 0 || facts.formats.length > 0 || facts.minLength > 0 || facts.maxLength < Infinity)
    about.push('string');
  if (hasBounds(facts)) about.push('number');
  return about.length > 0 ? about : JSON_TYPES.filter(type => type !== 'integer');
}

const boundsOf = ({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Facts) => ({
  minimum,
  maximum,
  exclusiveMinimum,
  exclusiveMaximum,
});
const hasBounds = (facts: Facts) => Object.values(boundsOf(facts)).some(bound => bound !== undefined);

/** What stands between the quotes of a string. */
function stringBody({ minLength, maxLength, patterns, formats, where }: Facts): Expression {
  const bounded = minLength > 0 || maxLength < Number.POSITIVE_INFINITY;
  if (minLength > maxLength) return IMPOSSIBLE;
  const options = { write: stringCharacter };
  const all = [
    ...patterns.map(({ source, where }) => parseRegex(source, { ...options, anchored: false, where })),
    ...formats
      // The name of a format of somebody's own: the pattern beside it says what it is.
      .filter(({ name }) => patterns.length === 0 || Object.hasOwn(JSON_FORMATS, name))
      .map(({ name, where }) => parseRegex(formatOf(name, where), { ...options, anchored: true, where })),
  ];
  if (bounded || all.length === 0) all.push(repeat(anyStringCharacter, minLength, maxLength));
  return common(all, [], where);
}

function formatOf(name: string, where: string): string {
  if (Object.hasOwn(JSON_FORMATS, name)) return JSON_FORMATS[name]!;
  throw new ConfigError(`the format "${name}" of a JSON schema is not supported`, {
    expected: Object.keys(JSON_FORMATS).join(', '),
    fix: 'leave it out, or say it as a pattern',
    where,
  });
}

/** A condition beside a list of values that says something about one of them. */
function otherConditions(facts: Facts, values: readonly unknown[]): string | undefined {
  const types = new Set(values.map(typeOfValue));
  const { types: _types, values: _values, ...others } = facts;
  const about = typesOf({ ...others, where: facts.where });
  if (about.length === JSON_TYPES.length - 1) return undefined;
  return about.find(type => types.has(type) || (type === 'number' && types.has('integer')));
}
