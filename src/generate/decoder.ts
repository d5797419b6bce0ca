/**
 * What generation asks of a model: the logits of the next token, with a cache behind them.
 * Models implement it (decoder-only ones, the decoder half of encoder-decoders, recurrent ones); everything else in this
 * folder is written against it.
 */

/** A source of next-token logits. */
export interface Decoder {
  readonly vocabSize: number;
  /** Longest sequence the model can take, in tokens; undefined = no limit. */
  readonly contextLength: number | undefined;
  /** Real tokens beyond which a cache of fewer is of no use: a text that gets longer is read again. Undefined = none. */
  readonly turnsAt?: number | undefined;
  /**
   * An empty cache for `batch` prompts of up to `capacity` positions, padding included. Row r belongs to prompt r (an
   * encoder-decoder has encoded them already). Whoever opens a session disposes it.
   */
  open(options: { batch: number; capacity: number }): DecodeSession;
}

/** The cache of some rows that are decoded together. All rows have the same number of positions: they are left-padded. */
export interface DecodeSession {
  /** Positions filled, padding included. */
  readonly length: number;
  /**
   * Appends T tokens to each row, ids [B][T], and returns the logits of the last position, B arrays of [V]. The arrays are
   * the caller's to change and valid until the next step. `mask` [B][T] holds 0 for padding (omitted = all real);
   * positions count real tokens only. Rejects with `signal.reason` if the signal is aborted.
   */
  step(
    ids: readonly (readonly number[])[],
    mask?: readonly (readonly number[])[],
    signal?: AbortSignal,
  ): Promise<Float32Array[]>;
  /**
   * `step` without padding, with the logits of each of the T positions, [B][T] arrays of [V]: what checks a draft. A session that
   * lacks it cannot.
   */
  stepAll?(ids: readonly (readonly number[])[], signal?: AbortSignal): Promise<Float32Array[][]>;
  /**
   * Row r of the next step continues what was row parents[r]; also changes the number of rows. May be called before the
   * first step, and then chooses the prompts that the rows belong to.
   */
  reorder(parents: readonly number[]): Promise<void>;
  /** Whether `trim` cannot go to every length: a recurrent state keeps no history. Omitted = it can. */
  readonly extendsOnly?: boolean;
  /** Bytes of the memory behind the session, where that is known. */
  readonly bytes?: number;
  /** Forgets all but the first `length` positions. */
  trim(length: number): void;
  dispose(): void;
}
