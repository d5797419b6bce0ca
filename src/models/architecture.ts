/** The form of a model file: plain functions over a config, and one entry per head. */
import type { CacheShape, KVCache } from '../nn/cache.ts';
import type { Params, Spec } from '../nn/params.ts';
import type { RecurrentState, StateShape } from '../nn/recurrent-state.ts';
import type { TokenBatch } from '../nn/tokens.ts';
import type { Tensor } from '../tensor/index.ts';
import type { ConfigReader } from './config-reader.ts';
import type { Labels } from './labels.ts';

/** What a text model's pass is given: tokens, and what they continue or look at. */
export interface TokenInput extends TokenBatch {
  /** Keys and values of the tokens before these. */
  readonly cache?: KVCache | undefined;
  /** Where a recurrent network stands after the tokens before these. */
  readonly state?: RecurrentState | undefined;
  /** What the decoder of an encoder-decoder looks at. */
  readonly source?: Source | undefined;
}
export interface ImageInput {
  /** `[B, channels, height, width]` */
  readonly pixels: Tensor;
}
export interface AudioInput {
  /** `[B, mel bins, frames]` */
  readonly features: Tensor;
}

/** An encoder's result, as the decoder reads it: made once for all tokens that are generated from it. */
export interface Source {
  /** Last hidden states `[B, S, C]`; undefined in sessions, where a decoder reads keys and values only. */
  readonly states: Tensor | undefined;
  /** bool `[B, S]`: false at padding. Undefined = all real. */
  readonly mask: Tensor | undefined;
  /** For each decoder layer the keys and values of its cross-attention, `[B, H, S, D]`. */
  readonly layers: readonly { readonly k: Tensor; readonly v: Tensor }[];
  /** i32 `[B, S]`, where the source is text. */
  readonly ids?: Tensor | undefined;
}

/** What a head gives, by the reference's names; the first is the main one. */
export type Outputs = Readonly<Record<string, Tensor>>;

/** A computation on top of an architecture, with the parameters it needs. */
export interface Head<C> {
  /** The whole model under this head. */
  parameters(config: C): Spec;
  /** Encoder-decoders: the encoder's pass. What it returns becomes `source` of the decoder's input. */
  encode?(params: unknown, config: C, input: unknown): Source;
  /** Encoder-decoders: what the decoder reads when it is not given, such as the labels shifted right. */
  decoderIds?(config: C, given: { input_ids: Rows | undefined; labels: Labels['labels'] }): number[][] | undefined;
  /** Last hidden states `[B, T, C]`. */
  hidden(params: unknown, config: C, input: unknown): Tensor;
  /** The head's results from them: a language model's `logits` are `[B, T, V]`, a classifier's `[B, labels]`. */
  outputs(params: unknown, config: C, hidden: Tensor, input: unknown): Outputs;
  /** Mean loss against labels; undefined when those it needs are not among them. */
  loss?(outputs: Outputs, labels: Labels, config: C, input: unknown): Tensor | undefined;
}
type Rows = readonly ArrayLike<number>[];

/**
 * Heads by what they are for, in the order in which one is chosen where a checkpoint does not say: `enhancedMaskedLM` predicts
 * masked tokens by layers of its own and not from the last hidden states, `pooled` gives these and one trained vector for the
 * text, `base` the states alone.
 */
export const HEAD_NAMES = [
  'causalLM',
  'seq2seqLM',
  'replacedToken',
  'enhancedMaskedLM',
  'maskedLM',
  'pretraining',
  'nextSentence',
  'sequenceClassification',
  'tokenClassification',
  'questionAnswering',
  'imageClassification',
  'pooled',
  'base',
] as const;
export type HeadName = (typeof HEAD_NAMES)[number];
/** Heads that continue a text, token by token. */
export const GENERATES: ReadonlySet<HeadName> = new Set<HeadName>(['causalLM', 'seq2seqLM']);

/** Everything about an architecture. `C` is its config, with the checkpoint's field names. */
export interface Architecture<C = unknown> {
  readonly name: string;
  /** Reads and checks `config.json`. Problems are collected by the reader. */
  config(read: ConfigReader): C;
  /** Parameter name of a checkpoint's tensor; undefined = a buffer that is not needed. */
  rename(key: string, config: C): string | undefined;
  readonly heads: Readonly<Partial<Record<HeadName, Head<C>>>>;
  /** What goes in (into the encoder, if there is one). Default: text. */
  readonly modality?: 'text' | 'image' | 'audio';
  readonly vocabSize: (config: C) => number;
  /** Number of token types (segments). Default 1: all tokens are of one. */
  readonly typeVocabSize?: (config: C) => number;
  /** Longest sequence, in an encoder-decoder of the decoder; undefined = no limit in the architecture. */
  readonly contextLength: (config: C) => number | undefined;
  /** Length beyond which positions are turned in another way: keys of a shorter text have to be read again then. */
  readonly turnsAt?: (config: C) => number | undefined;
  /** Of an encoder-decoder whose sides have vocabularies of their own: the encoder's. */
  readonly sourceVocabSize?: (config: C) => number;
  /** Longest source of an encoder-decoder; undefined = no limit. */
  readonly sourceLength?: (config: C) => number | undefined;
  /**
   * Standard deviation of a parameter's first values where the family's authors chose another one than the config's
   * `initializer_range`, which is given.
   */
  readonly deviation?: (name: string, config: C, range: number) => number | undefined;
  /** Generation settings, by the reference's names, that a config without generation_config.json implies. */
  readonly generation?: (config: C) => Readonly<Record<string, unknown>>;
  /** Keys and values that generation keeps. */
  readonly cache?: (config: C) => CacheShape;
  /** What a recurrent network keeps instead. */
  readonly state?: (config: C) => StateShape;
}

/** Ties a head's functions to the parameters that its declaration gives, and to the input it reads. */
export function head<C, S extends Spec, I = TokenInput>(form: {
  parameters(config: C): S;
  encode?(params: Params<S>, config: C, input: I extends TokenInput ? TokenInput : I): Source;
  decoderIds?: Head<C>['decoderIds'];
  hidden(params: Params<S>, config: C, input: I): Tensor;
  outputs(params: Params<S>, config: C, hidden: Tensor, input: I): Outputs;
  loss?(outputs: Outputs, labels: Labels, config: C, input: I): Tensor | undefined;
}): Head<C> {
  return form as unknown as Head<C>;
}
