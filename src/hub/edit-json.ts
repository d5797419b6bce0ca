/** Changes in the text of a JSON file that leave the rest as it was written: `0.0` and `0` are not the same to every reader. */

/**
 * The text of a JSON object with other values for some of its fields; those that it lacks are added, `undefined` takes one out.
 * @param text valid JSON, an object
 */
export function editJson(text: string, fields: Readonly<Record<string, unknown>>): string {
  const left = new Map(Object.entries(fields));
  const kept: string[] = [];
  for (const { key, source } of members(text)) {
    if (!left.has(key)) kept.push(source);
    else if (left.get(key) !== undefined) kept.push(member(key, left.get(key)));
    left.delete(key);
  }
  for (const [key, value] of left) if (value !== undefined) kept.push(member(key, value));
  return kept.length === 0 ? '{}\n' : `{\n${kept.map(source => `  ${source}`).join(',\n')}\n}\n`;
}
const member = (key: string, value: unknown): string =>
  `${JSON.stringify(key)}: ${JSON.stringify(value, null, 2).replaceAll('\n', '\n  ')}`;

/** The members of the object, each as it is written. */
function* members(text: string): Generator<{ key: string; source: string }> {
  let depth = 0;
  let start = text.indexOf('{') + 1;
  let key: string | undefined;
  for (let i = start - 1; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') {
      const from = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth === 1) key ??= JSON.parse(text.slice(from, i + 1)) as string;
    } else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    if ((c === ',' && depth === 1) || depth === 0) {
      if (key !== undefined) yield { key, source: text.slice(start, i).trim() };
      if (depth === 0) return;
      [start, key] = [i + 1, undefined];
    }
  }
}
