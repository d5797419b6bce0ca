/**
 * Pairs that wait to be merged, the most frequent first. An entry remembers the count that its pair had when it was put in;
 * a pair may have several, each with the places that were found since the one before. As in huggingface/tokenizers.
 */
import type { PairTable } from './pair-table.ts';

/** Whether pair `a` goes before pair `b` when both are equally frequent. */
export type GoesBefore = (a: number, b: number) => boolean;

export class MergeCandidates {
  /** Per entry: its pair, the count it is sorted by, and its places, `[starts, ends)` of a list that the owner keeps. */
  pairs = new Int32Array(1 << 10);
  starts = new Int32Array(1 << 10);
  ends = new Int32Array(1 << 10);
  #counts = new Float64Array(1 << 10);
  #entries = 0;
  /** A binary heap of entries. */
  #heap: number[] = [];
  readonly #table: PairTable;
  readonly #goesBefore: GoesBefore;

  constructor(table: PairTable, goesBefore: GoesBefore) {
    this.#table = table;
    this.#goesBefore = goesBefore;
  }

  /** Adds an entry with the present count of its pair. */
  add(pair: number, start: number, end: number): void {
    const entry = this.#entries++;
    if (entry === this.pairs.length) this.#grow();
    this.pairs[entry] = pair;
    this.starts[entry] = start;
    this.ends[entry] = end;
    this.#counts[entry] = this.#table.counts[pair]!;
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  /**
   * Takes the entry out whose pair is the most frequent one; -1 if there is none. One whose count has changed since it was
   * put in goes back with the new count.
   */
  take(): number {
    const heap = this.#heap;
    while (heap.length > 0) {
      const entry = heap[0]!;
      const count = this.#table.counts[this.pairs[entry]!]!;
      if (count === this.#counts[entry]) {
        const last = heap.pop()!;
        if (heap.length > 0) {
          heap[0] = last;
          this.#sink(0);
        }
        return entry;
      }
      const grown = count > this.#counts[entry]!;
      this.#counts[entry] = count;
      if (!grown) this.#sink(0);
    }
    return -1;
  }

  #precedes(a: number, b: number): boolean {
    const difference = this.#counts[a]! - this.#counts[b]!;
    return difference > 0 || (difference === 0 && this.#goesBefore(this.pairs[a]!, this.pairs[b]!));
  }

  #rise(at: number): void {
    const heap = this.#heap;
    const entry = heap[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#precedes(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #sink(at: number): void {
    const heap = this.#heap;
    const entry = heap[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#precedes(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#precedes(heap[child]!, entry)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }

  #grow(): void {
    const { pairs, starts, ends } = this;
    const counts = this.#counts;
    this.pairs = new Int32Array(2 * pairs.length);
    this.starts = new Int32Array(2 * pairs.length);
    this.ends = new Int32Array(2 * pairs.length);
    this.#counts = new Float64Array(2 * pairs.length);
    this.pairs.set(pairs);
    this.starts.set(starts);
    this.ends.set(ends);
    this.#counts.set(counts);
  }
}
