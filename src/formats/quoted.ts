/** Names of hostile files in error messages. */

/** A name in quotes, with its control characters escaped, cut where a file made it too long for a message. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
