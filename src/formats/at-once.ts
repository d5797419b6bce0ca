/** Several tasks at a time: opening files that lie far away is mostly waiting. */

/** Tasks that run at a time. */
const AT_ONCE = 4;

/**
 * Runs a task for each item, a few at a time, and gives the results in the order of the items. After the first failure no other
 * is begun, `stop` tells those that run, and it is thrown when all have ended.
 */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  task: (item: T, stop: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController();
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length && !stop.signal.aborted) {
      const index = next++;
      results[index] = await task(items[index]!, stop.signal);
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, items.length) }, () => work().catch(error => stop.abort(error))),
  );
  stop.signal.throwIfAborted();
  return results;
}

/** A signal that is aborted when one of those that are there is. */
export const anySignal = (...signals: readonly (AbortSignal | undefined)[]): AbortSignal =>
  AbortSignal.any(signals.filter(signal => signal !== undefined));
