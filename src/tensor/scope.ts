/** The path under which tensors are built: it becomes part of their names and of error messages, never of values. */

let path = '';

/** Builds with `name` appended to the path: `scope('blocks.3', () => ...)`. Scopes nest and must not contain `await`. */
export function scope<T>(name: string, body: () => T): T {
  return inScope(path ? `${path}.${name}` : name, body);
}
/** Builds under an absolute path. Used when a definition is expanded later than its node was made. */
export function inScope<T>(absolute: string, body: () => T): T {
  const before = path;
  path = absolute;
  try {
    return body();
  } finally {
    path = before;
  }
}
/** The current path, '' outside of any scope. */
export const currentPath = (): string => path;
/** The current path for an error's `where`. */
export const where = (): string | undefined => path || undefined;
