/** The form of a model file: plain functions over a config, and one entry per head. */
import type { CacheShape, KVCache } from '../nn/cache.ts';
import type { Params, Spec } from '../nn/params.ts';
import type { TokenBatch } from '../nn/tokens.ts';
import type { Tensor } from '../tensor/index.ts';
import type { ConfigReader } from './config-reader.ts';

/** What a forward pass is given: tokens, and a cache when they continue something. */
export interface DecoderInput extends TokenBatch {
  readonly cache?: KVCache | undefined;
}

/** A computation on top of an architecture, with the parameters it needs. */
export interface Head<C> {
  /** The whole model under this head. */
  parameters(config: C): Spec;
  /** Last hidden states `[B, T, C]`. */
  hidden(params: unknown, config: C, input: DecoderInput): Tensor;
  /** The head's logits from them: causal language model `[B, T, V]`, sequence classification `[B, labels]`. */
  logits(params: unknown, config: C, hidden: Tensor, input: DecoderInput): Tensor;
}
export type HeadName = 'causalLM' | 'sequenceClassification';

/** Everything about an architecture. `C` is its config, with the checkpoint's field names. */
export interface Architecture<C = unknown> {
  readonly name: string;
  /** Reads and checks `config.json`. Problems are collected by the reader. */
  config(read: ConfigReader): C;
  /** Parameter name of a checkpoint's tensor; undefined = a buffer that is not needed. */
  rename(key: string, config: C): string | undefined;
  readonly heads: Readonly<Record<HeadName, Head<C>>>;
  readonly vocabSize: (config: C) => number;
  /** Longest sequence; undefined = no limit in the architecture. */
  readonly contextLength: (config: C) => number | undefined;
  readonly cache: (config: C) => CacheShape;
}

/** Ties a head's functions to the parameters that its declaration gives. */
export function head<C, S extends Spec>(form: {
  parameters(config: C): S;
  hidden(params: Params<S>, config: C, input: DecoderInput): Tensor;
  logits(params: Params<S>, config: C, hidden: Tensor, input: DecoderInput): Tensor;
}): Head<C> {
  return form as unknown as Head<C>;
}
