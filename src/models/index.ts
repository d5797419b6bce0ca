/** The registry: which file computes a `model_type`. Models of one architecture under other names are lines of REMAP. */
import { UnsupportedError } from '../errors.ts';
import type { Architecture } from './architecture.ts';

const ARCHITECTURES: Readonly<Record<string, () => Promise<unknown>>> = {
  bart: async () => (await import('./bart.ts')).bart,
  m2m_100: async () => (await import('./m2m100.ts')).m2m100,
  marian: async () => (await import('./marian.ts')).marian,
  mbart: async () => (await import('./mbart.ts')).mbart,
  pegasus: async () => (await import('./pegasus.ts')).pegasus,
  albert: async () => (await import('./albert.ts')).albert,
  bert: async () => (await import('./bert.ts')).bert,
  diffuser: async () => (await import('./diffuser.ts')).diffuser,
  distilbert: async () => (await import('./distilbert.ts')).distilbert,
  electra: async () => (await import('./electra.ts')).electra,
  mpnet: async () => (await import('./mpnet.ts')).mpnet,
  roberta: async () => (await import('./roberta.ts')).roberta,
  deberta: async () => (await import('./deberta.ts')).deberta,
  'deberta-v2': async () => (await import('./deberta-v2.ts')).debertaV2,
  gemma: async () => (await import('./gemma.ts')).gemma,
  gemma2: async () => (await import('./gemma2.ts')).gemma2,
  gemma3_text: async () => (await import('./gemma3.ts')).gemma3,
  gpt2: async () => (await import('./gpt2.ts')).gpt2,
  gpt_neo: async () => (await import('./gpt-neo.ts')).gptNeo,
  'lstm-lm': async () => (await import('./lstm-lm.ts')).lstmLM,
  rwkv: async () => (await import('./rwkv.ts')).rwkv,
  'openai-gpt': async () => (await import('./openai-gpt.ts')).openaiGpt,
  opt: async () => (await import('./opt.ts')).opt,
  bloom: async () => (await import('./bloom.ts')).bloom,
  gpt_neox: async () => (await import('./gpt-neox.ts')).gptNeoX,
  gptj: async () => (await import('./gptj.ts')).gptJ,
  granite: async () => (await import('./granite.ts')).granite,
  phi: async () => (await import('./phi.ts')).phi,
  stablelm: async () => (await import('./stablelm.ts')).stablelm,
  falcon: async () => (await import('./falcon.ts')).falcon,
  llama: async () => (await import('./llama.ts')).llama,
  llada: async () => (await import('./llada.ts')).llada,
  mdlm: async () => (await import('./mdlm.ts')).mdlm,
  mixtral: async () => (await import('./mixtral.ts')).mixtral,
  modernbert: async () => (await import('./modernbert.ts')).modernbert,
  olmo2: async () => (await import('./olmo2.ts')).olmo2,
  phi3: async () => (await import('./phi3.ts')).phi3,
  qwen3: async () => (await import('./qwen3.ts')).qwen3,
  t5: async () => (await import('./t5.ts')).t5,
  umt5: async () => (await import('./t5.ts')).umt5,
  vit: async () => (await import('./vit.ts')).vit,
  whisper: async () => (await import('./whisper.ts')).whisper,
  xlnet: async () => (await import('./xlnet.ts')).xlnet,
};
/** The same architecture with other defaults for fields that a config leaves out. */
const REMAP: Readonly<Record<string, { as: string; defaults: Readonly<Record<string, unknown>> }>> = {
  camembert: { as: 'roberta', defaults: { vocab_size: 30522 } },
  'xlm-roberta': { as: 'roberta', defaults: { vocab_size: 30522 } },
  mistral: {
    as: 'llama',
    defaults: {
      intermediate_size: 14336,
      num_key_value_heads: 8,
      max_position_embeddings: 131072,
      sliding_window: 4096,
    },
  },
  mt5: {
    as: 't5',
    defaults: {
      vocab_size: 250112,
      d_ff: 1024,
      num_layers: 8,
      num_heads: 6,
      feed_forward_proj: 'gated-gelu',
      tie_word_embeddings: false,
    },
  },
  qwen2: {
    as: 'llama',
    defaults: {
      intermediate_size: 22016,
      max_position_embeddings: 32768,
      attention_bias: true,
      attention_out_bias: false,
      use_sliding_window: false,
      sliding_window: 4096,
      max_window_layers: 28,
    },
  },
};

/** Names of `model_type` that can be loaded. */
export const modelTypes = (): string[] => [...Object.keys(ARCHITECTURES), ...Object.keys(REMAP)];

/** The architecture of a parsed `config.json`, and the config with its defaults filled in. @throws UnsupportedError */
export async function architectureOf(
  json: Readonly<Record<string, unknown>>,
): Promise<{ architecture: Architecture; json: Readonly<Record<string, unknown>> }> {
  const type = String(json.model_type);
  const remap = Object.hasOwn(REMAP, type) ? REMAP[type] : undefined;
  const name = remap?.as ?? type;
  const get = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (!get)
    throw new UnsupportedError('no model file for this model_type', {
      seen: type,
      expected: modelTypes().join(', '),
      where: 'config.json',
    });
  return { architecture: (await get()) as Architecture, json: { ...remap?.defaults, ...json } };
}
