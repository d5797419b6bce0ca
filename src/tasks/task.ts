/** The form of a task: what it takes, under which heads it runs, and what it does with a loaded model. */
import type { DiffuseOptions, GenerateTextOptions } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import type { HeadName } from '../models/architecture.ts';
import type { OptionChecks } from './option-checks.ts';

/** How much of a call is done: inputs, or the windows and pairs of texts that they are read as. */
export interface TaskProgress {
  readonly done: number;
  readonly total: number;
}
/** What every call can be told, beside the options of its task. */
export interface CallOptions {
  /** Aborting ends the call with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Most inputs in one pass. Inputs of like length share a pass; what comes out does not depend on it. Default 16. */
  readonly batchSize?: number | undefined;
  /** Called after each pass. */
  readonly onProgress?: ((progress: TaskProgress) => void) | undefined;
}
/** The options of a call without those that every call has: what one that is streamed takes. */
export type StreamOptions<O> = Omit<O, 'batchSize' | 'onProgress'>;

type OptionsArgument<O> = Partial<O> extends O ? [options?: O] : [options: O];
/** One input gives its result, a list of inputs a list of results. */
export interface Calls<I, O, R> {
  (input: I, ...options: OptionsArgument<O>): Promise<R>;
  (inputs: readonly I[], ...options: OptionsArgument<O>): Promise<R[]>;
}
/** What an input becomes, event by event. Leaving the loop stops it. */
export interface Streams<I, O, E> {
  stream(input: I, ...options: OptionsArgument<StreamOptions<O>>): AsyncGenerator<E, void, undefined>;
}

type OwnOptions<O> = Omit<
  O,
  | keyof CallOptions
  | ('maxNewTokens' extends keyof O ? keyof GenerateTextOptions : never)
  | ('genLength' extends keyof O ? keyof DiffuseOptions : never)
>;

/** A task. `I` is one input, `R` its result, `E` an event on the way there. */
export interface Task<I, O extends CallOptions, R, E = never> {
  readonly name: string;
  /** Heads that it runs under, the best first; `any` where hidden states are enough. */
  readonly heads: readonly HeadName[] | 'any';
  /** What the model reads. */
  readonly modality: 'text' | 'image' | 'audio';
  /** For messages. */
  readonly expects: string;
  /** Whether a value is one input; a list of such is a batch. */
  isInput(value: unknown): value is I;
  /** An empty text has a meaning, such as to begin one. */
  readonly mayBeEmpty?: boolean;
  /** Options beside those of every call and of the generation. */
  readonly options: OptionChecks<OwnOptions<O>>;
  /** It takes those of a generation, which checks them. */
  readonly generates?: boolean;
  /** A second model that it needs: an option of `pipeline`, by default the folder of this name beside the first one's files. */
  readonly partner?: { readonly name: 'generator'; readonly heads: readonly HeadName[] };
  /** @param inputs at least one @returns a result for each */
  run(model: Model, inputs: readonly I[], options: O, partner?: Model): Promise<R[]>;
  stream?(model: Model, input: I, options: StreamOptions<O>, partner?: Model): AsyncGenerator<E, void, undefined>;
}
/** A task of any types. */
export type AnyTask = Task<unknown, CallOptions, unknown, unknown>;

/** Ties the types of a task together, and lets go of them for the registry. */
export const defineTask = <I, O extends CallOptions, R, E = never>(task: Task<I, O, R, E>): AnyTask =>
  task as unknown as AnyTask;

/** One input of a task that reads texts. */
export const isText = (value: unknown): value is string => typeof value === 'string';
/** At least one of them. */
export const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every(isText);
