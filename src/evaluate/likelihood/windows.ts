/** A long text as windows that a network can take, made while the text is read. */

/** What comes bit by bit. */
export type Stream<T> = Iterable<T> | AsyncIterable<T>;

/** Tokens that are read together. */
export interface Window {
  /** The last of them is foretold and need not be read. */
  readonly ids: readonly number[];
  /** How many at the end are scored. */
  readonly scored: number;
  /** Those that no window before held: `scored`, and the first of all if nothing stands before it. */
  readonly fresh: number;
}
export interface WindowShape {
  /** Tokens of a full window, the last one included. */
  readonly full: number;
  /** New tokens of each window behind the first. */
  readonly stride: number;
  /** How many of the latest tokens may stand in the next window too. */
  readonly keep: number;
}

/**
 * The windows of a stream of ids. Every token is scored once, but for the first of a window that keeps none. No more than a
 * window and a stride is held.
 */
export async function* windowsOf(
  ids: Stream<readonly number[]>,
  { full, stride, keep }: WindowShape,
): AsyncGenerator<Window, void, undefined> {
  let held: number[] = [];
  let [fresh, wanted] = [0, full];
  const window = (): Window => {
    const own = held.slice(-full);
    return { ids: own, scored: Math.min(fresh, own.length - 1), fresh };
  };
  for await (const piece of ids)
    for (const id of piece) {
      held.push(id);
      if (++fresh < wanted) continue;
      yield window();
      held = keep > 0 ? held.slice(-keep) : [];
      [fresh, wanted] = [0, stride];
    }
  if (fresh > 0 && held.length > 1) yield window();
}
