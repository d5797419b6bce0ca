/** What proposes tokens for a model to check. */
import type { SequenceHistory } from '../history.ts';

/** Tokens that may follow a text. */
export interface Draft {
  readonly ids: readonly number[];
  /** What each was drawn from, [V] each, valid until the next draft; undefined: nothing was drawn, the tokens are certain. */
  readonly probabilities: readonly Float64Array[] | undefined;
}

export interface Drafter {
  /** At most `most` tokens, and maybe none, that could follow a history, which is left as it is. */
  propose(history: SequenceHistory, most: number, signal: AbortSignal | undefined): Promise<Draft>;
  dispose(): void;
}
