/**
 * Gemma 2: Gemma with norms before and after each sub-layer, soft caps on the scores of attention and on the logits, and a
 * sliding window in every other layer, the first one included. Gemma Team 2024, "Gemma 2: Improving Open Language Models
 * at a Practical Size". Parameter names: the published checkpoints'.
 */
import { softcap } from '../nn/activation.ts';
import type { Params } from '../nn/params.ts';
import { ropeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  attentionShape,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
  type WindowConfig,
  windowConfig,
  windowOf,
} from './rotary-decoder.ts';
import { type SandwichConfig, SandwichDecoder, throughSandwichLayers } from './sandwich-decoder.ts';

export interface Config extends RotaryDecoderConfig, WindowConfig, SandwichConfig {}
function config(read: ConfigReader): Config {
  const common = rotaryDecoderConfig(read, {
    vocab_size: 256000,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
  });
  const cap = (name: string, fallback: number) => (read.raw(name) === null ? 0 : read.number(name, fallback));
  const query_pre_attn_scalar = read.number('query_pre_attn_scalar', 256);
  read.check(query_pre_attn_scalar > 0, `query_pre_attn_scalar is ${query_pre_attn_scalar}, not above 0`);
  const window = read.integer('sliding_window', 4096);
  return {
    ...common,
    hidden_act: read.activation('hidden_activation', 'gelu_pytorch_tanh'),
    query_pre_attn_scalar,
    attn_logit_softcapping: cap('attn_logit_softcapping', 50),
    final_logit_softcapping: cap('final_logit_softcapping', 30),
    ...windowConfig(read, common.num_hidden_layers, window, i => i % 2 === 0),
  };
}

// ---- parameters
const Attention = (c: Config) => RotaryAttention(attentionShape(c), { bias: c.attention_bias });
export const Gemma2 = (c: Config) => SandwichDecoder(c, Attention);

// ---- computation: B rows, T tokens, C = hidden_size
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden(p: Params<typeof Gemma2>, c: Config, input: TokenInput): Tensor {
  const table = ropeTable(c.rope, input);
  return throughSandwichLayers<Params<typeof Attention>>(p, c, input, (p, x, i) =>
    rotaryAttention(p, x, attentionShape(c), table, input, i, {
      scale: c.query_pre_attn_scalar ** -0.5,
      softcap: c.attn_logit_softcapping,
      window: windowOf(c, i),
    }),
  );
}

export const gemma2 = rotaryDecoder({
  name: 'gemma2',
  config,
  parameters: Gemma2,
  hidden,
  scores: (logits, c) => softcap(logits, c.final_logit_softcapping),
});
