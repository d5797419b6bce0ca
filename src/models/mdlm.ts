/**
 * MDLM's diffusion transformer: tokens see each other in both directions, and every layer is shifted, scaled and gated by
 * the noise level. Sahoo et al. 2024, "Simple and Effective Masked Diffusion Language Models"; the layer is that of Peebles &
 * Xie 2023, "Scalable Diffusion Models with Transformers". Parameter names: the published checkpoint's.
 */
import { splitHeads } from '../nn/attention.ts';
import { residualBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { embedding, Linear, type LinearParams, linear } from '../nn/linear.ts';
import { layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat } from '../nn/params.ts';
import { type RopeConfig, type RopeTable, ropeTable } from '../nn/rope.ts';
import { turnAndAttend } from '../nn/rotary-attention.ts';
import { silu, Tensor } from '../tensor/index.ts';
import type { Architecture } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { maskedLMHead } from './encoder-heads.ts';
import type { NoisedInput } from './noised-input.ts';

export interface Config {
  vocab_size: number;
  model_length: number;
  hidden_dim: number;
  cond_dim: number;
  n_blocks: number;
  n_heads: number;
  /** The network is told the noise level. */
  time_conditioning: boolean;
  mask_token_id: number;
  rope: RopeConfig;
}
function config(read: ConfigReader): Config {
  const vocab_size = read.integer('vocab_size', 50258);
  const model_length = read.integer('model_length', 1024);
  const hidden_dim = read.integer('hidden_dim', 768);
  const n_heads = read.integer('n_heads', 12);
  const mask_token_id = read.integer('mask_token_id', vocab_size - 1, 0);
  read.check(hidden_dim % (2 * n_heads) === 0, `hidden_dim ${hidden_dim} does not give ${n_heads} heads of even width`);
  read.check(mask_token_id < vocab_size, `mask_token_id ${mask_token_id} is not below vocab_size ${vocab_size}`);
  return {
    vocab_size,
    model_length,
    hidden_dim,
    cond_dim: read.integer('cond_dim', 128),
    n_blocks: read.layers('n_blocks', 12),
    n_heads,
    time_conditioning: read.boolean('time_conditioning', false),
    mask_token_id,
    rope: { dim: hidden_dim / n_heads, theta: 10000, maxPositions: model_length, scaling: { rope_type: 'default' } },
  };
}

// ---- parameters
const EPS = 1e-5;
/** Width of a noise level's sinusoids. */
const FREQUENCIES = 256;
/** Norm without a bias: the shift takes its place. */
const Norm = (width: number) => ({ weight: param([width], 'ones') });
/** `parts` vectors for each layer from the noise level; all 0 at first, so that a new block passes its input on. */
const Modulation = (c: Config, parts: number) => ({
  weight: param([parts * c.hidden_dim, c.cond_dim], 'zeros', { matrix: true }),
  bias: param([parts * c.hidden_dim], 'zeros'),
});
const Block = (c: Config) => ({
  norm1: Norm(c.hidden_dim),
  attn_qkv: Linear(c.hidden_dim, 3 * c.hidden_dim, { bias: false }),
  attn_out: Linear(c.hidden_dim, c.hidden_dim, { bias: false }),
  norm2: Norm(c.hidden_dim),
  mlp: { 0: Linear(c.hidden_dim, 4 * c.hidden_dim), 2: Linear(4 * c.hidden_dim, c.hidden_dim) },
  adaLN_modulation: Modulation(c, 6),
});
export const MDLM = (c: Config) => ({
  backbone: {
    vocab_embed: { embedding: param([c.vocab_size, c.hidden_dim], 'normal', { matrix: true }) },
    sigma_map: { mlp: { 0: Linear(FREQUENCIES, c.cond_dim), 2: Linear(c.cond_dim, c.cond_dim) } },
    blocks: repeat(c.n_blocks, () => Block(c)),
    output_layer: {
      norm_final: Norm(c.hidden_dim),
      linear: {
        weight: param([c.vocab_size, c.hidden_dim], 'zeros', { matrix: true }),
        bias: param([c.vocab_size], 'zeros'),
      },
      adaLN_modulation: Modulation(c, 2),
    },
  },
});

// ---- computation: B rows, T tokens, C = hidden_dim
/** Noise levels as `[B, 256]`: cosines, then sines, from one radian per unit down to almost 1/10000 of that. */
function sinusoids(sigma: readonly number[]): Tensor {
  const half = FREQUENCIES / 2;
  const rows = sigma.flatMap(s => {
    const angles = Array.from({ length: half }, (_, i) => s * 10_000 ** (-i / half));
    return [...angles.map(Math.cos), ...angles.map(Math.sin)];
  });
  return Tensor.from(rows, [sigma.length, FREQUENCIES]);
}
/** The noise level as the layers read it, `[B or 1, cond_dim]`. */
function condition(p: Params<typeof MDLM>['backbone']['sigma_map'], sigma: readonly number[]): Tensor {
  return silu(linear(p.mlp[2], silu(linear(p.mlp[0], sinusoids(sigma))))).named('condition');
}
/** `[B or 1, 1, C]` each. */
const modulation = (p: LinearParams, condition: Tensor, parts: number): Tensor[] =>
  linear(p, condition).reshape(condition.dim(0), 1, -1).split(parts);
const modulate = (x: Tensor, shift: Tensor, scale: Tensor): Tensor => x.mul(scale.add(1)).add(shift);

function attend(
  p: Params<typeof Block>,
  x: Tensor,
  c: Config,
  table: RopeTable,
  input: NoisedInput,
  i: number,
): Tensor {
  const [q, k, v] = linear(p.attn_qkv, x)
    .split(3)
    .map(t => splitHeads(t, c.n_heads)) as [Tensor, Tensor, Tensor];
  return linear(p.attn_out, turnAndAttend({ q, k, v }, table, input, i, { causal: false })).named('out');
}
/** Last hidden states `[B, T, C]`, after the final norm and its modulation. */
function hidden({ backbone }: Params<typeof MDLM>, c: Config, input: NoisedInput): Tensor {
  const { vocab_embed, sigma_map, blocks, output_layer } = backbone;
  const noise = condition(sigma_map, (c.time_conditioning && input.sigma) || [0]);
  const table = ropeTable(c.rope, input);
  const embed = embedding({ weight: vocab_embed.embedding }, input.ids).named('embed');
  const x = throughLayers(blocks, embed, (p, stream, i) => {
    const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(p.adaLN_modulation, noise, 6) as Six;
    return residualBlock(
      stream,
      x => gate1.mul(attend(p, modulate(layerNorm(p.norm1, x, EPS), shift1, scale1), c, table, input, i)),
      x => gate2.mul(feedForward(p.mlp[0], p.mlp[2], modulate(layerNorm(p.norm2, x, EPS), shift2, scale2), 'gelu_new')),
    );
  });
  const [shift, scale] = modulation(output_layer.adaLN_modulation, noise, 2) as [Tensor, Tensor];
  return modulate(layerNorm(output_layer.norm_final, x, EPS), shift, scale).named('ln_final');
}
type Six = [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

export const mdlm: Architecture<Config> = {
  name: 'mdlm',
  config,
  /** Rotary rates are computed. */
  rename: key => (key.endsWith('rotary_emb.inv_freq') ? undefined : key),
  heads: {
    maskedLM: maskedLMHead(
      { parameters: MDLM, width: c => c.hidden_dim, hidden },
      {
        parameters: () => ({}),
        logits: ({ backbone }: Params<typeof MDLM>, _, x) => linear(backbone.output_layer.linear, x),
      },
    ),
  },
  vocabSize: c => c.vocab_size,
  contextLength: c => c.model_length,
};
