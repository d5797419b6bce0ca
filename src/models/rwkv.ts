/**
 * RWKV-4: a recurrent language model that is trained like a transformer. Peng et al. 2023, "RWKV: Reinventing RNNs for the
 * Transformer Era". Attention is replaced by an average of all values before, weighted by exp(key) and a decay per feature;
 * each token is mixed with the one before it. Everything the past leaves behind is five vectors per layer.
 */

import { residualBlock, throughLayers } from '../nn/block.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat } from '../nn/params.ts';
import { previous, scan } from '../nn/recurrent-scan.ts';
import { concat, relu, sigmoid, Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type DecoderHeadConfig, decoderHeadConfig, decoderHeads } from './decoder-heads.ts';

export interface Config extends DecoderHeadConfig {
  hidden_size: number;
  num_hidden_layers: number;
  attention_hidden_size: number;
  intermediate_size: number;
  layer_norm_epsilon: number;
  rescale_every: number;
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 4096);
  return {
    ...decoderHeadConfig(read, { vocab_size: 50277, tie_word_embeddings: false }),
    hidden_size,
    num_hidden_layers: read.layers('num_hidden_layers', 32),
    attention_hidden_size: read.integer('attention_hidden_size', hidden_size),
    intermediate_size: read.integer('intermediate_size', 4 * hidden_size),
    layer_norm_epsilon: read.positive('layer_norm_epsilon', 1e-5),
    rescale_every: read.integer('rescale_every', 6, 0),
  };
}

// ---- parameters
const Mix = (c: Config) => param([1, 1, c.hidden_size], 'zeros');
const Attention = (c: Config) => {
  const matrix = () => Linear(c.hidden_size, c.attention_hidden_size, { bias: false });
  return {
    time_decay: param([c.attention_hidden_size], 'zeros'),
    time_first: param([c.attention_hidden_size], 'zeros'),
    time_mix_key: Mix(c),
    time_mix_value: Mix(c),
    time_mix_receptance: Mix(c),
    key: matrix(),
    value: matrix(),
    receptance: matrix(),
    output: Linear(c.attention_hidden_size, c.hidden_size, { bias: false }),
  };
};
const FeedForward = (c: Config) => ({
  time_mix_key: Mix(c),
  time_mix_receptance: Mix(c),
  key: Linear(c.hidden_size, c.intermediate_size, { bias: false }),
  receptance: Linear(c.hidden_size, c.hidden_size, { bias: false }),
  value: Linear(c.intermediate_size, c.hidden_size, { bias: false }),
});
const Block = (c: Config, i: number) => ({
  ...(i === 0 && { pre_ln: LayerNorm(c.hidden_size) }),
  ln1: LayerNorm(c.hidden_size),
  ln2: LayerNorm(c.hidden_size),
  attention: Attention(c),
  feed_forward: FeedForward(c),
});
export const RWKV = (c: Config) => ({
  embeddings: Embedding(c.vocab_size, c.hidden_size),
  blocks: repeat(c.num_hidden_layers, i => Block(c, i)),
  ln_out: LayerNorm(c.hidden_size),
});

// ---- computation: B rows, T tokens, C = hidden_size, A = attention_hidden_size
/**
 * A layer's memory: the last token before each mixing `[B, C]`, the sums of the average and their exponent `[B, A]`. The
 * functions below put in the place of each what it is after these tokens.
 */
const widths = (c: Config): number[] => {
  const [C, A] = [c.hidden_size, c.attention_hidden_size];
  return [C, A, A, A, C];
};
type Memory = [attentionLast: Tensor, numerator: Tensor, denominator: Tensor, exponent: Tensor, mlpLast: Tensor];

/** No weight: its exponential is 0 next to any other. */
const NOTHING = -1e38;

/**
 * The average of the values up to each token, with the token itself weighted by exp(key + first): `[B, T, A]`. Sums are
 * kept as (numerator, denominator) * exp(exponent), where no exponential exceeds 1.
 */
function averages(p: Params<typeof Attention>, k: Tensor, v: Tensor, memory: Memory, mask: Tensor | undefined): Tensor {
  const [B, T, A] = k.shape as [number, number, number];
  const decay = p.time_decay.exp().neg();
  const real = mask?.reshape(B, T, 1);
  const before = memory.slice(1, 4).map(x => x.reshape(B, 1, A)) as [Tensor, Tensor, Tensor];
  // An empty memory is all zeros; its exponent must not outweigh small keys.
  const exponent = before[1].equal(0).where(NOTHING, before[2]);
  const steps = [
    concat([before[0], real ? real.where(v, 0) : v], 1),
    concat([before[1], real ? real.cast('f32').expand(k.shape) : Tensor.full(k.shape, 1)], 1),
    concat([exponent, real ? real.where(k, NOTHING) : k], 1),
    // Real tokens among the steps: padding does not decay.
    ...(real ? [concat([Tensor.full([B, 1, 1], 1), real.cast('f32')], 1)] : []),
  ];
  const sums = scan(steps, ([n1, d1, e1, t1], [n2, d2, e2, t2], span) => {
    const decayed = e1!.add(decay.mul(t2 ?? span));
    const top = decayed.maximum(e2!);
    const [earlier, later] = [decayed.sub(top).exp(), e2!.sub(top).exp()];
    const join = (a: Tensor, b: Tensor) => a.mul(earlier).add(b.mul(later));
    return [join(n1!, n2!), join(d1!, d2!), top, ...(t1 ? [t1.add(t2!)] : [])];
  });
  for (const [i, sum] of sums.slice(0, 3).entries()) memory[i + 1] = sum.slice(1, T, T + 1).reshape(B, A);
  const [n, d, e] = sums.map(sum => sum.slice(1, 0, T)) as [Tensor, Tensor, Tensor];
  const own = k.add(p.time_first);
  const top = e.maximum(own);
  const [past, now] = [e.sub(top).exp(), own.sub(top).exp()];
  return n.mul(past).add(v.mul(now)).div(d.mul(past).add(now));
}
const mix = (weight: Tensor, x: Tensor, before: Tensor): Tensor => x.sub(before).mul(weight).add(before);

function attend(p: Params<typeof Attention>, x: Tensor, memory: Memory, mask: Tensor | undefined): Tensor {
  const { before, last } = previous(x, memory[0], mask);
  memory[0] = last;
  const k = linear(p.key, mix(p.time_mix_key, x, before)).named('k');
  const v = linear(p.value, mix(p.time_mix_value, x, before)).named('v');
  const receptance = sigmoid(linear(p.receptance, mix(p.time_mix_receptance, x, before)));
  const z = averages(p, k, v, memory, mask).named('z');
  return linear(p.output, receptance.mul(z)).named('out');
}
function mlp(p: Params<typeof FeedForward>, x: Tensor, memory: Memory, mask: Tensor | undefined): Tensor {
  const { before, last } = previous(x, memory[4], mask);
  memory[4] = last;
  const pre = relu(linear(p.key, mix(p.time_mix_key, x, before)).named('pre'));
  const act = pre.mul(pre).named('act');
  const receptance = sigmoid(linear(p.receptance, mix(p.time_mix_receptance, x, before)));
  return receptance.mul(linear(p.value, act)).named('out');
}
/**
 * The reference halves the stream after every `rescale_every` layers, so that half precision does not overflow. All that
 * is left of it in single precision is that the epsilon of the norms behind weighs four times as much.
 */
const rescaled = (epsilon: number, c: Config, layer: number): number =>
  epsilon * (c.rescale_every ? 4 ** Math.floor(layer / c.rescale_every) : 1);
/** The last norm's, whatever the config says. */
const LAST_EPSILON = 1e-5;

/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden(p: Params<typeof RWKV>, c: Config, { ids, mask, state }: TokenInput): Tensor {
  const B = ids.dim(0);
  const embedded = embedding(p.embeddings, ids).named('embed');
  const first = p.blocks[0]?.pre_ln;
  const x = throughLayers(
    p.blocks,
    first ? layerNorm(first, embedded, c.layer_norm_epsilon) : embedded,
    (block, stream, i) => {
      const memory = [...(state?.read(i) ?? widths(c).map(width => Tensor.full([B, width], 0)))] as Memory;
      const eps = rescaled(c.layer_norm_epsilon, c, i);
      const out = residualBlock(
        stream,
        h => attend(block.attention, layerNorm(block.ln1, h, eps), memory, mask),
        h => mlp(block.feed_forward, layerNorm(block.ln2, h, eps), memory, mask),
      );
      state?.write(i, memory);
      return out;
    },
  );
  return layerNorm(p.ln_out, x, rescaled(LAST_EPSILON, c, c.num_hidden_layers)).named('ln_final');
}

export const rwkv: Architecture<Config> = {
  name: 'rwkv',
  config,
  rename(key, c) {
    const name = key.replace(/^rwkv\./, '').replace(/^head\./, 'lm_head.');
    return name === 'lm_head.weight' && c.tie_word_embeddings ? undefined : name;
  },
  heads: decoderHeads({ parameters: RWKV, width: c => c.hidden_size, hidden, embedding: p => p.embeddings }),
  vocabSize: c => c.vocab_size,
  contextLength: () => undefined,
  state: c => repeat(c.num_hidden_layers, () => widths(c)),
};
