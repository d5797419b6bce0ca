/** The merges of a BPE model as a hash table from a pair of ids to its rank and its result, and ways to derive them. */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { MergeQueue } from './merge-queue.ts';

/** Ranks and places share one float64 key in the merge queue. */
const MAX_MERGES = 1 << 22;

/** Open addressing over `[left, right, rank, result]` in one array; slots are found by `find`. */
export class MergeTable {
  readonly #mask: number;
  readonly #slots: Int32Array;
  #rankCount = 0;
  #queue: MergeQueue | undefined;

  /** Room for `count` merges. Throws UnsupportedError above four million. */
  constructor(count: number) {
    if (count > MAX_MERGES) {
      throw new UnsupportedError('a vocabulary has too many merges', { seen: `${count}`, expected: `at most ${MAX_MERGES}` });
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
      if (slots[at] === left && slots[at + 1] === right) return at;
      if (slots[at] === -1) return -1;
    }
  }

  /** A queue for the ranks of this table; made when it is first needed, empty between uses. Add no merges afterwards. */
  get queue(): MergeQueue {
    return (this.#queue ??= new MergeQueue(this.#rankCount));
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
      this.#rankCount = Math.max(this.#rankCount, rank + 1);
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

/**
 * All ways to join two entries of a vocabulary to a third one, ranked by the third: what files without a list of merges
 * mean (tiktoken: by id; SentencePiece: by score). `entries` come by falling priority; equal `priority` means equal rank.
 */
export function mergesFromRanks(
  vocab: ReadonlyMap<string, number>,
  entries: readonly { readonly token: string; readonly id: number; readonly priority: number }[],
): MergeTable {
  const found: number[] = [];
  let rank = -1;
  let priority = Number.NaN;
  for (const { token, id, priority: own } of entries) {
    if (own !== priority) rank++;
    priority = own;
    for (let cut = 1; cut < token.length; cut++) {
      const left = vocab.get(token.slice(0, cut));
      if (left === undefined) continue;
      const right = vocab.get(token.slice(cut));
      if (right !== undefined) found.push(left, right, rank, id);
    }
  }
  const table = new MergeTable(found.length / 4);
  for (let i = 0; i < found.length; i += 4) table.add(found[i]!, found[i + 1]!, found[i + 2]!, found[i + 3]!);
  return table;
}
