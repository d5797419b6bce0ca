/**
 * LLaMA: decoder-only transformer with rotary positions, RMS norm before each sub-layer, gated feed-forward and grouped
 * queries. Touvron et al. 2023, "LLaMA" and "Llama 2"; "The Llama 3 Herd of Models" 2024. Mistral (Jiang et al. 2023) is
 * the same with a sliding window. Parameter names: the published checkpoints'.
 */
import { ConfigError } from '../errors.ts';
import { activation } from '../nn/activation.ts';
import { mergeHeads, selfAttention, splitHeads } from '../nn/attention.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { lastToken } from '../nn/pooling.ts';
import { type RopeScaling, type RopeTable, rope, ropeTable } from '../nn/rope.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import { type Architecture, type DecoderInput, head } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';

export interface Config {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  hidden_act: string;
  max_position_embeddings: number;
  rms_norm_eps: number;
  rope_theta: number;
  rope_scaling: RopeScaling;
  attention_bias: boolean;
  mlp_bias: boolean;
  tie_word_embeddings: boolean;
  /** Slots a token sees, its own included; 0 = all before it. */
  sliding_window: number;
  pad_token_id: number | undefined;
  labels: string[];
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
  const max_position_embeddings = read.integer('max_position_embeddings', 2048);
  // Newer files keep both rotary fields in one object.
  const rotary = read.object('rope_parameters');
  const scaling = rotary ?? read.object('rope_scaling');
  return {
    vocab_size: read.integer('vocab_size', 32000),
    hidden_size,
    intermediate_size: read.integer('intermediate_size', 11008),
    num_hidden_layers: read.integer('num_hidden_layers', 32, 0),
    num_attention_heads: heads,
    num_key_value_heads: groups,
    head_dim: read.integer('head_dim', Math.floor(hidden_size / heads)),
    hidden_act: read.string('hidden_act', 'silu'),
    max_position_embeddings,
    rms_norm_eps: read.number('rms_norm_eps', 1e-6),
    rope_theta: (rotary ?? read).number('rope_theta', 10000),
    rope_scaling: scaling ? ropeScaling(scaling, max_position_embeddings) : { rope_type: 'default' },
    attention_bias: read.boolean('attention_bias', false),
    mlp_bias: read.boolean('mlp_bias', false),
    tie_word_embeddings: read.boolean('tie_word_embeddings', false),
    sliding_window: read.integer('sliding_window', 0, 0),
    pad_token_id: read.has('pad_token_id') ? read.integer('pad_token_id', undefined, 0) : undefined,
    labels: read.labels(),
  };
}
function ropeScaling(read: ConfigReader, maxPositions: number): RopeScaling {
  const rope_type = read.string(read.has('rope_type') ? 'rope_type' : 'type', 'default');
  const trained = () => read.integer('original_max_position_embeddings', maxPositions);
  const optional = (name: string) => (read.has(name) ? { [name]: read.number(name) } : {});
  switch (rope_type) {
    case 'default':
      return { rope_type };
    case 'linear':
    case 'dynamic':
      return { rope_type, factor: read.number('factor') };
    case 'llama3':
      return {
        rope_type,
        factor: read.number('factor'),
        low_freq_factor: read.number('low_freq_factor'),
        high_freq_factor: read.number('high_freq_factor'),
        original_max_position_embeddings: trained(),
      };
    case 'yarn':
      return {
        rope_type,
        factor: read.number('factor'),
        beta_fast: read.number('beta_fast', 32),
        beta_slow: read.number('beta_slow', 1),
        original_max_position_embeddings: trained(),
        ...optional('attention_factor'),
        ...optional('mscale'),
        ...optional('mscale_all_dim'),
      };
    default:
      throw new ConfigError('rope scaling not known', {
        seen: rope_type,
        expected: 'default, linear, dynamic, llama3 or yarn',
      });
  }
}

// ---- parameters
const Attention = (c: Config) => {
  const { hidden_size: C, num_attention_heads: H, num_key_value_heads: G, head_dim: D, attention_bias: bias } = c;
  return {
    q_proj: Linear(C, H * D, { bias }),
    k_proj: Linear(C, G * D, { bias }),
    v_proj: Linear(C, G * D, { bias }),
    o_proj: Linear(H * D, C, { bias }),
  };
};
const Mlp = ({ hidden_size: C, intermediate_size: F, mlp_bias: bias }: Config) => ({
  gate_proj: Linear(C, F, { bias }),
  up_proj: Linear(C, F, { bias }),
  down_proj: Linear(F, C, { bias }),
});
const Layer = (c: Config) => ({
  input_layernorm: RmsNorm(c.hidden_size),
  self_attn: Attention(c),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  mlp: Mlp(c),
});
export const Llama = (c: Config) => ({
  model: {
    embed_tokens: Embedding(c.vocab_size, c.hidden_size),
    layers: repeat(c.num_hidden_layers, () => Layer(c)),
    norm: RmsNorm(c.hidden_size),
  },
});
const Head = (c: Config, width: number) => Linear(c.hidden_size, width, { bias: false });

// ---- computation: B rows, T tokens, C = hidden_size, H query heads, G key/value heads, D = head_dim
function attend(
  p: Params<typeof Attention>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: DecoderInput,
  layer: number,
): Tensor {
  const q = splitHeads(linear(p.q_proj, x), c.num_attention_heads).named('q');
  const k = splitHeads(linear(p.k_proj, x), c.num_key_value_heads).named('k');
  const v = splitHeads(linear(p.v_proj, x), c.num_key_value_heads).named('v');
  const options = { causal: true, window: c.sliding_window };
  const z = selfAttention(rope(q, table).named('rot_q'), rope(k, table).named('rot_k'), v, input, layer, options);
  return linear(p.o_proj, mergeHeads(z)).named('out');
}
function mlp(p: Params<typeof Mlp>, x: Tensor, c: Config): Tensor {
  const gate = activation(c.hidden_act)(linear(p.gate_proj, x).named('pre'));
  return linear(p.down_proj, gate.mul(linear(p.up_proj, x)).named('act')).named('out');
}
function layer(
  p: Params<typeof Layer>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: DecoderInput,
  i: number,
): Tensor {
  x = x.named('resid_pre');
  const normed = rmsNorm(p.input_layernorm, x, c.rms_norm_eps);
  x = x.add(scope('attn', () => attend(p.self_attn, normed, c, table, input, i))).named('resid_mid');
  return x
    .add(scope('mlp', () => mlp(p.mlp, rmsNorm(p.post_attention_layernorm, x, c.rms_norm_eps), c)))
    .named('resid_post');
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden(p: Params<typeof Llama>, c: Config, input: DecoderInput): Tensor {
  const { model } = p;
  const rotary = {
    dim: c.head_dim,
    theta: c.rope_theta,
    maxPositions: c.max_position_embeddings,
    scaling: c.rope_scaling,
  };
  const table = ropeTable(rotary, input);
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
  heads: {
    causalLM: head({
      parameters: (c: Config) => ({ ...Llama(c), ...(!c.tie_word_embeddings && { lm_head: Head(c, c.vocab_size) }) }),
      hidden,
      logits: (p, _, x) => linear(p.lm_head ?? p.model.embed_tokens, x).named('logits'),
    }),
    sequenceClassification: head({
      parameters: (c: Config) => ({ ...Llama(c), score: Head(c, c.labels.length) }),
      hidden,
      logits: (p, c, x, input) => linear(p.score, lastToken(x, input.ids, c.pad_token_id)).named('logits'),
    }),
  },
  vocabSize: c => c.vocab_size,
  /** Dynamic scaling stretches with the sequence. */
  contextLength: c => (c.rope_scaling.rope_type === 'dynamic' ? undefined : c.max_position_embeddings),
  cache: c => ({ layers: c.num_hidden_layers, heads: c.num_key_value_heads, headDim: c.head_dim }),
};
