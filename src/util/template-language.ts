/**
 * `@huggingface/jinja` as it is used here: what it declares, a template as its nodes, and what of them renders and walks.
 * Its own declarations import each other without file endings, which this project's module resolution does not follow.
 */
import * as jinja from '@huggingface/jinja';

export interface Node {
  readonly type: string;
}
export interface Value {
  readonly type: string;
  readonly value: unknown;
  readonly builtins: ReadonlyMap<string, Value>;
}
export interface Scope {
  readonly variables: Map<string, Value>;
  set(name: string, value: unknown): Value;
}
export interface Program extends Node {
  readonly body: readonly Node[];
}
export interface Language {
  readonly tokenize: (source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }) => unknown;
  readonly parse: (tokens: unknown) => Program;
  readonly Environment: new () => Scope;
  readonly Interpreter: new (
    scope: Scope,
  ) => { readonly global: Scope; run(program: Program): Value; evaluate(node: Node | undefined, scope: Scope): Value };
}
const language = jinja as unknown as Language;
export const { Environment, Interpreter } = language;

/** The fields of nodes that are looked at here; a node has those of its type. */
export interface Fields {
  readonly type: string;
  readonly value?: unknown;
  readonly body?: readonly Node[];
  readonly alternate?: readonly Node[];
  readonly defaultBlock?: readonly Node[];
  readonly args?: readonly Node[];
  readonly assignee?: Node;
  readonly argument?: Node;
  readonly callee?: Node;
  readonly computed?: boolean;
  readonly filter?: Node;
  readonly iterable?: Node;
  readonly left?: Node;
  readonly lhs?: Node;
  readonly object?: Node;
  readonly operand?: Node;
  readonly operator?: { readonly value: string };
  readonly property?: Node;
  readonly right?: Node;
  readonly test?: Node;
}
export const fieldsOf = (node: Node) => node as Node & Fields;

export interface ParsedTemplate {
  readonly program: Program;
  readonly length: number;
  /** Expressions whose text becomes output. */
  readonly printed: WeakSet<Node>;
  /** Expressions whose elements are walked over, and the steps that each of them takes. */
  readonly walked: WeakMap<Node, number>;
}
/** @throws SyntaxError, RangeError of the language */
export function parseTemplate(source: string, trim: boolean): ParsedTemplate {
  const program = language.parse(language.tokenize(source, { lstrip_blocks: trim, trim_blocks: trim }));
  const [printed, walked] = [new WeakSet<Node>(), new WeakMap<Node, number>()];
  const stack: unknown[] = [program];
  while (stack.length) {
    const item = stack.pop();
    if (typeof item !== 'object' || item === null) continue;
    if (item instanceof Map) for (const pair of item) stack.push(...pair);
    else for (const child of Object.values(item)) stack.push(child);
    if (Array.isArray(item) || item instanceof Map || !('type' in item)) continue;
    const { type, body, alternate, defaultBlock, iterable, lhs, argument, operand, operator, right } =
      item as unknown as Fields;
    for (const statements of [body, alternate, defaultBlock])
      for (const statement of statements ?? []) printed.add(statement);
    const over =
      type === 'For' && iterable?.type !== 'SelectExpression'
        ? iterable
        : type === 'BinaryExpression' && operator?.value.endsWith('in')
          ? right
          : type === 'SelectExpression'
            ? lhs
            : /Spread/.test(type)
              ? argument
              : operand;
    // A round of a loop has a scope of its own, and so has a test.
    if (over) walked.set(over, /^(For|Select)/.test(type) ? 4 : 1);
  }
  return { program, length: source.length, printed, walked };
}

/** `tojson` of `x | tojson` and of `x | tojson(indent=2)`. */
export function filterName({ filter }: Fields): string {
  const { callee, value } = fieldsOf(filter!);
  return String(callee ? fieldsOf(callee).value : value);
}

/** `doc.question` of a node. */
export function nameOf({ object, property, computed, value }: Fields): string {
  if (!object) return String(value);
  const name = property ? String(fieldsOf(property).value) : '';
  return computed ? `${nameOf(fieldsOf(object))}[${name}]` : `${nameOf(fieldsOf(object))}.${name}`;
}
