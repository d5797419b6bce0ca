/** The merges of a BPE model: which pairs of ids join, to what and in which order; as a list writes them, or as ranks imply them. */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import type { PackedTexts } from './packed-texts.ts';
import type { Vocabulary } from './vocabulary.ts';

/** More than any vocabulary has. */
const MAX_MERGES = 1 << 22;

const BITS_PER_SLOT = 8;

/** The pairs of ids that join. */
export interface Merges {
  /** The position of a pair in `rankAt` and `resultAt`, or -1 if it does not join. */
  find(left: number, right: number): number;
  /** The lowest rank joins first. */
  rankAt(position: number): number;
  resultAt(position: number): number;
}

/** Open addressing over `[left, right, rank, result]` in one array; slots are found by `find`. */
export class MergeTable implements Merges {
  readonly #mask: number;
  readonly #slots: Int32Array;
  /** A bit for each pair, at the place that it hashes to: most pairs do not join, and nothing else is looked at for them. */
  readonly #bits: Int32Array;

  /** Room for `count` merges. Throws UnsupportedError above four million. */
  constructor(count: number) {
    if (count > MAX_MERGES) {
      throw new UnsupportedError('a vocabulary has too many merges', {
        seen: `${count}`,
        expected: `at most ${MAX_MERGES}`,
      });
    }
    let capacity = 16;
    while (capacity < count * 1.5) capacity *= 2;
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(capacity * 4).fill(-1);
    this.#bits = new Int32Array((capacity * BITS_PER_SLOT) / 32);
  }

  /** The position of the pair in `rankAt` and `resultAt`, or -1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    const bits = this.#bits;
    if (((bits[(hash >>> 5) & (bits.length - 1)]! >>> (hash & 31)) & 1) === 0) return -1;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * 4;
      const found = slots[at]!;
      if (found === -1) return -1;
      if (found === left && slots[at + 1] === right) return at;
    }
  }

  rankAt(position: number): number {
    return this.#slots[position + 2]!;
  }

  resultAt(position: number): number {
    return this.#slots[position + 3]!;
  }

  /** Adds a pair of non-negative ids; a pair given again keeps its first rank. */
  add(left: number, right: number, rank: number, result: number): void {
    const slots = this.#slots;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * 4;
      if (slots[at] === left && slots[at + 1] === right) return;
      if (slots[at] !== -1) continue;
      slots[at] = left;
      slots[at + 1] = right;
      slots[at + 2] = rank;
      slots[at + 3] = result;
      this.#bits[(hash >>> 5) & (this.#bits.length - 1)]! |= 1 << (hash & 31);
      return;
    }
  }
}

/**
 * The table of a written list of merges, in order of rank: the left and the right token of each, one behind the other.
 * `continuing` is the length of the prefix that the right one loses in the joined token. Throws TokenizerError for a merge with a
 * token that is not in the vocabulary.
 */
export function mergesFromList(vocab: Vocabulary, pairs: PackedTexts, continuing = 0): MergeTable {
  const { units, ends } = pairs;
  const count = pairs.length >> 1;
  const table = new MergeTable(count);
  for (let i = 0; i < count; i++) {
    const start = pairs.start(2 * i);
    const middle = ends[2 * i]!;
    const end = ends[2 * i + 1]!;
    const inner = Math.min(middle + continuing, end);
    const left = vocab.find(units, start, middle);
    const right = vocab.find(units, middle, end);
    const result =
      continuing === 0 ? vocab.find(units, start, end) : vocab.findJoined(units, start, middle, units, inner, end);
    if (left < 0 || right < 0 || result < 0) {
      const [first, second] = [units.slice(start, middle), units.slice(middle, end)];
      const missing = left < 0 ? first : right < 0 ? second : first + units.slice(inner, end);
      throw new TokenizerError('a merge names a token that is not in the vocabulary', {
        seen: JSON.stringify(missing),
        where: `merge ${i}: ${JSON.stringify([first, second])}`,
      });
    }
    table.add(left, right, i, result);
  }
  return table;
}

/** A power of two. */
const KEPT_PAIRS = 1 << 16;

/**
 * All ways to join two entries of a vocabulary to a third one. A pair is looked up by its joined text when it is first met,
 * since a vocabulary has many more of them than a text; the latest answers are kept.
 */
class RankedMerges implements Merges {
  readonly #vocab: Vocabulary;
  /** By place in the vocabulary; -1 = it joins nothing. */
  readonly #ranks: Int32Array;
  /** `[left, right, result]` at the place that a pair hashes to. */
  readonly #kept = new Int32Array(3 * KEPT_PAIRS).fill(-1);

  constructor(vocab: Vocabulary, ranks: Int32Array) {
    this.#vocab = vocab;
    this.#ranks = ranks;
  }

  find(left: number, right: number): number {
    const kept = this.#kept;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    const at = 3 * (hash & (KEPT_PAIRS - 1));
    if (kept[at] !== left || kept[at + 1] !== right) {
      kept[at] = left;
      kept[at + 1] = right;
      kept[at + 2] = this.#resultOf(left, right);
    }
    return kept[at + 2]!;
  }

  #resultOf(left: number, right: number): number {
    const vocab = this.#vocab;
    if (this.rankAt(left) < 0 || this.rankAt(right) < 0) return -1;
    if (vocab.lengthOf(left) + vocab.lengthOf(right) > vocab.longest) return -1;
    const id = vocab.findPair(left, right);
    return this.rankAt(id) < 0 ? -1 : id;
  }

  rankAt(position: number): number {
    return position < 0 ? -1 : (this.#ranks[this.#vocab.place(position)] ?? -1);
  }

  resultAt(position: number): number {
    return position;
  }
}

/**
 * All ways to join two entries of a vocabulary to a third one, ranked by the third: what files without a list of merges
 * mean (tiktoken: by id; SentencePiece: by score). `ids` come by falling priority; entries that are not among them never
 * join. Neighbours of equal priority are of equal rank; without `priorities` none are.
 */
export function mergesFromRanks(vocab: Vocabulary, ids: ArrayLike<number>, priorities?: ArrayLike<number>): Merges {
  const ranks = new Int32Array(vocab.size).fill(-1);
  let rank = -1;
  for (let i = 0; i < ids.length; i++) {
    if (!priorities || i === 0 || priorities[i] !== priorities[i - 1]) rank++;
    ranks[vocab.place(ids[i]!)] = rank;
  }
  return new RankedMerges(vocab, ranks);
}
