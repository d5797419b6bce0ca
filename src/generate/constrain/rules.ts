/** What is asked of the rules of a language before they become a machine: that they are there, end, and begin with something. */
import { ConfigError } from '../../errors.ts';
import { type Expression, type Language, partsOf, within } from './language.ts';

/** Expressions within each other in one rule: the functions that read them are as deep. */
const DEEPEST = 400;

/** @throws ConfigError for a rule that is named and not there, and for expressions too deep within each other */
export function checkNames({ root, rules }: Language): void {
  for (const [name, body] of [['', root] as const, ...rules]) {
    const where = name ? `rule ${name}` : 'constraint';
    for (const used of namedIn(body))
      if (!rules.has(used))
        throw new ConfigError('a grammar names a rule that it does not have', { seen: used, where });
    // Level by level, each expression once in a level: a shared one is not walked for each of its uses.
    let level = new Set([body]);
    for (let depth = 0; level.size > 0; depth++) {
      if (depth > DEEPEST)
        throw new ConfigError('the constraint is too deep', { expected: `${DEEPEST} parts within each other`, where });
      const below = new Set<Expression>();
      for (const expression of level) for (const part of partsOf(expression)) below.add(part);
      level = below;
    }
  }
}

/**
 * Throws `ConfigError` for a rule that can begin with itself: it cannot be followed from left to right.
 * @param least bytes of the shortest text of each rule
 */
export function checkBeginnings({ root, rules }: Language, least: ReadonlyMap<string, number>): void {
  const known = new Map<Expression, boolean>();
  const beginsWith = new Map<string, Set<string>>();
  for (const [name, body] of [['', root] as const, ...rules]) beginsWith.set(name, firstIn(body, least, known));
  const done = new Set<string>();
  for (const start of beginsWith.keys()) {
    // Depth first with its own stack: the names on it are the path.
    const path = new Map<string, string[]>([[start, [...beginsWith.get(start)!]]]);
    const names = [start];
    while (names.length > 0) {
      const top = names.at(-1)!;
      const next = path.get(top)!.pop();
      if (next === undefined) {
        done.add(top);
        path.delete(top);
        names.pop();
      } else if (path.has(next)) {
        throw new ConfigError('a rule of the constraint begins with itself', {
          seen: [...names.slice(names.indexOf(next)).slice(0, 10), next].join(' -> '),
          fix: 'let it read something first: item (sep item)* instead of list ::= list sep item',
          where: 'constraint',
        });
      } else if (!done.has(next)) {
        path.set(next, [...beginsWith.get(next)!]);
        names.push(next);
      }
    }
  }
}

/** The rules that an expression names, anywhere. */
function namedIn(body: Expression): Set<string> {
  const names = new Set<string>();
  for (const expression of within([body])) if (expression.kind === 'rule') names.add(expression.name);
  return names;
}

/** The rules that an expression can begin with. */
function firstIn(body: Expression, least: ReadonlyMap<string, number>, known: Map<Expression, boolean>): Set<string> {
  const found = new Set<string>();
  const seen = new Set([body]);
  for (const expression of seen) {
    if (expression.kind === 'rule') found.add(expression.name);
    else if (expression.kind === 'sequence')
      for (const part of expression.parts) {
        seen.add(part);
        if (!canBeEmpty(part, least, known)) break;
      }
    // Below what several have in common there are no rules.
    else if (expression.kind !== 'common') for (const part of partsOf(expression)) seen.add(part);
  }
  return found;
}

function canBeEmpty(
  expression: Expression,
  least: ReadonlyMap<string, number>,
  known: Map<Expression, boolean>,
): boolean {
  const before = known.get(expression);
  if (before !== undefined) return before;
  const find = (): boolean => {
    switch (expression.kind) {
      case 'character':
        return false;
      case 'sequence':
        return expression.parts.every(part => canBeEmpty(part, least, known));
      case 'choice':
        return expression.parts.some(part => canBeEmpty(part, least, known));
      case 'repeat':
        return expression.least === 0 || canBeEmpty(expression.part, least, known);
      case 'rule':
        return least.get(expression.name) === 0;
      case 'common':
        // To be sure: a rule behind it counts as a beginning.
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
  const users = new Map<string, string[]>([...rules.keys()].map(name => [name, []]));
  for (const [name, body] of rules) for (const used of namedIn(body)) users.get(used)!.push(name);
  // A rule is measured again when one that it names has become shorter.
  const waiting = new Set(rules.keys());
  for (const name of waiting) {
    waiting.delete(name);
    const bytes = shortest(rules.get(name)!, least, leaf, new Map());
    if (bytes >= least.get(name)!) continue;
    least.set(name, bytes);
    for (const user of users.get(name)!) waiting.add(user);
  }
  return least;
}

function shortest(
  expression: Expression,
  least: ReadonlyMap<string, number>,
  leaf: (expression: Expression) => number,
  known: Map<Expression, number>,
): number {
  const before = known.get(expression);
  if (before !== undefined) return before;
  const of = (part: Expression) => shortest(part, least, leaf, known);
  const find = (): number => {
    switch (expression.kind) {
      case 'character':
      case 'common':
        return leaf(expression);
      case 'sequence':
        return expression.parts.reduce((sum, part) => sum + of(part), 0);
      case 'choice':
        return expression.parts.reduce((min, part) => Math.min(min, of(part)), Number.POSITIVE_INFINITY);
      case 'repeat':
        return expression.least === 0 ? 0 : expression.least * of(expression.part);
      case 'rule':
        return least.get(expression.name)!;
    }
  };
  const found = find();
  known.set(expression, found);
  return found;
}
