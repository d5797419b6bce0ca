/** The merges of a BPE model as a hash table from a pair of ids to its rank and its result, and ways to derive them. */
import { TokenizerError, UnsupportedError } from '../errors.ts';

/** More than any vocabulary has. */
const MAX_MERGES = 1 << 22;

/** Open addressing over `[left, right, rank, result]` in one array; slots are found by `find`. */
export class MergeTable {
  readonly #mask: number;
  readonly #slots: Int32Array;

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
  }

  /** The position of the pair in `rankAt` and `resultAt`, or -1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
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
      return;
    }
  }
}

/**
 * The table of a written list of merges, in order of rank. `split` gives the two tokens of an entry; `continuing` is the
 * length of the prefix that the right one loses in the joined token. Throws TokenizerError for a merge with a token that is
 * not in the vocabulary.
 */
export function mergesFromList<T>(
  vocab: ReadonlyMap<string, number>,
  merges: readonly T[],
  split: (merge: T, index: number) => readonly [left: string, right: string],
  continuing: number,
): MergeTable {
  const table = new MergeTable(merges.length);
  merges.forEach((merge, i) => {
    const [left, right] = split(merge, i);
    const joined = left + right.slice(continuing);
    const leftId = vocab.get(left);
    const rightId = vocab.get(right);
    const result = vocab.get(joined);
    if (leftId === undefined || rightId === undefined || result === undefined) {
      const missing = leftId === undefined ? left : rightId === undefined ? right : joined;
      throw new TokenizerError('a merge names a token that is not in the vocabulary', {
        seen: JSON.stringify(missing),
        where: `merge ${i}: ${JSON.stringify([left, right])}`,
      });
    }
    table.add(leftId, rightId, i, result);
  });
  return table;
}

/** An entry of a vocabulary without a list of merges. */
export interface RankedToken {
  readonly token: string;
  readonly id: number;
  /** Higher is merged earlier; equal is equal rank. */
  readonly priority: number;
}

/** Bases of the two halves of a 64-bit polynomial hash. */
const HASH_BASE_1 = 0x01000193;
const HASH_BASE_2 = 0x9e3779b1 | 0;
const rolled = (hash: number, base: number, unit: number) => (Math.imul(hash, base) + unit + 1) | 0;

/**
 * Tokens by a hash that rolls along a text, so that each part of a token is looked up without being copied. Equal hashes
 * stand for equal texts here; who uses a result compares the texts.
 */
class PartIndex {
  /** `[first half, second half, index of the entry plus one]` per slot. */
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(entries: readonly RankedToken[]) {
    let capacity = 16;
    while (capacity < entries.length * 2) capacity *= 2;
    this.#slots = new Int32Array(capacity * 3);
    this.#mask = capacity - 1;
    entries.forEach(({ token }, index) => {
      let [first, second] = [0, 0];
      for (let i = 0; i < token.length; i++) {
        const unit = token.charCodeAt(i);
        first = rolled(first, HASH_BASE_1, unit);
        second = rolled(second, HASH_BASE_2, unit);
      }
      const at = this.#locate(first, second);
      this.#slots.set([first, second, index + 1], at);
    });
  }

  /** The slot with the hash, or the empty one for it. */
  #locate(first: number, second: number): number {
    const slots = this.#slots;
    const mixed = Math.imul(first ^ (first >>> 15), 0x2c1b3c6d);
    for (let slot = (mixed ^ (mixed >>> 13)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * 3;
      if (slots[at + 2] === 0 || (slots[at] === first && slots[at + 1] === second)) return at;
    }
  }

  /** Index of the entry, or -1. */
  find(first: number, second: number): number {
    return this.#slots[this.#locate(first, second) + 2]! - 1;
  }
}

/**
 * All ways to join two entries of a vocabulary to a third one, ranked by the third: what files without a list of merges
 * mean (tiktoken: by id; SentencePiece: by score). `entries` come by falling priority.
 */
export function mergesFromRanks(entries: readonly RankedToken[]): MergeTable {
  const index = new PartIndex(entries);
  const longest = entries.reduce((length, { token }) => Math.max(length, token.length), 0);
  const prefixes1 = new Int32Array(longest + 1);
  const prefixes2 = new Int32Array(longest + 1);
  const found: number[] = [];
  let rank = -1;
  let last = Number.NaN;
  for (const { token, id, priority } of entries) {
    if (priority !== last) rank++;
    last = priority;
    const { length } = token;
    for (let i = 0; i < length; i++) {
      const unit = token.charCodeAt(i);
      prefixes1[i + 1] = rolled(prefixes1[i]!, HASH_BASE_1, unit);
      prefixes2[i + 1] = rolled(prefixes2[i]!, HASH_BASE_2, unit);
    }
    let power1 = 1;
    let power2 = 1;
    for (let cut = length - 1; cut > 0; cut--) {
      power1 = Math.imul(power1, HASH_BASE_1);
      power2 = Math.imul(power2, HASH_BASE_2);
      const [prefix1, prefix2] = [prefixes1[cut]!, prefixes2[cut]!];
      const leftAt = index.find(prefix1, prefix2);
      if (leftAt < 0) continue;
      const suffix1 = (prefixes1[length]! - Math.imul(prefix1, power1)) | 0;
      const suffix2 = (prefixes2[length]! - Math.imul(prefix2, power2)) | 0;
      const rightAt = index.find(suffix1, suffix2);
      if (rightAt < 0) continue;
      const left = entries[leftAt]!;
      const right = entries[rightAt]!;
      if (token.startsWith(left.token) && token.endsWith(right.token)) found.push(left.id, right.id, rank, id);
    }
  }
  const table = new MergeTable(found.length / 4);
  for (let i = 0; i < found.length; i += 4) table.add(found[i]!, found[i + 1]!, found[i + 2]!, found[i + 3]!);
  return table;
}
