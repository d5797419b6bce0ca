/** What a training run says of itself. */

/** Once, before the first step. */
export interface StartEvent {
  readonly type: 'start';
  /** Numbers of the model's parameters, and of those that learn. */
  readonly parameters: number;
  readonly trainable: number;
  /** Steps made before, where a run goes on. */
  readonly step: number;
  /** Steps of the whole run; undefined when the data does not say. */
  readonly totalSteps: number | undefined;
  /** Bytes that the run needs besides activations. */
  readonly memory: { readonly parameters: number; readonly gradients: number; readonly optimizer: number };
}
/** One step of the optimizer. */
export interface StepEvent {
  readonly type: 'step';
  /** From 1: how many were made. */
  readonly step: number;
  /** From 0. */
  readonly epoch: number;
  /** Mean over the tokens of the step, before it was made. */
  readonly loss: number;
  /** Of all gradients together, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** That counted in the loss. */
  readonly tokens: number;
  readonly tokensPerSecond: number;
  /** Milliseconds that the step took, without what the caller did in between. */
  readonly ms: number;
}
export interface ValidationEvent {
  readonly type: 'validation';
  readonly step: number;
  /** Mean over the tokens of the validation data. */
  readonly loss: number;
  /** e^loss */
  readonly perplexity: number;
  readonly tokens: number;
  /** Whether no validation before was as good. */
  readonly best: boolean;
}
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  /** Its folder. */
  readonly path: string;
}
/** Something that the run goes on with, but that its owner may not have meant. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly step: number;
  readonly message: string;
}
/** The best validation, and the checkpoint that holds its weights, if there is one. */
export interface BestStep {
  readonly step: number;
  readonly loss: number;
  readonly path?: string | undefined;
}
export interface TrainDoneEvent {
  readonly type: 'done';
  /** 'epochs': also where the data came to its end. */
  readonly reason: 'steps' | 'epochs' | 'early-stop' | 'aborted';
  readonly step: number;
  readonly best: BestStep | undefined;
}
export type TrainEvent = StartEvent | StepEvent | ValidationEvent | CheckpointEvent | WarningEvent | TrainDoneEvent;
