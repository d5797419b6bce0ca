/** What a generation yields. */

/** 'stop': an end token or a stop condition; 'length': the most tokens allowed; 'time': `maxTimeMs` is over. */
export type FinishReason = 'stop' | 'length' | 'time';

export interface TokenAlternative {
  readonly id: number;
  readonly logprob: number;
}

/** One token of one sequence. */
export interface TokenEvent {
  readonly type: 'token';
  /** prompt * numReturnSequences + number of the sequence within its prompt. */
  readonly sequence: number;
  readonly id: number;
  /** ln of the model's probability of this token, before any processor; with `logprobs` or `topLogprobs`. */
  readonly logprob?: number;
  /** The most probable tokens of this step, best first; with `topLogprobs`. */
  readonly top?: readonly TokenAlternative[];
  /** With `draft`: whether the token was proposed and stayed. */
  readonly drafted?: boolean;
  /** Set on the last token of the sequence. */
  readonly finished?: FinishReason;
}

/** The state of a beam search after a step: the leading hypothesis of every prompt still searched. */
export interface BeamEvent {
  readonly type: 'beams';
  readonly newTokens: number;
  /** `score` is the sum of log-probabilities so far. */
  readonly best: readonly { readonly prompt: number; readonly ids: readonly number[]; readonly score: number }[];
}

/** A finished sequence. */
export interface GeneratedSequence {
  readonly prompt: number;
  /** Generated ids; an end token that stopped the sequence is the last one. */
  readonly ids: readonly number[];
  /** One per id; see `logprobs` in the options. */
  readonly logprobs?: readonly number[];
  /** Of the beam search: sum of log-probabilities / length^lengthPenalty. */
  readonly score?: number;
  readonly finishReason: FinishReason;
}

export interface GenerateStats {
  /** Prompt tokens that the model read, without padding. */
  readonly promptTokens: number;
  /** Tokens of all returned sequences. */
  readonly newTokens: number;
  /** Milliseconds until the prompts were read. */
  readonly promptMs: number;
  /** Milliseconds after that, the caller's own time between events included. */
  readonly generationMs: number;
  /** What sampling was seeded with. */
  readonly seed?: number | readonly number[];
  /** With `draft`: tokens that were proposed, and those of them that stayed. */
  readonly draft?: { readonly proposed: number; readonly accepted: number };
  /** With `cache`: tokens of the prompt that did not have to be read again. */
  readonly cachedTokens?: number;
}

export interface DoneEvent {
  readonly type: 'done';
  /** In the order of prompts; within a prompt, beams best first. */
  readonly sequences: readonly GeneratedSequence[];
  readonly stats: GenerateStats;
}

export type GenerateEvent = TokenEvent | BeamEvent | DoneEvent;
