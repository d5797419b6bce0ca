/**
 * LLaMA: decoder-only transformer with rotary positions, RMS norm before each sub-layer, gated feed-forward and grouped
 * queries. Touvron et al. 2023, "LLaMA" and "Llama 2"; "The Llama 3 Herd of Models" 2024. Mistral (Jiang et al. 2023) is
 * the same with a sliding window, Qwen2 (2024) with biases on the queries, keys and values. Parameter names: the published
 * checkpoints'.
 */
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { Embedding, embedding } from '../nn/linear.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { type RopeConfig, type RopeTable, ropeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import type { Architecture, DecoderInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';
import { ropeConfig } from './rope-config.ts';

export interface Config extends DecoderHeadConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  hidden_act: string;
  max_position_embeddings: number;
  rms_norm_eps: number;
  rope: RopeConfig;
  attention_bias: boolean;
  /** Bias of `o_proj`; as `attention_bias` unless a family says otherwise. */
  attention_out_bias: boolean;
  mlp_bias: boolean;
  /** Slots a token sees, its own included; 0 = all before it. */
  sliding_window: number;
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 4096);
  const heads = read.integer('num_attention_heads', 32);
  const groups = read.integer('num_key_value_heads', heads);
  read.check(heads % groups === 0, `num_attention_heads ${heads} is not a multiple of num_key_value_heads ${groups}`);
  read.check(
    read.has('head_dim') || hidden_size % heads === 0,
    `hidden_size ${hidden_size} is not a multiple of num_attention_heads ${heads}`,
  );
  const head_dim = read.integer('head_dim', Math.floor(hidden_size / heads));
  const max_position_embeddings = read.integer('max_position_embeddings', 2048);
  const attention_bias = read.boolean('attention_bias', false);
  const windowed = read.boolean('use_sliding_window', true);
  return {
    ...decoderHeadConfig(read, { vocab_size: 32000, tie_word_embeddings: false }),
    hidden_size,
    intermediate_size: read.integer('intermediate_size', 11008),
    num_hidden_layers: read.integer('num_hidden_layers', 32, 0),
    num_attention_heads: heads,
    num_key_value_heads: groups,
    head_dim,
    hidden_act: read.string('hidden_act', 'silu'),
    max_position_embeddings,
    rms_norm_eps: read.number('rms_norm_eps', 1e-6),
    rope: ropeConfig(read, head_dim, max_position_embeddings),
    attention_bias,
    attention_out_bias: read.boolean('attention_out_bias', attention_bias),
    mlp_bias: read.boolean('mlp_bias', false),
    sliding_window: windowed ? read.integer('sliding_window', 0, 0) : 0,
  };
}

// ---- parameters
const shapeOf = (c: Config) => ({
  width: c.hidden_size,
  heads: c.num_attention_heads,
  groups: c.num_key_value_heads,
  headDim: c.head_dim,
});
const Layer = (c: Config) => ({
  input_layernorm: RmsNorm(c.hidden_size),
  self_attn: RotaryAttention(shapeOf(c), { bias: c.attention_bias, outBias: c.attention_out_bias }),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size, c.mlp_bias),
});
export const Llama = (c: Config) => ({
  model: {
    embed_tokens: Embedding(c.vocab_size, c.hidden_size),
    layers: repeat(c.num_hidden_layers, () => Layer(c)),
    norm: RmsNorm(c.hidden_size),
  },
});

// ---- computation: B rows, T tokens, C = hidden_size
function layer(
  p: Params<typeof Layer>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: DecoderInput,
  i: number,
): Tensor {
  const eps = c.rms_norm_eps;
  const attend = () =>
    rotaryAttention(p.self_attn, rmsNorm(p.input_layernorm, x, eps), shapeOf(c), table, input, i, {
      window: c.sliding_window,
    });
  const middle = x.named('resid_pre').add(scope('attn', attend)).named('resid_mid');
  const mlp = () => gatedMlp(p.mlp, rmsNorm(p.post_attention_layernorm, middle, eps), c.hidden_act);
  return middle.add(scope('mlp', mlp)).named('resid_post');
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ model }: Params<typeof Llama>, c: Config, input: DecoderInput): Tensor {
  const table = ropeTable(c.rope, input);
  let x = embedding(model.embed_tokens, input.ids).named('embed');
  model.layers.forEach((params, i) => {
    x = scope(`blocks.${i}`, () => layer(params, x, c, table, input, i));
  });
  return rmsNorm(model.norm, x, c.rms_norm_eps).named('ln_final');
}

export const llama: Architecture<Config> = {
  name: 'llama',
  config,
  /** Old files hold rotary tables; a base model's file has no `model.` prefix; a tied head's copy is not a parameter. */
  rename(key, c) {
    if (key.endsWith('.rotary_emb.inv_freq') || (key === 'lm_head.weight' && c.tie_word_embeddings)) return undefined;
    return /^(embed_tokens|layers|norm)\./.test(key) ? `model.${key}` : key;
  },
  heads: decoderHeads({ parameters: Llama, width: c => c.hidden_size, hidden, embedding: p => p.model.embed_tokens }),
  vocabSize: c => c.vocab_size,
  /** Dynamic scaling stretches with the sequence. */
  contextLength: c => (c.rope.scaling.rope_type === 'dynamic' ? undefined : c.max_position_embeddings),
  cache: c => ({ layers: c.num_hidden_layers, heads: c.num_key_value_heads, headDim: c.head_dim }),
};
