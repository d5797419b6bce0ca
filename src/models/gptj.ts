/**
 * GPT-J: decoder-only transformer in which attention and feed-forward layer read one norm side by side, and neighbouring
 * features of each head turn by position. Wang & Komatsuzaki 2021, "GPT-J-6B". Parameter names: the released checkpoint's.
 */
import { parallelBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { ProjectedAttention } from '../nn/projected-attention.ts';
import { type RopeConfig, type RopeTable, ropeTable } from '../nn/rope.ts';
import { rotaryAttention } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  n_positions: number;
  n_embd: number;
  n_layer: number;
  n_head: number;
  n_inner: number;
  /** `rotary_dim` features of each head turn. */
  rope: RopeConfig;
  activation_function: string;
  layer_norm_epsilon: number;
}
function config(read: ConfigReader): Config {
  const n_embd = read.integer('n_embd', 4096);
  const n_head = read.integer('n_head', 16);
  const rotary_dim = read.integer('rotary_dim', 64);
  read.check(read.raw('rotary_dim') !== null, 'rotary_dim is null: how many features of a head turn is not said');
  const n_positions = read.integer('n_positions', 2048);
  read.check(n_embd % n_head === 0, `n_embd ${n_embd} is not a multiple of n_head ${n_head}`);
  read.check(
    rotary_dim % 2 === 0 && rotary_dim <= n_embd / n_head,
    `rotary_dim ${rotary_dim} is not an even number up to the head width ${n_embd / n_head}`,
  );
  return {
    ...decoderHeadConfig(read, { vocab_size: 50400, tie_word_embeddings: false }),
    n_positions,
    n_embd,
    n_layer: read.layers('n_layer', 28),
    n_head,
    n_inner: read.integer('n_inner', 4 * n_embd),
    rope: { dim: rotary_dim, theta: 10000, maxPositions: n_positions, scaling: { rope_type: 'default' } },
    activation_function: read.activation('activation_function', 'gelu_new'),
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-5),
  };
}

// ---- parameters
const Mlp = (c: Config) => ({ fc_in: Linear(c.n_embd, c.n_inner), fc_out: Linear(c.n_inner, c.n_embd) });
const Block = (c: Config) => ({
  ln_1: LayerNorm(c.n_embd),
  attn: ProjectedAttention(c.n_embd, { bias: false }),
  mlp: Mlp(c),
});
export const GPTJ = (c: Config) => ({
  transformer: {
    wte: Embedding(c.vocab_size, c.n_embd),
    h: repeat(c.n_layer, () => Block(c)),
    ln_f: LayerNorm(c.n_embd),
  },
});

// ---- computation: B rows, T tokens, C = n_embd
function block(
  p: Params<typeof Block>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  layer: number,
): Tensor {
  const normed = layerNorm(p.ln_1, x, c.layer_norm_epsilon);
  const projections = { ...p.attn, o_proj: p.attn.out_proj };
  const heads = { heads: c.n_head, groups: c.n_head };
  return parallelBlock(
    x,
    () => rotaryAttention(projections, normed, heads, table, input, layer, { interleaved: true }),
    () => feedForward(p.mlp.fc_in, p.mlp.fc_out, normed, c.activation_function),
  );
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ transformer: model }: Params<typeof GPTJ>, c: Config, input: TokenInput): Tensor {
  const table = ropeTable(c.rope, input);
  const tokens = embedding(model.wte, input.ids).named('embed');
  const x = throughLayers(model.h, tokens, (p, x, i) => block(p, x, c, table, input, i));
  return layerNorm(model.ln_f, x, c.layer_norm_epsilon).named('ln_final');
}

export const gptJ: Architecture<Config> = {
  name: 'gptj',
  config,
  /** Masks are not parameters; a base model's file has no `transformer.` prefix; a tied head's matrix is a copy. */
  rename(key, c) {
    if (/\.attn\.(bias|masked_bias)$/.test(key) || (key === 'lm_head.weight' && c.tie_word_embeddings))
      return undefined;
    return /^(wte|h|ln_f)\./.test(key) ? `transformer.${key}` : key;
  },
  heads: decoderHeads({
    parameters: GPTJ,
    width: c => c.n_embd,
    hidden,
    embedding: p => p.transformer.wte,
    headBias: true,
  }),
  vocabSize: c => c.vocab_size,
  contextLength: c => c.n_positions,
  cache: c => ({ layers: c.n_layer, heads: c.n_head, headDim: c.n_embd / c.n_head }),
};
