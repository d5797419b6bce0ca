/**
 * The ids of one growing sequence, with the indexes that processors ask of them: which ids occur, how often, and what has
 * followed an n-gram. An index is built when it is first read and then catches up with the new ids only, so a step costs
 * what is new, not what is old.
 */

import type { Position } from './constrain/token-masks.ts';

interface FollowerIndex {
  readonly followers: Map<string, number[]>;
  /** Number of leading ids that are in the index. */
  upTo: number;
}

export interface HistoryInit {
  /** The prompt of a decoder-only model; the start tokens of an encoder-decoder. */
  readonly ids: readonly number[];
  /** Which prompt of the batch this belongs to. */
  readonly prompt?: number | undefined;
  /** Longest length that `ids` may reach; infinite if omitted. */
  readonly maxLength?: number | undefined;
  /** The ids that the encoder read, for the `encoder...` processors. */
  readonly encoderIds?: readonly number[] | undefined;
}

export class SequenceHistory {
  /** Prompt, then generated ids. Grows by `push` only. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  readonly prompt: number;
  readonly maxLength: number;
  readonly encoder: SequenceHistory | undefined;
  /** First id that the model still sees after the window slid (see overflow.ts). */
  windowStart = 0;
  /** Whether the model also still sees the very first id. */
  keepsFirst = false;
  /** Where a constraint stands after the first `length` ids (see constrain/). */
  progress: { readonly length: number; readonly position: Position } | undefined;
  readonly #ids: number[];
  #seen: Set<number> | undefined;
  #seenUpTo = 0;
  #counts: Map<number, number> | undefined;
  #countsUpTo: number;
  readonly #followers = new Map<number, FollowerIndex>();

  constructor(init: HistoryInit, parent?: SequenceHistory) {
    this.#ids = [...init.ids];
    this.ids = this.#ids;
    this.prompt = init.prompt ?? 0;
    this.maxLength = init.maxLength ?? Number.POSITIVE_INFINITY;
    this.promptLength = parent ? parent.promptLength : init.ids.length;
    this.encoder = parent ? parent.encoder : init.encoderIds && new SequenceHistory({ ids: init.encoderIds });
    this.#countsUpTo = this.promptLength;
  }

  push(id: number): void {
    this.#ids.push(id);
  }

  /** Number of ids after the prompt. */
  get generatedLength(): number {
    return this.#ids.length - this.promptLength;
  }

  /** A copy of the ids after the prompt. */
  generated(): number[] {
    return this.#ids.slice(this.promptLength);
  }

  /** The distinct ids, prompt included. */
  seen(): ReadonlySet<number> {
    this.#seen ??= new Set();
    for (; this.#seenUpTo < this.#ids.length; this.#seenUpTo++) this.#seen.add(this.#ids[this.#seenUpTo]!);
    return this.#seen;
  }

  /** How often each id was generated; the prompt does not count. */
  counts(): ReadonlyMap<number, number> {
    this.#counts ??= new Map();
    for (; this.#countsUpTo < this.#ids.length; this.#countsUpTo++) {
      const id = this.#ids[this.#countsUpTo]!;
      this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    }
    return this.#counts;
  }

  /** The ids that, in this sequence, came after the last `size - 1` ids of `context` (by default its own). */
  followers(size: number, context: readonly number[] = this.#ids): Iterable<number> {
    if (size === 1) return this.seen();
    if (context.length < size - 1) return [];
    let index = this.#followers.get(size);
    if (!index) {
      index = { followers: new Map(), upTo: size - 1 };
      this.#followers.set(size, index);
    }
    for (; index.upTo < this.#ids.length; index.upTo++) {
      const key = this.#ids.slice(index.upTo - size + 1, index.upTo).join();
      const list = index.followers.get(key);
      if (list) list.push(this.#ids[index.upTo]!);
      else index.followers.set(key, [this.#ids[index.upTo]!]);
    }
    return index.followers.get(context.slice(context.length - size + 1).join()) ?? [];
  }

  /** An independent copy, indexes included. */
  fork(): SequenceHistory {
    const copy = new SequenceHistory({ ids: this.#ids, prompt: this.prompt, maxLength: this.maxLength }, this);
    copy.windowStart = this.windowStart;
    copy.keepsFirst = this.keepsFirst;
    copy.progress = this.progress;
    copy.#seen = this.#seen && new Set(this.#seen);
    copy.#seenUpTo = this.#seenUpTo;
    copy.#counts = this.#counts && new Map(this.#counts);
    copy.#countsUpTo = this.#countsUpTo;
    for (const [size, { followers, upTo }] of this.#followers) {
      const lists = new Map<string, number[]>();
      for (const [key, list] of followers) lists.set(key, list.slice());
      copy.#followers.set(size, { followers: lists, upTo });
    }
    return copy;
  }
}

/** Changes the scores [V] of the next token of a sequence in place; minus infinity removes a token. */
export type LogitsProcessor = (scores: Float32Array, history: SequenceHistory) => void;
