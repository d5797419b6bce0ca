/**
 * Merging the symbols of one piece: repeatedly join the adjacent pair of lowest rank, leftmost first (Sennrich et al. 2016).
 * Short pieces scan for the minimum, longer ones keep a queue; most of those are served by bpe-steps.ts, in linear time.
 */
import { MergeQueue, NO_RANK } from './merge-queue.ts';
import type { Merges } from './merge-table.ts';

/** Above this many symbols the queue is faster than scanning. */
export const SCAN_LIMIT = 32;

/** Symbols of a piece: ids and the code units they cover. Arrays are scratch space and longer than `count`. */
export interface Symbols {
  count: number;
  ids: Int32Array;
  starts: Int32Array;
  ends: Int32Array;
}

/** Space for `capacity` symbols. */
export function newSymbols(capacity: number): Symbols {
  return { count: 0, ids: new Int32Array(capacity), starts: new Int32Array(capacity), ends: new Int32Array(capacity) };
}

/** Doubles the space. */
export function enlarge(symbols: Symbols): void {
  const larger = newSymbols(symbols.ids.length * 2);
  for (const key of ['ids', 'starts', 'ends'] as const) {
    larger[key].set(symbols[key]);
    symbols[key] = larger[key];
  }
}

/** Joins symbols in place until no merge applies. Negative ids never merge. */
export function mergeSymbols(symbols: Symbols, table: Merges): void {
  if (symbols.count > SCAN_LIMIT) mergeByQueue(symbols, table);
  else mergeByScan(symbols, table);
}

/**
 * What is left of symbols if everything is joined but what would make the token `result`: if that covers all of them, the two sides
 * of its own last join, or more symbols where no joins lead to it.
 */
export function mergeShortOf(result: number, ids: ArrayLike<number>, table: Merges): Int32Array {
  const symbols = newSymbols(ids.length);
  symbols.count = ids.length;
  symbols.ids.set(ids);
  mergeSymbols(symbols, {
    find(left, right) {
      const found = table.find(left, right);
      return found >= 0 && table.resultAt(found) === result ? -1 : found;
    },
    rankAt: position => table.rankAt(position),
    resultAt: position => table.resultAt(position),
  });
  return symbols.ids.subarray(0, symbols.count);
}

const scanRanks = new Int32Array(SCAN_LIMIT + 1);
const scanResults = new Int32Array(SCAN_LIMIT + 1);

function mergeByScan(symbols: Symbols, table: Merges): void {
  const { ids, starts, ends } = symbols;
  let count = symbols.count;
  const rate = (at: number) => {
    const found = at + 1 < count ? table.find(ids[at]!, ids[at + 1]!) : -1;
    scanRanks[at] = found < 0 ? NO_RANK : table.rankAt(found);
    scanResults[at] = found < 0 ? -1 : table.resultAt(found);
  };
  for (let i = 0; i < count; i++) rate(i);
  for (;;) {
    let best = NO_RANK;
    let at = -1;
    for (let i = 0; i < count - 1; i++) {
      if (scanRanks[i]! < best) {
        best = scanRanks[i]!;
        at = i;
      }
    }
    if (at < 0) break;
    ids[at] = scanResults[at]!;
    ends[at] = ends[at + 1]!;
    count--;
    for (let i = at + 1; i < count; i++) {
      ids[i] = ids[i + 1]!;
      starts[i] = starts[i + 1]!;
      ends[i] = ends[i + 1]!;
      scanRanks[i] = scanRanks[i + 1]!;
      scanResults[i] = scanResults[i + 1]!;
    }
    if (at > 0) rate(at - 1);
    rate(at);
  }
  symbols.count = count;
}

function mergeByQueue(symbols: Symbols, table: Merges): void {
  const { ids, starts, ends, count } = symbols;
  /** Where the next and the previous symbol stand, at the place of the first symbol of each. */
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  /** What the pair at a place would become. */
  const results = new Int32Array(count);
  const queue = new MergeQueue();
  const rankOf = (at: number) => {
    const after = next[at]!;
    const found = after < count ? table.find(ids[at]!, ids[after]!) : -1;
    if (found < 0) return NO_RANK;
    results[at] = table.resultAt(found);
    return table.rankAt(found);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  queue.reset(count, rankOf);
  while (queue.lowest() !== NO_RANK) {
    const at = queue.first();
    const absorbed = next[at]!;
    const after = next[absorbed]!;
    const before = previous[at]!;
    ids[at] = results[at]!;
    ends[at] = ends[absorbed]!;
    next[at] = after;
    if (after < count) previous[after] = at;
    queue.put(absorbed, NO_RANK);
    queue.put(at, rankOf(at));
    if (before >= 0) queue.put(before, rankOf(before));
    queue.settle(before >= 0 ? before : at, at, absorbed);
  }
  let kept = 0;
  for (let at = 0; at < count; at = next[at]!) {
    ids[kept] = ids[at]!;
    starts[kept] = starts[at]!;
    ends[kept++] = ends[at]!;
  }
  symbols.count = kept;
}
