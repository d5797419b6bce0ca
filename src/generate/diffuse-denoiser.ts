/**
 * What masked diffusion asks of a model: scores of every token for positions that are hidden, from all that is visible on
 * both sides. Masked language models are this too.
 */

type Rows = readonly (readonly number[])[];

/** A network that finds hidden tokens. */
export interface Denoiser {
  readonly vocabSize: number;
  /** Longest text the network can take, in tokens; undefined = no limit. */
  readonly contextLength: number | undefined;
  /** The token that stands for a hidden one. */
  readonly maskId: number;
  /**
   * One forward pass. Returns B arrays `[n * V]`: the logits at the n slots of `at[b]`, in their order; an empty array for
   * none. The arrays are the caller's. Rejects with `signal.reason` if the signal is aborted.
   */
  logits(request: DenoiseRequest): Promise<Float32Array[]>;
}

export interface DenoiseRequest {
  /** B rows of T ids, hidden ones as `maskId`. */
  readonly ids: Rows;
  /** `[B][T]`, 0 for padding, which is on the left; undefined = all real. Positions count real tokens only. */
  readonly mask?: Rows | undefined;
  /** Slots of each row whose logits are wanted, in rising order. */
  readonly at: Rows;
  /** `[B]`: total noise σ of the time that each row is at, for networks that are told it. */
  readonly sigma?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}
