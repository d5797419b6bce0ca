/**
 * Gemma: the LLaMA layer with tanh-gelu gates, norm weights that are added to 1, embeddings times the square root of their
 * width, and the embedding table as head. Gemma Team 2024, "Gemma: Open Models Based on Gemini Research and Technology".
 * Parameter names: the published checkpoints'.
 */
import { residualBlock, throughLayers } from '../nn/block.ts';
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { embedding } from '../nn/linear.ts';
import { OffsetRmsNorm, offsetRmsNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { ropeTable } from '../nn/rope.ts';
import { RotaryAttention, rotaryAttention } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  attentionShape,
  RotaryDecoder,
  type RotaryDecoderConfig,
  rotaryDecoder,
  rotaryDecoderConfig,
} from './rotary-decoder.ts';

export type Config = RotaryDecoderConfig;
const config = (read: ConfigReader): Config => ({
  ...rotaryDecoderConfig(read, {
    vocab_size: 256000,
    hidden_size: 3072,
    intermediate_size: 24576,
    num_hidden_layers: 28,
    num_attention_heads: 16,
    num_key_value_heads: 16,
    head_dim: 256,
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
  }),
  // The first files say `hidden_act: gelu`, which is not what the models were trained with; the later field corrects it.
  hidden_act: read.activation('hidden_activation', 'gelu_pytorch_tanh'),
});

// ---- parameters
const Layer = (c: Config) => ({
  input_layernorm: OffsetRmsNorm(c.hidden_size),
  self_attn: RotaryAttention(attentionShape(c), { bias: c.attention_bias }),
  post_attention_layernorm: OffsetRmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size),
});
export const Gemma = (c: Config) => RotaryDecoder(c, Layer, OffsetRmsNorm);

// ---- computation: B rows, T tokens, C = hidden_size
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ model }: Params<typeof Gemma>, c: Config, input: TokenInput): Tensor {
  const norm = (p: { weight: Tensor }, x: Tensor) => offsetRmsNorm(p, x, c.rms_norm_eps);
  const shape = attentionShape(c);
  const table = ropeTable(c.rope, input);
  const embed = embedding(model.embed_tokens, input.ids).mul(Math.sqrt(c.hidden_size)).named('embed');
  const x = throughLayers(model.layers, embed, (p, stream, i) =>
    residualBlock(
      stream,
      x => rotaryAttention(p.self_attn, norm(p.input_layernorm, x), shape, table, input, i),
      x => gatedMlp(p.mlp, norm(p.post_attention_layernorm, x), c.hidden_act),
    ),
  );
  return norm(model.norm, x).named('ln_final');
}

export const gemma = rotaryDecoder({ name: 'gemma', config, parameters: Gemma, hidden });
