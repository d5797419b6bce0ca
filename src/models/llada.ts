/**
 * LLaDA: a transformer in LLaMA's form whose tokens see each other in both directions, trained to find hidden tokens. Nie et
 * al. 2025, "Large Language Diffusion Models". Parameter names: the published checkpoints'.
 */
import { residualBlock, throughLayers } from '../nn/block.ts';
import { gatedMlp } from '../nn/gated-mlp.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import { type RopeConfig, type RopeTable, ropeTable } from '../nn/rope.ts';
import { rotaryAttention } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { maskedLMHead } from './encoder-heads.ts';
import { ropeConfig } from './rope-config.ts';

export interface Config {
  d_model: number;
  n_layers: number;
  n_heads: number;
  n_kv_heads: number;
  mlp_hidden_size: number;
  activation_type: string;
  vocab_size: number;
  /** Rows of the embedding table and the output matrix, at least `vocab_size`. */
  embedding_size: number;
  max_sequence_length: number;
  rms_norm_eps: number;
  weight_tying: boolean;
  mask_token_id: number;
  rope: RopeConfig;
}
function config(read: ConfigReader): Config {
  const d_model = read.integer('d_model', 4096);
  const n_heads = read.integer('n_heads', 32);
  const n_kv_heads = read.integer('n_kv_heads', n_heads);
  const vocab_size = read.integer('vocab_size', 126464);
  const embedding_size = read.integer('embedding_size', vocab_size);
  const max_sequence_length = read.integer('max_sequence_length', 4096);
  const mask_token_id = read.integer('mask_token_id', 126336, 0);
  read.check(d_model % n_heads === 0, `d_model ${d_model} is not a multiple of n_heads ${n_heads}`);
  read.check((d_model / n_heads) % 2 === 0, `the head width ${d_model / n_heads} is odd: its features turn in pairs`);
  read.check(n_heads % n_kv_heads === 0, `n_heads ${n_heads} is not a multiple of n_kv_heads ${n_kv_heads}`);
  read.check(embedding_size >= vocab_size, `embedding_size ${embedding_size} is below vocab_size ${vocab_size}`);
  read.check(mask_token_id < embedding_size, `mask_token_id ${mask_token_id} is not below ${embedding_size}`);
  for (const [name, only] of Object.entries(ONLY_FORM)) {
    const seen = read.raw(name) ?? only;
    read.check(seen === only, `${name} ${seen} is not supported, only ${only}`);
  }
  return {
    d_model,
    n_layers: read.layers('n_layers', 32),
    n_heads,
    n_kv_heads,
    mlp_hidden_size: read.integer('mlp_hidden_size', 12288),
    activation_type: read.activation('activation_type', 'silu'),
    vocab_size,
    embedding_size,
    max_sequence_length,
    rms_norm_eps: read.positive('rms_norm_eps', 1e-5),
    weight_tying: read.boolean('weight_tying', false),
    mask_token_id,
    rope: ropeConfig(read, d_model / n_heads, max_sequence_length, 500000),
  };
}
/** The config class comes from a family with more forms; these checkpoints have one. */
const ONLY_FORM = {
  block_type: 'llama',
  block_group_size: 1,
  layer_norm_type: 'rms',
  rope: true,
  alibi: false,
  include_bias: false,
  include_qkv_bias: false,
  attention_layer_norm: false,
  input_emb_norm: false,
  scale_logits: false,
};

// ---- parameters
const headWidth = (c: Config) => c.d_model / c.n_heads;
const matrix = (nIn: number, nOut: number) => Linear(nIn, nOut, { bias: false });
const Block = (c: Config) => ({
  attn_norm: RmsNorm(c.d_model),
  q_proj: matrix(c.d_model, c.d_model),
  k_proj: matrix(c.d_model, c.n_kv_heads * headWidth(c)),
  v_proj: matrix(c.d_model, c.n_kv_heads * headWidth(c)),
  attn_out: matrix(c.d_model, c.d_model),
  ff_norm: RmsNorm(c.d_model),
  ff_proj: matrix(c.d_model, c.mlp_hidden_size),
  up_proj: matrix(c.d_model, c.mlp_hidden_size),
  ff_out: matrix(c.mlp_hidden_size, c.d_model),
});
export const LLaDA = (c: Config) => ({
  model: {
    transformer: {
      wte: Embedding(c.embedding_size, c.d_model),
      blocks: repeat(c.n_layers, () => Block(c)),
      ln_f: RmsNorm(c.d_model),
      ff_out: c.weight_tying ? undefined : matrix(c.d_model, c.embedding_size),
    },
  },
});

// ---- computation: B rows, T tokens, C = d_model
function block(
  p: Params<typeof Block>,
  stream: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const attention = { ...p, o_proj: p.attn_out };
  const mlp = { gate_proj: p.ff_proj, up_proj: p.up_proj, down_proj: p.ff_out };
  const shape = { heads: c.n_heads, groups: c.n_kv_heads };
  return residualBlock(
    stream,
    x => rotaryAttention(attention, rmsNorm(p.attn_norm, x, c.rms_norm_eps), shape, table, input, i, { causal: false }),
    x => gatedMlp(mlp, rmsNorm(p.ff_norm, x, c.rms_norm_eps), c.activation_type),
  );
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ model }: Params<typeof LLaDA>, c: Config, input: TokenInput): Tensor {
  const { wte, blocks, ln_f } = model.transformer;
  const table = ropeTable(c.rope, input);
  const embed = embedding(wte, input.ids).named('embed');
  const x = throughLayers(blocks, embed, (p, x, i) => block(p, x, c, table, input, i));
  return rmsNorm(ln_f, x, c.rms_norm_eps).named('ln_final');
}

export const llada: Architecture<Config> = {
  name: 'llada',
  config,
  /** A tied output matrix is the embedding table. */
  rename: (key, c) => (c.weight_tying && key === 'model.transformer.ff_out.weight' ? undefined : key),
  heads: {
    maskedLM: maskedLMHead(
      { parameters: LLaDA, width: c => c.d_model, hidden },
      {
        parameters: () => ({}),
        logits: ({ model }: Params<typeof LLaDA>, _, x) => linear(model.transformer.ff_out ?? model.transformer.wte, x),
      },
    ),
  },
  vocabSize: c => c.embedding_size,
  contextLength: c => c.max_sequence_length,
};
