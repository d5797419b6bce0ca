/** What a diffusion yields. */

/** A token that was hidden until this step. */
export interface CommittedToken {
  readonly prompt: number;
  /** Its place in `ids`. */
  readonly position: number;
  readonly id: number;
  /** Probability that the network gave it. */
  readonly confidence: number;
}

/** The state after a step. */
export interface DiffuseStepEvent {
  readonly type: 'step';
  /** Counted from 1. */
  readonly step: number;
  readonly steps: number;
  /** All texts as they are now, prompts included; hidden tokens are the mask token. */
  readonly ids: readonly (readonly number[])[];
  /** What the step found. */
  readonly committed: readonly CommittedToken[];
}

export interface DiffusedSequence {
  readonly prompt: number;
  /** Tokens of `ids` that were the prompt. */
  readonly promptLength: number;
  /** The whole text. */
  readonly ids: readonly number[];
}

export interface DiffuseStats {
  /** Tokens of the prompts that were visible. */
  readonly promptTokens: number;
  /** Tokens that were found, in all texts. */
  readonly newTokens: number;
  /** Passes through the network, each over the whole batch. */
  readonly forwards: number;
  /** Milliseconds, the caller's own time between events included. */
  readonly totalMs: number;
  /** What the draws were seeded with, if there were any. */
  readonly seed?: number | readonly number[];
}

export interface DiffuseDoneEvent {
  readonly type: 'done';
  readonly sequences: readonly DiffusedSequence[];
  readonly stats: DiffuseStats;
}

export type DiffuseEvent = DiffuseStepEvent | DiffuseDoneEvent;
