/** A tiny model with random weights for every `model_type`: what the family runner runs. */
import { safetensorsBytes } from '../../src/formats/index.ts';
import { Model } from '../../src/hub/model.ts';
import { type Architecture, HEAD_NAMES, type HeadName } from '../../src/models/architecture.ts';
import { ConfigReader } from '../../src/models/config-reader.ts';
import { headOf } from '../../src/models/forward.ts';
import { architectureOf, modelTypes } from '../../src/models/index.ts';
import { initializeParameters } from '../../src/nn/initialize.ts';
import { listParams, type Spec } from '../../src/nn/params.ts';
import { type Backend, leavesOf } from '../../src/tensor/index.ts';

type Json = Readonly<Record<string, unknown>>;

/** `config.json` of a small model per `model_type`, with whatever is special about the family switched on. */
export const TINY: Readonly<Record<string, Json>> = {
  gpt2: { vocab_size: 61, n_positions: 24, n_embd: 24, n_layer: 2, n_head: 3, pad_token_id: 0, num_labels: 3 },
  'openai-gpt': { vocab_size: 61, n_positions: 24, n_embd: 24, n_layer: 2, n_head: 3, pad_token_id: 0, num_labels: 3 },
  'lstm-lm': { vocab_size: 61, embedding_size: 20, hidden_size: 24, num_layers: 2, pad_token_id: 0, num_labels: 3 },
  rwkv: {
    ...{ vocab_size: 61, hidden_size: 24, num_hidden_layers: 2, attention_hidden_size: 32, intermediate_size: 40 },
    ...{ rescale_every: 1, pad_token_id: 0, num_labels: 3 },
  },
  opt: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 3 },
    ...{ ffn_dim: 40, pad_token_id: 0, num_labels: 3 },
  },
  bloom: { vocab_size: 61, hidden_size: 24, n_layer: 2, n_head: 3, pad_token_id: 0, num_labels: 3 },
  gpt_neo: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, num_layers: 2, num_heads: 3 },
    ...{ attention_types: [[['global', 'local'], 1]], window_size: 4, pad_token_id: 0, num_labels: 3 },
  },
  llama: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, pad_token_id: 0, num_labels: 3 },
  },
  mixtral: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, num_local_experts: 4, output_router_logits: true },
    ...{ pad_token_id: 0, num_labels: 3 },
  },
  gpt_neox: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, rotary_pct: 0.25, pad_token_id: 0, num_labels: 3 },
  },
  gptj: {
    ...{ vocab_size: 61, n_positions: 24, n_embd: 24, n_layer: 2, n_head: 3, rotary_dim: 4, pad_token_id: 0 },
    num_labels: 3,
  },
  phi: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, qk_layernorm: true, pad_token_id: 0, num_labels: 3 },
  },
  stablelm: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, partial_rotary_factor: 0.34, qk_layernorm: true },
    ...{ use_qkv_bias: true, pad_token_id: 0, num_labels: 3 },
  },
  falcon: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, ffn_hidden_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_kv_heads: 2, new_decoder_architecture: true, pad_token_id: 0, num_labels: 3 },
  },
  qwen2: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, pad_token_id: 0, num_labels: 3 },
  },
  qwen3: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, pad_token_id: 0, num_labels: 3, head_dim: 8 },
    ...{ use_sliding_window: true, sliding_window: 4, max_window_layers: 1 },
  },
  granite: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, pad_token_id: 0, num_labels: 3, attention_multiplier: 0.5 },
    ...{ embedding_multiplier: 1.7, residual_multiplier: 0.6, logits_scaling: 1.5 },
  },
  olmo2: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, pad_token_id: 0, num_labels: 3 },
  },
  phi3: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_key_value_heads: 1, pad_token_id: 0, num_labels: 3 },
    ...{ sliding_window: 4, partial_rotary_factor: 0.5 },
  },
  gemma: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, pad_token_id: 0, num_labels: 3 },
  },
  gemma2: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, pad_token_id: 0, num_labels: 3 },
    ...{ sliding_window: 4, query_pre_attn_scalar: 12, attn_logit_softcapping: 3, final_logit_softcapping: 4 },
  },
  gemma3_text: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, pad_token_id: 0, num_labels: 3 },
    ...{ sliding_window: 4, sliding_window_pattern: 2, query_pre_attn_scalar: 12, rope_local_base_freq: 100 },
  },
  llada: {
    ...{ vocab_size: 61, embedding_size: 61, max_sequence_length: 24, d_model: 24, n_layers: 2, n_heads: 4 },
    ...{ n_kv_heads: 2, mlp_hidden_size: 40, mask_token_id: 60 },
  },
  mdlm: {
    ...{ vocab_size: 61, model_length: 24, hidden_dim: 24, cond_dim: 8, n_blocks: 2, n_heads: 3 },
    time_conditioning: true,
  },
  t5: {
    ...{ vocab_size: 61, d_model: 24, d_kv: 8, d_ff: 40, num_layers: 2, num_decoder_layers: 3, num_heads: 4 },
    ...{ relative_attention_num_buckets: 8, relative_attention_max_distance: 10, num_labels: 3 },
  },
  mt5: {
    ...{ vocab_size: 61, d_model: 24, d_kv: 5, d_ff: 40, num_layers: 3, num_decoder_layers: 2, num_heads: 3 },
    ...{ relative_attention_num_buckets: 8, relative_attention_max_distance: 10, num_labels: 3 },
  },
  umt5: {
    ...{ vocab_size: 61, d_model: 24, d_kv: 8, d_ff: 40, num_layers: 2, num_heads: 3, num_labels: 3 },
    ...{ relative_attention_num_buckets: 8, relative_attention_max_distance: 10 },
  },
  mistral: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_key_value_heads: 1, sliding_window: 4, pad_token_id: 0, num_labels: 3 },
  },
  bert: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_labels: 3 },
  },
  deberta: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_labels: 3, embedding_size: 16, type_vocab_size: 2, position_biased_input: false },
    ...{ relative_attention: true, max_relative_positions: 6, pos_att_type: 'c2p|p2c' },
  },
  'deberta-v2': {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_labels: 3, conv_kernel_size: 3, norm_rel_ebd: 'layer_norm', position_buckets: 4 },
    ...{ relative_attention: true, pos_att_type: ['p2c', 'c2p'], share_att_key: true },
  },
  modernbert: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_labels: 3, local_attention: 6, classifier_pooling: 'mean' },
  },
  xlnet: {
    ...{ vocab_size: 61, d_model: 24, d_inner: 40, n_layer: 2, n_head: 3, num_labels: 3, clamp_len: 7 },
  },
  distilbert: {
    ...{ vocab_size: 61, max_position_embeddings: 24, dim: 24, hidden_dim: 40, n_layers: 2, n_heads: 3, num_labels: 3 },
  },
  electra: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, embedding_size: 16, num_labels: 3 },
  },
  albert: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, embedding_size: 16, num_labels: 3 },
  },
  mpnet: {
    ...{ vocab_size: 61, max_position_embeddings: 26, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_labels: 3 },
  },
  roberta: {
    ...{ vocab_size: 61, max_position_embeddings: 26, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, type_vocab_size: 1, num_labels: 3 },
  },
  'xlm-roberta': {
    ...{ vocab_size: 61, max_position_embeddings: 26, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, type_vocab_size: 1, num_labels: 3 },
  },
  camembert: {
    ...{ vocab_size: 61, max_position_embeddings: 26, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, type_vocab_size: 1, num_labels: 3 },
  },
  bart: {
    ...{ vocab_size: 61, max_position_embeddings: 24, d_model: 24, encoder_layers: 2, encoder_attention_heads: 3 },
    ...{ encoder_ffn_dim: 40, decoder_layers: 2, decoder_attention_heads: 4, decoder_ffn_dim: 32, num_labels: 3 },
  },
  mbart: {
    ...{ vocab_size: 61, max_position_embeddings: 24, d_model: 24, encoder_layers: 2, encoder_attention_heads: 3 },
    ...{ encoder_ffn_dim: 40, decoder_layers: 2, decoder_attention_heads: 4, decoder_ffn_dim: 32 },
    ...{ scale_embedding: true, decoder_start_token_id: 7 },
  },
  marian: {
    ...{ vocab_size: 61, max_position_embeddings: 24, d_model: 24, encoder_layers: 2, encoder_attention_heads: 3 },
    ...{ encoder_ffn_dim: 40, decoder_layers: 2, decoder_attention_heads: 4, decoder_ffn_dim: 32 },
    ...{ scale_embedding: true, decoder_start_token_id: 60, pad_token_id: 60 },
    ...{ share_encoder_decoder_embeddings: false, decoder_vocab_size: 61 },
  },
  pegasus: {
    ...{ vocab_size: 61, max_position_embeddings: 24, d_model: 24, encoder_layers: 2, encoder_attention_heads: 3 },
    ...{ encoder_ffn_dim: 40, decoder_layers: 2, decoder_attention_heads: 4, decoder_ffn_dim: 32 },
    scale_embedding: true,
  },
  m2m_100: {
    ...{ vocab_size: 61, max_position_embeddings: 24, d_model: 24, encoder_layers: 2, encoder_attention_heads: 3 },
    ...{ encoder_ffn_dim: 40, decoder_layers: 2, decoder_attention_heads: 4, decoder_ffn_dim: 32 },
  },
  diffuser: {
    ...{ vocab_size: 61, max_position_embeddings: 24, d_model: 24, encoder_layers: 2, encoder_attention_heads: 3 },
    ...{ encoder_ffn_dim: 40, decoder_layers: 2, decoder_attention_heads: 4, decoder_ffn_dim: 32 },
  },
  vit: {
    ...{ hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2, num_attention_heads: 3, num_labels: 3 },
    ...{ image_size: 12, patch_size: 4 },
  },
  whisper: {
    ...{ vocab_size: 61, d_model: 24, encoder_layers: 2, encoder_attention_heads: 3, encoder_ffn_dim: 40 },
    ...{ decoder_layers: 2, decoder_attention_heads: 4, decoder_ffn_dim: 32, num_mel_bins: 8 },
    ...{ max_source_positions: 12, max_target_positions: 24, pad_token_id: 0, decoder_start_token_id: 7 },
  },
};

/** A `config.json` through its architecture's reader: what `load` does before it opens the weights. */
export async function readConfig(json: Json) {
  const { architecture, json: full } = await architectureOf(json);
  const reader = new ConfigReader(full, 'config.json');
  const config = architecture.config(reader);
  reader.finish();
  return { architecture, config };
}

/** The head that an architecture is usually run under. */
const mainHead = (architecture: Architecture) => HEAD_NAMES.find(name => architecture.heads[name])!;
/** Model types that have a head. */
export async function typesWith(head: HeadName): Promise<string[]> {
  const types: string[] = [];
  for (const type of modelTypes())
    if ((await architectureOf({ model_type: type })).architecture.heads[head]) types.push(type);
  return types;
}

/** Declaration of a whole model under a head, the usual one by default. */
export async function declared(json: Json, head?: HeadName): Promise<Spec> {
  const { architecture, config } = await readConfig(json);
  return headOf({ architecture, head: head ?? mainHead(architecture) }).parameters(config);
}

/** Weights are drawn wide enough that attention is far from uniform. */
export async function tinyModel(
  type: string,
  backend: Backend,
  options: { head?: HeadName; plain?: boolean; config?: Json } = {},
): Promise<Model> {
  const { architecture, config } = await readConfig({ model_type: type, ...TINY[type], ...options.config });
  const head = options.head ?? mainHead(architecture);
  const spec = headOf({ architecture, head }).parameters(config);
  const params = await initializeParameters(spec, backend, 7, { deviation: 0.25, plain: options.plain });
  const specs = new Map(listParams(spec));
  return new Model({
    architecture,
    config,
    params,
    backend,
    head,
    type,
    specs,
    tokenizer: undefined,
    defaults: {},
    unexpected: [],
  });
}

/** The files of such a model, as `load` reads them; its parameters are those of `tinyModel`. */
export async function tinyFiles(
  type: string,
  backend: Backend,
  options: { head?: HeadName; config?: Json } = {},
): Promise<Record<string, Uint8Array>> {
  const model = await tinyModel(type, backend, options);
  const weights = await weightsFile(model.parts.params);
  model.dispose();
  const config = JSON.stringify({ model_type: type, ...TINY[type], ...options.config });
  return { 'config.json': new TextEncoder().encode(config), 'model.safetensors': weights };
}
/** A tree of parameters as a safetensors file. */
export async function weightsFile(params: unknown): Promise<Uint8Array> {
  const tensors = leavesOf(params).map(async ([name, tensor]) => {
    const values = Float32Array.from(await tensor.data());
    return { name, dtype: 'F32' as const, shape: tensor.shape, chunks: () => [new Uint8Array(values.buffer)] };
  });
  return safetensorsBytes(await Promise.all(tensors));
}
