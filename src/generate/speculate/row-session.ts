/** A session of one row that is told what the text is, and reads what it has not read yet. */
import { ConfigError } from '../../errors.ts';
import type { Decoder, DecodeSession } from '../decoder.ts';
import type { PromptCache } from '../prompt-cache.ts';

export interface RowPlace {
  /** Prompts of the decoder, and which of them the row belongs to. */
  readonly prompts: number;
  readonly prompt: number;
  readonly capacity: number;
  /** Where the session comes from and goes to. */
  readonly cache?: PromptCache | undefined;
}

export class RowSession {
  readonly #decoder: Decoder;
  readonly #place: RowPlace;
  #session: DecodeSession | undefined;
  #ids: number[] = [];
  /** Tokens that were found in the cache at first. */
  cachedTokens: number | undefined;

  constructor(decoder: Decoder, place: RowPlace) {
    this.#decoder = decoder;
    this.#place = place;
  }

  /** Logits of the token behind a text, [V]. They are the caller's until the next call. */
  async read(ids: readonly number[], signal: AbortSignal | undefined): Promise<Float32Array> {
    const session = await this.#sessionFor(ids, ids.length - 1);
    const [logits] = await session.step([ids.slice(session.length)], undefined, signal);
    this.#ids = [...ids];
    return logits!;
  }

  /** Logits behind the last `count` ids of a text, each: [count] arrays of [V]. The same text without them was read before. */
  async readEach(ids: readonly number[], count: number, signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const session = await this.#sessionFor(ids, ids.length - count);
    if (!session.stepAll) throw noDrafts('a decoder that gives the logits of the last token only');
    if (session.length < ids.length - count)
      await session.step([ids.slice(session.length, ids.length - count)], undefined, signal);
    const [logits] = await session.stepAll([ids.slice(ids.length - count)], signal);
    this.#ids = [...ids];
    return logits!;
  }

  dispose(): void {
    const { cache } = this.#place;
    if (this.#session && cache) cache.putBack(this.#ids);
    else this.#session?.dispose();
    this.#session = undefined;
  }

  /** A session that has read a beginning of the text, of at most `most` ids. */
  async #sessionFor(ids: readonly number[], most: number): Promise<DecodeSession> {
    const { turnsAt } = this.#decoder;
    // Where positions turn the whole text is read again.
    const turns = turnsAt !== undefined && ids.length > turnsAt && this.#ids.length <= turnsAt;
    if (!this.#session || turns) {
      this.dispose();
      const { prompts, prompt, capacity, cache } = this.#place;
      this.#session = cache
        ? cache.borrow(this.#decoder, ids, capacity)
        : this.#decoder.open({ batch: prompts, capacity });
      this.#ids = ids.slice(0, this.#session.length);
      if (cache) this.cachedTokens ??= this.#session.length;
      if (this.#session.extendsOnly) throw noDrafts('a recurrent state, which cannot be cut back');
      if (prompts > 1) await this.#session.reorder([prompt]);
    }
    let shared = 0;
    while (shared < Math.min(most, this.#ids.length, this.#session.length) && ids[shared] === this.#ids[shared])
      shared++;
    if (shared < this.#session.length) this.#session.trim(shared);
    return this.#session;
  }
}

function noDrafts(seen: string): ConfigError {
  return new ConfigError('this model cannot check drafts', { seen, fix: 'leave draft out', where: 'draft' });
}
