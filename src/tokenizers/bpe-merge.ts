/**
 * Merging the symbols of one piece: repeatedly join the adjacent pair of lowest rank, leftmost first (Sennrich et al. 2016).
 * Short pieces scan for the minimum. Longer ones keep a queue, and very long ones are merged stretch by stretch: where no
 * join would have reached across, that gives the same symbols, from memory that stays in the cache.
 */
import { MergeQueue, NO_RANK } from './merge-queue.ts';
import type { Merges } from './merge-table.ts';

/** Above this many symbols the queue is faster than scanning. */
const SCAN_LIMIT = 32;
/** Symbols that are merged together, unless they turn out to depend on more. */
const STRETCH = 256;
/** How often the symbols may be merged again, on average, before the piece is merged as a whole. */
const MAX_REPEATS = 8;

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
  if (symbols.count > SCAN_LIMIT) mergeByStretches(symbols, table);
  else mergeByScan(symbols, table);
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

/** What the symbol at one edge of a segment is over time: `[time, id]` after each change, at first at time -1. */
type EdgeHistory = readonly number[];

/** A stretch of symbols, merged by itself, of which the segment before `cut` is to be kept. Arrays are scratch space. */
interface Stretch {
  count: number;
  /** The ids before merging. */
  source: Int32Array;
  /** The ids after it, at the place of their first symbol, and links between these places. */
  ids: Int32Array;
  next: Int32Array;
  previous: Int32Array;
  /** What the pair at a place would become. */
  results: Int32Array;
  queue: MergeQueue;
  /** The joins in their order, as `[first place, place behind, rank, result]`. */
  joins: Int32Array;
  joinCount: number;
  cut: number;
  begin: EdgeHistory;
  end: EdgeHistory;
}

function newStretch(capacity: number): Stretch {
  return {
    count: 0,
    source: new Int32Array(capacity),
    ids: new Int32Array(capacity),
    next: new Int32Array(capacity),
    previous: new Int32Array(capacity),
    results: new Int32Array(capacity),
    queue: new MergeQueue(),
    joins: new Int32Array(capacity * 4),
    joinCount: 0,
    cut: 0,
    begin: [],
    end: [],
  };
}

/** Serves all stretches of the usual length. */
const usualStretch = newStretch(2 * STRETCH);

/** A segment of the piece that is done unless the next one shows that a join reaches from one into the other. */
interface Segment {
  readonly start: number;
  /** Number of symbols kept before it. */
  readonly kept: number;
  readonly end: EdgeHistory;
}

function mergeByStretches(symbols: Symbols, table: Merges): void {
  const { count, ids, starts, ends } = symbols;
  /** `[id, place of the first symbol]` of what is left. */
  let kept = new Int32Array(count);
  const segments: Segment[] = [];
  let keptCount = 0;
  let budget = count * MAX_REPEATS;
  let width = STRETCH;
  let stretch = usualStretch;
  stretch.count = 0;
  for (let start = 0; start < count; ) {
    const rest = count - start;
    const size = rest < width * 2 ? rest : width;
    // What repeats, as in a long run of one character, is merged once.
    if (size === rest || !isSource(stretch, ids, start, size)) {
      if (size > stretch.source.length) stretch = newStretch(size);
      stretch.count = size;
      stretch.source.set(ids.subarray(start, start + size));
      mergeStretch(stretch, table);
      budget -= size;
      stretch.cut = size === rest ? size : cutOf(stretch);
      readHistories(stretch);
    }
    const last = segments.at(-1);
    const crossed = last !== undefined && mayCross(last.end, stretch.begin, table);
    if (crossed || stretch.cut === 0) {
      if (crossed) {
        segments.pop();
        start = last.start;
        keptCount = last.kept;
      }
      width = size * 2;
      if (budget < 0) {
        segments.length = start = keptCount = 0;
        width = count;
      }
      continue;
    }
    segments.push({ start, kept: keptCount, end: stretch.end });
    const { ids: merged, next, cut } = stretch;
    if (kept.length < (keptCount + cut) * 2) kept = enlarged(kept, cut * 2);
    for (let at = 0; at < cut; at = next[at]!) {
      kept[2 * keptCount] = merged[at]!;
      kept[2 * keptCount + 1] = start + at;
      keptCount++;
    }
    start += cut;
    width = Math.max(STRETCH, width >> 1);
  }
  for (let i = 0; i < keptCount; i++) {
    ids[i] = kept[2 * i]!;
    starts[i] = starts[kept[2 * i + 1]!]!;
    ends[i] = ends[(i + 1 < keptCount ? kept[2 * i + 3]! : count) - 1]!;
  }
  symbols.count = keptCount;
}

function enlarged(array: Int32Array<ArrayBuffer>, by: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2 + by);
  larger.set(array);
  return larger;
}

function isSource({ source, count }: Stretch, ids: Int32Array, start: number, size: number): boolean {
  if (count !== size) return false;
  for (let i = 0; i < size; i++) if (source[i] !== ids[start + i]) return false;
  return true;
}

/** Merges a stretch as if there were nothing around it. */
function mergeStretch(stretch: Stretch, table: Merges): void {
  const { count, source, ids, next, previous, results, queue, joins } = stretch;
  const rankOf = (at: number) => {
    const after = next[at]!;
    const found = after < count ? table.find(ids[at]!, ids[after]!) : -1;
    if (found < 0) return NO_RANK;
    results[at] = table.resultAt(found);
    return table.rankAt(found);
  };
  for (let i = 0; i < count; i++) {
    ids[i] = source[i]!;
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  queue.reset(count, rankOf);
  let joined = 0;
  for (let rank = queue.lowest(); rank !== NO_RANK; rank = queue.lowest()) {
    const at = queue.first();
    const absorbed = next[at]!;
    const after = next[absorbed]!;
    const before = previous[at]!;
    const id = results[at]!;
    joins[joined] = at;
    joins[joined + 1] = after;
    joins[joined + 2] = rank;
    joins[joined + 3] = id;
    joined += 4;
    ids[at] = id;
    next[at] = after;
    if (after < count) previous[after] = at;
    queue.put(absorbed, NO_RANK);
    queue.put(at, rankOf(at));
    if (before >= 0) queue.put(before, rankOf(before));
    queue.settle(before >= 0 ? before : at, at, absorbed);
  }
  stretch.joinCount = joined >> 2;
}

/** A symbol boundary in the second half of a stretch, at some distance from its end, or 0. */
function cutOf({ count, next }: Stretch): number {
  const limit = count - (count >> 3);
  let cut = 0;
  for (let at = next[0]!; at <= limit; at = next[at]!) cut = at;
  return cut * 2 >= count ? cut : 0;
}

/**
 * The histories of both edges of the segment before the cut. Time is the highest rank joined so far: segments that do not
 * touch take turns such that each time is over, from left to right, before the next one begins.
 */
function readHistories(stretch: Stretch): void {
  const { source, joins, joinCount, cut } = stretch;
  const begin = [-1, source[0]!];
  const end = [-1, source[Math.max(0, cut - 1)]!];
  let time = -1;
  for (let i = 0; i < joinCount * 4; i += 4) {
    const at = joins[i]!;
    if (at >= cut) continue;
    time = Math.max(time, joins[i + 2]!);
    if (at === 0) begin.push(time, joins[i + 3]!);
    if (joins[i + 1] === cut) end.push(time, joins[i + 3]!);
  }
  stretch.begin = begin;
  stretch.end = end;
}

/**
 * Whether a join could reach from a segment into the next one. The pair at the border must lose against every join up to
 * the one that ends it: a join further left has at most its rank, a join further right has a lower one.
 */
function mayCross(left: EdgeHistory, right: EdgeHistory, table: Merges): boolean {
  for (let i = 0, j = 0; ; ) {
    const leftTime = i + 2 < left.length ? left[i + 2]! : NO_RANK;
    const rightTime = j + 2 < right.length ? right[j + 2]! : NO_RANK;
    const found = table.find(left[i + 1]!, right[j + 1]!);
    if (found >= 0 && (leftTime <= rightTime ? table.rankAt(found) < leftTime : table.rankAt(found) <= rightTime))
      return true;
    if (leftTime === NO_RANK && rightTime === NO_RANK) return false;
    if (leftTime <= rightTime) i += 2;
    else j += 2;
  }
}
