/**
 * Merging the symbols of one piece: repeatedly join the adjacent pair of lowest rank, leftmost first (Sennrich et al. 2016).
 * Short pieces scan for the minimum; long ones keep a queue, so that n symbols take O(n log n).
 */
import type { MergeTable } from './merge-table.ts';

const NONE = 0x7fffffff;
/** Above this many symbols the queue is faster than scanning. */
const SCAN_LIMIT = 48;
const POSITIONS = 2 ** 31;

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
    scanRanks[at] = found < 0 ? NONE : table.rankAt(found);
    scanResults[at] = found < 0 ? -1 : table.resultAt(found);
  };
  for (let i = 0; i < count; i++) rate(i);
  for (;;) {
    let best = NONE;
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

/** A binary min-heap of numbers over one array. */
class MinHeap {
  readonly #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  push(key: number): void {
    const keys = this.#keys;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      at = parent;
    }
    keys[at] = key;
  }

  pop(): number {
    const keys = this.#keys;
    const top = keys[0]!;
    const key = keys[--this.#size]!;
    const size = this.#size;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      at = child;
    }
    keys[at] = key;
    return top;
  }
}

function mergeByQueue(symbols: Symbols, table: MergeTable): void {
  const { count, ids, starts, ends } = symbols;
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  const ranks = new Int32Array(count).fill(NONE);
  const results = new Int32Array(count);
  // Each pair is pushed once, each merge makes at most two new pairs and uses up one symbol.
  const heap = new MinHeap(3 * count);
  const rate = (at: number) => {
    const found = table.find(ids[at]!, ids[next[at]!]!);
    ranks[at] = found < 0 ? NONE : table.rankAt(found);
    if (found < 0) return;
    results[at] = table.resultAt(found);
    heap.push(ranks[at]! * POSITIONS + at);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  for (let i = 0; i + 1 < count; i++) rate(i);
  while (heap.size > 0) {
    const key = heap.pop();
    const rank = Math.floor(key / POSITIONS);
    const at = key - rank * POSITIONS;
    // A stale entry: the pair at this place is gone or another one.
    if (ranks[at] !== rank) continue;
    const absorbed = next[at]!;
    ids[at] = results[at]!;
    ends[at] = ends[absorbed]!;
    ranks[absorbed] = NONE;
    const after = next[absorbed]!;
    next[at] = after;
    if (after < count) {
      previous[after] = at;
      rate(at);
    } else ranks[at] = NONE;
    if (previous[at]! >= 0) rate(previous[at]!);
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
