/**
 * GPT-2: decoder-only transformer, learned positions, layer norm before each sub-layer. Radford et al. 2019, "Language
 * Models are Unsupervised Multitask Learners". Parameter names: the released checkpoint's, which stores its matrices as
 * [in, out].
 */
import { activation } from '../nn/activation.ts';
import { mergeHeads, selfAttention, splitHeads } from '../nn/attention.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  n_positions: number;
  n_embd: number;
  n_layer: number;
  n_head: number;
  n_inner: number;
  activation_function: string;
  layer_norm_epsilon: number;
  scale_attn_weights: boolean;
  scale_attn_by_inverse_layer_idx: boolean;
}
function config(read: ConfigReader): Config {
  const n_embd = read.integer('n_embd', 768);
  const n_head = read.integer('n_head', 12);
  read.check(n_embd % n_head === 0, `n_embd ${n_embd} is not a multiple of n_head ${n_head}`);
  read.check(read.raw('add_cross_attention') !== true, 'add_cross_attention is not supported');
  return {
    ...decoderHeadConfig(read, { vocab_size: 50257, tie_word_embeddings: true }),
    n_positions: read.integer('n_positions', 1024),
    n_embd,
    n_layer: read.layers('n_layer', 12),
    n_head,
    n_inner: read.integer('n_inner', 4 * n_embd),
    activation_function: read.activation('activation_function', 'gelu_new'),
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-5),
    scale_attn_weights: read.boolean('scale_attn_weights', true),
    scale_attn_by_inverse_layer_idx: read.boolean('scale_attn_by_inverse_layer_idx', false),
  };
}

// ---- parameters
const Conv1D = (nIn: number, nOut: number) => Linear(nIn, nOut, { transposed: true });
const Attention = (c: Config) => ({ c_attn: Conv1D(c.n_embd, 3 * c.n_embd), c_proj: Conv1D(c.n_embd, c.n_embd) });
const Mlp = (c: Config) => ({ c_fc: Conv1D(c.n_embd, c.n_inner), c_proj: Conv1D(c.n_inner, c.n_embd) });
const Block = (c: Config) => ({
  ln_1: LayerNorm(c.n_embd),
  attn: Attention(c),
  ln_2: LayerNorm(c.n_embd),
  mlp: Mlp(c),
});
export const GPT2 = (c: Config) => ({
  wte: Embedding(c.vocab_size, c.n_embd),
  wpe: Embedding(c.n_positions, c.n_embd),
  h: repeat(c.n_layer, () => Block(c)),
  ln_f: LayerNorm(c.n_embd),
});

// ---- computation: B rows, T tokens, C = n_embd
function attend(p: Params<typeof Attention>, x: Tensor, c: Config, input: TokenInput, layer: number): Tensor {
  const [q, k, v] = linear(p.c_attn, x)
    .split(3)
    .map(t => splitHeads(t, c.n_head)) as [Tensor, Tensor, Tensor];
  const scale =
    (c.scale_attn_weights ? Math.sqrt(c.n_head / c.n_embd) : 1) / (c.scale_attn_by_inverse_layer_idx ? layer + 1 : 1);
  const z = selfAttention(q.named('q'), k.named('k'), v.named('v'), input, layer, { causal: true, scale });
  return linear(p.c_proj, mergeHeads(z)).named('out');
}
function mlp(p: Params<typeof Mlp>, x: Tensor, c: Config): Tensor {
  const act = activation(c.activation_function)(linear(p.c_fc, x).named('pre')).named('act');
  return linear(p.c_proj, act).named('out');
}
function block(p: Params<typeof Block>, x: Tensor, c: Config, input: TokenInput, layer: number): Tensor {
  const eps = c.layer_norm_epsilon;
  x = x.named('resid_pre');
  x = x.add(scope('attn', () => attend(p.attn, layerNorm(p.ln_1, x, eps), c, input, layer))).named('resid_mid');
  return x.add(scope('mlp', () => mlp(p.mlp, layerNorm(p.ln_2, x, eps), c))).named('resid_post');
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden(p: Params<typeof GPT2>, c: Config, input: TokenInput): Tensor {
  let x = embedding(p.wte, input.ids).named('embed').add(embedding(p.wpe, input.positions).named('pos_embed'));
  p.h.forEach((layer, i) => {
    x = scope(`blocks.${i}`, () => block(layer, x, c, input, i));
  });
  return layerNorm(p.ln_f, x, c.layer_norm_epsilon).named('ln_final');
}

export const gpt2: Architecture<Config> = {
  name: 'gpt2',
  config,
  /** Published files have no prefix, fine-tuned ones have; mask buffers and a tied head's copy are not parameters. */
  rename(key, c) {
    const name = key.replace(/^transformer\./, '');
    if (/\.attn\.(bias|masked_bias)$/.test(name) || (name === 'lm_head.weight' && c.tie_word_embeddings))
      return undefined;
    return name;
  },
  heads: decoderHeads({ parameters: GPT2, width: c => c.n_embd, hidden, embedding: p => p.wte }),
  vocabSize: c => c.vocab_size,
  contextLength: c => c.n_positions,
  /** What is added to the residual stream is smaller, so that its size does not depend on the depth. */
  deviation: (name, c, range) => (name.endsWith('.c_proj.weight') ? range / Math.sqrt(2 * c.n_layer) : undefined),
  cache: c => ({ layers: c.n_layer, heads: c.n_head, headDim: c.n_embd / c.n_head }),
};
