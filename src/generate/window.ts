/**
 * The decode session behind a batch of growing rows: prefill with left padding, one step per token, rows that leave, fan out
 * or change places, and a fresh prefill when the session is full.
 */

import { ShapeError } from '../errors.ts';
import type { Decoder, DecodeSession } from './decoder.ts';
import type { SequenceHistory } from './history.ts';
import type { GenerateSettings } from './options.ts';
import { slide, visibleIds } from './overflow.ts';

/** Room for new tokens that a session is given at first; it doubles, by a fresh prefill, when an output outgrows it. */
const FIRST_ROOM = 4096;

export class DecodeWindow {
  readonly #decoder: Decoder;
  readonly #settings: GenerateSettings;
  readonly #limit: number;
  readonly #prompts: number;
  #session: DecodeSession | undefined;
  #capacity = 0;
  #rows = 0;
  /** What the session was given to read, where it goes back to a cache. */
  #read: number[] = [];
  /** Tokens that the first prefill found in the cache. */
  cachedTokens: number | undefined;

  constructor(decoder: Decoder, prompts: number, settings: GenerateSettings) {
    this.#decoder = decoder;
    this.#settings = settings;
    this.#limit = decoder.contextLength ?? Number.POSITIVE_INFINITY;
    this.#prompts = prompts;
  }

  /** Reads all visible ids of each row into a fresh session. Returns the logits of each row's next token, [V] each. */
  async fill(rows: readonly SequenceHistory[]): Promise<Float32Array[]> {
    this.dispose();
    slide(rows, this.#limit, this.#settings);
    const { padTokenId, endIds } = this.#settings;
    const ids = rows.map(visibleIds);
    const longest = ids.reduce((most, row) => Math.max(most, row.length), 0);
    const wanted = rows.reduce((most, row) => Math.max(most, row.maxLength - row.ids.length), 0);
    this.#capacity = Math.min(this.#limit, longest + Math.min(wanted, Math.max(FIRST_ROOM, longest)));

    const { cache } = this.#settings;
    this.#rows = this.#prompts;
    if (cache) {
      this.#read = [...ids[0]!];
      this.#session = cache.borrow(this.#decoder, this.#read, this.#capacity);
      this.cachedTokens ??= this.#session.length;
      return this.#step([this.#read.slice(this.#session.length)]);
    }
    this.#session = this.#decoder.open({ batch: this.#prompts, capacity: this.#capacity });
    await this.#arrange(rows.map(row => row.prompt));
    if (ids.every(row => row.length === longest)) return this.#step(ids);
    const pad = padTokenId ?? endIds[0] ?? 0;
    const padded = ids.map(row => [...new Array<number>(longest - row.length).fill(pad), ...row]);
    const mask = ids.map(row => padded[0]!.map((_, at) => (at < longest - row.length ? 0 : 1)));
    return this.#step(padded, mask);
  }

  /** Reads the newest id of each row, which continues what was row parents[r] in the call before. Logits as in `fill`. */
  async next(rows: readonly SequenceHistory[], parents: readonly number[]): Promise<Float32Array[]> {
    if (!this.#session || this.#session.length >= this.#capacity || this.#turns(rows)) return this.fill(rows);
    await this.#arrange(parents);
    if (this.#settings.cache) this.#read.push(rows[0]!.ids.at(-1)!);
    return this.#step(rows.map(row => [row.ids.at(-1)!]));
  }

  dispose(): void {
    const { cache } = this.#settings;
    if (this.#session && cache) cache.putBack(this.#read);
    else this.#session?.dispose();
    this.#session = undefined;
  }

  /** Whether the newest token is the first beyond the length at which positions turn. */
  #turns(rows: readonly SequenceHistory[]): boolean {
    const { turnsAt } = this.#decoder;
    if (turnsAt === undefined) return false;
    return Math.max(...rows.map(row => visibleIds(row).length)) === turnsAt + 1;
  }
  async #arrange(parents: readonly number[]): Promise<void> {
    if (parents.length !== this.#rows || parents.some((parent, row) => parent !== row)) {
      await this.#session!.reorder(parents);
    }
    this.#rows = parents.length;
  }

  async #step(ids: readonly (readonly number[])[], mask?: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const { signal } = this.#settings;
    signal?.throwIfAborted();
    const logits = await this.#session!.step(ids, mask, signal);
    if (signal) await breathe();
    signal?.throwIfAborted();
    const { vocabSize } = this.#decoder;
    if (logits.length !== ids.length || logits.some(row => row.length !== vocabSize)) {
      throw new ShapeError('the decoder returned logits of another shape', {
        seen: `${logits.length} rows of ${logits[0]?.length ?? 0}`,
        expected: `${ids.length} rows of ${vocabSize}`,
      });
    }
    return logits;
  }
}

let lastBreath = 0;

/**
 * Lets timers and input events run, at most every 16 ms: a decoder that computes on this thread would otherwise keep the
 * event that aborts it waiting until it is done.
 */
async function breathe(): Promise<void> {
  const now = performance.now();
  if (now - lastBreath < 16) return;
  await new Promise(resolve => setTimeout(resolve, 0));
  lastBreath = performance.now();
}
