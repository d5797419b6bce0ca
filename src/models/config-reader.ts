/** Reads `config.json` field by field, checks kinds and ranges, and reports every problem at once. */
import { ConfigError } from '../errors.ts';
import { ACTIVATION_NAMES } from '../nn/activation.ts';

const MOST_LAYERS = 10_000;
/** More classes than any classifier has. */
const MOST_LABELS = 1_000_000;

type Json = Readonly<Record<string, unknown>>;

export class ConfigReader {
  readonly #json: Json;
  readonly #where: string;
  readonly #problems: string[] = [];

  constructor(json: unknown, where: string) {
    if (json === null || typeof json !== 'object' || Array.isArray(json))
      throw new ConfigError('a config is a JSON object', { seen: JSON.stringify(json)?.slice(0, 80), where });
    this.#json = json as Json;
    this.#where = where;
  }
  /** True when the field is there and not null. */
  has(name: string): boolean {
    return this.#json[name] !== undefined && this.#json[name] !== null;
  }
  raw(name: string): unknown {
    return this.#json[name];
  }
  /** A whole number of at least `min` (default 1). Without a default the field must be there. */
  integer(name: string, fallback?: number, min = 1): number {
    return this.#field(
      name,
      fallback,
      v => Number.isSafeInteger(v) && (v as number) >= min,
      `a whole number from ${min} on`,
    ) as number;
  }
  /** A number of layers, from 0 to more than any model has: what is then allocated for each is not the file's to say. */
  layers(name: string, fallback: number): number {
    const layers = this.integer(name, fallback, 0);
    this.check(layers <= MOST_LAYERS, `${name} ${layers} is above ${MOST_LAYERS}`);
    return Math.min(layers, MOST_LAYERS);
  }
  /** A token id; undefined when the field is absent, null or below 0, which some files write for none. Of a list the first. */
  id(name: string): number | undefined {
    const value = Array.isArray(this.#json[name]) ? (this.#json[name] as unknown[])[0] : this.#json[name];
    if (value === undefined || value === null || (Number.isInteger(value) && (value as number) < 0)) return undefined;
    this.check(Number.isSafeInteger(value), `${name} is ${JSON.stringify(value)?.slice(0, 60)}, not a token id`);
    return Number.isSafeInteger(value) ? (value as number) : undefined;
  }
  number(name: string, fallback?: number): number {
    return this.#field(name, fallback, v => typeof v === 'number' && Number.isFinite(v), 'a number') as number;
  }
  /** A number above 0: an epsilon, a base, a factor. */
  positive(name: string, fallback?: number): number {
    const good = (v: unknown) => typeof v === 'number' && Number.isFinite(v) && v > 0;
    return this.#field(name, fallback, good, 'a number above 0') as number;
  }
  /** The name of an activation function. */
  activation(name: string, fallback?: string): string {
    const good = (v: unknown) => typeof v === 'string' && ACTIVATION_NAMES.includes(v);
    return this.#field(name, fallback, good, `one of ${ACTIVATION_NAMES.join(', ')}`) as string;
  }
  /** A list of `length` positive numbers. */
  factors(name: string, length: number): number[] {
    const good = (v: unknown) =>
      Array.isArray(v) && v.length === length && v.every(x => typeof x === 'number' && x > 0 && Number.isFinite(x));
    return this.#field(name, undefined, good, `a list of ${length} positive numbers`) as number[];
  }
  boolean(name: string, fallback?: boolean): boolean {
    return this.#field(name, fallback, v => typeof v === 'boolean', 'true or false') as boolean;
  }
  string(name: string, fallback?: string): string {
    return this.#field(name, fallback, v => typeof v === 'string', 'a string') as string;
  }
  /** A nested object, or undefined when the field is absent or null. */
  object(name: string): ConfigReader | undefined {
    if (!this.has(name)) return undefined;
    const reader = new ConfigReader(this.#json[name], `${name} of ${this.#where}`);
    this.#nested.push(reader);
    return reader;
  }
  readonly #nested: ConfigReader[] = [];

  /** Records that a condition between fields does not hold. */
  check(holds: boolean, problem: string): void {
    if (!holds) this.#problems.push(problem);
  }
  /** Entries of `id2label`, or `num_labels`, or 2 as the reference assumes. */
  labels(): string[] {
    const { id2label, label2id } = this.#json as { id2label?: unknown; label2id?: unknown };
    const pairs = Object.entries(id2label && typeof id2label === 'object' ? id2label : {});
    const turned = Object.entries(label2id && typeof label2id === 'object' ? label2id : {}).map(([l, id]) => [id, l]);
    const named = (pairs.length ? pairs : turned) as [unknown, unknown][];
    if (named.length) return named.sort(([a], [b]) => Number(a) - Number(b)).map(([, label]) => String(label));
    const count = this.integer('num_labels', 2);
    this.check(count <= MOST_LABELS, `num_labels ${count} is above ${MOST_LABELS}`);
    return Array.from({ length: Math.min(count, MOST_LABELS) }, (_, i) => `LABEL_${i}`);
  }
  /** @throws ConfigError with all problems found so far */
  finish(): void {
    const all = [this, ...this.#nested].flatMap(r => r.#problems.map(p => (r === this ? p : `${r.#where}: ${p}`)));
    if (all.length) throw new ConfigError(`config does not fit: ${all.join('; ')}`, { where: this.#where });
  }

  #field(name: string, fallback: unknown, good: (v: unknown) => boolean, expected: string): unknown {
    const value = this.#json[name] ?? fallback;
    if (value === undefined) this.#problems.push(`${name} is missing (${expected})`);
    else if (!good(value)) this.#problems.push(`${name} is ${JSON.stringify(value)?.slice(0, 60)}, not ${expected}`);
    else return value;
    // A stand-in of the right kind, so that reading goes on and finds the other problems.
    return fallback ?? 1;
  }
}
