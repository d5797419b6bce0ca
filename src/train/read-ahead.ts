/** Reading and computing at the same time: while a batch is learned from, the next one is made. */

/**
 * The same items in the same order; each next one is asked for when the one before is given out. An error of the source is thrown
 * in its place among them.
 */
export async function* readAhead<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  const ask = () => {
    const item = items.next();
    // It is awaited, but not before the one in use is done with.
    item.catch(() => {});
    return item;
  };
  let next = ask();
  let ended = false;
  try {
    for (;;) {
      const item = await next.catch((error: unknown) => {
        ended = true;
        throw error;
      });
      ended = item.done ?? false;
      if (item.done) return;
      next = ask();
      yield item.value;
    }
  } finally {
    if (!ended) await items.return?.();
  }
}
