/**
 * A language as a machine over bytes whose states are made when they are first entered: each is an expression for what may still
 * follow (Brzozowski 1964, "Derivatives of Regular Expressions"; with rules, Might, Darais and Spiewak 2011). Equal expressions
 * are one object, so that a state knows its neighbours and whatever is kept with it is found again. A rule within a rule is a
 * longer expression: the stack of a push-down machine is the chain of `sequence`.
 *
 * Every state that exists can still be completed: what cannot is no state.
 */
import { ConfigError } from '../../errors.ts';
import { type CodePoints, intersection, utf8Ranges } from './code-points.ts';
import { type Expression, type Language, within } from './language.ts';
import { type Product, productOf } from './product.ts';
import { checkBeginnings, checkNames, leastBytes } from './rules.ts';

export interface State {
  readonly id: number;
  readonly form: Form;
  /** Whether the text may end here. */
  readonly accepts: boolean;
  /** Bytes of the shortest text that leads from here to an end. */
  readonly least: number;
  /** By class of bytes; null = no text of the language goes on like this, undefined = not yet known. */
  readonly next: (State | null | undefined)[];
}

type Form =
  | { readonly kind: 'end' }
  | { readonly kind: 'byte'; readonly classes: readonly number[] }
  | { readonly kind: 'sequence'; readonly first: State; readonly rest: State }
  | { readonly kind: 'either'; readonly ways: readonly State[] }
  | { readonly kind: 'repeat'; readonly part: State; readonly least: number; readonly most: number }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'product'; readonly product: Product; readonly at: number };

/**
 * What a machine may hold, so that a hostile constraint ends in an error and not in a full memory: one for each state and each number
 * in it, about 16 bytes apiece.
 */
const MOST_CELLS = 8_000_000;
const CELLS_OF_STATE = 16;
/** And what may be done to make it: one for each way, part and combination that is looked at, about 0.1 us apiece. */
const MOST_WORK = 20_000_000;
const MOST_WAYS = 20_000;
/** States that step in order that one may. */
const DEEPEST_STEP = 1000;

export class StateMachine {
  /** The class of each byte: bytes that the language nowhere tells apart have the same. */
  readonly classOf: Uint8Array;
  /** The lowest byte of each class. */
  readonly bytes: readonly number[];
  /** Undefined when the language has no text. */
  readonly start: State | undefined;
  readonly end: State;
  /** Any bytes at all. */
  readonly anything: State;
  readonly #rules: ReadonlyMap<string, Expression>;
  readonly #ruleLeast: ReadonlyMap<string, number>;
  readonly #bodies = new Map<string, State>();
  readonly #known = new Map<string, State>();
  readonly #lowered = new Map<Expression, State | undefined>();
  readonly #alphabet: CodePoints | undefined;
  #count = 0;
  #cells = 0;
  #work = 0;
  #depth = 0;
  #products = 0;

  /**
   * @param alphabet the only characters that can be written; undefined = all
   * @throws ConfigError for a rule that is not there, that begins with itself, or a language beyond the limits
   */
  constructor(language: Language, alphabet?: CodePoints) {
    this.#rules = language.rules;
    this.#alphabet = alphabet;
    checkNames(language);
    const { classOf, bytes } = byteClasses(language, set => this.#writable(set));
    this.classOf = classOf;
    this.bytes = bytes;
    this.end = this.#state('end', { kind: 'end' }, true, 0);
    const any = this.#state('any', { kind: 'byte', classes: bytes.map((_, i) => i) }, false, 1);
    this.anything = this.repeat(any, 0, Number.POSITIVE_INFINITY)!;
    this.#ruleLeast = leastBytes(language, leaf => this.#lower(leaf)?.least ?? Number.POSITIVE_INFINITY);
    checkBeginnings(language, this.#ruleLeast);
    this.start = this.#lower(language.root);
  }

  /** Whether an expression of the language has a text. */
  hasTexts(expression: Expression): boolean {
    return this.#lower(expression) !== undefined;
  }

  get size(): number {
    return this.#count;
  }

  /** What was done so far to make states, as it is counted against the limit. */
  get work(): number {
    return this.#work;
  }

  /** How much of what the machine may hold and do it holds and did, 0 to 1. */
  get fullness(): number {
    return Math.max(this.#cells / MOST_CELLS, this.#work / MOST_WORK);
  }

  /** Counts work. @throws ConfigError beyond the limit */
  spend(work: number): void {
    this.#work += work;
    if (this.#work > MOST_WORK) throw tooLarge(`${this.#count} states, and more than ${MOST_WORK} ways to them`);
  }

  /** The state behind a byte of a class, or null. Throws ConfigError beyond the limits. */
  step(state: State, byteClass: number): State | null {
    let next = state.next[byteClass];
    if (next === undefined) {
      this.spend(1);
      this.#depth++;
      try {
        if (this.#depth > DEEPEST_STEP)
          throw tooLarge(`more than ${DEEPEST_STEP} rules or optional parts to look through at once`);
        next = this.#derive(state, byteClass) ?? null;
      } finally {
        this.#depth--;
      }
      if (state.next.length === 0) this.#hold(this.bytes.length);
      state.next[byteClass] = next;
    }
    return next;
  }

  /** The lowest byte that begins the shortest text from here to an end; undefined at an end. */
  shortestByte(state: State): { readonly byte: number; readonly next: State } | undefined {
    if (state.accepts) return undefined;
    for (let byteClass = 0; byteClass < this.bytes.length; byteClass++) {
      const next = this.step(state, byteClass);
      if (next && next.least === state.least - 1) return { byte: this.bytes[byteClass]!, next };
    }
    throw new ConfigError('a state of the constraint has no shortest end', { where: 'constraint' });
  }

  sequence(first: State | undefined, rest: State | undefined): State | undefined {
    if (!first || !rest) return undefined;
    if (rest === this.end) return first;
    // A sequence has no sequence in front: (ab)c is a(bc).
    const parts: State[] = [];
    let last = first;
    for (; last.form.kind === 'sequence'; last = last.form.rest) parts.push(last.form.first);
    if (last !== this.end) parts.push(last);
    this.spend(parts.length);
    return parts.reduceRight((behind, part) => this.#pair(part, behind), rest);
  }
  #pair(first: State, rest: State): State {
    const form = { kind: 'sequence', first, rest } as const;
    return this.#state(
      `sequence ${first.id} ${rest.id}`,
      form,
      first.accepts && rest.accepts,
      first.least + rest.least,
    );
  }

  either(ways: readonly (State | undefined)[]): State | undefined {
    const all = new Set<State>();
    let looked = 0;
    for (const way of ways) {
      if (way?.form.kind === 'either') {
        looked += way.form.ways.length;
        for (const inner of way.form.ways) all.add(inner);
      } else if (way) {
        looked++;
        all.add(way);
      }
    }
    this.spend(looked);
    if (all.size < 2) return [...all][0];
    if (all.size > MOST_WAYS) throw tooLarge(`${all.size} ways to go on`);
    const sorted = [...all].sort((a, b) => a.id - b.id);
    const least = sorted.reduce((min, way) => Math.min(min, way.least), Number.POSITIVE_INFINITY);
    const accepts = sorted.some(way => way.accepts);
    this.#hold(sorted.length);
    return this.#state(`either ${sorted.map(way => way.id)}`, { kind: 'either', ways: sorted }, accepts, least);
  }

  repeat(part: State | undefined, least: number, most: number): State | undefined {
    if (!part || part === this.end || most === 0) return least === 0 || part === this.end ? this.end : undefined;
    if (least === 1 && most === 1) return part;
    const bytes = least === 0 ? 0 : least * part.least;
    const form = { kind: 'repeat', part, least, most } as const;
    return this.#state(`repeat ${part.id} ${least} ${most}`, form, least === 0 || part.accepts, bytes);
  }

  #derive({ form }: State, byteClass: number): State | undefined {
    switch (form.kind) {
      case 'end':
        return undefined;
      case 'byte':
        return form.classes.includes(byteClass) ? this.end : undefined;
      case 'sequence': {
        const gone = this.sequence(this.step(form.first, byteClass) ?? undefined, form.rest);
        if (!form.first.accepts) return gone;
        return this.either([gone, this.step(form.rest, byteClass) ?? undefined]);
      }
      case 'either':
        return this.either(form.ways.map(way => this.step(way, byteClass) ?? undefined));
      case 'repeat': {
        const gone = this.step(form.part, byteClass);
        return gone
          ? this.sequence(gone, this.repeat(form.part, Math.max(0, form.least - 1), form.most - 1))
          : undefined;
      }
      case 'rule':
        return this.step(this.#body(form.name), byteClass) ?? undefined;
      case 'product':
        return this.#productState(form.product, form.product.next[form.at]![byteClass]!);
    }
  }

  #body(name: string): State {
    let body = this.#bodies.get(name);
    // A rule without a text is no state, so this one has a body.
    if (!body) this.#bodies.set(name, (body = this.#lower(this.#rules.get(name)!)!));
    return body;
  }

  #lower(expression: Expression): State | undefined {
    if (this.#lowered.has(expression)) return this.#lowered.get(expression);
    const state = this.#lowerOne(expression);
    this.#lowered.set(expression, state);
    return state;
  }
  #lowerOne(expression: Expression): State | undefined {
    switch (expression.kind) {
      case 'character':
        return this.either(
          utf8Ranges(this.#writable(expression.set)).map(ranges =>
            ranges.reduceRight<State | undefined>(
              (rest, range) => this.sequence(this.#byteState(range), rest),
              this.end,
            ),
          ),
        );
      case 'sequence':
        return expression.parts.reduceRight<State | undefined>(
          (rest, part) => rest && this.sequence(this.#lower(part), rest),
          this.end,
        );
      case 'choice':
        return this.either(expression.parts.map(part => this.#lower(part)));
      case 'repeat':
        return this.repeat(this.#lower(expression.part), expression.least, expression.most);
      case 'rule': {
        const least = this.#ruleLeast.get(expression.name)!;
        if (least === Number.POSITIVE_INFINITY) return undefined;
        return this.#state(`rule ${expression.name}`, { kind: 'rule', name: expression.name }, least === 0, least);
      }
      case 'common': {
        const all = expression.all.map(part => this.#lower(part));
        if (all.includes(undefined)) return undefined;
        const product = productOf(
          all as State[],
          expression.none.flatMap(part => this.#lower(part) ?? []),
          (state, byteClass) => this.step(state, byteClass),
          this.bytes.length,
          this.#products++,
          expression.where,
        );
        this.#hold(product.next.length * this.bytes.length);
        this.spend(product.next.length * this.bytes.length * (expression.all.length + expression.none.length));
        return this.#productState(product, 0);
      }
    }
  }

  #byteState([low, high]: readonly [number, number]): State {
    const classes: number[] = [];
    for (let byte = low; byte <= high; byte++)
      if (classes.at(-1) !== this.classOf[byte]) classes.push(this.classOf[byte]!);
    return this.#state(`byte ${classes}`, { kind: 'byte', classes }, false, 1);
  }
  #productState(product: Product, at: number): State | undefined {
    const least = product.least[at];
    if (at < 0 || least === undefined || least === Number.POSITIVE_INFINITY) return undefined;
    return this.#state(`product ${product.id} ${at}`, { kind: 'product', product, at }, least === 0, least);
  }
  #writable(set: CodePoints): CodePoints {
    return this.#alphabet ? intersection(set, this.#alphabet) : set;
  }
  #state(key: string, form: Form, accepts: boolean, least: number): State {
    let state = this.#known.get(key);
    if (!state) {
      this.#hold(CELLS_OF_STATE);
      state = { id: this.#count++, form, accepts, least, next: [] };
      this.#known.set(key, state);
    }
    return state;
  }
  #hold(cells: number): void {
    this.#cells += cells;
    if (this.#cells > MOST_CELLS) throw tooLarge(`${this.#count} states`);
  }
}

/** The error for a language that takes too much memory or time. */
export function tooLarge(seen: string): ConfigError {
  return new ConfigError('the constraint is too large or too ambiguous', {
    seen,
    fix: 'shorten its lists and counts, or let its parts begin differently',
    where: 'constraint',
  });
}

/** Bytes that no character set of the language tells apart, as classes in ascending order. */
function byteClasses(
  language: Language,
  writable: (set: CodePoints) => CodePoints,
): { classOf: Uint8Array; bytes: number[] } {
  const begins = new Uint8Array(257);
  begins[0] = 1;
  for (const expression of within([language.root, ...language.rules.values()]))
    if (expression.kind === 'character')
      for (const ranges of utf8Ranges(writable(expression.set)))
        for (const [low, high] of ranges) begins[low] = begins[high + 1] = 1;
  const classOf = new Uint8Array(256);
  const bytes: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if (begins[byte]) bytes.push(byte);
    classOf[byte] = bytes.length - 1;
  }
  return { classOf, bytes };
}
