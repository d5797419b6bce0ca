/**
 * XLNet: an encoder without absolute positions, whose scores come from content, from the distance in sines and cosines, and
 * from whether two tokens are of one segment. Yang et al. 2019, "XLNet: Generalized Autoregressive Pretraining for Language
 * Understanding", after Dai et al. 2019, "Transformer-XL". Here every token sees every token, as in fine-tuning: the second
 * stream, with which the model was trained to predict tokens in any order, and the memory of earlier stretches of a text are
 * left out. Parameter names: the published checkpoints', with matrices `[in, heads, head width]`.
 */

import { activation } from '../nn/activation.ts';
import { mergeHeads, splitHeads } from '../nn/attention.ts';
import { postNormBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat } from '../nn/params.ts';
import { clsPool, lastPool, meanPool } from '../nn/pooling.ts';
import { columnDistances, relativeShift } from '../nn/relative-shift.ts';
import { sinusoids } from '../nn/sinusoids.ts';
import { attention, Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  baseHead,
  type EncoderHeadConfig,
  encoderHeadConfig,
  maskedLMHead,
  OutputMatrix,
  questionHead,
  sequenceHead,
  tokenHead,
} from './encoder-heads.ts';

/** The state that stands for a text. */
const SUMMARIES = { last: lastPool, cls_index: lastPool, first: clsPool, mean: meanPool };
/** Segments A and B, the classification token, and padding in the two libraries' counts; they only differ or do not. */
const SEGMENTS = 5;

export interface Config extends EncoderHeadConfig {
  d_model: number;
  n_layer: number;
  n_head: number;
  d_inner: number;
  ff_activation: string;
  layer_norm_eps: number;
  /** `uni`: tokens see those before them only. */
  attn_type: 'bi' | 'uni';
  /** Distances farther than this count as this; -1 = none. */
  clamp_len: number;
  summary_type: keyof typeof SUMMARIES;
  summary_use_proj: boolean;
  summary_activation: string | undefined;
}
function config(read: ConfigReader): Config {
  const d_model = read.integer('d_model', 1024);
  const n_head = read.integer('n_head', 16);
  read.check(d_model % n_head === 0, `d_model ${d_model} is not a multiple of n_head ${n_head}`);
  read.check(d_model % 2 === 0, `d_model ${d_model} is odd: distances are pairs of sine and cosine`);
  const d_head = read.integer('d_head', Math.floor(d_model / n_head) || 1);
  read.check(d_head * n_head === d_model, `d_head ${d_head} is not d_model / n_head`);
  const attn_type = read.string('attn_type', 'bi');
  read.check(attn_type === 'bi' || attn_type === 'uni', `attn_type ${attn_type} is neither bi nor uni`);
  for (const field of attn_type === 'uni' ? ['bi_data', 'same_length'] : ['bi_data'])
    read.check(read.raw(field) !== true, `${field} is not supported`);
  const summary_type = read.string('summary_type', 'last');
  read.check(Object.hasOwn(SUMMARIES, summary_type), `summary_type is not one of ${Object.keys(SUMMARIES).join(', ')}`);
  const activated = read.has('summary_activation') || read.raw('summary_activation') === undefined;
  return {
    ...encoderHeadConfig(read, 32000),
    d_model,
    n_layer: read.layers('n_layer', 24),
    n_head,
    d_inner: read.integer('d_inner', 4096),
    ff_activation: read.activation('ff_activation', 'gelu'),
    layer_norm_eps: read.positive('layer_norm_eps', 1e-12),
    attn_type: attn_type as Config['attn_type'],
    clamp_len: read.integer('clamp_len', -1, -1),
    summary_type: summary_type as Config['summary_type'],
    summary_use_proj: read.boolean('summary_use_proj', true),
    summary_activation: activated ? read.activation('summary_activation', 'tanh') : undefined,
  };
}

// ---- parameters
function Attention({ d_model: C, n_head: H }: Config) {
  const Matrix = () => param([C, H, C / H], 'normal');
  const Bias = () => param([H, C / H], 'normal');
  return {
    q: Matrix(),
    k: Matrix(),
    v: Matrix(),
    o: Matrix(),
    r: Matrix(),
    r_w_bias: Bias(),
    r_r_bias: Bias(),
    r_s_bias: Bias(),
    seg_embed: param([2, H, C / H], 'normal'),
    layer_norm: LayerNorm(C),
  };
}
const FeedForward = (c: Config) => ({
  layer_1: Linear(c.d_model, c.d_inner),
  layer_2: Linear(c.d_inner, c.d_model),
  layer_norm: LayerNorm(c.d_model),
});
const Layer = (c: Config) => ({ rel_attn: Attention(c), ff: FeedForward(c) });
export const XLNet = (c: Config) => ({
  transformer: {
    word_embedding: Embedding(c.vocab_size, c.d_model),
    layer: repeat(c.n_layer, () => Layer(c)),
  },
});
const Summary = (c: Config) => ({ summary: c.summary_use_proj ? Linear(c.d_model, c.d_model) : undefined });

// ---- computation: B rows, T tokens, C = d_model, H heads of width D
/** What all layers of a pass read. */
interface Relations {
  /** `[2T, C]`: the distance of each column of `relativeShift`, as sines and cosines. */
  readonly distances: Tensor;
  /** bool `[B, 1, T, T]`: two tokens are of one segment. */
  readonly sameSegment: Tensor;
  readonly mask: Tensor | undefined;
}
function relations(c: Config, { ids, types, mask }: TokenInput): Relations {
  const [B, T] = ids.shape as [number, number];
  const C = c.d_model;
  const farthest = c.clamp_len > 0 ? Math.min(c.clamp_len, T) : T;
  const table = sinusoids(farthest + 1, C, { layout: 'halves' });
  const distances = new Float32Array(2 * T * C);
  columnDistances(T).forEach((distance, column) => {
    const row = C * Math.min(Math.abs(distance), farthest);
    const to = distances.subarray(column * C, (column + 1) * C);
    to.set(table.subarray(row, row + C));
    if (distance < 0) for (let i = 0; i < C / 2; i++) to[i]! *= -1;
  });
  const segment = types ?? Tensor.full([B, T], 0, 'i32');
  const sameSegment = segment.reshape(B, 1, T, 1).equal(segment.reshape(B, 1, 1, T));
  return { distances: Tensor.from(distances, [2 * T, C]), sameSegment, mask };
}

function attend(
  p: Params<typeof Attention>,
  x: Tensor,
  c: Config,
  { distances, sameSegment, mask }: Relations,
): Tensor {
  const [C, H, D] = p.q.shape as [number, number, number];
  const scale = 1 / Math.sqrt(D);
  const project = (x: Tensor, matrix: Tensor) => x.matmul(matrix.reshape(C, H * D));
  const [q, k, v] = [p.q, p.k, p.v].map(w => splitHeads(project(x, w), H)) as [Tensor, Tensor, Tensor];
  q.named('q');
  const asking = (bias: Tensor) => q.add(bias.reshape(H, 1, D));
  // [H, D, n] of [n, H, D], what queries are multiplied by.
  const answers = (vectors: Tensor) => vectors.mul(scale).permute(1, 2, 0);
  const byDistance = asking(p.r_r_bias).matmul(answers(project(distances, p.r).reshape(-1, H, D)));
  const [same, other] = asking(p.r_s_bias).matmul(answers(p.seg_embed)).split(2) as [Tensor, Tensor]; // [B, H, T, 1]
  const bias = relativeShift(byDistance).add(sameSegment.where(same, other));
  const causal = c.attn_type === 'uni';
  const z = attention(asking(p.r_w_bias), k.named('k'), v.named('v'), { scale, bias, mask, causal });
  return linear({ weight: p.o.reshape(C, H * D) }, mergeHeads(z)).named('out');
}
function layer({ rel_attn, ff }: Params<typeof Layer>, x: Tensor, c: Config, seen: Relations): Tensor {
  return postNormBlock(
    x,
    x => attend(rel_attn, x, c, seen),
    x => feedForward(ff.layer_1, ff.layer_2, x, c.ff_activation),
    {
      mid: x => layerNorm(rel_attn.layer_norm, x, c.layer_norm_eps),
      post: x => layerNorm(ff.layer_norm, x, c.layer_norm_eps),
    },
  );
}
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
function hidden({ transformer }: Params<typeof XLNet>, c: Config, input: TokenInput): Tensor {
  const seen = relations(c, input);
  const x = embedding(transformer.word_embedding, input.ids).named('embed');
  return throughLayers(transformer.layer, x, (p, x) => layer(p, x, c, seen)).named('ln_final');
}
/** One vector for the text, `[B, C]`. */
function summarize(p: Params<typeof Summary>, c: Config, x: Tensor, { mask }: TokenInput): Tensor {
  const state = SUMMARIES[c.summary_type](x, mask);
  const projected = p.summary ? linear(p.summary, state) : state;
  return c.summary_activation ? activation(c.summary_activation)(projected) : projected;
}

const body = { parameters: XLNet, width: (c: Config) => c.d_model, hidden };
export const xlnet: Architecture<Config> = {
  name: 'xlnet',
  config,
  /** Bare encoders have no prefix; what the second stream starts from and a tied head's copy are not parameters. */
  rename(key, c) {
    const name = key.replace(/^(word_embedding|layer|mask_emb)\b/, 'transformer.$&');
    if (name === 'transformer.mask_emb' || (name === 'lm_loss.weight' && c.tie_word_embeddings)) return undefined;
    return name;
  },
  heads: {
    maskedLM: maskedLMHead(body, {
      parameters: c => ({ lm_loss: { ...OutputMatrix(c, c.d_model), bias: param([c.vocab_size], 'zeros') } }),
      logits: (p, _, x) => linear({ ...p.transformer.word_embedding, ...p.lm_loss }, x),
    }),
    sequenceClassification: sequenceHead(body, {
      parameters: c => ({ sequence_summary: Summary(c), logits_proj: Linear(c.d_model, c.labels.length) }),
      logits: (p, c, x, input) => linear(p.logits_proj, summarize(p.sequence_summary, c, x, input)),
    }),
    tokenClassification: tokenHead(body),
    questionAnswering: questionHead(body),
    base: baseHead(body),
  },
  vocabSize: c => c.vocab_size,
  typeVocabSize: () => SEGMENTS,
  contextLength: () => undefined,
};
