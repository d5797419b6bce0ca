/**
 * ViT: an encoder over the patches of an image. Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words: Transformers for
 * Image Recognition at Scale". A learned class token stands before the patches; layer norm before each sub-layer. Images of
 * another size than the config's get its positions stretched. Parameter names: the published checkpoints'.
 */
import { activation } from '../nn/activation.ts';
import { mergeHeads, splitHeads } from '../nn/attention.ts';
import { residualBlock, throughLayers } from '../nn/block.ts';
import { feedForward } from '../nn/feed-forward.ts';
import { Linear, linear } from '../nn/linear.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import { type Params, param, repeat } from '../nn/params.ts';
import { gridOf, interpolateGrid, PatchProjection, patchEmbedding } from '../nn/patch-embedding.ts';
import { clsPool } from '../nn/pooling.ts';
import { attention, concat, type Tensor } from '../tensor/index.ts';
import type { Architecture, ImageInput, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { baseHead, pooledHead, sequenceHead } from './encoder-heads.ts';

export interface Config {
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  intermediate_size: number;
  hidden_act: string;
  layer_norm_eps: number;
  image_size: number;
  patch_size: number;
  num_channels: number;
  qkv_bias: boolean;
  pooler_output_size: number;
  pooler_act: string;
  labels: string[];
}
function config(read: ConfigReader): Config {
  const hidden_size = read.integer('hidden_size', 768);
  const num_attention_heads = read.integer('num_attention_heads', 12);
  const image_size = read.integer('image_size', 224);
  const patch_size = read.integer('patch_size', 16);
  read.check(
    hidden_size % num_attention_heads === 0,
    `hidden_size ${hidden_size} is not a multiple of num_attention_heads ${num_attention_heads}`,
  );
  read.check(patch_size <= image_size, `patch_size ${patch_size} is above image_size ${image_size}`);
  return {
    hidden_size,
    num_hidden_layers: read.layers('num_hidden_layers', 12),
    num_attention_heads,
    intermediate_size: read.integer('intermediate_size', 3072),
    hidden_act: read.activation('hidden_act', 'gelu'),
    layer_norm_eps: read.positive('layer_norm_eps', 1e-12),
    image_size,
    patch_size,
    num_channels: read.integer('num_channels', 3),
    qkv_bias: read.boolean('qkv_bias', true),
    pooler_output_size: read.integer('pooler_output_size', hidden_size),
    pooler_act: read.activation('pooler_act', 'tanh'),
    labels: read.labels(),
  };
}
/** Patches along a side of the images that the positions were learned for. */
const side = (c: Config): number => Math.floor(c.image_size / c.patch_size);

// ---- parameters
const Projection = (c: Config) => Linear(c.hidden_size, c.hidden_size, { bias: c.qkv_bias });
const Layer = (c: Config) => ({
  layernorm_before: LayerNorm(c.hidden_size),
  attention: {
    attention: { query: Projection(c), key: Projection(c), value: Projection(c) },
    output: { dense: Linear(c.hidden_size, c.hidden_size) },
  },
  layernorm_after: LayerNorm(c.hidden_size),
  intermediate: { dense: Linear(c.hidden_size, c.intermediate_size) },
  output: { dense: Linear(c.intermediate_size, c.hidden_size) },
});
export const ViT = (c: Config) => ({
  embeddings: {
    cls_token: param([1, 1, c.hidden_size], 'normal'),
    position_embeddings: param([1, 1 + side(c) ** 2, c.hidden_size], 'normal'),
    patch_embeddings: { projection: PatchProjection(c.num_channels, c.patch_size, c.hidden_size) },
  },
  encoder: { layer: repeat(c.num_hidden_layers, () => Layer(c)) },
  layernorm: LayerNorm(c.hidden_size),
});
const Pooler = (c: Config) => ({ dense: Linear(c.hidden_size, c.pooler_output_size) });

// ---- computation: B images of N patches, T = 1 + N, C = hidden_size
/** `[B, T, C]` */
function embed(p: Params<typeof ViT>['embeddings'], c: Config, { pixels }: ImageInput): Tensor {
  const patches = patchEmbedding(p.patch_embeddings.projection, pixels);
  const [B, N, C] = patches.shape as [number, number, number];
  const learned = p.position_embeddings.reshape(-1, C);
  const grid = interpolateGrid(learned.slice(0, 1, learned.dim(0)), [side(c), side(c)], gridOf(pixels, c.patch_size));
  const positions = concat([learned.slice(0, 0, 1), grid], 0).named('pos_embed');
  return concat([p.cls_token.expand([B, 1, C]), patches], 1)
    .named('embed')
    .add(positions.reshape(1, 1 + N, C));
}
function attend(p: Params<typeof Layer>['attention'], x: Tensor, c: Config): Tensor {
  const [q, k, v] = (['query', 'key', 'value'] as const).map(name =>
    splitHeads(linear(p.attention[name], x), c.num_attention_heads),
  ) as [Tensor, Tensor, Tensor];
  return linear(p.output.dense, mergeHeads(attention(q.named('q'), k.named('k'), v.named('v')))).named('out');
}
const layer = (p: Params<typeof Layer>, x: Tensor, c: Config): Tensor =>
  residualBlock(
    x,
    x => attend(p.attention, layerNorm(p.layernorm_before, x, c.layer_norm_eps), c),
    x =>
      feedForward(
        p.intermediate.dense,
        p.output.dense,
        layerNorm(p.layernorm_after, x, c.layer_norm_eps),
        c.hidden_act,
      ),
  );
/** Last hidden states `[B, T, C]`, after the final norm: the class token's, then the patches'. */
function hidden(p: Params<typeof ViT>, c: Config, input: TokenInput | ImageInput): Tensor {
  const x = embed(p.embeddings, c, input as ImageInput);
  const states = throughLayers(p.encoder.layer, x, (params, stream) => layer(params, stream, c));
  return layerNorm(p.layernorm, states, c.layer_norm_eps).named('ln_final');
}

const body = { parameters: ViT, width: (c: Config) => c.hidden_size, hidden };
export const vit: Architecture<Config> = {
  name: 'vit',
  config,
  /** Bare models have no prefix; what stands for hidden patches in pre-training is not used. */
  rename(key) {
    const name = key.replace(/^vit\./, '');
    return name === 'embeddings.mask_token' ? undefined : name;
  },
  heads: {
    imageClassification: sequenceHead(body, {
      parameters: c => ({ classifier: Linear(c.hidden_size, c.labels.length) }),
      logits: (p, _, x) => linear(p.classifier, clsPool(x, undefined)),
    }),
    pooled: pooledHead(body, {
      parameters: c => ({ pooler: Pooler(c) }),
      pool: (p, c, x) => activation(c.pooler_act)(linear(p.pooler.dense, clsPool(x, undefined))),
    }),
    base: baseHead(body),
  },
  modality: 'image',
  vocabSize: () => 0,
  contextLength: () => undefined,
};
