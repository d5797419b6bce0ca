/**
 * DeBERTa, first generation: an encoder whose scores come from the content of two tokens and from their distance apart, a
 * vector for each distance. He et al. 2020, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention". Queries, keys and
 * values are one matrix, head by head, with biases of their own for queries and values; every layer projects the vectors of
 * the distances anew. Parameter names: the published checkpoints'. Heads: disentangled-encoder.ts.
 */
import { splitFusedHeads } from '../nn/attention.ts';
import type { DisentangledHeads } from '../nn/disentangled-attention.ts';
import { Linear, linear } from '../nn/linear.ts';
import { type Params, param } from '../nn/params.ts';
import type { Tensor } from '../tensor/index.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DisentangledConfig as Config, disentangledConfig, disentangledEncoder } from './disentangled-encoder.ts';

function config(read: ConfigReader): Config {
  read.check(read.raw('talking_head') !== true, 'talking_head is not supported');
  return disentangledConfig(read, {
    vocab_size: 50265,
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 3072,
  });
}

// ---- parameters
const Attention = ({ hidden_size: C, relative_attention, pos_att_type }: Config) => ({
  in_proj: Linear(C, 3 * C, { bias: false }),
  q_bias: param([C], 'zeros'),
  v_bias: param([C], 'zeros'),
  pos_proj: relative_attention && pos_att_type.includes('c2p') ? Linear(C, C, { bias: false }) : undefined,
  pos_q_proj: relative_attention && pos_att_type.includes('p2c') ? Linear(C, C) : undefined,
});

// ---- computation: B rows, T tokens, C = hidden_size
function project(
  p: Params<typeof Attention>,
  c: Config,
  x: Tensor,
  context: Tensor,
  relative: Tensor | undefined,
): DisentangledHeads {
  const H = c.num_attention_heads;
  const split = (x: Tensor) => splitFusedHeads(linear(p.in_proj, x), H, H);
  const perHead = (bias: Tensor) => bias.reshape(H, 1, -1);
  const own = split(x);
  const { k, v } = context === x ? own : split(context);
  return {
    q: own.q.add(perHead(p.q_bias)),
    k,
    v: v.add(perHead(p.v_bias)),
    positionKeys: relative && p.pos_proj && linear(p.pos_proj, relative),
    positionQueries: relative && p.pos_q_proj && linear(p.pos_q_proj, relative),
  };
}

export const deberta = disentangledEncoder({ name: 'deberta', config, Attention, Extras: () => ({}), project });
