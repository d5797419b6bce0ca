/**
 * Merging the symbols of one piece: repeatedly join the adjacent pair of lowest rank, leftmost first (Sennrich et al. 2016).
 * Short pieces scan for the minimum; long ones keep a queue, so that n symbols take at most O(n log n).
 */
import { NO_RANK } from './merge-queue.ts';
import type { MergeTable } from './merge-table.ts';

/** Above this many symbols the queue is faster than scanning. */
const SCAN_LIMIT = 48;

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

/** Joins symbols in place until no merge applies. Negative ids never merge. */
export function mergeSymbols(symbols: Symbols, table: MergeTable): void {
  if (symbols.count > SCAN_LIMIT) mergeByQueue(symbols, table);
  else mergeByScan(symbols, table);
}

const scanRanks = new Int32Array(SCAN_LIMIT + 1);
const scanResults = new Int32Array(SCAN_LIMIT + 1);

function mergeByScan(symbols: Symbols, table: MergeTable): void {
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

function mergeByQueue(symbols: Symbols, table: MergeTable): void {
  const { count, ids, starts, ends } = symbols;
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  const results = new Int32Array(count);
  const { queue } = table;
  queue.reset(count);
  const rate = (at: number) => {
    const after = next[at]!;
    const found = after < count ? table.find(ids[at]!, ids[after]!) : -1;
    queue.set(at, found < 0 ? NO_RANK : table.rankAt(found));
    if (found >= 0) results[at] = table.resultAt(found);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  for (let i = 0; i < count; i++) rate(i);
  for (let at = queue.pop(); at >= 0; at = queue.pop()) {
    const absorbed = next[at]!;
    const after = next[absorbed]!;
    ids[at] = results[at]!;
    ends[at] = ends[absorbed]!;
    queue.set(absorbed, NO_RANK);
    next[at] = after;
    if (after < count) previous[after] = at;
    // From left to right, as the queue likes it.
    if (previous[at]! >= 0) rate(previous[at]!);
    rate(at);
  }
  let kept = 0;
  for (let at = 0; at < count; at = next[at]!) {
    ids[kept] = ids[at]!;
    starts[kept] = starts[at]!;
    ends[kept] = ends[at]!;
    kept++;
  }
  symbols.count = kept;
}
