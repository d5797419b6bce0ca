/**
 * GPT-Neo: the open counterpart of GPT-3. GPT-2's block, but layers alternate between full and windowed attention, and
 * scores are not divided by the root of the head width. Black et al. 2021, "GPT-Neo"; Brown et al. 2020, "Language Models
 * are Few-Shot Learners"; Child et al. 2019 (banded attention). Parameter names: the published checkpoints'.
 */
import { residualBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Embedding, embedding, Linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { ProjectedAttention, projectedAttention } from '../nn/projected-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  max_position_embeddings: number;
  hidden_size: number;
  num_layers: number;
  num_heads: number;
  intermediate_size: number;
  /** What each layer sees: all tokens before, or the last `window_size`, its own included. */
  attention_layers: ('global' | 'local')[];
  window_size: number;
  activation_function: string;
  layer_norm_epsilon: number;
  /** Biases of queries, keys and values: GPT-3 has them, the published GPT-Neo checkpoints do not. */
  attention_bias: boolean;
  /** Scores are divided by the root of the head width: as above. */
  scale_attn_weights: boolean;
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 2048);
  const num_layers = read.layers('num_layers', 24);
  const num_heads = read.integer('num_heads', 16);
  read.check(hidden_size % num_heads === 0, `hidden_size ${hidden_size} is not a multiple of num_heads ${num_heads}`);
  return {
    ...decoderHeadConfig(read, { vocab_size: 50257, tie_word_embeddings: true }),
    max_position_embeddings: read.integer('max_position_embeddings', 2048),
    hidden_size,
    num_layers,
    num_heads,
    intermediate_size: read.integer('intermediate_size', 4 * hidden_size),
    attention_layers: attentionLayers(read, num_layers),
    window_size: read.integer('window_size', 256),
    activation_function: read.activation('activation_function', 'gelu_new'),
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-5),
    attention_bias: read.boolean('attention_bias', false),
    scale_attn_weights: read.boolean('scale_attn_weights', false),
  };
}
/** `attention_layers`, or what its short form stands for: `[[["global", "local"], 12]]` is 12 times these two. */
function attentionLayers(read: ConfigReader, layers: number): Config['attention_layers'] {
  const groups = read.has('attention_layers')
    ? [[read.raw('attention_layers'), 1]]
    : (read.raw('attention_types') ?? [[['global', 'local'], 12]]);
  const isKinds = (x: unknown) => Array.isArray(x) && x.length > 0 && x.every(k => k === 'global' || k === 'local');
  const isGroup = (x: unknown) => Array.isArray(x) && isKinds(x[0]) && Number.isSafeInteger(x[1]);
  const fits = Array.isArray(groups) && groups.every(isGroup);
  read.check(fits, 'attention_types is not a list of pairs like [["global", "local"], 12]');
  const kinds: Config['attention_layers'] = [];
  for (const [group, times] of fits ? (groups as [Config['attention_layers'], number][]) : [])
    for (let i = 0; i < times && kinds.length <= layers; i++) for (const kind of group) kinds.push(kind);
  read.check(!fits || kinds.length === layers, `attention_types do not name the kinds of ${layers} layers`);
  return kinds;
}

// ---- parameters
const Attention = (c: Config) => ({
  attention: ProjectedAttention(c.hidden_size, { bias: c.attention_bias, outBias: true }),
});
const Mlp = (c: Config) => ({
  c_fc: Linear(c.hidden_size, c.intermediate_size),
  c_proj: Linear(c.intermediate_size, c.hidden_size),
});
const Block = (c: Config) => ({
  ln_1: LayerNorm(c.hidden_size),
  attn: Attention(c),
  ln_2: LayerNorm(c.hidden_size),
  mlp: Mlp(c),
});
export const GPTNeo = (c: Config) => ({
  wte: Embedding(c.vocab_size, c.hidden_size),
  wpe: Embedding(c.max_position_embeddings, c.hidden_size),
  h: repeat(c.num_layers, () => Block(c)),
  ln_f: LayerNorm(c.hidden_size),
});

// ---- computation: B rows, T tokens, C = hidden_size
function layer(p: Params<typeof Block>, stream: Tensor, c: Config, input: TokenInput, i: number): Tensor {
  const eps = c.layer_norm_epsilon;
  const options = {
    scale: c.scale_attn_weights ? Math.sqrt(c.num_heads / c.hidden_size) : 1,
    window: c.attention_layers[i] === 'local' ? c.window_size : 0,
  };
  return residualBlock(
    stream,
    x => projectedAttention(p.attn.attention, layerNorm(p.ln_1, x, eps), c.num_heads, input, i, options),
    x => feedForward(p.mlp.c_fc, p.mlp.c_proj, layerNorm(p.ln_2, x, eps), c.activation_function),
  );
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden(p: Params<typeof GPTNeo>, c: Config, input: TokenInput): Tensor {
  const tokens = embedding(p.wte, input.ids).named('embed');
  const embed = tokens.add(embedding(p.wpe, input.positions).named('pos_embed'));
  const x = throughLayers(p.h, embed, (params, x, i) => layer(params, x, c, input, i));
  return layerNorm(p.ln_f, x, c.layer_norm_epsilon).named('ln_final');
}

export const gptNeo: Architecture<Config> = {
  name: 'gpt_neo',
  config,
  /** A base model's file has no prefix; mask buffers and a tied head's copy are not parameters. */
  rename(key, c) {
    const name = key.replace(/^transformer\./, '');
    if (/\.attn\.attention\.(bias|masked_bias)$/.test(name) || (name === 'lm_head.weight' && c.tie_word_embeddings))
      return undefined;
    return name;
  },
  heads: decoderHeads({ parameters: GPTNeo, width: c => c.hidden_size, hidden, embedding: p => p.wte }),
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_position_embeddings,
  cache: c => ({ layers: c.num_layers, heads: c.num_heads, headDim: c.hidden_size / c.num_heads }),
};

const gpt3 = (hidden_size: number, num_layers: number, num_heads: number) => ({
  model_type: 'gpt_neo',
  ...{ hidden_size, num_layers, num_heads },
  attention_types: [[['global', 'local'], num_layers / 2]],
  ...{ attention_bias: true, scale_attn_weights: true },
});
/**
 * The models of Brown et al. 2020, table 2.1, as configs. The paper does not say how wide the bands of its sparse layers
 * are, nor which layer is the first: 256 and the dense one, as GPT-Neo has it. Two rows of the table do not multiply out
 * and are read as the nearest that does: XL has 16 heads (not 24 of width 128 in 2048), 13B is 5120 wide (not 5140).
 */
export const GPT3 = {
  'GPT-3 Small': gpt3(768, 12, 12),
  'GPT-3 Medium': gpt3(1024, 24, 16),
  'GPT-3 Large': gpt3(1536, 24, 16),
  'GPT-3 XL': gpt3(2048, 24, 16),
  'GPT-3 2.7B': gpt3(2560, 32, 32),
  'GPT-3 6.7B': gpt3(4096, 32, 32),
  'GPT-3 13B': gpt3(5120, 40, 40),
  'GPT-3 175B': gpt3(12288, 96, 96),
};
