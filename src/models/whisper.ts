/**
 * Whisper: an encoder that hears 30 seconds of speech and a decoder that writes it down. Radford et al. 2022, "Robust Speech
 * Recognition via Large-Scale Weak Supervision". Two convolutions over the log-mel frames, the second halving them; fixed
 * sinusoids for the encoder's positions, which files hold, and learned ones for the decoder's; layer norm before each
 * sub-layer; no bias in the projections to keys. Parameter names: the published checkpoints'.
 */
import { ShapeError } from '../errors.ts';
import { activation } from '../nn/activation.ts';
import { Conv1d, conv1d } from '../nn/conv1d.ts';
import { Embedding, embedding, linear } from '../nn/linear.ts';
import { LayerNorm } from '../nn/norm.ts';
import { type Params, param } from '../nn/params.ts';
import { scope, type Tensor } from '../tensor/index.ts';
import type { Architecture, AudioInput, Source, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type Seq2SeqHeadConfig, seq2seqHeadConfig, seq2seqLMHead } from './seq2seq-heads.ts';
import {
  DecoderLayers,
  decoderCache,
  decoderStack,
  EncoderLayers,
  encoderStack,
  type LayersConfig,
  layersConfig,
  preNorm,
  sourceOf,
} from './seq2seq-layers.ts';

export interface Config extends LayersConfig, Seq2SeqHeadConfig {
  num_mel_bins: number;
  max_source_positions: number;
  max_target_positions: number;
  scale_embedding: boolean;
}
const config = (read: ConfigReader): Config => ({
  ...layersConfig(read, 'gelu'),
  ...seq2seqHeadConfig(read, { vocab_size: 51865, pad_token_id: 50256, decoder_start_token_id: 50257 }),
  num_mel_bins: read.integer('num_mel_bins', 80),
  max_source_positions: read.integer('max_source_positions', 1500),
  max_target_positions: read.integer('max_target_positions', 448),
  scale_embedding: read.boolean('scale_embedding', false),
});

// ---- parameters
const KERNEL = 3;
/** Frames for each of the encoder's positions. */
const STRIDE = 2;
const options = { keyBias: false };
export const Whisper = (c: Config) => ({
  encoder: {
    conv1: Conv1d(c.num_mel_bins, c.d_model, KERNEL),
    conv2: Conv1d(c.d_model, c.d_model, KERNEL),
    embed_positions: { weight: param([c.max_source_positions, c.d_model], 'normal', { constant: 'frozen' }) },
    layers: EncoderLayers(c, options),
    layer_norm: LayerNorm(c.d_model),
  },
  decoder: {
    embed_tokens: Embedding(c.vocab_size, c.d_model),
    embed_positions: Embedding(c.max_target_positions, c.d_model),
    layers: DecoderLayers(c, options),
    layer_norm: LayerNorm(c.d_model),
  },
});

// ---- computation: B recordings of 2 S frames, T tokens, C = d_model
/** `[B, mel bins, 2 S] -> [B, S, C]` */
function embedFrames(p: Params<typeof Whisper>['encoder'], c: Config, { features }: AudioInput): Tensor {
  const [, bins, frames] = features.shape as [number, number, number];
  // The sinusoids tell where in the window a sound is: the model was trained on whole windows only.
  if (bins !== c.num_mel_bins || frames !== STRIDE * c.max_source_positions)
    throw new ShapeError('input_features of another size', {
      seen: `[${features.shape}]`,
      expected: `[B, ${c.num_mel_bins}, ${STRIDE * c.max_source_positions}]`,
      fix: 'fill the recording up with silence, or cut it: logMel does',
    });
  const act = activation(c.activation_function);
  const x = act(conv1d(p.conv1, features.transpose(), { padding: 1 }));
  const halved = act(conv1d(p.conv2, x, { padding: 1, stride: STRIDE })).named('embed');
  return halved.add(p.embed_positions.weight.named('pos_embed'));
}
/** `[B, T, C]` */
function embedTokens(p: Params<typeof Whisper>['decoder'], c: Config, { ids, positions }: TokenInput): Tensor {
  const tokens = embedding(p.embed_tokens, ids);
  const scaled = c.scale_embedding ? tokens.mul(Math.sqrt(c.d_model)) : tokens;
  return scaled.named('embed').add(embedding(p.embed_positions, positions).named('pos_embed'));
}
function encode(p: Params<typeof Whisper>, c: Config, input: TokenInput | AudioInput): Source {
  const states = scope('encoder', () => {
    const x = embedFrames(p.encoder, c, input as AudioInput);
    return encoderStack(p.encoder, x, c, undefined, preNorm);
  });
  return sourceOf(states, { mask: undefined }, p.decoder, c);
}
const hidden = (p: Params<typeof Whisper>, c: Config, input: TokenInput): Tensor =>
  scope('decoder', () => decoderStack(p.decoder, embedTokens(p.decoder, c, input), c, input, preNorm));

const body = { parameters: Whisper, width: (c: Config) => c.d_model, encode, hidden };
export const whisper: Architecture<Config> = {
  name: 'whisper',
  config,
  /** The output matrix is the decoder's embedding table. */
  rename: key => (key === 'proj_out.weight' ? undefined : key.replace(/^model\./, '')),
  heads: {
    seq2seqLM: seq2seqLMHead(body, {
      parameters: () => ({}),
      logits: (p, _, x) => linear(p.decoder.embed_tokens, x),
    }),
  },
  modality: 'audio',
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_target_positions,
  sourceLength: c => c.max_source_positions,
  cache: decoderCache,
};
