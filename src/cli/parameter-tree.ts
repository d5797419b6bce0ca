/** Lists of parameters for people: what repeats from layer to layer becomes one line. */

export interface ParameterEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}
/** A parameter, or one that occurs under several numbers: `h.{0..11}.ln_1.weight`. */
export interface ParameterGroup extends ParameterEntry {
  /** How many parameters it stands for. */
  readonly times: number;
  /** Numbers in all of them. */
  readonly count: number;
}

/** Groups parameters that differ in the numbers of their names only, in the order in which they come first. */
export function groupParameters(entries: Iterable<ParameterEntry>): ParameterGroup[] {
  const groups = new Map<string, { first: ParameterEntry; names: string[][] }>();
  for (const entry of entries) {
    const parts = entry.name.split('.');
    const pattern = parts.map(part => (isNumber(part) ? '#' : part)).join('.');
    const key = JSON.stringify([pattern, entry.shape, entry.dtype]);
    const group = groups.get(key);
    if (group) group.names.push(parts);
    else groups.set(key, { first: entry, names: [parts] });
  }
  return [...groups.values()].flatMap(({ first, names }) => {
    const { shape, dtype } = first;
    const size = shape.reduce((n, d) => n * d, 1);
    const together = joined(names);
    const shown = together === undefined ? names.map(parts => parts.join('.')) : [together];
    const times = names.length / shown.length;
    return shown.map(name => ({ name, shape, dtype, times, count: size * times }));
  });
}

const isNumber = (part: string) => /^\d{1,6}$/.test(part);

/** One name for all, if they are every combination of their numbers. */
function joined(names: readonly (readonly string[])[]): string | undefined {
  const columns = names[0]!.map((_, i) => [...new Set(names.map(parts => parts[i]!))]);
  if (columns.reduce((n, column) => n * column.length, 1) !== names.length) return undefined;
  return columns.map(column => (column.length === 1 ? column[0]! : `{${ranges(column.map(Number))}}`)).join('.');
}

/** `0..3,5` for 0, 1, 2, 3, 5. */
function ranges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const n of sorted) {
    const last = runs.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}..${to}`)).join(',');
}
