/** A constraint to the texts that a regular expression matches as a whole. */
import type { Constraint } from './constraint.ts';
import { parseRegex } from './regex-syntax.ts';

/**
 * The whole output matches `pattern`, in JavaScript's notation: `regex('[A-Z][a-z]+ \\d{4}')`, or a RegExp with the flags i, s, u.
 * `^` and `$` change nothing at its ends. What looks ahead (`(?=`, `(?!`) may
 * stand outside of groups; what needs memory or looks back (`\1`, `(?<=`, `\b`) is refused.
 * @throws ConfigError for a pattern that is no regular expression, or of a kind that cannot be followed
 */
export function regex(pattern: string | RegExp): Constraint {
  return { language: { root: parseRegex(pattern, { anchored: true }), rules: new Map() } };
}
