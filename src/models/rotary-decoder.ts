/**
 * What decoders with rotary positions and grouped queries share outside of their layers, since LLaMA gave them one form:
 * fields of the config, the outermost parameters, names in the file, cache. The layers are each family's own file.
 */
import { throughLayers } from '../nn/block.ts';
import { Embedding, embedding } from '../nn/linear.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import { type Params, repeat, type Spec } from '../nn/params.ts';
import { type RopeConfig, type RopeTable, ropeTable } from '../nn/rope.ts';
import type { RotaryShape } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';
import { ropeConfig, turnedFeatures } from './rope-config.ts';

export interface RotaryDecoderConfig extends DecoderHeadConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  hidden_act: string;
  max_position_embeddings: number;
  rms_norm_eps: number;
  rope: RopeConfig;
  attention_bias: boolean;
}
/** What a config means that leaves a field out. */
export interface RotaryDecoderDefaults {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  /** Default: one for each query head. */
  num_key_value_heads?: number;
  /** Default: the width over the heads. */
  head_dim?: number;
  max_position_embeddings: number;
  /** Default 1e-6. */
  rms_norm_eps?: number;
  /** Default 10000. */
  rope_theta?: number;
  /** Default 1: every feature of a head turns. */
  partial_rotary_factor?: number;
  /** Default silu. */
  hidden_act?: string;
  /** Default false. */
  tie_word_embeddings?: boolean;
}

export function rotaryDecoderConfig(read: ConfigReader, defaults: RotaryDecoderDefaults): RotaryDecoderConfig {
  const { vocab_size, tie_word_embeddings = false } = defaults;
  const hidden_size = read.integer('hidden_size', defaults.hidden_size);
  const heads = read.integer('num_attention_heads', defaults.num_attention_heads);
  const groups = read.integer('num_key_value_heads', defaults.num_key_value_heads ?? heads);
  read.check(heads % groups === 0, `num_attention_heads ${heads} is not a multiple of num_key_value_heads ${groups}`);
  read.check(
    read.has('head_dim') || defaults.head_dim !== undefined || hidden_size % heads === 0,
    `hidden_size ${hidden_size} is not a multiple of num_attention_heads ${heads}`,
  );
  const head_dim = read.integer('head_dim', defaults.head_dim ?? Math.floor(hidden_size / heads));
  const max_position_embeddings = read.integer('max_position_embeddings', defaults.max_position_embeddings);
  const turned = turnedFeatures(read, head_dim, defaults.partial_rotary_factor ?? 1);
  return {
    ...decoderHeadConfig(read, { vocab_size, tie_word_embeddings }),
    hidden_size,
    intermediate_size: read.integer('intermediate_size', defaults.intermediate_size),
    num_hidden_layers: read.layers('num_hidden_layers', defaults.num_hidden_layers),
    num_attention_heads: heads,
    num_key_value_heads: groups,
    head_dim,
    hidden_act: read.activation('hidden_act', defaults.hidden_act ?? 'silu'),
    max_position_embeddings,
    rms_norm_eps: read.positive('rms_norm_eps', defaults.rms_norm_eps ?? 1e-6),
    rope: ropeConfig(read, turned, max_position_embeddings, defaults.rope_theta),
    attention_bias: read.boolean('attention_bias', false),
  };
}

/** Fields of families in which some layers, or all, see a window only. */
export interface WindowConfig {
  /** Slots that a token of a sliding layer sees, its own included; 0 = all before it. */
  sliding_window: number;
  layer_types: ('sliding_attention' | 'full_attention')[];
}
/**
 * @param sliding_window 0 = none
 * @param slides which of the layers slide where a file has no `layer_types`
 */
export function windowConfig(
  read: ConfigReader,
  layers: number,
  sliding_window: number,
  slides: (layer: number) => boolean,
): WindowConfig {
  const types = read.raw('layer_types') ?? repeat(layers, i => (slides(i) ? 'sliding_attention' : 'full_attention'));
  const known = (type: unknown) => type === 'sliding_attention' || type === 'full_attention';
  read.check(
    Array.isArray(types) && types.length === layers && types.every(known),
    `layer_types is not a list of sliding_attention or full_attention for ${layers} layers`,
  );
  return { sliding_window, layer_types: types as WindowConfig['layer_types'] };
}
/** The window of a layer, 0 = none. */
export const windowOf = (c: WindowConfig, layer: number): number =>
  c.layer_types[layer] === 'sliding_attention' ? c.sliding_window : 0;

export const attentionShape = (c: RotaryDecoderConfig): RotaryShape => ({
  width: c.hidden_size,
  heads: c.num_attention_heads,
  groups: c.num_key_value_heads,
  headDim: c.head_dim,
});
/** The parameters of a model, around those of its layers. */
export const RotaryDecoder = <C extends RotaryDecoderConfig, L extends Spec>(
  c: C,
  Layer: (c: C) => L,
  Norm: typeof RmsNorm = RmsNorm,
) => ({
  model: {
    embed_tokens: Embedding(c.vocab_size, c.hidden_size),
    layers: repeat(c.num_hidden_layers, () => Layer(c)),
    norm: Norm(c.hidden_size),
  },
});

/** A layer's computation: `[B, T, C] -> [B, T, C]`. */
type LayerFunction<C, P> = (p: P, x: Tensor, c: C, table: RopeTable, input: TokenInput, i: number) => Tensor;

/**
 * The last hidden states `[B, T, C]`, after the final norm, of a model whose layers share one rotary table.
 * @param scale factor of the embeddings
 */
export const throughRotaryLayers =
  <C extends RotaryDecoderConfig, P>(layer: LayerFunction<C, P>, scale?: (c: C) => number) =>
  ({ model }: RotaryModel<P>, c: C, input: TokenInput): Tensor => {
    const table = ropeTable(c.rope, input);
    const tokens = embedding(model.embed_tokens, input.ids);
    const embed = (scale ? tokens.mul(scale(c)) : tokens).named('embed');
    const x = throughLayers(model.layers, embed, (p, x, i) => layer(p, x, c, table, input, i));
    return rmsNorm(model.norm, x, c.rms_norm_eps).named('ln_final');
  };
interface RotaryModel<P> {
  readonly model: {
    readonly embed_tokens: { readonly weight: Tensor };
    readonly layers: readonly P[];
    readonly norm: { readonly weight: Tensor };
  };
}

/** The architecture with this body; see `decoderHeads` for `headBias` and `scores`. */
export function rotaryDecoder<C extends RotaryDecoderConfig, S extends { readonly model: Spec }>(family: {
  name: string;
  config(read: ConfigReader): C;
  parameters(config: C): S;
  hidden(params: Params<S>, config: C, input: TokenInput): Tensor;
  headBias?: boolean;
  scores?(logits: Tensor, config: C): Tensor;
}): Architecture<C> {
  const { name, config, ...body } = family;
  const embedding = (p: unknown) => (p as Params<ReturnType<typeof RotaryDecoder>>).model.embed_tokens;
  return {
    name,
    config,
    /** Old files hold rotary tables; a base model's file has no `model.` prefix; a tied head's copy is not a parameter. */
    rename(key, c) {
      if (key.endsWith('.rotary_emb.inv_freq') || (key === 'lm_head.weight' && c.tie_word_embeddings)) return undefined;
      return /^(model|lm_head|score)\./.test(key) ? key : `model.${key}`;
    },
    heads: decoderHeads<C, S>({ ...body, width: c => c.hidden_size, embedding }),
    vocabSize: c => c.vocab_size,
    /** Dynamic scaling stretches with the sequence. */
    contextLength: c => (c.rope.scaling.rope_type === 'dynamic' ? undefined : c.max_position_embeddings),
    turnsAt: ({ rope: { scaling } }) =>
      scaling.rope_type === 'longrope' ? scaling.original_max_position_embeddings : undefined,
    cache: c => ({ layers: c.num_hidden_layers, heads: c.num_key_value_heads, headDim: c.head_dim }),
  };
}
