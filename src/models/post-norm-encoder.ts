/**
 * What came with BERT's form, outside of its heads: config fields, embeddings of tokens, segments and learned positions, a
 * stack of post-norm layers. Devlin et al. 2018. Parameter names: the published checkpoints'.
 */
import { throughLayers } from '../nn/block.ts';
import {
  bidirectionalAttention,
  EncoderLayer,
  type EncoderLayerConfig,
  encoderLayer,
  SelfAttention,
} from '../nn/encoder-layer.ts';
import { Embedding, embedding } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { stopGradient, Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type EncoderHeadConfig, encoderHeadConfig } from './encoder-heads.ts';

export interface EncoderConfig extends EncoderHeadConfig, EncoderLayerConfig {
  max_position_embeddings: number;
  type_vocab_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
}
/** Defaults are the base model's, where a family has no others. */
export function encoderConfig(
  read: ConfigReader,
  defaults: Partial<
    Pick<EncoderConfig, 'vocab_size' | 'hidden_size' | 'intermediate_size' | 'num_attention_heads' | 'hidden_act'>
  > = {},
): EncoderConfig {
  const hidden_size = read.integer('hidden_size', defaults.hidden_size ?? 768);
  const heads = read.integer('num_attention_heads', defaults.num_attention_heads ?? 12);
  const positions = read.string('position_embedding_type', 'absolute');
  read.check(hidden_size % heads === 0, `hidden_size ${hidden_size} is not a multiple of num_attention_heads ${heads}`);
  read.check(positions === 'absolute', `position_embedding_type ${positions} is not supported: it has to be absolute`);
  for (const field of ['is_decoder', 'add_cross_attention'])
    read.check(read.raw(field) !== true, `${field} is not supported: this is an encoder`);
  return {
    ...encoderHeadConfig(read, defaults.vocab_size ?? 30522),
    max_position_embeddings: read.integer('max_position_embeddings', 512),
    type_vocab_size: read.integer('type_vocab_size', 2),
    hidden_size,
    num_hidden_layers: read.layers('num_hidden_layers', 12),
    num_attention_heads: heads,
    intermediate_size: read.integer('intermediate_size', defaults.intermediate_size ?? 3072),
    hidden_act: read.activation('hidden_act', defaults.hidden_act ?? 'gelu'),
    layer_norm_eps: read.positive('layer_norm_eps', 1e-12),
  };
}

// ---- parameters
export const Embeddings = (
  c: Pick<EncoderConfig, 'vocab_size' | 'max_position_embeddings'> & { readonly type_vocab_size?: number },
  width: number,
) => ({
  word_embeddings: Embedding(c.vocab_size, width),
  position_embeddings: Embedding(c.max_position_embeddings, width),
  token_type_embeddings: c.type_vocab_size ? Embedding(c.type_vocab_size, width) : undefined,
  LayerNorm: LayerNorm(width),
});
export const Encoder = (c: EncoderConfig) => ({
  layer: repeat(c.num_hidden_layers, () => EncoderLayer(c, SelfAttention(c.hidden_size))),
});

// ---- computation: B rows, T tokens
/** What a table gives for padding does not train its row: x `[B, T, C]`. */
export const frozenAtPadding = (x: Tensor, mask: Tensor | undefined): Tensor =>
  mask ? mask.reshape(x.dim(0), x.dim(1), 1).where(x, stopGradient(x)) : x;
/**
 * norm(token + position + segment, where a model has segments): `[B, T, width]`. Names `embed`, `pos_embed` and `type_embed`.
 * @param places what the table of positions says, `[B, T, width]`
 */
export function embedTokens(
  p: Params<typeof Embeddings>,
  c: Pick<EncoderConfig, 'layer_norm_eps'>,
  { ids, mask, types = Tensor.full([1], 0, 'i32') }: TokenInput,
  places: Tensor,
): Tensor {
  const words = frozenAtPadding(embedding(p.word_embeddings, ids), mask).named('embed').add(places.named('pos_embed'));
  const { token_type_embeddings: segments } = p;
  const sum = segments ? words.add(embedding(segments, types).named('type_embed')) : words;
  return layerNorm(p.LayerNorm, sum, c.layer_norm_eps);
}
/**
 * The same with positions counted from 0. Padding has that of its place in the row, as in the reference: an answer's start is
 * scored there too.
 */
export function embedCounted(
  p: Params<typeof Embeddings>,
  c: Pick<EncoderConfig, 'layer_norm_eps' | 'max_position_embeddings'>,
  input: TokenInput,
): Tensor {
  const { positions: counted, mask } = input;
  const last = c.max_position_embeddings - 1;
  const places = Int32Array.from({ length: counted.dim(1) }, (_, t) => Math.min(t, last));
  const rows = mask ? mask.where(counted, Tensor.from(places)) : counted;
  return embedTokens(p, c, input, embedding(p.position_embeddings, rows));
}
/** x `[B, T, C]` through all layers, the last of which leaves it normed: `ln_final`. */
export function encode(p: Params<typeof Encoder>, x: Tensor, c: EncoderConfig, { mask }: TokenInput): Tensor {
  const attend = (self: Params<typeof SelfAttention>, x: Tensor) =>
    bidirectionalAttention(self, x, c.num_attention_heads, mask);
  return throughLayers(p.layer, x, (layer, x) => encoderLayer(layer, x, c, attend)).named('ln_final');
}

/** Before 2019 a norm's weight and bias were called gamma and beta. */
export const currentNormName = (key: string): string =>
  key.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
