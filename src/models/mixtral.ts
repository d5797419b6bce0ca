/**
 * Mixtral: the LLaMA layer with a mixture of experts in place of the feed-forward layer; every token is computed by two of
 * eight. Jiang et al. 2024, "Mixtral of Experts". Memory follows all parameters, time those of the experts that are chosen.
 * Parameter names: the published checkpoints', where an expert is down `w2` of act(gate `w1`) times up `w3`.
 */
import { residualBlock } from '../nn/block.ts';
import { balanceLoss, mixExperts } from '../nn/experts.ts';
import { Linear, linear } from '../nn/linear.ts';
import { causalLoss } from '../nn/loss.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import { type Params, repeat } from '../nn/params.ts';
import type { RopeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import { type Tensor, trace } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { labelTensor } from './labels.ts';
import {
  attentionShape,
  RotaryDecoder,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
  throughRotaryLayers,
  type WindowConfig,
  windowConfig,
  windowOf,
} from './rotary-decoder.ts';

export interface Config extends RotaryDecoderConfig, WindowConfig {
  num_local_experts: number;
  num_experts_per_tok: number;
  /** The balance of the experts is a result and a part of the loss. */
  output_router_logits: boolean;
  router_aux_loss_coef: number;
}
/** More than any layer has. */
const MOST_EXPERTS = 4096;

function config(read: ConfigReader): Config {
  const common = rotaryDecoderConfig(read, {
    vocab_size: 32000,
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    max_position_embeddings: 131072,
    rms_norm_eps: 1e-5,
    rope_theta: 1e6,
  });
  const experts = read.integer('num_local_experts', 8);
  const chosen = read.integer('num_experts_per_tok', 2);
  read.check(experts <= MOST_EXPERTS, `num_local_experts ${experts} is above ${MOST_EXPERTS}`);
  read.check(chosen <= experts, `num_experts_per_tok ${chosen} is above num_local_experts ${experts}`);
  return {
    ...common,
    ...windowConfig(read, common.num_hidden_layers, read.integer('sliding_window', 0, 0), () => true),
    num_local_experts: Math.min(experts, MOST_EXPERTS),
    num_experts_per_tok: chosen,
    output_router_logits: read.boolean('output_router_logits', false),
    router_aux_loss_coef: read.number('router_aux_loss_coef', 0.001),
  };
}

// ---- parameters
const Expert = ({ hidden_size: C, intermediate_size: F }: Config) => ({
  w1: Linear(C, F, { bias: false }),
  w2: Linear(F, C, { bias: false }),
  w3: Linear(C, F, { bias: false }),
});
const ExpertLayer = (c: Config) => ({
  gate: Linear(c.hidden_size, c.num_local_experts, { bias: false }),
  experts: repeat(c.num_local_experts, () => Expert(c)),
});
const Layer = (c: Config) => ({
  input_layernorm: RmsNorm(c.hidden_size),
  self_attn: RotaryAttention(attentionShape(c)),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  block_sparse_moe: ExpertLayer(c),
});
export const Mixtral = (c: Config) => RotaryDecoder(c, Layer);

// ---- computation: B rows, T tokens, C = hidden_size, E = num_local_experts
/** `[B, T, C] -> [B, T, C]`. Names `router` (`[B * T, E]`) besides those of `mixExperts`. */
function expertLayer(p: Params<typeof ExpertLayer>, x: Tensor, c: Config): Tensor {
  const tokens = x.reshape(-1, c.hidden_size);
  const router = linear(p.gate, tokens).named('router');
  const experts = {
    gates: p.experts.map(e => e.w1),
    ups: p.experts.map(e => e.w3),
    downs: p.experts.map(e => e.w2),
  };
  return mixExperts(tokens, router, c.num_experts_per_tok, experts, c.hidden_act).reshape(...x.shape);
}
function layer(
  p: Params<typeof Layer>,
  stream: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const eps = c.rms_norm_eps;
  const options = { window: windowOf(c, i) };
  return residualBlock(
    stream,
    x => rotaryAttention(p.self_attn, rmsNorm(p.input_layernorm, x, eps), attentionShape(c), table, input, i, options),
    x => expertLayer(p.block_sparse_moe, rmsNorm(p.post_attention_layernorm, x, eps), c),
  );
}
/** How unevenly all layers together use their experts; see `balanceLoss`. */
function auxLoss(hidden: Tensor, c: Config, { mask }: TokenInput): Tensor {
  const named = trace(hidden);
  const routers = repeat(c.num_hidden_layers, i => named.get(`blocks.${i}.mlp.router`));
  return balanceLoss(routers, c.num_experts_per_tok, mask).named('aux_loss');
}

const decoder = rotaryDecoder({
  name: 'mixtral',
  config,
  parameters: Mixtral,
  hidden: throughRotaryLayers(layer),
});
const causalLM = decoder.heads.causalLM!;
export const mixtral: Architecture<Config> = {
  ...decoder,
  heads: {
    ...decoder.heads,
    causalLM: {
      ...causalLM,
      outputs(p, c, hidden, input) {
        const tokens = input as TokenInput;
        const results = causalLM.outputs(p, c, hidden, input);
        // A step of generation has no use for it.
        return c.output_router_logits && !tokens.cache ? { ...results, aux_loss: auxLoss(hidden, c, tokens) } : results;
      },
      loss({ logits, aux_loss }, { labels }, c) {
        const loss = labels && causalLoss(logits!, labelTensor(labels, logits!));
        return loss && aux_loss ? loss.add(aux_loss.mul(c.router_aux_loss_coef)) : loss;
      },
    },
  },
};
