/** A tiny model with random weights for every `model_type`: what the family runner runs. */
import { Model } from '../../src/hub/model.ts';
import type { HeadName } from '../../src/models/architecture.ts';
import { ConfigReader } from '../../src/models/config-reader.ts';
import { architectureOf } from '../../src/models/index.ts';
import { initializeParameters } from '../../src/nn/initialize.ts';
import { listParams, type Spec } from '../../src/nn/params.ts';
import type { Backend } from '../../src/tensor/index.ts';

type Json = Readonly<Record<string, unknown>>;

/** `config.json` of a small model per `model_type`, with whatever is special about the family switched on. */
export const TINY: Readonly<Record<string, Json>> = {
  gpt2: { vocab_size: 61, n_positions: 24, n_embd: 24, n_layer: 2, n_head: 3, pad_token_id: 0, num_labels: 3 },
  llama: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, pad_token_id: 0, num_labels: 3 },
  },
  qwen2: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, pad_token_id: 0, num_labels: 3 },
  },
  mistral: {
    ...{ vocab_size: 61, max_position_embeddings: 24, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2 },
    ...{ num_attention_heads: 3, num_key_value_heads: 1, sliding_window: 4, pad_token_id: 0, num_labels: 3 },
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

/** Declaration of a whole model under a head. */
export async function declared(json: Json, head: HeadName = 'causalLM'): Promise<Spec> {
  const { architecture, config } = await readConfig(json);
  return architecture.heads[head].parameters(config);
}

/** Weights are drawn wide enough that attention is far from uniform. */
export async function tinyModel(
  type: string,
  backend: Backend,
  options: { head?: HeadName; plain?: boolean; config?: Json } = {},
): Promise<Model> {
  const head = options.head ?? 'causalLM';
  const { architecture, config } = await readConfig({ model_type: type, ...TINY[type], ...options.config });
  const spec = architecture.heads[head].parameters(config);
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
