/** A constraint to one of several texts. */
import { ConfigError } from '../../errors.ts';
import { show } from '../options.ts';
import type { Constraint } from './constraint.ts';
import { oneOf } from './language.ts';

/**
 * Exactly one of `texts`: `choices(['positive', 'negative'])`.
 * @throws ConfigError for no texts, and for what is none
 */
export function choices(texts: readonly string[]): Constraint {
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every(text => typeof text === 'string'))
    throw new ConfigError('choices are a list of at least one text', { seen: show(texts) });
  return { language: { root: oneOf(texts), rules: new Map() } };
}
