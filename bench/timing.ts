/** Times what is compared in turns, so that a noisy moment hits all of it. */

export interface Times {
  /** Milliseconds. */
  readonly min: number;
  readonly median: number;
  readonly runs: number;
}

/**
 * Runs the functions in turn until `seconds` have passed per function, each at least `atLeast` times.
 * The first turn warms up and is not counted.
 */
export async function interleave<Name extends string>(
  functions: Record<Name, () => void | Promise<void>>,
  { seconds = 0.6, atLeast = 5 } = {},
): Promise<Record<Name, Times>> {
  const names = Object.keys(functions) as Name[];
  const times = new Map<Name, number[]>(names.map(name => [name, []]));
  const end = performance.now() + 1000 * seconds * names.length;
  for (let turn = 0; turn <= atLeast || performance.now() < end; turn++)
    for (const name of names) {
      const start = performance.now();
      await functions[name]();
      if (turn > 0) times.get(name)!.push(performance.now() - start);
    }
  return Object.fromEntries(names.map(name => [name, summarize(times.get(name)!)])) as Record<Name, Times>;
}

export function summarize(times: number[]): Times {
  times.sort((a, b) => a - b);
  return { min: times[0]!, median: times[times.length >> 1]!, runs: times.length };
}
