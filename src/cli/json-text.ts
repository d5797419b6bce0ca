/** JSON for programs that people can read too: indented, but lists of numbers on one line. */

/** What JSON has no number for, such as -Infinity, becomes null. */
export function jsonText(value: unknown): string {
  // A line end between the brackets: inside a string it would be escaped.
  return JSON.stringify(value, null, 2).replace(/\[\n(?: +(?:[-+\d.eE]+|null),?\n)+ *\]/g, list =>
    list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
}

/** A list as JSON with a line end; one value alone without the list around it. */
export const oneOrAll = (values: readonly unknown[]): string =>
  `${jsonText(values.length === 1 ? values[0] : values)}\n`;
