/**
 * ModernBERT: BERT's task with what decoders have learned since: rotary positions, a norm before each sub-layer, gated
 * feed-forward layers, no biases, and windows, with a base of rotation of their own, in all but every third layer. Warner et
 * al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder". Parameter names: the published checkpoints'.
 */
import { activation } from '../nn/activation.ts';
import { splitHeads } from '../nn/attention.ts';
import { residualBlock, throughLayers } from '../nn/block.ts';
import { Embedding, embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type ParamSpec, type Params, param, repeat } from '../nn/params.ts';
import { clsPool, meanPool } from '../nn/pooling.ts';
import { type RopeConfig, type RopeTable, ropeTable } from '../nn/rope.ts';
import { turnAndAttend } from '../nn/rotary-attention.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, Head, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  baseHead,
  type EncoderHeadConfig,
  encoderHeadConfig,
  maskedLMHead,
  OutputMatrix,
  questionHead,
  sequenceHead,
  tokenHead,
} from './encoder-heads.ts';
import { ropeConfig } from './rope-config.ts';
import { type WindowConfig, windowConfig, windowOf } from './rotary-decoder.ts';

export interface Config extends EncoderHeadConfig, WindowConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  hidden_activation: string;
  max_position_embeddings: number;
  norm_eps: number;
  norm_bias: boolean;
  attention_bias: boolean;
  mlp_bias: boolean;
  /** Rotary positions of the layers without a window, and of those with one. */
  rope: RopeConfig;
  localRope: RopeConfig;
  decoder_bias: boolean;
  classifier_bias: boolean;
  classifier_activation: string;
  classifier_pooling: 'cls' | 'mean';
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 768);
  const heads = read.integer('num_attention_heads', 12);
  const headDim = hidden_size / heads;
  read.check(headDim % 2 === 0, `hidden_size ${hidden_size} is not ${heads} heads of an even width`);
  const layers = read.layers('num_hidden_layers', 22);
  const max_position_embeddings = read.integer('max_position_embeddings', 8192);
  const period = read.integer('global_attn_every_n_layers', 3);
  // So many tokens in all: the own one, and half of them to each side.
  const window = Math.floor(read.integer('local_attention', 128) / 2) + 1;
  const theta = read.positive('global_rope_theta', 160000);
  const rope = ropeConfig(read, headDim, max_position_embeddings, theta);
  const older = read.has('local_rope_theta') || read.raw('local_rope_theta') === undefined;
  const localTheta = older ? read.positive('local_rope_theta', 10000) : theta;
  const newer = read.object('rope_parameters')?.object('sliding_attention');
  const pooling = read.string('classifier_pooling', 'cls');
  read.check(pooling === 'cls' || pooling === 'mean', `classifier_pooling ${pooling} is neither cls nor mean`);
  return {
    ...encoderHeadConfig(read, 50368),
    ...windowConfig(read, layers, window, i => i % period !== 0),
    hidden_size,
    intermediate_size: read.integer('intermediate_size', 1152),
    num_hidden_layers: layers,
    num_attention_heads: heads,
    hidden_activation: read.activation('hidden_activation', 'gelu'),
    max_position_embeddings,
    norm_eps: read.positive('norm_eps', 1e-5),
    norm_bias: read.boolean('norm_bias', false),
    attention_bias: read.boolean('attention_bias', false),
    mlp_bias: read.boolean('mlp_bias', false),
    rope,
    localRope: { ...rope, theta: newer ? newer.positive('rope_theta', localTheta) : localTheta },
    decoder_bias: read.boolean('decoder_bias', true),
    classifier_bias: read.boolean('classifier_bias', false),
    classifier_activation: read.activation('classifier_activation', 'gelu'),
    classifier_pooling: pooling as Config['classifier_pooling'],
  };
}

// ---- parameters
function Norm(c: Config): { weight: ParamSpec; bias?: ParamSpec } {
  const { weight, bias } = LayerNorm(c.hidden_size);
  return c.norm_bias ? { weight, bias } : { weight };
}
const Attention = ({ hidden_size: C, attention_bias: bias }: Config) => ({
  Wqkv: Linear(C, 3 * C, { bias }),
  Wo: Linear(C, C, { bias }),
});
const Mlp = ({ hidden_size: C, intermediate_size: inner, mlp_bias: bias }: Config) => ({
  Wi: Linear(C, 2 * inner, { bias }),
  Wo: Linear(inner, C, { bias }),
});
const Layer = (c: Config, i: number) => ({
  attn_norm: i > 0 ? Norm(c) : undefined, // the embeddings are normed already
  attn: Attention(c),
  mlp_norm: Norm(c),
  mlp: Mlp(c),
});
export const ModernBert = (c: Config) => ({
  model: {
    embeddings: { tok_embeddings: Embedding(c.vocab_size, c.hidden_size), norm: Norm(c) },
    layers: repeat(c.num_hidden_layers, i => Layer(c, i)),
    final_norm: Norm(c),
  },
});
const Prediction = (c: Config) => ({
  dense: Linear(c.hidden_size, c.hidden_size, { bias: c.classifier_bias }),
  norm: Norm(c),
});

// ---- computation: B rows, T tokens, C = hidden_size
function attend(p: Params<typeof Attention>, x: Tensor, c: Config, table: RopeTable, input: TokenInput, i: number) {
  const [q, k, v] = linear(p.Wqkv, x)
    .split(3)
    .map(t => splitHeads(t, c.num_attention_heads)) as [Tensor, Tensor, Tensor];
  const z = turnAndAttend({ q, k, v }, table, input, i, { causal: false, window: windowOf(c, i) });
  return linear(p.Wo, z).named('out');
}
function mlp(p: Params<typeof Mlp>, x: Tensor, c: Config): Tensor {
  const [pre, gate] = linear(p.Wi, x).split(2) as [Tensor, Tensor];
  return linear(p.Wo, activation(c.hidden_activation)(pre.named('pre')).mul(gate).named('act')).named('out');
}
function layer(
  p: Params<typeof Layer>,
  stream: Tensor,
  c: Config,
  table: RopeTable,
  input: TokenInput,
  i: number,
): Tensor {
  const normed = (norm: Params<typeof Norm>, x: Tensor) => layerNorm(norm, x, c.norm_eps);
  return residualBlock(
    stream,
    x => attend(p.attn, p.attn_norm ? normed(p.attn_norm, x) : x, c, table, input, i),
    x => mlp(p.mlp, normed(p.mlp_norm, x), c),
  );
}
/** Last hidden states `[B, T, C]`, after the final norm. */
function hidden({ model }: Params<typeof ModernBert>, c: Config, input: TokenInput): Tensor {
  const tables = { full_attention: ropeTable(c.rope, input), sliding_attention: ropeTable(c.localRope, input) };
  const tokens = embedding(model.embeddings.tok_embeddings, input.ids).named('embed');
  const x = throughLayers(model.layers, layerNorm(model.embeddings.norm, tokens, c.norm_eps), (p, x, i) =>
    layer(p, x, c, tables[c.layer_types[i]!], input, i),
  );
  return layerNorm(model.final_norm, x, c.norm_eps).named('ln_final');
}
/** norm(act(dense(x))): what all heads begin with. */
const predict = (p: Params<typeof Prediction>, c: Config, x: Tensor): Tensor =>
  layerNorm(p.norm, activation(c.classifier_activation)(linear(p.dense, x)), c.norm_eps);

const body = { parameters: ModernBert, width: (c: Config) => c.hidden_size, hidden };
/** A head that reads what `predict` makes of the last hidden states. */
const afterPrediction = (head: Head<Config>): Head<Config> => ({
  ...head,
  parameters: c => ({ ...(head.parameters(c) as object), head: Prediction(c) }),
  outputs: (p, c, x, input) =>
    head.outputs(p, c, predict((p as { head: Params<typeof Prediction> }).head, c, x), input),
});

export const modernbert: Architecture<Config> = {
  name: 'modernbert',
  config,
  /** Bare encoders have no prefix; a tied decoder's matrix is not a parameter. */
  rename(key, c) {
    if (key === 'decoder.weight' && c.tie_word_embeddings) return undefined;
    return key.replace(/^(embeddings|layers|final_norm)\./, 'model.$&');
  },
  heads: {
    maskedLM: afterPrediction(
      maskedLMHead(body, {
        parameters: c => ({
          decoder: {
            ...OutputMatrix(c, c.hidden_size),
            bias: c.decoder_bias ? param([c.vocab_size], 'zeros') : undefined,
          },
        }),
        logits: (p, _, x) => linear({ ...p.model.embeddings.tok_embeddings, ...p.decoder }, x),
      }),
    ),
    sequenceClassification: sequenceHead(body, {
      parameters: c => ({ head: Prediction(c), classifier: Linear(c.hidden_size, c.labels.length) }),
      logits: (p, c, x, { mask }) => {
        const pool = c.classifier_pooling === 'mean' ? meanPool : clsPool;
        return linear(p.classifier, predict(p.head, c, pool(x, mask)));
      },
    }),
    tokenClassification: afterPrediction(tokenHead(body)),
    questionAnswering: afterPrediction(questionHead(body, 'classifier')),
    base: baseHead(body),
  },
  vocabSize: c => c.vocab_size,
  contextLength: c => c.max_position_embeddings,
};
