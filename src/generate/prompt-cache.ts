/**
 * What a model remembers of a text, kept from one generation to the next: a chat whose turns are one growing text is read once. The
 * next generation goes on behind the longest beginning that its text has in common with the one before; what differs is cut off.
 */
import { ConfigError } from '../errors.ts';
import type { Decoder, DecodeSession } from './decoder.ts';

/** Made by `model.promptCache()` and handed to generations as `cache`, one at a time. Dispose it. */
export class PromptCache {
  /** The model that it belongs to. */
  readonly decoder: Decoder;
  #session: DecodeSession | undefined;
  #ids: readonly number[] = [];
  #inUse = false;
  #disposed = false;

  constructor(decoder: Decoder) {
    this.decoder = decoder;
  }

  /** The text that is remembered. */
  get ids(): readonly number[] {
    return this.#ids;
  }
  /** Bytes that are held: all that the session has room for, filled or not. */
  get bytes(): number {
    return this.#session?.bytes ?? 0;
  }

  /**
   * A session for one row that has read a beginning of `ids`, but not all of them. It is lent until `putBack`.
   * @throws ConfigError when the cache is another model's, in use, or disposed
   */
  borrow(decoder: Decoder, ids: readonly number[], capacity: number): DecodeSession {
    if (this.#disposed) throw new ConfigError('the prompt cache was disposed', { fix: 'make a new one' });
    if (this.#inUse)
      throw new ConfigError('the prompt cache is in use by another generation', {
        fix: 'wait for it, or give each conversation a cache of its own',
      });
    if (decoder !== this.decoder) throw new ConfigError('the prompt cache belongs to another model');
    const kept = this.#session ? this.#reusable(ids, this.#session) : 0;
    if (kept === 0) this.#forget();
    this.#session?.trim(kept);
    this.#session ??= decoder.open({ batch: 1, capacity });
    this.#ids = ids.slice(0, kept);
    this.#inUse = true;
    return this.#session;
  }
  /** @param ids the text that was read; of it the session holds as many as its length says */
  putBack(ids: readonly number[]): void {
    this.#inUse = false;
    if (this.#disposed) this.#forget();
    else this.#ids = ids.slice(0, this.#session!.length);
  }

  dispose(): void {
    this.#disposed = true;
    // What is lent is freed when it comes back.
    if (!this.#inUse) this.#forget();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  #forget(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#ids = [];
    session?.dispose();
  }

  /** How much of what the session holds is a beginning of a text and can be gone on from. */
  #reusable(ids: readonly number[], session: DecodeSession): number {
    const most = Math.min(this.#ids.length, ids.length - 1);
    let shared = 0;
    while (shared < most && ids[shared] === this.#ids[shared]) shared++;
    if (session.extendsOnly && shared < session.length) return 0;
    // Where positions turn with the length, what was read on one side of that is of no use on the other.
    const { turnsAt } = this.decoder;
    if (turnsAt === undefined) return shared;
    const isShort = this.#ids.length <= turnsAt && ids.length <= turnsAt;
    return isShort || shared > turnsAt ? shared : 0;
  }
}
