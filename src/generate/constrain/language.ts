/**
 * A set of texts as data: what JSON schemas, regular expressions, grammars and lists of choices all become. It is over
 * characters; `states.ts` makes it a machine over bytes.
 */
import { ConfigError } from '../../errors.ts';
import { type CodePoints, charactersOf } from './code-points.ts';

export type Expression =
  /** One character of a set. */
  | { readonly kind: 'character'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly parts: readonly Expression[] }
  /** `most` may be infinite. */
  | { readonly kind: 'repeat'; readonly part: Expression; readonly least: number; readonly most: number }
  /** A rule of the language by its name; rules may name each other in circles. */
  | { readonly kind: 'rule'; readonly name: string }
  /** The texts that are in each of `all` and in none of `none`. No rules below it. `where` is for errors. */
  | {
      readonly kind: 'common';
      readonly all: readonly Expression[];
      readonly none: readonly Expression[];
      readonly where?: string | undefined;
    };

export interface Language {
  readonly root: Expression;
  readonly rules: ReadonlyMap<string, Expression>;
}

/** The empty text only. */
export const NOTHING: Expression = { kind: 'sequence', parts: [] };
/** No text at all. */
export const IMPOSSIBLE: Expression = { kind: 'choice', parts: [] };

export const character = (set: CodePoints | string): Expression => ({
  kind: 'character',
  set: typeof set === 'string' ? charactersOf(set) : set,
});

const LONGEST_TEXT = 50_000;

/** One exact text. @throws ConfigError for more than 50,000 characters, and for half of one (a lone surrogate) */
export function exactly(text: string): Expression {
  if (text.length > LONGEST_TEXT)
    throw new ConfigError('a text of the constraint is too long', {
      seen: `${text.length} characters`,
      expected: `at most ${LONGEST_TEXT}`,
      where: 'constraint',
    });
  if (/\p{Surrogate}/u.test(text))
    throw new ConfigError('a text of the constraint has half a character', {
      seen: JSON.stringify(text.slice(0, 60)),
      fix: 'write both surrogates of the pair, or neither',
      where: 'constraint',
    });
  const parts = Array.from(text, char => character(char));
  return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
}
export const sequence = (...parts: readonly Expression[]): Expression =>
  parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
export const choice = (...parts: readonly Expression[]): Expression =>
  parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
export const repeat = (part: Expression, least: number, most = Number.POSITIVE_INFINITY): Expression => ({
  kind: 'repeat',
  part,
  least,
  most,
});
export const optional = (part: Expression): Expression => repeat(part, 0, 1);
export const rule = (name: string): Expression => ({ kind: 'rule', name });

/** What an expression is directly made of. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'sequence':
    case 'choice':
      return expression.parts;
    case 'repeat':
      return [expression.part];
    case 'common':
      return [...expression.all, ...expression.none];
    default:
      return [];
  }
}

/** The expressions and all that they are made of, each once. Rules are named, not entered. */
export function* within(roots: Iterable<Expression>): Generator<Expression> {
  const seen = new Set(roots);
  for (const expression of seen) {
    yield expression;
    for (const part of partsOf(expression)) seen.add(part);
  }
}

const MOST_TEXTS = 50_000;
/** Texts that go on from each other, as `a`, `ab`, `abc` do: each is an expression within the one before. */
const DEEPEST_TEXTS = 180;

/**
 * Exactly one of several texts; what they begin with in common is shared, so that thousands cost no more than their length.
 * @throws ConfigError for more than 50,000 of them, and for more than 180 that each begin with the one before
 */
export function oneOf(texts: readonly string[]): Expression {
  if (texts.length > MOST_TEXTS)
    throw new ConfigError('too many texts to choose from', {
      seen: `${texts.length}`,
      expected: `at most ${MOST_TEXTS}`,
      where: 'constraint',
    });
  const sorted = [...new Set(texts)].map(text => Array.from(text)).sort(compare);
  const between = (from: number, to: number, depth: number, level: number): Expression => {
    if (level > DEEPEST_TEXTS)
      throw new ConfigError('too many texts to choose from begin with each other', {
        expected: `at most ${DEEPEST_TEXTS} within each other`,
        where: 'constraint',
      });
    const [first, last] = [sorted[from]!, sorted[to - 1]!];
    let shared = depth;
    while (shared < first.length && first[shared] === last[shared]) shared++;
    const ways: Expression[] = [];
    let at = from;
    if (first.length === shared) {
      ways.push(NOTHING);
      at++;
    }
    for (let end = at; at < to; at = end) {
      while (end < to && sorted[end]![shared] === sorted[at]![shared]) end++;
      ways.push(between(at, end, shared, level + 1));
    }
    return sequence(exactly(first.slice(depth, shared).join('')), choice(...ways));
  };
  return sorted.length === 0 ? IMPOSSIBLE : between(0, sorted.length, 0, 0);
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return a.length - b.length;
}
