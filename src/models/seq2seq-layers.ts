/**
 * Encoder and decoder in the original Transformer's form, under the parameter names that BART gave it. Vaswani et al. 2017;
 * Lewis et al. 2019. Its descendants differ in where norms stand and in what goes into the first layer.
 */
import { postNormBlock, throughLayers } from '../nn/block.ts';
import type { CacheShape } from '../nn/cache.ts';
import { crossAttention, crossBlock, projectSource, throughSource } from '../nn/cross-attention.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat, type Spec } from '../nn/params.ts';
import { ProjectedAttention, projectedAttention } from '../nn/projected-attention.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import type { Source, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import type { Seq2SeqBody } from './seq2seq-heads.ts';

/** Config fields that the layers read. */
export interface LayersConfig {
  d_model: number;
  encoder_layers: number;
  encoder_attention_heads: number;
  encoder_ffn_dim: number;
  decoder_layers: number;
  decoder_attention_heads: number;
  decoder_ffn_dim: number;
  activation_function: string;
}
/** Fields left out are those of the large models, or those of `defaults` on both sides. */
export function layersConfig(
  read: ConfigReader,
  activation: string,
  defaults = { d_model: 1024, layers: 12, attention_heads: 16, ffn_dim: 4096 },
): LayersConfig {
  const d_model = read.integer('d_model', defaults.d_model);
  const heads = (name: string) => {
    const count = read.integer(name, defaults.attention_heads);
    read.check(d_model % count === 0, `d_model ${d_model} is not a multiple of ${name} ${count}`);
    return count;
  };
  return {
    d_model,
    encoder_layers: read.layers('encoder_layers', defaults.layers),
    encoder_attention_heads: heads('encoder_attention_heads'),
    encoder_ffn_dim: read.integer('encoder_ffn_dim', defaults.ffn_dim),
    decoder_layers: read.layers('decoder_layers', defaults.layers),
    decoder_attention_heads: heads('decoder_attention_heads'),
    decoder_ffn_dim: read.integer('decoder_ffn_dim', defaults.ffn_dim),
    activation_function: read.activation('activation_function', activation),
  };
}
/** Of all norms; the configs have no field for it. */
export const EPSILON = 1e-5;

type Part = (x: Tensor) => Tensor;
/** Where the norm of a sub-layer stands: in what reads the stream, or after the sum. */
export type NormPlacement = (part: Part, norm: Part) => { readonly part: Part; readonly afterSum: Part };
/** x + part(norm(x)) */
export const preNorm: NormPlacement = (part, norm) => ({ part: x => part(norm(x)), afterSum: x => x });
/** norm(x + part(x)) */
export const postNorm: NormPlacement = (part, norm) => ({ part, afterSum: norm });

/** Keys and values that generation keeps. */
export const decoderCache = (c: LayersConfig): CacheShape => ({
  layers: c.decoder_layers,
  heads: c.decoder_attention_heads,
  headDim: c.d_model / c.decoder_attention_heads,
});

// ---- parameters
/** `keyBias` false: no bias in the projections to keys. */
interface LayerOptions {
  readonly keyBias?: boolean;
}
const EncoderLayer = (c: LayersConfig, options: LayerOptions) => ({
  self_attn: ProjectedAttention(c.d_model, options),
  self_attn_layer_norm: LayerNorm(c.d_model),
  fc1: Linear(c.d_model, c.encoder_ffn_dim),
  fc2: Linear(c.encoder_ffn_dim, c.d_model),
  final_layer_norm: LayerNorm(c.d_model),
});
const DecoderLayer = (c: LayersConfig, options: LayerOptions) => ({
  self_attn: ProjectedAttention(c.d_model, options),
  self_attn_layer_norm: LayerNorm(c.d_model),
  encoder_attn: ProjectedAttention(c.d_model, options),
  encoder_attn_layer_norm: LayerNorm(c.d_model),
  fc1: Linear(c.d_model, c.decoder_ffn_dim),
  fc2: Linear(c.decoder_ffn_dim, c.d_model),
  final_layer_norm: LayerNorm(c.d_model),
});
export const EncoderLayers = (c: LayersConfig, options: LayerOptions = {}) =>
  repeat(c.encoder_layers, () => EncoderLayer(c, options));
export const DecoderLayers = (c: LayersConfig, options: LayerOptions = {}) =>
  repeat(c.decoder_layers, () => DecoderLayer(c, options));

/** A side's layers, and the norm after the last one where there is one. */
interface Stack<Layers> {
  readonly layers: Params<Layers>;
  readonly layer_norm?: Params<typeof LayerNorm>;
}
export type EncoderStack = Stack<typeof EncoderLayers>;
export type DecoderStack = Stack<typeof DecoderLayers>;

// ---- computation: B rows of T tokens, C = d_model
const norm =
  (p: Params<typeof LayerNorm>): Part =>
  x =>
    layerNorm(p, x, EPSILON);

/** All layers of the encoder: x `[B, S, C] -> [B, S, C]`, every position sees all that the mask `[B, S]` lets it. */
export function encoderStack(
  p: EncoderStack,
  x: Tensor,
  c: LayersConfig,
  mask: Tensor | undefined,
  norms: NormPlacement,
): Tensor {
  const states = throughLayers(p.layers, x, (layer, stream, i) => {
    const attend = norms(
      t => projectedAttention(layer.self_attn, t, c.encoder_attention_heads, { mask }, i, { causal: false }),
      norm(layer.self_attn_layer_norm),
    );
    const mlp = norms(t => feedForward(layer.fc1, layer.fc2, t, c.activation_function), norm(layer.final_layer_norm));
    return postNormBlock(stream, attend.part, mlp.part, { mid: attend.afterSum, post: mlp.afterSum });
  });
  return (p.layer_norm ? norm(p.layer_norm)(states) : states).named('ln_final');
}

/** What the decoder's layers look at, from the encoder's last states `[B, S, C]`. */
export function sourceOf(
  states: Tensor,
  { mask, ids }: { mask: Tensor | undefined; ids?: Tensor | undefined },
  decoder: DecoderStack,
  c: LayersConfig,
): Source {
  const layers = throughSource(decoder.layers, ({ encoder_attn: { k_proj: k, v_proj: v } }) =>
    projectSource({ k, v }, states, c.decoder_attention_heads),
  );
  return { states, mask, ids, layers };
}

/** All layers of the decoder, which look at `input.source`: x `[B, T, C] -> [B, T, C]`. */
export function decoderStack(
  p: DecoderStack,
  x: Tensor,
  c: LayersConfig,
  input: TokenInput,
  norms: NormPlacement,
): Tensor {
  const heads = c.decoder_attention_heads;
  const states = throughLayers(p.layers, x, (layer, stream, i) => {
    const attend = norms(
      t => projectedAttention(layer.self_attn, t, heads, input, i),
      norm(layer.self_attn_layer_norm),
    );
    const { q_proj: q, out_proj: out } = layer.encoder_attn;
    const cross = norms(
      t => crossAttention({ q, out }, t, heads, input.source!, i),
      norm(layer.encoder_attn_layer_norm),
    );
    const mlp = norms(t => feedForward(layer.fc1, layer.fc2, t, c.activation_function), norm(layer.final_layer_norm));
    return crossBlock(
      stream,
      { attend: attend.part, cross: cross.part, mlp: mlp.part },
      { attend: attend.afterSum, cross: cross.afterSum, mlp: mlp.afterSum },
    );
  });
  return (p.layer_norm ? norm(p.layer_norm)(states) : states).named('ln_final');
}

/**
 * A model of text on both sides.
 * @param form `embed`: what goes into the first layer of a side, `[B, T, C]`
 */
export function textToText<C extends LayersConfig, S extends Named & Sides>(
  parameters: (config: C) => S,
  form: {
    embed(params: Params<S>, side: 'encoder' | 'decoder', config: C, input: TokenInput): Tensor;
    readonly norms: NormPlacement;
  },
): Seq2SeqBody<C, S> {
  const { embed, norms } = form;
  const stacks = (p: Params<S>) => p as { readonly encoder: EncoderStack; readonly decoder: DecoderStack };
  return {
    parameters,
    width: c => c.d_model,
    encode(p, c, input) {
      const { encoder, decoder } = stacks(p);
      const states = scope('encoder', () => encoderStack(encoder, embed(p, 'encoder', c, input), c, input.mask, norms));
      return sourceOf(states, input, decoder, c);
    },
    hidden: (p, c, input) =>
      scope('decoder', () => decoderStack(stacks(p).decoder, embed(p, 'decoder', c, input), c, input, norms)),
  };
}
type Named = { readonly [name: string]: Spec | undefined };
interface Sides {
  readonly encoder: { readonly layers: ReturnType<typeof EncoderLayers> };
  readonly decoder: { readonly layers: ReturnType<typeof DecoderLayers> };
}
