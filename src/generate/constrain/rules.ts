/** What is asked of the rules of a language before they become a machine: that they are there, end, and begin with something. */
import { ConfigError } from '../../errors.ts';
import type { Expression, Language } from './language.ts';

/**
 * Throws `ConfigError` for a rule that is named and not there, and for one that can begin with itself: such a rule cannot be
 * followed from left to right.
 */
export function checkRules({ root, rules }: Language): void {
  const empty = emptyRules(rules);
  const beginsWith = new Map<string, Set<string>>();
  for (const [name, body] of [['', root] as const, ...rules]) {
    const found = new Set<string>();
    collectFirst(body, empty, found);
    beginsWith.set(name, found);
    for (const used of namedIn(body))
      if (!rules.has(used))
        throw new ConfigError('a grammar names a rule that it does not have', {
          seen: used,
          ...(name && { where: `rule ${name}` }),
        });
  }
  const done = new Set<string>();
  for (const start of beginsWith.keys()) {
    // Depth first with its own stack: the path is what is on it.
    const path: { name: string; rest: string[] }[] = [{ name: start, rest: [...beginsWith.get(start)!] }];
    while (path.length > 0) {
      const top = path.at(-1)!;
      const next = top.rest.pop();
      if (next === undefined) {
        done.add(top.name);
        path.pop();
      } else if (path.some(({ name }) => name === next)) {
        throw new ConfigError('a rule of the constraint begins with itself', {
          seen: [...path.slice(path.findIndex(({ name }) => name === next)).map(({ name }) => name), next].join(' -> '),
          fix: 'let it read something first: item (sep item)* instead of list ::= list sep item',
          where: 'constraint',
        });
      } else if (!done.has(next)) path.push({ name: next, rest: [...beginsWith.get(next)!] });
    }
  }
}

/** The rules that an expression names, anywhere. */
function namedIn(body: Expression): Set<string> {
  const names = new Set<string>();
  const seen = new Set<Expression>();
  const todo = [body];
  for (let expression = todo.pop(); expression; expression = todo.pop()) {
    if (seen.has(expression)) continue;
    seen.add(expression);
    if (expression.kind === 'rule') names.add(expression.name);
    else if (expression.kind === 'repeat') todo.push(expression.part);
    else if (expression.kind === 'sequence' || expression.kind === 'choice') todo.push(...expression.parts);
  }
  return names;
}

/** The rules that an expression can begin with. */
function collectFirst(body: Expression, empty: ReadonlySet<string>, found: Set<string>): void {
  const seen = new Set<Expression>();
  const visit = (expression: Expression): void => {
    if (seen.has(expression)) return;
    seen.add(expression);
    if (expression.kind === 'rule') found.add(expression.name);
    else if (expression.kind === 'repeat') visit(expression.part);
    else if (expression.kind === 'choice') expression.parts.forEach(visit);
    else if (expression.kind === 'sequence')
      for (const part of expression.parts) {
        visit(part);
        if (!canBeEmpty(part, empty, new Map())) break;
      }
  };
  visit(body);
}

/** The rules that have the empty text. */
function emptyRules(rules: ReadonlyMap<string, Expression>): Set<string> {
  const empty = new Set<string>();
  for (let before = -1; before !== empty.size; ) {
    before = empty.size;
    const known = new Map<Expression, boolean>();
    for (const [name, body] of rules) if (canBeEmpty(body, empty, known)) empty.add(name);
  }
  return empty;
}

function canBeEmpty(expression: Expression, empty: ReadonlySet<string>, known: Map<Expression, boolean>): boolean {
  const before = known.get(expression);
  if (before !== undefined) return before;
  const find = (): boolean => {
    switch (expression.kind) {
      case 'character':
        return false;
      case 'sequence':
        return expression.parts.every(part => canBeEmpty(part, empty, known));
      case 'choice':
        return expression.parts.some(part => canBeEmpty(part, empty, known));
      case 'repeat':
        return expression.least === 0 || canBeEmpty(expression.part, empty, known);
      case 'rule':
        return empty.has(expression.name);
      case 'common':
        // Only whether a rule may follow is asked, and below it there are none.
        return true;
    }
  };
  const found = find();
  known.set(expression, found);
  return found;
}

/**
 * Bytes of the shortest text of each rule; infinite for one that never ends.
 * @param leaf the same of an expression without rules
 */
export function leastBytes({ rules }: Language, leaf: (expression: Expression) => number): ReadonlyMap<string, number> {
  const least = new Map<string, number>([...rules.keys()].map(name => [name, Number.POSITIVE_INFINITY]));
  for (let changed = true; changed; ) {
    changed = false;
    const known = new Map<Expression, number>();
    const measure = (expression: Expression): number => {
      const before = known.get(expression);
      if (before !== undefined) return before;
      let bytes: number;
      switch (expression.kind) {
        case 'character':
        case 'common':
          bytes = leaf(expression);
          break;
        case 'sequence':
          bytes = expression.parts.reduce((sum, part) => sum + measure(part), 0);
          break;
        case 'choice':
          bytes = expression.parts.reduce((min, part) => Math.min(min, measure(part)), Number.POSITIVE_INFINITY);
          break;
        case 'repeat':
          bytes = expression.least === 0 ? 0 : expression.least * measure(expression.part);
          break;
        case 'rule':
          bytes = least.get(expression.name)!;
      }
      known.set(expression, bytes);
      return bytes;
    };
    for (const [name, body] of rules) {
      const bytes = measure(body);
      if (bytes < least.get(name)!) {
        least.set(name, bytes);
        changed = true;
      }
    }
  }
  return least;
}
