/**
 * A JSON schema as a list of alternatives, each of which is flat: `$ref` followed, `allOf` merged, `anyOf` and `oneOf` multiplied out.
 * What is merged and compared is counted, so that a schema that leads to ever more of it is refused and not waited for.
 */
import { ConfigError } from '../../errors.ts';
import { checkDocument, referenced } from './schema-document.ts';
import {
  both,
  canonical,
  commonTypes,
  type Facts,
  fieldsOf,
  JSON_TYPES,
  nothingSaid,
  readOwn,
  refuseValue,
  type Subschema,
  tighter,
  typesOfValues,
  unsupported,
} from './schema-facts.ts';

const MOST_ALTERNATIVES = 500;
const MOST_BRANCHES = 5000;
const DEEPEST = 64;
/** Reading a schema counts `READ`; merging and comparing one for each name and value. */
const MOST_WORK = 5_000_000;
const READ = 50;

/** Reads the schemas of one document. */
export class SchemaReader {
  readonly #document: unknown;
  /** Of properties that were compared: each branch of a `oneOf` is with all others. */
  readonly #values = new Map<readonly Subschema[], readonly unknown[] | undefined>();
  readonly #canonical = new Map<readonly unknown[], ReadonlySet<string>>();
  #work = 0;

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
      (known, subschema, i) =>
        i === 0 ? this.#of(subschema, depth) : this.#product(known, this.#of(subschema, depth)),
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
    this.#count(READ, where);
    if (schema === true) return [nothingSaid(where)];
    if (schema === false) return [];
    const fields = fieldsOf(schema, where);
    if (fields.not !== undefined) {
      if (saysNothing(fields.not)) return [];
      if (fields.not !== false) throw unsupported('not', where);
    }
    let found: readonly Facts[] = [readOwn(fields, where)];
    const and = (others: readonly Facts[]) => {
      found = this.#product(found, others);
    };
    if (fields.$ref !== undefined) and(this.#of(this.resolve(fields.$ref, where), depth + 1));
    for (const part of branches(fields, 'allOf', where)) and(this.#of(part, depth + 1));
    const any = branches(fields, 'anyOf', where);
    if (any.length > 0) and(any.flatMap(part => this.#of(part, depth + 1)));
    const one = branches(fields, 'oneOf', where);
    if (one.length > 0) {
      const read = one.map(part => this.#of(part, depth + 1));
      const alternatives = read.flat();
      if (alternatives.length > MOST_ALTERNATIVES)
        throw tooMany(alternatives.length, MOST_ALTERNATIVES, `${where}/oneOf`);
      this.#checkExclusive(read, `${where}/oneOf`, depth);
      and(alternatives);
    }
    return found;
  }

  #product(some: readonly Facts[], others: readonly Facts[]): readonly Facts[] {
    if (some.length * others.length > MOST_ALTERNATIVES)
      throw new ConfigError('the alternatives of the schema multiply', {
        seen: `${some.length} times ${others.length}`,
        expected: `at most ${MOST_ALTERNATIVES}`,
        where: some[0]?.where,
      });
    return some.flatMap(a =>
      others.map(b => {
        this.#count(sizeOf(a) + sizeOf(b), a.where);
        return both(a, b);
      }),
    );
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
    this.#count(1 + (a.values?.length ?? 0) + (b.values?.length ?? 0), a.where);
    if (a.values && b.values) return this.#haveNoneInCommon(a.values, b.values, a.where);
    const types = (facts: Facts) => facts.types ?? (facts.values ? typesOfValues(facts.values) : JSON_TYPES);
    const common = commonTypes(types(a), types(b));
    return common.every(type => {
      if (type === 'integer' || type === 'number') {
        const bounds = tighter(a, b);
        const low = Math.max(bounds.minimum ?? -Infinity, bounds.exclusiveMinimum ?? -Infinity);
        const high = Math.min(bounds.maximum ?? Infinity, bounds.exclusiveMaximum ?? Infinity);
        return low > high || (low === high && (low === bounds.exclusiveMinimum || high === bounds.exclusiveMaximum));
      }
      if (type !== 'object') return false;
      return [...a.required].some(name => {
        this.#count(1, a.where);
        const [mine, theirs] = [a, b].map(facts => facts.properties.get(name));
        if (!mine || !theirs || !b.required.has(name)) return false;
        const [some, others] = [mine, theirs].map(subschemas => this.#valuesOf(subschemas, depth));
        return some !== undefined && others !== undefined && this.#haveNoneInCommon(some, others, a.where);
      });
    });
  }
  #haveNoneInCommon(some: readonly unknown[], others: readonly unknown[], where: string): boolean {
    const few = some.length < others.length ? some : others;
    const many = few === some ? others : some;
    this.#count(few.length, where);
    const known = this.#canonicalOf(many);
    for (const value of this.#canonicalOf(few)) if (known.has(value)) return false;
    return true;
  }
  #canonicalOf(values: readonly unknown[]): ReadonlySet<string> {
    let known = this.#canonical.get(values);
    if (!known) this.#canonical.set(values, (known = new Set(values.map(canonical))));
    return known;
  }
  #valuesOf(subschemas: readonly Subschema[], depth: number): readonly unknown[] | undefined {
    if (!this.#values.has(subschemas)) {
      const all = this.alternatives(subschemas, depth + 1);
      this.#values.set(subschemas, all.every(facts => facts.values) ? all.flatMap(facts => facts.values!) : undefined);
    }
    return this.#values.get(subschemas);
  }

  #count(work: number, where: string): void {
    this.#work += work;
    if (this.#work > MOST_WORK)
      throw new ConfigError('the schema leads to too many schemas, or to too much to compare', {
        seen: `more than ${MOST_WORK} names, values and (${READ} each) schemas`,
        fix: 'refer to a part once instead of merging it with itself, or leave branches out',
        where,
      });
  }
}

/** Whether every value is valid under a schema, as can be seen. */
export const saysNothing = (schema: unknown): boolean =>
  schema === true ||
  (typeof schema === 'object' && schema !== null && !Array.isArray(schema) && Object.keys(schema).length === 0);

/** What a schema lists under `allOf`, `anyOf` or `oneOf`. */
export function branches(fields: Readonly<Record<string, unknown>>, name: string, where: string): Subschema[] {
  const list = fields[name];
  if (list === undefined) return [];
  if (!Array.isArray(list) || list.length === 0) return refuseValue(list, 'a list of schemas', `${where}/${name}`);
  if (list.length > MOST_BRANCHES) throw tooMany(list.length, MOST_BRANCHES, `${where}/${name}`);
  return list.map((schema, i) => ({ schema, where: `${where}/${name}/${i}` }));
}

/** What merging goes through. */
const sizeOf = ({ properties, required, values, prefixItems }: Facts): number =>
  1 + properties.size + required.size + prefixItems.length + (values?.length ?? 0);

function tooMany(count: number, most: number, where: string): ConfigError {
  return new ConfigError('too many branches', { seen: `${count}`, expected: `at most ${most}`, where });
}
