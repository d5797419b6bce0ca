/**
 * The loop of byte pair encoding (Gage 1994; Sennrich et al. 2016): replace the most frequent pair of neighbours by a new
 * symbol, again and again. The words lie end to end in one array as linked symbols; each pair knows the places where it
 * stands, so that a merge costs what it changes. Counts, and what is done about a pair that comes up twice, are those of
 * huggingface/tokenizers models/bpe/trainer.rs.
 */
import { type GoesBefore, MergeCandidates } from './merge-candidates.ts';
import type { Pace } from './pace.ts';
import { PairTable } from './pair-table.ts';

/** Words as symbols. */
export interface SymbolWords {
  /** The symbols of all words, end to end. */
  readonly symbols: Int32Array;
  /** Where each word begins, and the end of the last one, `[words + 1]`. */
  readonly starts: Int32Array;
  /** How often each word was seen. */
  readonly counts: Float64Array;
}

/** The rules of a trainer. Pairs are given by their two symbols. */
export interface MergeRules {
  /** Number of symbols at which learning ends; -1 from `merge` does not count. */
  readonly full: () => boolean;
  /** Pairs seen less often are not merged. */
  readonly minFrequency: number;
  /** Whether the pair (a, b) goes before (c, d) when both are equally frequent. */
  readonly goesBefore: (a: number, b: number, c: number, d: number) => boolean;
  /** Whether a pair may be merged at all. `first`: it stands in the words as they were given. */
  readonly mayMerge: (left: number, right: number, first: boolean) => boolean;
  /** The symbol that a pair becomes, or -1 to leave the pair as it is for good. */
  readonly merge: (left: number, right: number) => number;
}

const NONE = -1;

/** Merges pairs until the rules say that it is enough, or no pair is frequent enough. Throws the signal's reason. */
export async function learnMerges(words: SymbolWords, rules: MergeRules, pace: Pace): Promise<void> {
  const learner = new Learner(words, rules);
  await learner.countPairs(pace);
  let merged = 0;
  while (!rules.full() && learner.mergeNext()) {
    merged++;
    if (pace.due()) await pace.pause('learn', merged);
  }
}

class Learner {
  readonly #rules: MergeRules;
  readonly #words: SymbolWords;
  readonly #symbols: Int32Array;
  /** Neighbours of each place in its word, NONE at its ends. */
  readonly #next: Int32Array;
  readonly #before: Int32Array;
  readonly #wordAt: Int32Array;
  readonly #pairs = new PairTable();
  readonly #candidates: MergeCandidates;
  /** Entries of a pair that are waiting. */
  #waiting = new Uint16Array(1 << 10);
  /** Places of all entries; an entry has a stretch of it. */
  #places = new Int32Array(1 << 12);
  #placesEnd = 0;
  /** What a merge makes: pairs and the places where they stand now. */
  #newPairs = new Int32Array(1 << 10);
  #newPlaces = new Int32Array(1 << 10);
  #newCount = 0;
  /** How many new places a pair has, and then where the next one goes; 0 outside of `#flush`. */
  #cursors = new Int32Array(1 << 10);

  constructor(words: SymbolWords, rules: MergeRules) {
    const { symbols, starts } = words;
    this.#rules = rules;
    this.#words = words;
    this.#symbols = symbols.slice();
    this.#next = new Int32Array(symbols.length);
    this.#before = new Int32Array(symbols.length);
    this.#wordAt = new Int32Array(symbols.length);
    for (let word = 0; word + 1 < starts.length; word++)
      for (let at = starts[word]!; at < starts[word + 1]!; at++) {
        this.#next[at] = at + 1 < starts[word + 1]! ? at + 1 : NONE;
        this.#before[at] = at > starts[word]! ? at - 1 : NONE;
        this.#wordAt[at] = word;
      }
    const { left, right } = { left: (i: number) => this.#pairs.left[i]!, right: (i: number) => this.#pairs.right[i]! };
    const goesBefore: GoesBefore = (a, b) => rules.goesBefore(left(a), right(a), left(b), right(b));
    this.#candidates = new MergeCandidates(this.#pairs, goesBefore);
  }

  /** Fills the table and the queue with the pairs of the words as they are. */
  async countPairs(pace: Pace): Promise<void> {
    const { symbols } = this.#words;
    for (let at = 0; at < symbols.length; at++) {
      const next = this.#next[at]!;
      if (next !== NONE && this.#rules.mayMerge(symbols[at]!, symbols[next]!, true))
        this.#gain(symbols[at]!, symbols[next]!, at);
      if ((at & 0xffff) === 0 && pace.due()) await pace.pause('prepare', at, symbols.length);
    }
    this.#flush();
  }

  /** Merges the pair whose turn it is; false if there is none. */
  mergeNext(): boolean {
    const entry = this.#candidates.take();
    if (entry < 0) return false;
    const pair = this.#candidates.pairs[entry]!;
    const count = this.#pairs.counts[pair]!;
    if (count < 1 || count < this.#rules.minFrequency) return false;
    const left = this.#pairs.left[pair]!;
    const right = this.#pairs.right[pair]!;
    const merged = this.#rules.merge(left, right);
    const alone = --this.#waiting[pair]! === 0;
    if (merged < 0) return true;
    const start = this.#candidates.starts[entry]!;
    const end = this.#candidates.ends[entry]!;
    if (alone) for (let i = start; i < end; i++) this.#mergeAt(this.#places[i]!, left, right, merged);
    else this.#mergeInWords(start, end, left, right, merged);
    this.#flush();
    return true;
  }

  /** A pair with further entries is merged everywhere in the words of this one, not only at its own places. */
  #mergeInWords(start: number, end: number, left: number, right: number, merged: number): void {
    let last = NONE;
    for (let i = start; i < end; i++) {
      const word = this.#wordAt[this.#places[i]!]!;
      if (word === last) continue;
      last = word;
      for (let at = this.#words.starts[word]!; at !== NONE; at = this.#next[at]!)
        this.#mergeAt(at, left, right, merged);
    }
  }

  /** Merges the pair at a place if it still stands there. */
  #mergeAt(at: number, left: number, right: number, merged: number): void {
    const symbols = this.#symbols;
    if (symbols[at] !== left) return;
    const second = this.#next[at]!;
    if (second === NONE || symbols[second] !== right) return;
    const count = this.#words.counts[this.#wordAt[at]!]!;
    const before = this.#before[at]!;
    const after = this.#next[second]!;
    if (before !== NONE) this.#change(symbols[before]!, left, merged, true, before, count);
    symbols[at] = merged;
    symbols[second] = NONE;
    this.#next[at] = after;
    if (after === NONE) return;
    this.#before[after] = at;
    this.#change(symbols[after]!, right, merged, false, at, count);
  }

  /** `neighbour` stood beside `old` and stands beside `merged` now: before it, or behind. */
  #change(neighbour: number, old: number, merged: number, isBefore: boolean, at: number, count: number): void {
    const lost = isBefore ? this.#pairs.index(neighbour, old) : this.#pairs.index(old, neighbour);
    this.#pairs.counts[lost]! -= count;
    if (isBefore ? this.#rules.mayMerge(neighbour, merged, false) : this.#rules.mayMerge(merged, neighbour, false)) {
      if (isBefore) this.#gain(neighbour, merged, at);
      else this.#gain(merged, neighbour, at);
    }
  }

  /** A pair stands at a place now. */
  #gain(left: number, right: number, at: number): void {
    const pair = this.#pairs.index(left, right);
    this.#pairs.counts[pair]! += this.#words.counts[this.#wordAt[at]!]!;
    if (this.#newCount === this.#newPairs.length) {
      this.#newPairs = enlarged(this.#newPairs, 2 * this.#newCount);
      this.#newPlaces = enlarged(this.#newPlaces, 2 * this.#newCount);
    }
    this.#newPairs[this.#newCount] = pair;
    this.#newPlaces[this.#newCount++] = at;
  }

  /** Sorts the new places by pair and puts an entry for each pair in the queue. */
  #flush(): void {
    const { size } = this.#pairs;
    if (this.#cursors.length < size) this.#cursors = new Int32Array(2 * size);
    if (this.#waiting.length < size) {
      const waiting = new Uint16Array(2 * size);
      waiting.set(this.#waiting);
      this.#waiting = waiting;
    }
    if (this.#placesEnd + this.#newCount > this.#places.length)
      this.#places = enlarged(this.#places, Math.max(2 * this.#places.length, this.#placesEnd + this.#newCount));
    const cursors = this.#cursors;
    const newPairs = this.#newPairs;
    for (let i = 0; i < this.#newCount; i++) cursors[newPairs[i]!]!++;
    // The first place of a pair reserves the stretch; from then on its cursor is negative: ~ the place of the next one.
    for (let i = 0; i < this.#newCount; i++) {
      const pair = newPairs[i]!;
      let cursor = cursors[pair]!;
      if (cursor > 0) {
        const start = this.#placesEnd;
        this.#placesEnd += cursor;
        if (this.#pairs.counts[pair]! > 0) {
          this.#candidates.add(pair, start, this.#placesEnd);
          this.#waiting[pair]!++;
        }
        cursor = ~start;
      }
      this.#places[~cursor] = this.#newPlaces[i]!;
      cursors[pair] = cursor - 1;
    }
    for (let i = 0; i < this.#newCount; i++) cursors[newPairs[i]!] = 0;
    this.#newCount = 0;
  }
}

function enlarged(values: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const more = new Int32Array(length);
  more.set(values);
  return more;
}
