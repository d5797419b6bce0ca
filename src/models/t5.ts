/**
 * T5: encoder-decoder that turns text into text. Raffel et al. 2019, "Exploring the Limits of Transfer Learning with a
 * Unified Text-to-Text Transformer"; with gated feed-forward layers and an output matrix of its own T5 1.1, Flan-T5 (Chung et
 * al. 2022) and UL2 (Tay et al. 2022). Positions are known by a bias on the scores only, by buckets of relative distances:
 * the first layer's table serves all layers of its side, and cross-attention has none. Nothing has an additive bias, norms do
 * not centre, and scores are not scaled. UMT5 (Chung et al. 2023) gives every layer a table of its own. Parameter names: the
 * published checkpoints'.
 */
import { ACTIVATION_NAMES } from '../nn/activation.ts';
import type { Memory } from '../nn/attention.ts';
import { residualBlock, throughLayers } from '../nn/block.ts';
import { crossAttention, crossBlock, projectSource, throughSource } from '../nn/cross-attention.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { gatedMlp } from '../nn/gated-mlp.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { projectedAttention } from '../nn/projected-attention.ts';
import { relativeBiases } from '../nn/relative-attention.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import type { Architecture, Source, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { baseHead, questionHead, tokenHead } from './encoder-heads.ts';
import { overDecoder, seq2seqLMHead, sourceClassHead } from './seq2seq-heads.ts';

export interface Config {
  vocab_size: number;
  d_model: number;
  /** Width of a head; all heads together need not be as wide as the model. */
  d_kv: number;
  d_ff: number;
  num_layers: number;
  num_decoder_layers: number;
  num_heads: number;
  relative_attention_num_buckets: number;
  relative_attention_max_distance: number;
  /** Activation of the feed-forward layers, and whether it gates. */
  dense_act_fn: string;
  is_gated_act: boolean;
  layer_norm_epsilon: number;
  /** Factor of the first values of all matrices. */
  initializer_factor: number;
  tie_word_embeddings: boolean;
  pad_token_id: number;
  eos_token_id: number;
  decoder_start_token_id: number;
  labels: string[];
}
/** What a config means that leaves a field out. */
type Defaults = Pick<Config, 'vocab_size' | 'd_ff' | 'num_layers' | 'num_heads'> & { feed_forward_proj: string };

function config(read: ConfigReader, defaults: Defaults): Config {
  const num_layers = read.layers('num_layers', defaults.num_layers);
  const buckets = read.integer('relative_attention_num_buckets', 32, 4);
  const farthest = read.integer('relative_attention_max_distance', 128);
  read.check(
    farthest > buckets / 2,
    `relative_attention_max_distance ${farthest} is within the ${buckets / 2} distances that have a bucket each`,
  );
  // The fields for the activation and the gate that some files hold too follow from this one.
  const [, gate, name = ''] = /^(gated-)?(.*)$/.exec(read.string('feed_forward_proj', defaults.feed_forward_proj))!;
  const dense_act_fn = gate && name === 'gelu' ? 'gelu_new' : name;
  read.check(
    ACTIVATION_NAMES.includes(dense_act_fn),
    `feed_forward_proj is none of ${ACTIVATION_NAMES.join(', ')}, with or without gated-`,
  );
  return {
    vocab_size: read.integer('vocab_size', defaults.vocab_size),
    d_model: read.integer('d_model', 512),
    d_kv: read.integer('d_kv', 64),
    d_ff: read.integer('d_ff', defaults.d_ff),
    num_layers,
    num_decoder_layers: read.layers('num_decoder_layers', num_layers),
    num_heads: read.integer('num_heads', defaults.num_heads),
    relative_attention_num_buckets: buckets,
    relative_attention_max_distance: farthest,
    dense_act_fn,
    is_gated_act: gate !== undefined,
    initializer_factor: read.positive('initializer_factor', 1),
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-6),
    tie_word_embeddings: read.boolean('tie_word_embeddings', true),
    pad_token_id: read.integer('pad_token_id', 0, 0),
    eos_token_id: read.integer('eos_token_id', 1, 0),
    decoder_start_token_id: read.integer('decoder_start_token_id', 0, 0),
    labels: read.labels(),
  };
}

// ---- parameters
/** Layers that have a table of distances. */
type HasTable = (layer: number) => boolean;

const Projection = (nIn: number, nOut: number) => Linear(nIn, nOut, { bias: false });
const Attention = (c: Config) => ({
  q: Projection(c.d_model, c.num_heads * c.d_kv),
  k: Projection(c.d_model, c.num_heads * c.d_kv),
  v: Projection(c.d_model, c.num_heads * c.d_kv),
  o: Projection(c.num_heads * c.d_kv, c.d_model),
});
const SelfAttention = (c: Config, hasTable: boolean) => ({
  ...Attention(c),
  relative_attention_bias: hasTable ? Embedding(c.relative_attention_num_buckets, c.num_heads) : undefined,
});
const FeedForward = (c: Config) => {
  const up = Projection(c.d_model, c.d_ff);
  return {
    ...(c.is_gated_act ? { wi: undefined, wi_0: up, wi_1: up } : { wi: up, wi_0: undefined, wi_1: undefined }),
    wo: Projection(c.d_ff, c.d_model),
  };
};
const EncoderLayer = (c: Config, hasTable: boolean) => ({
  layer: {
    0: { SelfAttention: SelfAttention(c, hasTable), layer_norm: RmsNorm(c.d_model) },
    1: { DenseReluDense: FeedForward(c), layer_norm: RmsNorm(c.d_model) },
  },
});
const DecoderLayer = (c: Config, hasTable: boolean) => ({
  layer: {
    0: { SelfAttention: SelfAttention(c, hasTable), layer_norm: RmsNorm(c.d_model) },
    1: { EncDecAttention: Attention(c), layer_norm: RmsNorm(c.d_model) },
    2: { DenseReluDense: FeedForward(c), layer_norm: RmsNorm(c.d_model) },
  },
});
const Encoder = (c: Config, hasTable: HasTable) => ({
  shared: Embedding(c.vocab_size, c.d_model),
  encoder: {
    block: repeat(c.num_layers, i => EncoderLayer(c, hasTable(i))),
    final_layer_norm: RmsNorm(c.d_model),
  },
});
export const T5 = (c: Config, hasTable: HasTable) => ({
  ...Encoder(c, hasTable),
  decoder: {
    block: repeat(c.num_decoder_layers, i => DecoderLayer(c, hasTable(i))),
    final_layer_norm: RmsNorm(c.d_model),
  },
});
const Output = (c: Config) => ({
  lm_head: c.tie_word_embeddings ? undefined : Projection(c.d_model, c.vocab_size),
});

// ---- computation: B rows, T tokens, C = d_model
const norm = (p: Params<typeof RmsNorm>, x: Tensor, c: Config) => rmsNorm(p, x, c.layer_norm_epsilon);
interface Look {
  /** Back only. */
  readonly causal: boolean;
  readonly bias: Tensor;
}
function attend(p: Params<typeof Attention>, x: Tensor, c: Config, memory: Memory, i: number, look: Look): Tensor {
  const names = { q_proj: p.q, k_proj: p.k, v_proj: p.v, out_proj: p.o };
  return projectedAttention(names, x, c.num_heads, memory, i, { ...look, scale: 1 });
}
function mlp(p: Params<typeof FeedForward>, x: Tensor, c: Config): Tensor {
  const { wi, wi_0, wi_1, wo } = p;
  return wi_0 && wi_1
    ? gatedMlp({ gate_proj: wi_0, up_proj: wi_1, down_proj: wo }, x, c.dense_act_fn)
    : feedForward(wi!, wo, x, c.dense_act_fn);
}
function encoderLayer(p: Params<typeof EncoderLayer>, x: Tensor, c: Config, memory: Memory, i: number, bias: Tensor) {
  const { 0: self, 1: forward } = p.layer;
  return residualBlock(
    x,
    x => attend(self.SelfAttention, norm(self.layer_norm, x, c), c, memory, i, { causal: false, bias }),
    x => mlp(forward.DenseReluDense, norm(forward.layer_norm, x, c), c),
  );
}
function decoderLayer(
  p: Params<typeof DecoderLayer>,
  x: Tensor,
  c: Config,
  input: TokenInput,
  i: number,
  bias: Tensor,
) {
  const { 0: self, 1: cross, 2: forward } = p.layer;
  const { q, o: out } = cross.EncDecAttention;
  return crossBlock(x, {
    attend: x => attend(self.SelfAttention, norm(self.layer_norm, x, c), c, input, i, { causal: true, bias }),
    cross: x => crossAttention({ q, out }, norm(cross.layer_norm, x, c), c.num_heads, input.source, i, { scale: 1 }),
    mlp: x => mlp(forward.DenseReluDense, norm(forward.layer_norm, x, c), c),
  });
}
/** What distances add to the scores of each layer; the tokens of the decoder look back, those of the encoder both ways. */
function biasesOf({ block }: Stack, c: Config, { ids, cache }: TokenInput, bidirectional: boolean): Tensor[] {
  const tables = block.map(({ layer }) => layer[0].SelfAttention.relative_attention_bias);
  const { relative_attention_num_buckets: buckets, relative_attention_max_distance: maxDistance } = c;
  return relativeBiases(tables, ids.dim(1), cache, { bidirectional, buckets, maxDistance });
}
type Stack = Params<typeof Encoder>['encoder'] | Params<typeof T5>['decoder'];

/** The encoder's last hidden states `[B, S, C]`, after its final norm. */
function encoder({ shared, encoder: p }: Params<typeof Encoder>, c: Config, input: TokenInput): Tensor {
  const biases = biasesOf(p, c, input, true);
  return scope('encoder', () => {
    const embed = embedding(shared, input.ids).named('embed');
    const x = throughLayers(p.block, embed, (layer, x, i) => encoderLayer(layer, x, c, input, i, biases[i]!));
    return norm(p.final_layer_norm, x, c).named('ln_final');
  });
}
function encode(p: Params<typeof T5>, c: Config, input: TokenInput): Source {
  const states = encoder(p, c, input);
  const layers = throughSource(p.decoder.block, ({ layer }) =>
    projectSource(layer[1].EncDecAttention, states, c.num_heads),
  );
  return { states, mask: input.mask, layers, ids: input.ids };
}
/** The decoder's last hidden states `[B, T, C]`, after its final norm. */
function decoder({ shared, decoder: p }: Params<typeof T5>, c: Config, input: TokenInput): Tensor {
  const biases = biasesOf(p, c, input, false);
  return scope('decoder', () => {
    const embed = embedding(shared, input.ids).named('embed');
    const x = throughLayers(p.block, embed, (layer, x, i) => decoderLayer(layer, x, c, input, i, biases[i]!));
    return norm(p.final_layer_norm, x, c).named('ln_final');
  });
}

/** In a table that tokens are read from the entries are about sqrt(d_model) times as large as in an output matrix. */
const logits = (p: Params<typeof T5> & Params<typeof Output>, c: Config, x: Tensor): Tensor =>
  p.lm_head ? linear(p.lm_head, x) : linear(p.shared, x.mul(c.d_model ** -0.5));

/** Copies of the embedding under other names are the table itself; a bias of cross-attention was never used. */
function rename(key: string, c: Config): string | undefined {
  const name = key.replace(/^transformer\./, '');
  if (name === 'lm_head.weight' && c.tie_word_embeddings) return undefined;
  if (name.endsWith('EncDecAttention.relative_attention_bias.weight')) return undefined;
  return /^(encoder|decoder)\.embed_tokens\.weight$/.test(name) ? 'shared.weight' : name;
}

/** So that scores without a scale begin as if they had one, and every layer's output as large as its input. */
function deviation(name: string, c: Config): number | undefined {
  const inner = c.num_heads * c.d_kv;
  const part = /\.(q|k|v|o|relative_attention_bias|wi|wi_0|wi_1|wo)\.weight$/.exec(name)?.[1];
  const size = { q: c.d_model * c.d_kv, o: inner, wo: c.d_ff }[part ?? ''] ?? c.d_model;
  if (part) return c.initializer_factor / Math.sqrt(size);
  return /^(shared|lm_head)\./.test(name) ? c.initializer_factor : undefined;
}

function textToText(name: string, defaults: Defaults, hasTable: HasTable): Architecture<Config> {
  const width = (c: Config) => c.d_model;
  const body = { parameters: (c: Config) => T5(c, hasTable), width, encode, hidden: decoder };
  const encoderBody = { parameters: (c: Config) => Encoder(c, hasTable), width, hidden: encoder };
  return {
    name,
    config: read => config(read, defaults),
    rename,
    heads: {
      seq2seqLM: seq2seqLMHead(body, { parameters: Output, logits }),
      sequenceClassification: sourceClassHead(body),
      tokenClassification: tokenHead(encoderBody),
      questionAnswering: overDecoder(body, questionHead(body)),
      base: baseHead(encoderBody),
    },
    vocabSize: c => c.vocab_size,
    /** Distances have no end. */
    contextLength: () => undefined,
    deviation,
    cache: c => ({ layers: c.num_decoder_layers, heads: c.num_heads, headDim: c.d_kv }),
  };
}

export const t5 = textToText(
  't5',
  { vocab_size: 32128, d_ff: 2048, num_layers: 6, num_heads: 8, feed_forward_proj: 'relu' },
  layer => layer === 0,
);
export const umt5 = textToText(
  'umt5',
  { vocab_size: 250112, d_ff: 1024, num_layers: 8, num_heads: 6, feed_forward_proj: 'gated-gelu' },
  () => true,
);
