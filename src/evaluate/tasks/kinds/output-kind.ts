/** The form of an output type: how items are asked, and what each metric takes of the answer. */
import type { LoadedModel, ModelInputs } from '../../../models/forward.ts';
import type { Tensor } from '../../../tensor/index.ts';
import type { ScoredModel } from '../../scored-model.ts';
import type { MetricForm } from '../metrics.ts';
import type { Item } from '../prompts.ts';
import type { MetricConfig, OutputType, TaskConfig } from '../task-config.ts';

/** How a text is to be continued, in the words of the generation options. */
export interface ContinuationSettings {
  readonly maxNewTokens?: number | undefined;
  readonly minNewTokens?: number | undefined;
  readonly stopStrings?: readonly string[] | undefined;
  readonly doSample?: boolean | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly numBeams?: number | undefined;
  readonly repetitionPenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly overflow?: 'truncate' | undefined;
  readonly signal?: AbortSignal | undefined;
}
/** What comes of it: the last event holds the texts. */
export interface ContinuationEvent {
  readonly type: string;
  readonly sequences?: readonly { readonly ids: readonly number[] }[];
}
/** A model that can be evaluated: what each output type needs of it; the hub's `Model` has all. */
export interface EvaluatedModel extends ScoredModel {
  /** `json` is config.json, which names the labels, and `changes` what was changed of it. */
  readonly parts: LoadedModel & {
    readonly origin?: { readonly json?: unknown; readonly changes?: unknown } | undefined;
  };
  generate?(prompts: readonly string[], options: ContinuationSettings): AsyncIterable<ContinuationEvent>;
  /** The head's outputs by the reference's names, computed. */
  run?(inputs: ModelInputs): Promise<{ readonly outputs: Readonly<Record<string, Tensor>>; readonly logits: Tensor }>;
  /** A vector for each text, `[B, C]`. */
  embed?(texts: readonly string[]): Promise<Tensor>;
}

/** How a run asks. */
export interface AskOptions {
  readonly config: TaskConfig;
  readonly batchSize: number;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
}
/** An item's answer under a filter; tasks without filters have one, `none`. */
export interface Answer<F> {
  readonly filter: string;
  /** What the model says, for the report. */
  readonly prediction: string;
  readonly facts: F;
}
export interface Answered<F> {
  /** What would have been right, for the report. */
  readonly target: string;
  readonly answers: readonly Answer<F>[];
  /** Other numbers of the item for the report: log-likelihoods of the choices, a probability. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** How sure the model was of its prediction, from 0 to 1, and whether that was right, where it says so. */
  readonly certainty?: { readonly confidence: number; readonly right: boolean } | undefined;
}
export interface OutputKind<F> {
  readonly type: OutputType;
  /** What each metric takes of an item's facts. */
  readonly metrics: Readonly<Record<string, (facts: F, settings: MetricConfig) => unknown>>;
  /** Metrics of a task that names none. */
  readonly defaults: readonly string[];
  /** Where the name of a metric means something else than elsewhere. */
  readonly forms?: Readonly<Record<string, MetricForm>> | undefined;
  /**
   * Least number of items that are asked together, if there are as many, and less than twice that. Default: any number, four
   * times as many as a batch has.
   */
  readonly together?: (config: TaskConfig) => number;
  /** @throws ConfigError when the model or an item does not fit */
  ask(model: EvaluatedModel, items: readonly Item[], options: AskOptions): Promise<readonly Answered<F>[]>;
}
/** A kind of any facts. */
export type AnyKind = OutputKind<unknown>;

/** Ties the metrics to the facts that they read. */
export const defineKind = <F>(kind: OutputKind<F>): AnyKind => kind as unknown as AnyKind;
