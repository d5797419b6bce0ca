/** A JSON schema as a document: how large it may be, and the places in it that references name (RFC 6901). */
import { ConfigError } from '../../errors.ts';
import { show } from '../options.ts';

const DEEPEST = 300;
const MOST_VALUES = 500_000;

/**
 * Throws `ConfigError` for a document that is too deep, too large, or within itself. Counted level by level, so that nothing here is
 * as deep as the document.
 */
export function checkDocument(document: unknown): void {
  let count = 0;
  let level = new Set([document]);
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > DEEPEST)
      throw new ConfigError('the schema is too deep, or contains itself', {
        expected: `at most ${DEEPEST} values within each other`,
        where: '#',
      });
    const below = new Set<unknown>();
    for (const value of level)
      if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) below.add(member);
    count += below.size;
    if (count > MOST_VALUES)
      throw new ConfigError('the schema is too large', { expected: `at most ${MOST_VALUES} values`, where: '#' });
    level = below;
  }
}

/**
 * What a reference such as `#/$defs/name` names.
 * @throws ConfigError for one that leads out of the document or to nothing
 */
export function referenced(document: unknown, reference: unknown, where: string): unknown {
  const refuse = (expected: string): never => {
    throw new ConfigError('a $ref of the schema leads nowhere', { seen: show(reference), expected, where });
  };
  if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference))
    return refuse('a place in this document: "#/$defs/name"');
  let at = document;
  for (const step of reference.split('/').slice(1)) {
    const name = decoded(step)?.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || name === undefined || !Object.hasOwn(at, name))
      return refuse('a place that is there');
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** Without percent signs; undefined for what is not encoded with them. */
function decoded(step: string): string | undefined {
  try {
    return decodeURIComponent(step);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
