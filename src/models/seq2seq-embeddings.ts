/** What goes into the first layer of an encoder or a decoder: tokens from the table that both sides share, and positions. */
import { ConfigError } from '../errors.ts';
import { Embedding, embedding } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { type SinusoidOptions, sinusoidalPositions } from '../nn/sinusoids.ts';
import type { TokenBatch } from '../nn/tokens.ts';
import { stopGradient, Tensor } from '../tensor/index.ts';
import type { ConfigReader } from './config-reader.ts';
import { EPSILON } from './seq2seq-layers.ts';

/** Config fields that the embeddings read. */
export interface EmbeddingsConfig {
  d_model: number;
  pad_token_id: number;
  max_position_embeddings: number;
  /** Embeddings are multiplied by the root of their width. */
  scale_embedding: boolean;
}
export const embeddingsConfig = (
  read: ConfigReader,
  defaults: { scale_embedding: boolean },
): Pick<EmbeddingsConfig, 'max_position_embeddings' | 'scale_embedding'> => ({
  max_position_embeddings: read.integer('max_position_embeddings', 1024),
  scale_embedding: read.boolean('scale_embedding', defaults.scale_embedding),
});

type Table = { readonly weight: Tensor };
/** Row of the first position in a learned table. */
const OFFSET = 2;

/** One side's own part of `learnedEmbedding`. */
export const LearnedPositions = (c: EmbeddingsConfig) => ({
  embed_positions: Embedding(c.max_position_embeddings + OFFSET, c.d_model),
  layernorm_embedding: LayerNorm(c.d_model),
});
/** Tokens plus learned positions, then a norm: `[B, T, C]`. Names `embed` and `pos_embed`. */
export function learnedEmbedding(
  table: Table,
  side: Params<typeof LearnedPositions>,
  c: EmbeddingsConfig,
  { ids, positions }: TokenBatch,
): Tensor {
  const learned = embedding(side.embed_positions, positions.add(OFFSET)).named('pos_embed');
  return layerNorm(side.layernorm_embedding, tokenEmbedding(table, c, ids).add(learned), EPSILON);
}

/**
 * Tokens plus sines and cosines of the position, `[B, T, C]`. Names `embed` and `pos_embed`.
 * @param options `afterPadding`: positions are numbered from the padding's id plus 1 on, and padding has none; default from 0
 */
export function sinusoidalEmbedding(
  table: Table,
  c: EmbeddingsConfig,
  { ids, positions }: TokenBatch,
  { afterPadding = false, ...layout }: SinusoidOptions & { readonly afterPadding?: boolean },
): Tensor {
  const rows = sinusoidalPositions(positions, c.d_model, layout, afterPadding ? c.pad_token_id + 1 : 0);
  const real = afterPadding ? otherThan(c.pad_token_id, ids) : undefined;
  return tokenEmbedding(table, c, ids).add((real ? real.where(rows, 0) : rows).named('pos_embed'));
}

/** Some files hold the sinusoids, which are computed all the same. */
export const isSinusoids = (key: string): boolean => key.includes('.embed_positions.');

/** Training does not move the padding's row by what it is as an input, even where a decoder starts with it: as the reference. */
function tokenEmbedding(table: Table, c: EmbeddingsConfig, ids: Tensor): Tensor {
  const found = embedding(table, ids);
  const real = otherThan(c.pad_token_id, ids);
  const tokens = real ? real.where(found, stopGradient(found)) : found;
  return (c.scale_embedding ? tokens.mul(Math.sqrt(c.d_model)) : tokens).named('embed');
}

/** bool `[B, T, 1]`: false where a token is `id`. Undefined where none is. */
function otherThan(id: number, ids: Tensor): Tensor | undefined {
  if (ids.storage?.kind !== 'host') throw new ConfigError('ids must be a leaf on the host');
  const other = Uint8Array.from(ids.storage.data, token => (token === id ? 0 : 1));
  return other.includes(0) ? Tensor.from(other, [...ids.shape, 1], 'bool') : undefined;
}
