/**
 * A priority queue for merging: gives the place with the lowest rank, leftmost first. It is a tournament: every node of a
 * tree keeps the smaller one of its two children, so that a change takes O(log n) steps, none of which is a branch that a
 * processor would have to guess.
 */

/** No rank: greater than any. */
export const NO_RANK = 0x7fffffff;

/** The smaller one of two ranks, without a branch. */
function smaller(left: number, right: number): number {
  const difference = (left - right) | 0;
  return (right + (difference & (difference >> 31))) | 0;
}

export class MergeQueue {
  /** Node `i` has the children `2i` and `2i + 1`; the leaves, from `#leaves` on, are the places. */
  #ranks = new Int32Array(2).fill(NO_RANK);
  #leaves = 1;

  /** Makes a queue of `count` places with the ranks that `rankOf` gives, NO_RANK for none. */
  reset(count: number, rankOf: (place: number) => number): void {
    let leaves = 1;
    while (leaves < count) leaves *= 2;
    if (this.#ranks.length < leaves * 2) this.#ranks = new Int32Array(leaves * 2);
    this.#leaves = leaves;
    const ranks = this.#ranks;
    for (let place = 0; place < count; place++) ranks[leaves + place] = rankOf(place);
    ranks.fill(NO_RANK, leaves + count, leaves * 2);
    for (let node = leaves - 1; node > 0; node--) ranks[node] = smaller(ranks[2 * node]!, ranks[2 * node + 1]!);
  }

  /** Gives a place another rank, or takes it out with NO_RANK. It counts when `settle` has been called for the place. */
  put(place: number, rank: number): void {
    this.#ranks[this.#leaves + place] = rank;
  }

  /** Brings the queue up to date about three places, from left to right and perhaps the same. */
  settle(first: number, second: number, third: number): void {
    const ranks = this.#ranks;
    let a = (this.#leaves + first) >> 1;
    let b = (this.#leaves + second) >> 1;
    let c = (this.#leaves + third) >> 1;
    for (; a !== c; a >>= 1, b >>= 1, c >>= 1) {
      ranks[a] = smaller(ranks[2 * a]!, ranks[2 * a + 1]!);
      ranks[b] = smaller(ranks[2 * b]!, ranks[2 * b + 1]!);
      ranks[c] = smaller(ranks[2 * c]!, ranks[2 * c + 1]!);
    }
    for (; a > 0; a >>= 1) ranks[a] = smaller(ranks[2 * a]!, ranks[2 * a + 1]!);
  }

  /** The lowest rank, or NO_RANK. */
  lowest(): number {
    return this.#ranks[1]!;
  }

  /** The leftmost place with the lowest rank; there must be one. */
  first(): number {
    const ranks = this.#ranks;
    const rank = ranks[1]!;
    const leaves = this.#leaves;
    let node = 1;
    while (node < leaves) node = 2 * node + ((rank - ranks[2 * node]!) >>> 31);
    return node - leaves;
  }
}
