/**
 * A priority queue for merging: gives the place with the lowest rank, leftmost first. Places of one rank form a list. Merges
 * run from low to high rank and from left to right, so new places nearly always belong at the end of a list, and a queue
 * operation takes constant time; the exceptions go through a binary heap, which keeps the worst case at O(log n).
 */

/** No rank: greater than any. */
export const NO_RANK = 0x7fffffff;
/** Ranks and places share one float64 heap key. */
const PLACES = 2 ** 31;
const NOTHING = -1;
const UNLINKED = -2;

export class MergeQueue {
  /** First and last place of each rank, or NOTHING. */
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  /** One bit per rank that has places. No word before `#low` has any. */
  readonly #filled: Uint32Array;
  #low = 0;
  /** The lists: neighbours of each place. */
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  /** The rank of each place. */
  #ranks = new Int32Array(0);
  readonly #heap = new MinHeap();

  /** For ranks below `rankCount`. */
  constructor(rankCount: number) {
    this.#heads = new Int32Array(rankCount).fill(NOTHING);
    this.#tails = new Int32Array(rankCount).fill(NOTHING);
    this.#filled = new Uint32Array((rankCount >> 5) + 1);
  }

  /** Makes room for `count` places without a rank. The queue must be empty. */
  reset(count: number): void {
    if (this.#next.length < count || this.#next.length > 64 * (count + 1024)) {
      this.#next = new Int32Array(count);
      this.#previous = new Int32Array(count);
      this.#ranks = new Int32Array(count);
    }
    this.#previous.fill(UNLINKED, 0, count);
    this.#ranks.fill(NO_RANK, 0, count);
    this.#low = this.#filled.length;
  }

  /** Gives a place another rank, or takes it out with NO_RANK. */
  set(place: number, rank: number): void {
    if (this.#previous[place] !== UNLINKED) this.#unlink(place);
    this.#ranks[place] = rank;
    if (rank === NO_RANK) return;
    const tail = this.#tails[rank]!;
    if (tail > place) {
      this.#heap.push(rank * PLACES + place);
      return;
    }
    this.#next[place] = NOTHING;
    this.#previous[place] = tail;
    this.#tails[rank] = place;
    if (tail !== NOTHING) {
      this.#next[tail] = place;
      return;
    }
    this.#heads[rank] = place;
    const word = rank >> 5;
    this.#filled[word]! |= 1 << (rank & 31);
    if (word < this.#low) this.#low = word;
  }

  #unlink(place: number): void {
    const rank = this.#ranks[place]!;
    const next = this.#next[place]!;
    const previous = this.#previous[place]!;
    if (next === NOTHING) this.#tails[rank] = previous;
    else this.#previous[next] = previous;
    if (previous === NOTHING) this.#heads[rank] = next;
    else this.#next[previous] = next;
    if (next === NOTHING && previous === NOTHING) this.#filled[rank >> 5]! &= ~(1 << (rank & 31));
    this.#previous[place] = UNLINKED;
  }

  /** Takes out the next place, or returns -1. */
  pop(): number {
    const filled = this.#filled;
    while (this.#low < filled.length && filled[this.#low] === 0) this.#low++;
    let place = NOTHING;
    let key = Number.POSITIVE_INFINITY;
    if (this.#low < filled.length) {
      const word = filled[this.#low]!;
      const rank = this.#low * 32 + 31 - Math.clz32(word & -word);
      place = this.#heads[rank]!;
      key = rank * PLACES + place;
    }
    while (this.#heap.top < key) {
      const top = this.#heap.pop();
      const rank = Math.floor(top / PLACES);
      const candidate = top - rank * PLACES;
      // Otherwise the place has got another rank since.
      if (this.#ranks[candidate] === rank) {
        place = candidate;
        break;
      }
    }
    if (place !== NOTHING) this.set(place, NO_RANK);
    return place;
  }
}

/** A binary heap of numbers, the smallest on top. */
class MinHeap {
  #keys = new Float64Array(64);
  #size = 0;

  /** The smallest key, or infinity. */
  get top(): number {
    return this.#size > 0 ? this.#keys[0]! : Number.POSITIVE_INFINITY;
  }

  push(key: number): void {
    if (this.#size === this.#keys.length) {
      const larger = new Float64Array(this.#size * 2);
      larger.set(this.#keys);
      this.#keys = larger;
    }
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

  /** Takes out the smallest key; the heap must not be empty. */
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
