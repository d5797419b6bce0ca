/**
 * What the generations of DeBERTa share outside of their attention: config fields, masked embeddings, post-norm layers, heads
 * and the names in the file. He et al. 2020, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention", and 2021,
 * "DeBERTaV3". A masked token is predicted in one of two ways, each a head: `maskedLM` reads the last hidden states, as the
 * reference library does; `enhancedMaskedLM` is the enhanced mask decoder that v1 and v2 were trained with, for files that
 * hold the table of absolute positions it adds. v3 was trained to tell replaced tokens, `replacedToken`.
 */
import { ConfigError } from '../errors.ts';
import { activation } from '../nn/activation.ts';
import { throughLayers } from '../nn/block.ts';
import { type DisentangledHeads, disentangledAttention, relativeRows } from '../nn/disentangled-attention.ts';
import { EncoderLayer, type EncoderLayerConfig, encoderLayer } from '../nn/encoder-layer.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat, type Spec } from '../nn/params.ts';
import { clsPool } from '../nn/pooling.ts';
import { logBucket } from '../nn/relative-buckets.ts';
import { scope, Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  baseHead,
  type EncoderHeadConfig,
  encoderHeadConfig,
  maskedLMHead,
  OutputMatrix,
  questionHead,
  replacedTokenHead,
  sequenceHead,
  tokenHead,
  tokenScores,
} from './encoder-heads.ts';

type Named = { readonly [name: string]: Spec | undefined };
const TERMS = ['c2p', 'p2c'] as const;

export interface DisentangledConfig extends EncoderHeadConfig, EncoderLayerConfig {
  /** Width of the token table. */
  embedding_size: number;
  max_position_embeddings: number;
  type_vocab_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  relative_attention: boolean;
  /** Distances in tokens that the table of relative positions tells apart to each side. */
  max_relative_positions: number;
  /** Buckets to each side; 0 = a row for each distance. */
  position_buckets: number;
  pos_att_type: (typeof TERMS)[number][];
  /** Absolute positions are added to the tokens, as in BERT. */
  position_biased_input: boolean;
  pooler_hidden_act: string;
}
export function disentangledConfig(
  read: ConfigReader,
  defaults: Record<
    'vocab_size' | 'hidden_size' | 'num_hidden_layers' | 'num_attention_heads' | 'intermediate_size',
    number
  >,
): DisentangledConfig {
  const hidden_size = read.integer('hidden_size', defaults.hidden_size);
  const heads = read.integer('num_attention_heads', defaults.num_attention_heads);
  const headDim = read.integer('attention_head_size', Math.max(1, Math.floor(hidden_size / heads)));
  read.check(headDim * heads === hidden_size, `hidden_size ${hidden_size} is not ${heads} heads of ${headDim}`);
  const num_hidden_layers = read.layers('num_hidden_layers', defaults.num_hidden_layers);
  read.check(num_hidden_layers > 0, 'num_hidden_layers is 0');
  const pooled = read.integer('pooler_hidden_size', hidden_size);
  read.check(pooled === hidden_size, `pooler_hidden_size ${pooled} is not hidden_size ${hidden_size}`);
  const max_position_embeddings = read.integer('max_position_embeddings', 512);
  const reach = read.integer('max_relative_positions', -1, -1);
  const common = encoderHeadConfig(read, defaults.vocab_size);
  return {
    ...common,
    // The newer layout of the language model's head has no matrix of its own, whatever else is tied.
    tie_word_embeddings: common.tie_word_embeddings || !read.boolean('legacy', true),
    hidden_size,
    embedding_size: read.integer('embedding_size', hidden_size),
    intermediate_size: read.integer('intermediate_size', defaults.intermediate_size),
    hidden_act: read.activation('hidden_act', 'gelu'),
    layer_norm_eps: read.positive('layer_norm_eps', 1e-7),
    max_position_embeddings,
    type_vocab_size: read.integer('type_vocab_size', 0, 0),
    num_hidden_layers,
    num_attention_heads: heads,
    relative_attention: read.boolean('relative_attention', false),
    max_relative_positions: reach < 1 ? max_position_embeddings : reach,
    position_buckets: 0,
    pos_att_type: terms(read),
    position_biased_input: read.boolean('position_biased_input', true),
    pooler_hidden_act: read.activation('pooler_hidden_act', 'gelu'),
  };
}
/** A list, or a string with bars between. */
function terms(read: ConfigReader): DisentangledConfig['pos_att_type'] {
  const raw = read.raw('pos_att_type') ?? [];
  const list = typeof raw === 'string' ? raw.split('|').map(term => term.trim().toLowerCase()) : raw;
  const known = Array.isArray(list) && list.every(term => TERMS.includes(term)) && new Set(list).size === list.length;
  read.check(known, `pos_att_type ${JSON.stringify(raw).slice(0, 60)} is not a choice of ${TERMS.join(', ')}`);
  return known ? list : [];
}

// ---- parameters
const Embeddings = (c: DisentangledConfig, positions: boolean) => ({
  word_embeddings: Embedding(c.vocab_size, c.embedding_size),
  position_embeddings: positions
    ? Embedding(c.max_position_embeddings, c.position_biased_input ? c.embedding_size : c.hidden_size)
    : undefined,
  token_type_embeddings: c.type_vocab_size > 0 ? Embedding(c.type_vocab_size, c.embedding_size) : undefined,
  embed_proj: c.embedding_size === c.hidden_size ? undefined : Linear(c.embedding_size, c.hidden_size, { bias: false }),
  LayerNorm: LayerNorm(c.hidden_size),
});
const Predictions = (c: DisentangledConfig) => ({
  dense: Linear(c.hidden_size, c.embedding_size),
  LayerNorm: LayerNorm(c.embedding_size),
  decoder: OutputMatrix(c, c.embedding_size),
  bias: param([c.vocab_size], 'zeros'),
});
const ReplacedTokens = (c: DisentangledConfig) => ({
  dense: Linear(c.hidden_size, c.hidden_size),
  LayerNorm: LayerNorm(c.hidden_size),
  classifier: Linear(c.hidden_size, 1),
});
const Pooler = (c: DisentangledConfig) => ({ dense: Linear(c.hidden_size, c.hidden_size) });

/** What a generation's layers are made of. */
export interface Generation<C extends DisentangledConfig, A extends Spec, X extends Named> {
  name: string;
  config(read: ConfigReader): C;
  /** Parameters of a layer's attention, up to the output projection. */
  Attention(c: C): A;
  /** Parameters of the encoder beside its layers and its table of relative positions. */
  Extras(c: C): X;
  /** Queries from x `[B, T, C]`, keys and values from `context`, vectors of positions from `relative` `[n, C]`. */
  project(p: Params<A>, c: C, x: Tensor, context: Tensor, relative: Tensor | undefined): DisentangledHeads;
  /** What is done to the rows of the table of relative positions `[n, C]`, once for all layers. */
  prepare?(p: Params<X>, c: C, table: Tensor): Tensor;
  /** What is done to the output x of the first layer, `[B, T, C]`, from what that layer read. */
  refine?(p: Params<X>, c: C, x: Tensor, embedded: Tensor, mask: Tensor | undefined): Tensor;
}
interface Body<A, X> {
  readonly deberta: {
    readonly embeddings: Params<typeof Embeddings>;
    readonly encoder: {
      readonly layer: readonly Parameters<typeof encoderLayer<Params<A>>>[0][];
      readonly rel_embeddings?: { readonly weight: Tensor };
    } & Params<X>;
  };
}

// ---- computation: B rows, T tokens, C = hidden_size
/** x `[B, T, C]` with zeros at padding. */
export const withoutPadding = (x: Tensor, mask: Tensor | undefined): Tensor =>
  mask ? mask.reshape(mask.dim(0), mask.dim(1), 1).where(x, 0) : x;

/** `[B, T, C]`. Names `embed`, `pos_embed` and `type_embed`. */
function embedTokens(p: Params<typeof Embeddings>, c: DisentangledConfig, input: TokenInput): Tensor {
  let x = embedding(p.word_embeddings, input.ids).named('embed');
  if (c.position_biased_input) x = x.add(embedding(p.position_embeddings!, input.positions).named('pos_embed'));
  if (p.token_type_embeddings) {
    const types = input.types ?? Tensor.from(new Int32Array(1)); // there is one only
    x = x.add(embedding(p.token_type_embeddings, types).named('type_embed'));
  }
  if (p.embed_proj) x = linear(p.embed_proj, x);
  return withoutPadding(layerNorm(p.LayerNorm, x, c.layer_norm_eps), input.mask);
}

/** The encoder of a generation, as two ways from tokens to last hidden states `[B, T, C]`. */
function encoder<C extends DisentangledConfig, A extends Spec, X extends Named>(family: Generation<C, A, X>) {
  const begin = ({ embeddings, encoder }: Body<A, X>['deberta'], c: C, input: TokenInput) => {
    const { mask } = input;
    const embedded = embedTokens(embeddings, c, input);
    const { max_relative_positions: reach, position_buckets: buckets } = c;
    const bucket = (distance: number) => (buckets ? logBucket(distance, buckets, reach) : distance);
    const rows = c.relative_attention ? relativeRows(input.ids.dim(1), buckets || reach, bucket) : undefined;
    const table = rows && embedding(encoder.rel_embeddings!, rows.rows);
    const relative = table && (family.prepare?.(encoder, c, table) ?? table);
    const scale = 1 / Math.sqrt((c.hidden_size / c.num_attention_heads) * (1 + c.pos_att_type.length));
    /** One layer, which looks at `context` or at its own input. */
    const layer = (p: (typeof encoder.layer)[number], x: Tensor, context?: Tensor) =>
      encoderLayer(p, x, c, (self, x) =>
        disentangledAttention(family.project(self, c, x, context ?? x, relative), rows, { mask, scale }),
      );
    const through = (layers: typeof encoder.layer) =>
      throughLayers(layers, embedded, (p, x, i) => {
        const y = layer(p, x);
        return i === 0 && family.refine ? family.refine(encoder, c, y, embedded, mask) : y;
      });
    return { layer, through };
  };
  return {
    plain: ({ deberta }: Body<A, X>, c: C, input: TokenInput): Tensor =>
      begin(deberta, c, input).through(deberta.encoder.layer).named('ln_final'),
    /**
     * The last layer runs twice, as blocks L - 1 and L: its queries start from the states of the layer before with absolute
     * positions added, and both times it looks at those states without them.
     */
    enhanced({ deberta }: Body<A, X>, c: C, input: TokenInput): Tensor {
      const { layer, through } = begin(deberta, c, input);
      const before = deberta.encoder.layer.slice(0, -1);
      const last = deberta.encoder.layer.at(-1)!;
      const context = through(before);
      const start = context.add(positionsOf(deberta.embeddings.position_embeddings!, c, input));
      const again = (x: Tensor, i: number) => scope(`blocks.${before.length + i}`, () => layer(last, x, context));
      return [0, 1].reduce(again, start).named('ln_final');
    },
  };
}
/** `[B, T, C]`. @throws ConfigError for a position that the table does not have */
function positionsOf(table: { readonly weight: Tensor }, c: DisentangledConfig, input: TokenInput): Tensor {
  if (input.span > c.max_position_embeddings)
    throw new ConfigError('the enhanced mask decoder knows no positions so far out', {
      seen: `${input.span} tokens`,
      expected: `at most ${c.max_position_embeddings}`,
    });
  return embedding(table, input.positions).named('pos_embed');
}

/** Scores of all tokens, `[B, T, V]`. */
function predict<A, X>(own: Params<typeof Predictions>, { deberta }: Body<A, X>, c: DisentangledConfig, x: Tensor) {
  const output = { ...deberta.embeddings.word_embeddings, ...own.decoder, bias: own.bias };
  return tokenScores({ dense: own.dense, norm: own.LayerNorm, output }, x, c.hidden_act, c.layer_norm_eps);
}
/** How likely each token was replaced, `[B, T]`: every token is seen together with the first. */
function replaced(p: Params<typeof ReplacedTokens>, c: DisentangledConfig, x: Tensor, { mask }: TokenInput): Tensor {
  const [B, T, C] = x.shape as [number, number, number];
  const both = layerNorm(p.LayerNorm, x.add(clsPool(x, mask).reshape(B, 1, C)), c.layer_norm_eps);
  return linear(p.classifier, activation(c.hidden_act)(linear(p.dense, both))).reshape(B, T);
}

/** The architecture of a generation. */
export function disentangledEncoder<C extends DisentangledConfig, A extends Spec, X extends Named>(
  family: Generation<C, A, X>,
): Architecture<C> {
  const { plain, enhanced } = encoder(family);
  const declare = (positions: (c: C) => boolean) => (c: C) => ({
    deberta: {
      embeddings: Embeddings(c, positions(c)),
      encoder: {
        layer: repeat(c.num_hidden_layers, () => EncoderLayer(c, family.Attention(c))),
        rel_embeddings: c.relative_attention
          ? Embedding(2 * (c.position_buckets || c.max_relative_positions), c.hidden_size)
          : undefined,
        ...family.Extras(c),
      },
    },
  });
  const width = (c: C) => c.hidden_size;
  const typed = (hidden: typeof plain) => (p: unknown, c: C, input: TokenInput) => hidden(p as Body<A, X>, c, input);
  const body = { parameters: declare(c => c.position_biased_input), width, hidden: typed(plain) };
  const decoding = {
    parameters: declare(() => true),
    width,
    hidden: typed((p, c, input) => (c.position_biased_input ? plain : enhanced)(p, c, input)),
  };
  const languageModel = {
    parameters: (c: C) => ({ lm_predictions: { lm_head: Predictions(c) } }),
    logits: (p: { readonly lm_predictions: { readonly lm_head: Params<typeof Predictions> } }, c: C, x: Tensor) =>
      predict(p.lm_predictions.lm_head, p as unknown as Body<A, X>, c, x),
  };
  return {
    name: family.name,
    config: family.config,
    /** The head of the language model has two layouts; bare encoders have no prefix; a tied decoder is no parameter. */
    rename(key, c) {
      if (/position_ids$|predictions\.decoder\.bias$/.test(key)) return undefined;
      if (key === 'cls.predictions.decoder.weight' && c.tie_word_embeddings) return undefined;
      return key
        .replace(/^(embeddings|encoder)\./, 'deberta.$&')
        .replace(/^cls\.predictions\.(transform\.)?/, 'lm_predictions.lm_head.');
    },
    heads: {
      enhancedMaskedLM: maskedLMHead(decoding, languageModel),
      maskedLM: maskedLMHead(body, languageModel),
      replacedToken: replacedTokenHead(body, {
        parameters: c => ({ mask_predictions: ReplacedTokens(c) }),
        logits: (p, c, x, input) => replaced(p.mask_predictions, c, x, input),
      }),
      sequenceClassification: sequenceHead(body, {
        parameters: c => ({ pooler: Pooler(c), classifier: Linear(c.hidden_size, c.labels.length) }),
        logits: (p, c, x, { mask }) =>
          linear(p.classifier, activation(c.pooler_hidden_act)(linear(p.pooler.dense, clsPool(x, mask)))),
      }),
      tokenClassification: tokenHead(body),
      questionAnswering: questionHead(body),
      base: baseHead(body),
    },
    vocabSize: c => c.vocab_size,
    typeVocabSize: c => c.type_vocab_size,
    /** Without absolute positions there is no farthest one. */
    contextLength: c => (c.position_biased_input ? c.max_position_embeddings : undefined),
  };
}
