/**
 * GPT, the first: decoder-only transformer, learned positions, layer norm after each sub-layer and none at the end. Radford
 * et al. 2018, "Improving Language Understanding by Generative Pre-Training". Parameter names: the released checkpoint's,
 * which stores its matrices as [in, out]. The reference runs it without a cache, here it has one.
 */
import { mergeHeads, selfAttention, splitHeads } from '../nn/attention.ts';
import { postNormBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  n_positions: number;
  n_embd: number;
  n_layer: number;
  n_head: number;
  /** What this family calls gelu is the tanh form. */
  afn: string;
  layer_norm_epsilon: number;
}
function config(read: ConfigReader): Config {
  const n_embd = read.integer('n_embd', 768);
  const n_head = read.integer('n_head', 12);
  read.check(n_embd % n_head === 0, `n_embd ${n_embd} is not a multiple of n_head ${n_head}`);
  return {
    ...decoderHeadConfig(read, { vocab_size: 40478, tie_word_embeddings: true }),
    n_positions: read.integer('n_positions', 512),
    n_embd,
    n_layer: read.layers('n_layer', 12),
    n_head,
    afn: read.activation('afn', 'gelu'),
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-5),
  };
}

// ---- parameters
const Conv1D = (nIn: number, nOut: number) => Linear(nIn, nOut, { transposed: true });
const Attention = (c: Config) => ({ c_attn: Conv1D(c.n_embd, 3 * c.n_embd), c_proj: Conv1D(c.n_embd, c.n_embd) });
const Mlp = (c: Config) => ({ c_fc: Conv1D(c.n_embd, 4 * c.n_embd), c_proj: Conv1D(4 * c.n_embd, c.n_embd) });
const Block = (c: Config) => ({
  attn: Attention(c),
  ln_1: LayerNorm(c.n_embd),
  mlp: Mlp(c),
  ln_2: LayerNorm(c.n_embd),
});
export const OpenAIGPT = (c: Config) => ({
  tokens_embed: Embedding(c.vocab_size, c.n_embd),
  positions_embed: Embedding(c.n_positions, c.n_embd),
  h: repeat(c.n_layer, () => Block(c)),
});

// ---- computation: B rows, T tokens, C = n_embd
function attend(p: Params<typeof Attention>, x: Tensor, c: Config, input: TokenInput, layer: number): Tensor {
  const [q, k, v] = linear(p.c_attn, x)
    .split(3)
    .map(t => splitHeads(t, c.n_head)) as [Tensor, Tensor, Tensor];
  const z = selfAttention(q.named('q'), k.named('k'), v.named('v'), input, layer, { causal: true });
  return linear(p.c_proj, mergeHeads(z)).named('out');
}
function layer(p: Params<typeof Block>, stream: Tensor, c: Config, input: TokenInput, i: number): Tensor {
  return postNormBlock(
    stream,
    x => attend(p.attn, x, c, input, i),
    x => feedForward(p.mlp.c_fc, p.mlp.c_proj, x, c.afn === 'gelu' ? 'gelu_new' : c.afn),
    {
      mid: x => layerNorm(p.ln_1, x, c.layer_norm_epsilon),
      post: x => layerNorm(p.ln_2, x, c.layer_norm_epsilon),
    },
  );
}
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
function hidden(p: Params<typeof OpenAIGPT>, c: Config, input: TokenInput): Tensor {
  const tokens = embedding(p.tokens_embed, input.ids).named('embed');
  const embed = tokens.add(embedding(p.positions_embed, input.positions).named('pos_embed'));
  return throughLayers(p.h, embed, (params, x, i) => layer(params, x, c, input, i)).named('ln_final');
}

export const openaiGpt: Architecture<Config> = {
  name: 'openai-gpt',
  config,
  /** The released file has no prefix; mask and position buffers and a tied head's copy are not parameters. */
  rename(key, c) {
    const name = key.replace(/^transformer\./, '');
    if (/\.attn\.bias$|^position_ids$/.test(name) || (name === 'lm_head.weight' && c.tie_word_embeddings))
      return undefined;
    return name;
  },
  heads: decoderHeads({ parameters: OpenAIGPT, width: c => c.n_embd, hidden, embedding: p => p.tokens_embed }),
  vocabSize: c => c.vocab_size,
  contextLength: c => c.n_positions,
  cache: c => ({ layers: c.n_layer, heads: c.n_head, headDim: c.n_embd / c.n_head }),
};
