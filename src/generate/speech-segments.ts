/** The pieces of a transcript between its times, and where to go on listening. */

/** A piece of a window; times are numbers of 20 ms steps from the window's start. */
export interface TimedPiece {
  readonly start: number;
  readonly end: number;
  /** Its ids, times included. */
  readonly ids: readonly number[];
}

/**
 * Cuts what was generated for a window wherever two times meet. What comes after the last pair is not finished: the next
 * window begins there and hears it again. Without a pair all is one piece, and with a single time at the end nothing was
 * said after it: then the whole window is done.
 * @param ids without the end token
 * @param firstTimestamp id of time 0
 * @param length steps of the window that are part of the recording
 * @returns the pieces, and the step at which the next window begins, at least 1
 */
export function timedPieces(
  ids: readonly number[],
  firstTimestamp: number,
  length: number,
): { pieces: TimedPiece[]; next: number } {
  const isTime = (at: number) => at >= 0 && ids[at]! >= firstTimestamp;
  const timeAt = (at: number) => ids[at]! - firstTimestamp;
  const cuts = [...ids.keys()].filter(at => isTime(at) && isTime(at - 1));
  const last = cuts.at(-1);
  if (last === undefined) {
    const start = isTime(0) ? timeAt(0) : 0;
    const ends = [...ids.keys()].findLast(at => isTime(at) && timeAt(at) > start);
    return { pieces: [{ start, end: ends === undefined ? length : timeAt(ends), ids }], next: length };
  }
  const isWhole = isTime(ids.length - 1) && !isTime(ids.length - 2);
  const ends = isWhole ? [...cuts, ids.length] : cuts;
  const pieces = ends.map((end, i) => {
    const start = ends[i - 1] ?? 0;
    return { start: isTime(start) ? timeAt(start) : 0, end: timeAt(end - 1), ids: ids.slice(start, end) };
  });
  // Times of 0 only would hear the same window for ever.
  return { pieces, next: isWhole ? length : timeAt(last - 1) || length };
}
