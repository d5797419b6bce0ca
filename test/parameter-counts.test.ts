/** Published sizes, counted from declarations alone: no weight is read or allocated. */
import { describe, expect, it } from 'vitest';
import { GPT3 } from '../src/models/gpt-neo.ts';
import { countParams, listParams, mapSpec } from '../src/nn/params.ts';
import { tokenBatch } from '../src/nn/tokens.ts';
import { cost, Tensor } from '../src/tensor/index.ts';
import { declared, readConfig } from './families/tiny-model.ts';

type Json = Readonly<Record<string, unknown>>;
const gpt2 = (n_embd: number, n_layer: number, n_head: number): Json => ({
  model_type: 'gpt2',
  n_embd,
  n_layer,
  n_head,
});
const gptNeo = (hidden_size: number, num_layers: number, num_heads: number): Json => ({
  model_type: 'gpt_neo',
  hidden_size,
  num_layers,
  num_heads,
  attention_types: [[['global', 'local'], num_layers / 2]],
});
const opt350m: Json = {
  model_type: 'opt',
  ...{ hidden_size: 1024, word_embed_proj_dim: 512, num_hidden_layers: 24, num_attention_heads: 16, ffn_dim: 4096 },
  do_layer_norm_before: false,
};
const llama = (
  hidden_size: number,
  intermediate_size: number,
  num_hidden_layers: number,
  num_attention_heads: number,
  more: Json = {},
): Json => ({
  model_type: 'llama',
  hidden_size,
  intermediate_size,
  num_hidden_layers,
  num_attention_heads,
  ...more,
});
const grouped = { num_key_value_heads: 8 };
const llama3 = { vocab_size: 128256, ...grouped };
const qwen3Small: Json = {
  model_type: 'qwen3',
  ...{ hidden_size: 1024, intermediate_size: 3072, num_hidden_layers: 28, num_attention_heads: 16, ...grouped },
  tie_word_embeddings: true,
};
const granite2b: Json = {
  model_type: 'granite',
  ...{ vocab_size: 49155, hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 40, ...grouped },
  tie_word_embeddings: true,
};
const gemma2b: Json = {
  model_type: 'gemma',
  ...{ hidden_size: 2048, intermediate_size: 16384, num_hidden_layers: 18, num_attention_heads: 8 },
  num_key_value_heads: 1,
};
const gemma3Small: Json = {
  model_type: 'gemma3_text',
  ...{ vocab_size: 262144, hidden_size: 1152, intermediate_size: 6912, num_attention_heads: 4, num_key_value_heads: 1 },
};
const pythia = (hidden_size: number, num_hidden_layers: number, num_attention_heads: number): Json => ({
  model_type: 'gpt_neox',
  vocab_size: 50304,
  hidden_size,
  intermediate_size: 4 * hidden_size,
  num_hidden_layers,
  num_attention_heads,
});
const falcon40: Json = {
  ...{ model_type: 'falcon', hidden_size: 8192, num_hidden_layers: 60, num_attention_heads: 128, num_kv_heads: 8 },
  new_decoder_architecture: true,
};
const stablelm2: Json = {
  ...{ model_type: 'stablelm', vocab_size: 100352, hidden_size: 2048, intermediate_size: 5632, num_hidden_layers: 24 },
  use_qkv_bias: true,
};

/** Numbers of the published checkpoints; a tied matrix counts once. */
const SIZES: readonly (readonly [name: string, config: Json, parameters: number])[] = [
  ['gpt2', gpt2(768, 12, 12), 124_439_808],
  ['gpt2-medium', gpt2(1024, 24, 16), 354_823_168],
  ['gpt2-large', gpt2(1280, 36, 20), 774_030_080],
  ['gpt2-xl', gpt2(1600, 48, 25), 1_557_611_200],
  ['distilgpt2', gpt2(768, 6, 12), 81_912_576],
  ['GPT', { model_type: 'openai-gpt' }, 116_534_784],
  ['GPT-Neo 125M', gptNeo(768, 12, 12), 125_198_592],
  ['GPT-Neo 1.3B', gptNeo(2048, 24, 16), 1_315_575_808],
  ['GPT-Neo 2.7B', gptNeo(2560, 32, 20), 2_651_307_520],
  ['GPT-3 Small', GPT3['GPT-3 Small'], 125_226_240],
  ['GPT-3 Medium', GPT3['GPT-3 Medium'], 355_871_744],
  ['GPT-3 Large', GPT3['GPT-3 Large'], 760_300_032],
  ['GPT-3 XL', GPT3['GPT-3 XL'], 1_315_723_264],
  ['GPT-3 2.7B', GPT3['GPT-3 2.7B'], 2_651_553_280],
  ['GPT-3 6.7B', GPT3['GPT-3 6.7B'], 6_658_404_352],
  ['GPT-3 13B', GPT3['GPT-3 13B'], 12_853_386_240],
  ['GPT-3 175B', GPT3['GPT-3 175B'], 174_604_259_328],
  ['OPT 125M', { model_type: 'opt' }, 125_239_296],
  ['OPT 350M', opt350m, 331_196_416],
  ['BLOOM 560M', { model_type: 'bloom', n_embed: 1024, n_layer: 24, num_attention_heads: 16 }, 559_214_592],
  ['BLOOM', { model_type: 'bloom', n_embed: 14336, n_layer: 70, num_attention_heads: 112 }, 176_247_271_424],
  ['LLaMA 7B', llama(4096, 11008, 32, 32), 6_738_415_616],
  ['LLaMA 13B', llama(5120, 13824, 40, 40), 13_015_864_320],
  ['LLaMA 33B', llama(6656, 17920, 60, 52), 32_528_943_616],
  ['LLaMA 65B', llama(8192, 22016, 80, 64), 65_285_660_672],
  ['Llama 2 70B', llama(8192, 28672, 80, 64, grouped), 68_976_648_192],
  ['Llama 3 8B', llama(4096, 14336, 32, 32, llama3), 8_030_261_248],
  ['Llama 3 70B', llama(8192, 28672, 80, 64, llama3), 70_553_706_496],
  ['Llama 3.1 405B', llama(16384, 53248, 126, 128, llama3), 405_853_388_800],
  ['Llama 3.2 1B', llama(2048, 8192, 16, 32, { ...llama3, tie_word_embeddings: true }), 1_235_814_400],
  ['Llama 3.2 3B', llama(3072, 8192, 28, 24, { ...llama3, tie_word_embeddings: true }), 3_212_749_824],
  ['TinyLlama 1.1B', llama(2048, 5632, 22, 32, { num_key_value_heads: 4 }), 1_100_048_384],
  ['Mistral 7B v0.1', { model_type: 'mistral' }, 7_241_732_096],
  ['Mistral 7B v0.3', { model_type: 'mistral', vocab_size: 32768, sliding_window: null }, 7_248_023_552],
  ['Qwen3 0.6B', qwen3Small, 596_049_920],
  ['Granite 3.0 2B', granite2b, 2_533_531_648],
  ['OLMo 2 7B', { model_type: 'olmo2', vocab_size: 100352 }, 7_298_617_344],
  ['Phi-3 mini', { model_type: 'phi3' }, 3_821_079_552],
  ['Gemma 2B', gemma2b, 2_506_172_416],
  ['Gemma 2 2B', { model_type: 'gemma2' }, 2_614_341_888],
  ['Gemma 3 1B', gemma3Small, 999_885_952],
  ['GPT-NeoX 20B', { model_type: 'gpt_neox' }, 20_554_567_680],
  ['Pythia 70M', pythia(512, 6, 8), 70_426_624],
  ['Pythia 160M', pythia(768, 12, 12), 162_322_944],
  ['GPT-J 6B', { model_type: 'gptj' }, 6_050_882_784],
  ['phi-1.5', { model_type: 'phi' }, 1_418_270_720],
  ['phi-2', { model_type: 'phi', hidden_size: 2560, intermediate_size: 10240, num_hidden_layers: 32 }, 2_779_683_840],
  ['Falcon 7B', { model_type: 'falcon' }, 6_921_720_704],
  ['Falcon 40B', falcon40, 41_303_293_952],
  ['Stable LM 2 1.6B', stablelm2, 1_644_515_328],
];

describe('parameters of', () => {
  it.each(SIZES)('%s', async (_, config, parameters) => {
    expect(countParams(await declared(config))).toBe(parameters);
  });
});

describe('operations of a prompt', () => {
  const T = 256;
  const configOf = (name: string) => SIZES.find(([n]) => n === name)![1];
  // Tied heads multiply with the embedding table, so that one counts as a matrix too.
  it.each([
    ['gpt2', configOf('gpt2'), { width: 768, layers: 12, lookups: /wpe/ }],
    ['Llama 3 8B', configOf('Llama 3 8B'), { width: 4096, layers: 32, lookups: /embed_tokens/ }],
  ] as const)('%s: two per matrix entry and token, and the attention', async (_, json, { width, layers, lookups }) => {
    const { architecture, config } = await readConfig(json);
    const { parameters, hidden, outputs } = architecture.heads.causalLM!;
    const spec = parameters(config);
    const params = mapSpec(spec, (_name, { shape }) => Tensor.full(shape, 0));
    const input = tokenBatch([Array<number>(T).fill(1)], {
      vocabSize: architecture.vocabSize(config),
      contextLength: undefined,
    });
    const { flops } = cost(outputs(params, config, hidden(params, config, input), input).logits!);
    const matrices = listParams(spec).filter(([name, { shape }]) => shape.length === 2 && !lookups.test(name));
    const expected =
      2 * T * matrices.reduce((n, [, { shape }]) => n + shape[0]! * shape[1]!, 0) + 2 * layers * width * T * T;
    // What is not a product (norms, activations, softmax) is below one percent.
    expect(flops).toBeGreaterThan(expected);
    expect(flops).toBeLessThan(1.01 * expected);
  });
});
