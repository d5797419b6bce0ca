/**
 * Granite: the LLaMA layer with four constant factors, on the embeddings, the scores of attention, what each sub-layer
 * adds to the stream, and the logits, which are divided by theirs. Granite Team, IBM 2024, "Granite 3.0 Language Models";
 * the factors come from Yang et al. 2022, "Tensor Programs V" (learning rates that carry over to other widths). Parameter
 * names: the published checkpoints'.
 */
import { residualBlock } from '../nn/block.ts';
import { GatedMlp, gatedMlp } from '../nn/gated-mlp.ts';
import { RmsNorm, rmsNorm } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import type { RopeTable } from '../nn/rope.ts';
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
  throughRotaryLayers,
} from './rotary-decoder.ts';

export interface Config extends RotaryDecoderConfig {
  embedding_multiplier: number;
  /** In place of 1 / sqrt(head_dim). */
  attention_multiplier: number;
  residual_multiplier: number;
  logits_scaling: number;
  mlp_bias: boolean;
}
function config(read: ConfigReader): Config {
  const logits_scaling = read.number('logits_scaling', 1);
  read.check(logits_scaling !== 0, 'logits_scaling is 0, and logits are divided by it');
  return {
    ...rotaryDecoderConfig(read, {
      vocab_size: 32000,
      hidden_size: 4096,
      intermediate_size: 11008,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      max_position_embeddings: 2048,
    }),
    embedding_multiplier: read.number('embedding_multiplier', 1),
    attention_multiplier: read.number('attention_multiplier', 1),
    residual_multiplier: read.number('residual_multiplier', 1),
    logits_scaling,
    mlp_bias: read.boolean('mlp_bias', false),
  };
}

// ---- parameters
const Layer = (c: Config) => ({
  input_layernorm: RmsNorm(c.hidden_size),
  self_attn: RotaryAttention(attentionShape(c), { bias: c.attention_bias }),
  post_attention_layernorm: RmsNorm(c.hidden_size),
  mlp: GatedMlp(c.hidden_size, c.intermediate_size, c.mlp_bias),
});
export const Granite = (c: Config) => RotaryDecoder(c, Layer);

// ---- computation: B rows, T tokens, C = hidden_size
function layer(
  p: Params<typeof Layer>,
  stream: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const options = { scale: c.attention_multiplier };
  const attend = (x: Tensor) => rotaryAttention(p.self_attn, x, attentionShape(c), table, input, i, options);
  return residualBlock(
    stream,
    x => attend(rmsNorm(p.input_layernorm, x, c.rms_norm_eps)).mul(c.residual_multiplier),
    x =>
      gatedMlp(p.mlp, rmsNorm(p.post_attention_layernorm, x, c.rms_norm_eps), c.hidden_act).mul(c.residual_multiplier),
  );
}

export const granite = rotaryDecoder({
  name: 'granite',
  config,
  parameters: Granite,
  hidden: throughRotaryLayers(layer, c => c.embedding_multiplier),
  scores: (logits, c) => logits.div(c.logits_scaling),
});
