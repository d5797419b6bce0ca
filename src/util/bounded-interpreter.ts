/**
 * The interpreter of `@huggingface/jinja` with a budget. Every node passes through `evaluate`, which counts. What one
 * operation can multiply (`join`, `replace`, `indent`, `tojson`, `range`) is priced from its operands first; those are
 * evaluated once and handed on as nodes that are known. Values never change once made, except namespaces, which
 * therefore stay outside of other values; so the size of each is measured once.
 */
import { ConfigError } from '../errors.ts';
import { strftime } from './strftime.ts';
import {
  Environment,
  type Fields,
  fieldsOf,
  filterName,
  Interpreter,
  type Node,
  nameOf,
  type ParsedTemplate,
  type Scope,
  type Value,
} from './template-language.ts';

export interface Limits {
  readonly steps: number;
  readonly depth: number;
  readonly length: number;
}
export interface InterpretOptions {
  readonly limits: Limits;
  /** A name without a value is an error. */
  readonly strict: boolean;
  readonly now: Date | undefined;
  /** A single expression gives its value and not its text. */
  readonly plain: boolean;
  /** For messages. */
  readonly where: string;
}

const CONSTANTS = { true: true, false: false, none: null, True: true, False: false, None: null };

/** @throws ConfigError beyond the limits, and what the language throws */
export function interpret(
  template: ParsedTemplate,
  values: Readonly<Record<string, unknown>>,
  options: InterpretOptions,
): unknown {
  const scope = new Environment();
  const interpreter = new BoundedInterpreter(scope, template, options);
  const functions = {
    raise_exception(message: unknown) {
      throw new Error(String(message));
    },
    range: (...bounds: number[]) => interpreter.range(bounds),
    strftime_now: (format: string) => strftime(options.now ?? new Date(), String(format)),
  };
  if ('namespace' in values) scope.variables.delete('namespace');
  for (const [name, value] of Object.entries({ ...functions, ...values, ...CONSTANTS })) scope.set(name, value);
  const [only, ...others] = template.program.body;
  if (options.plain && only && others.length === 0 && isExpression(only)) return interpreter.plain(only);
  return interpreter.run(template.program).value;
}

const STATEMENTS = /^(Set|If|For|Macro|CallStatement|FilterStatement|Comment|Break|Continue|StringLiteral)$/;
/** Text between blocks is a string literal to the parser, and a literal's value is its text anyway. */
const isExpression = (node: Node) => !STATEMENTS.test(node.type);

interface Size {
  /** Characters and elements. */
  readonly length: number;
  readonly nodes: number;
  readonly depth: number;
}
/** A node whose value is known. */
interface Known extends Node {
  readonly known: Value;
}
const KNOWN = 'known';
const isKnown = (node: Node): node is Known => node.type === KNOWN;

/** Characters of all evaluated text, as a multiple of what one value may have. */
const TRAFFIC = 64;
/** Filters whose work grows with the text in a list. */
const COSTLY = new Set(['sort', 'dictsort', 'join', 'tojson', 'string']);
const MAKES = /^(Array|Tuple|Object)Literal$|^(Binary|Call|Filter)Expression$/;

class BoundedInterpreter extends Interpreter {
  readonly #template: ParsedTemplate;
  readonly #options: InterpretOptions;
  readonly #sizes = new WeakMap<object, Size>();
  readonly #guarded = new WeakSet<object>();
  #steps = 0;
  #depth = 0;
  #traffic = 0;
  /** The next name may be without a value. */
  #lenient = false;

  constructor(scope: Scope, template: ParsedTemplate, options: InterpretOptions) {
    super(scope);
    this.#template = template;
    this.#options = options;
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    if (node && isKnown(node)) return node.known;
    this.#spend(1);
    if (++this.#depth > this.#options.limits.depth) this.#refuse('depth', this.#depth);
    try {
      // A filter of the language can give nothing at all: the first of an empty list.
      const value = (node && this.#evaluate(fieldsOf(node), scope)) ?? super.evaluate(undefined, scope);
      if (node) this.#charge(fieldsOf(node), value);
      return value;
    } finally {
      this.#depth--;
    }
  }

  /** The value of an expression as plain data. */
  plain(node: Node): unknown {
    return plainOf(this.evaluate(node, this.global));
  }

  /** Python's `range`, which is refused before its list is made. */
  range(bounds: readonly number[]): number[] {
    const [start, stop, step = 1] = bounds.length > 1 ? bounds : [0, bounds[0]];
    const count = Math.max(0, Math.ceil((stop! - start!) / step));
    if (![start, stop, step].every(Number.isInteger) || step === 0)
      throw new ConfigError('range takes whole numbers and a step that is not 0', {
        seen: bounds.join(', '),
        where: this.#options.where,
      });
    this.#spend(count);
    return Array.from({ length: count }, (_, i) => start! + i * step);
  }

  #evaluate(node: Node & Fields, scope: Scope): Value {
    const lenient = this.#lenient;
    this.#lenient = false;
    switch (node.type) {
      case 'Identifier':
      case 'MemberExpression': {
        const value = super.evaluate(node.object ? this.#memberOf(node, scope) : node, scope);
        if (value.type === 'UndefinedValue' && this.#options.strict && !lenient)
          throw new ConfigError('the template uses a name without a value', {
            seen: nameOf(node),
            where: this.#options.where,
          });
        return value;
      }
      case 'TestExpression':
        this.#lenient = /^(un)?defined$/.test(String(fieldsOf(node.test!).value));
        return super.evaluate(node, scope);
      case 'BinaryExpression':
        return node.operator!.value.endsWith('in') ? this.#contains(node, scope) : super.evaluate(node, scope);
      case 'FilterExpression':
        this.#lenient = filterName(node) === 'default';
        return this.#filtered(node, this.evaluate(node.operand, scope), scope);
      case 'FilterStatement': {
        const block = { type: 'Program', body: node.body };
        return this.#filtered({ ...node, type: 'FilterExpression' }, super.evaluate(block, scope), scope);
      }
      case 'Set': {
        if (node.assignee?.type !== 'MemberExpression' || !node.value) return super.evaluate(node, scope);
        const value = this.evaluate(node.value as Node, scope);
        this.#outsideOfOthers(value);
        const done = super.evaluate({ ...node, value: known(value) } as Node, scope);
        // All that a namespace holds can be printed at once.
        this.#size(this.evaluate(fieldsOf(node.assignee).object!, scope));
        return done;
      }
      case 'Macro':
      case 'CallStatement':
        // The language looks through all of the body for special names.
        this.#spend(this.#template.length / 8);
        return super.evaluate(node, scope);
      default:
        return super.evaluate(node, scope);
    }
  }

  /** What is accessed, its object known; methods that can multiply a text know their price. */
  #memberOf(node: Node & Fields, scope: Scope): Node {
    const object = this.evaluate(node.object, scope);
    if (object.type === 'StringValue' && (node.computed || /^(replace|split)$/.test(nameOf(fieldsOf(node.property!)))))
      this.#guard(object);
    return { ...node, object: known(object) } as Node;
  }

  #contains(node: Node & Fields, scope: Scope): Value {
    const [left, right] = [this.evaluate(node.left, scope), this.evaluate(node.right, scope)];
    if (left.type === 'StringValue' && right.type === 'StringValue')
      this.#search(right.value as string, left.value as string);
    return super.evaluate({ ...node, left: known(left), right: known(right) } as Node, scope);
  }

  #filtered(node: Node & Fields, operand: Value, scope: Scope): Value {
    const name = filterName(node);
    if (operand.type === 'StringValue' && name === 'replace') this.#guard(operand);
    if (COSTLY.has(name)) this.#pass(this.#size(operand).length);
    const call = fieldsOf(node.filter!);
    const args = (call.args ?? []).map(arg => this.#settled(fieldsOf(arg), scope));
    if (call.args) this.#price(name, operand, args);
    const filter = call.args ? { ...call, args } : call;
    return super.evaluate({ ...node, operand: known(operand), filter } as Node, scope);
  }

  /** An argument whose value is known. Literals stay, as some filters ask for them. */
  #settled(arg: Node & Fields, scope: Scope): Node {
    if (/Literal$/.test(arg.type) && !/^(Array|Tuple|Object)/.test(arg.type)) return arg;
    if (arg.type === 'KeywordArgumentExpression')
      return { ...arg, value: known(this.evaluate(arg.value as Node, scope)) } as Node;
    return arg.argument
      ? ({ ...arg, argument: known(this.evaluate(arg.argument, scope)) } as Node)
      : known(this.evaluate(arg, scope));
  }

  /** An upper bound of what a filter makes of these arguments. */
  #price(name: string, operand: Value, args: readonly Node[]): void {
    let [text, number] = [0, 0];
    for (const arg of args) {
      const { value, argument } = fieldsOf(arg);
      const inner = (isKnown(arg) ? arg : (argument ?? value)) as Node | string | number;
      const plain = typeof inner === 'object' ? (isKnown(inner) ? inner.known : fieldsOf(inner)).value : inner;
      if (typeof plain === 'number') number = Math.max(number, plain);
      else if (typeof inner === 'object' && isKnown(inner)) text += this.#size(inner.known).length;
      else if (typeof plain === 'string') text += plain.length;
    }
    const { length, nodes, depth } = this.#size(operand);
    const elements = operand.type === 'StringValue' ? length : elementsOf(operand);
    this.#spend(elements * (text / 64) + elements / 16);
    if (name === 'join') this.#fits(length + elements * text);
    if (name === 'indent') this.#fits(length + (occurrences(String(operand.value), '\n') + 1) * number);
    if (name === 'tojson') this.#fits(length + nodes * (depth * number + text));
  }

  /** Gives the methods of a text that can multiply it their price. */
  #guard(value: Value): void {
    if (this.#guarded.has(value)) return;
    this.#guarded.add(value);
    const text = value.value as string;
    for (const name of ['replace', 'split']) {
      const method = value.builtins.get(name) as { value: (args: Value[], scope: Scope) => Value };
      const inner = method.value;
      method.value = (args, scope) => {
        const [from, to] = args.map(arg => (arg.type === 'StringValue' ? String(arg.value) : ''));
        this.#search(text, from ?? '');
        const places = from ? occurrences(text, from) : text.length + 1;
        this.#spend(places);
        if (name === 'replace') this.#fits(text.length + places * (to ?? '').length);
        return inner(args, scope);
      };
    }
  }

  /** Finding a long text in a long one can take the product of both. */
  #search(text: string, part: string): void {
    this.#spend((text.length * part.length) / 1024);
  }

  #charge(node: Node & Fields, value: Value): void {
    const { printed, walked } = this.#template;
    this.#spend((walked.get(node) ?? 0) * elementsOf(value));
    if (value.type === 'StringValue') {
      this.#fits((value.value as string).length);
      this.#pass((value.value as string).length);
    } else if (printed.has(node)) {
      const { length, nodes } = this.#size(value);
      this.#pass(length);
      this.#spend(nodes / 4);
    } else if (MAKES.test(node.type) || /^(var|kw)args$/.test(String(node.value))) this.#size(value);
    else if (node.property?.type === 'SliceExpression') this.#spend(elementsOf(value));
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#options.limits.steps) this.#refuse('steps', Math.ceil(this.#steps));
  }
  #pass(characters: number): void {
    this.#traffic += characters;
    if (this.#traffic > TRAFFIC * this.#options.limits.length) this.#refuse('length', this.#traffic);
  }
  #fits(length: number): void {
    if (length > this.#options.limits.length) this.#refuse('length', length);
  }
  #refuse(limit: keyof Limits, seen: number): never {
    throw new ConfigError('the template takes more than it may', {
      seen: `${limit}: ${seen}`,
      expected: `at most ${this.#options.limits[limit] * (limit === 'length' && seen === this.#traffic ? TRAFFIC : 1)}`,
      fix: `if you trust the template, raise limits.${limit}`,
      where: this.#options.where,
    });
  }

  /** How large a value is when written out. @throws ConfigError when that is beyond the limits */
  #size(value: Value, above = 0): Size {
    const { type } = value;
    if (type === 'StringValue') return { length: (value.value as string).length, nodes: 1, depth: 0 };
    if (!/^(Array|Tuple|Object|Namespace|KeywordArguments)Value$/.test(type)) return { length: 8, nodes: 1, depth: 0 };
    const before = this.#sizes.get(value);
    if (before) return before;
    if (above > 0) this.#outsideOfOthers(value, false);
    if (above > this.#options.limits.depth) this.#refuse('depth', above);
    let [length, nodes, depth] = [2, 1, 0];
    const add = (child: Value, key = '') => {
      const inner = this.#size(child, above + 1);
      length += key.length + inner.length + 2;
      nodes += inner.nodes;
      depth = Math.max(depth, inner.depth);
      this.#fits(length);
      this.#spend(0.25);
    };
    if (value.value instanceof Map) for (const [key, child] of value.value) add(child as Value, key as string);
    else for (const child of value.value as Value[]) add(child);
    const size = { length, nodes, depth: depth + 1 };
    if (size.depth > this.#options.limits.depth) this.#refuse('depth', size.depth);
    if (type !== 'NamespaceValue') this.#sizes.set(value, size);
    return size;
  }

  /** What can change may not be part of what was measured. */
  #outsideOfOthers(value: Value, deep = true): void {
    if (value.type === 'NamespaceValue')
      throw new ConfigError('a namespace of the template is part of another value', {
        fix: 'keep namespaces in variables of their own',
        where: this.#options.where,
      });
    if (deep) this.#size(value);
  }
}

const known = (value: Value): Known => ({ type: KNOWN, known: value });

const elementsOf = ({ value }: Value): number =>
  Array.isArray(value) ? value.length : value instanceof Map ? value.size : 0;

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

function plainOf(value: Value): unknown {
  if (value.type === 'FunctionValue') throw new ConfigError('the template gives a function, which is no value');
  if (value.type === 'NullValue') return null;
  const inner: unknown = value.value;
  if (Array.isArray(inner)) return inner.map(item => plainOf(item as Value));
  if (inner instanceof Map) return Object.fromEntries([...inner].map(([key, item]) => [key, plainOf(item as Value)]));
  return inner;
}
