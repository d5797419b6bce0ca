/**
 * What several regular machines accept together: the texts of all of some and of none of others, as a table. Made when the
 * constraint is made, because only then is it known which states lead nowhere.
 */
import { ConfigError } from '../../errors.ts';
import type { State } from './states.ts';

export interface Product {
  /** Tells the products of one machine apart. */
  readonly id: number;
  /** The state behind each class of bytes, by state; -1 = none. State 0 is the start. */
  readonly next: readonly Int32Array[];
  /** Bytes of the shortest text from each state to an end; infinite = there is none. */
  readonly least: Float64Array;
}

const MOST_STATES = 5000;

/** @param where for errors. @throws ConfigError when there are too many combinations of states */
export function productOf(
  all: readonly State[],
  none: readonly State[],
  step: (state: State, byteClass: number) => State | null,
  classes: number,
  id: number,
  where = 'constraint',
): Product {
  const known = new Map<string, number>();
  const tuples: (readonly (State | null)[])[] = [];
  const indexOf = (tuple: readonly (State | null)[]): number => {
    if (tuple.slice(0, all.length).includes(null)) return -1;
    const key = tuple.map(state => state?.id ?? '').join();
    const index = known.get(key) ?? tuples.length;
    if (index === tuples.length) {
      if (index >= MOST_STATES)
        throw new ConfigError('conditions on the same text have too many states together', {
          seen: `more than ${MOST_STATES}`,
          fix: 'lower the lengths beside a pattern or format, or leave one of them out',
          where,
        });
      known.set(key, index);
      tuples.push(tuple);
    }
    return index;
  };
  indexOf([...all, ...none]);
  const next: Int32Array[] = [];
  for (let at = 0; at < tuples.length; at++) {
    const row = new Int32Array(classes);
    for (let byteClass = 0; byteClass < classes; byteClass++)
      row[byteClass] = indexOf(tuples[at]!.map(state => state && step(state, byteClass)));
    next.push(row);
  }
  const accepts = tuples.map(
    tuple =>
      tuple.slice(0, all.length).every(state => state!.accepts) && !tuple.slice(all.length).some(s => s?.accepts),
  );
  return { id, next, least: distances(next, accepts) };
}

/** Steps from each state to the nearest that accepts. Breadth first over the steps backwards. */
function distances(next: readonly Int32Array[], accepts: readonly boolean[]): Float64Array {
  const before: number[][] = next.map(() => []);
  next.forEach((row, from) => {
    for (const to of new Set(row)) if (to >= 0) before[to]!.push(from);
  });
  const least = new Float64Array(next.length).fill(Number.POSITIVE_INFINITY);
  const queue = next.flatMap((_, at) => (accepts[at] ? [at] : []));
  for (const at of queue) least[at] = 0;
  for (const to of queue)
    for (const from of before[to]!)
      if (least[from] === Number.POSITIVE_INFINITY) {
        least[from] = least[to]! + 1;
        queue.push(from);
      }
  return least;
}
