/** Published sizes, counted from declarations alone: no weight is read or allocated. */
import { describe, expect, it } from 'vitest';
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

/** Numbers of the published checkpoints; a tied matrix counts once. */
const SIZES: readonly (readonly [name: string, config: Json, parameters: number])[] = [
  ['gpt2', gpt2(768, 12, 12), 124_439_808],
  ['gpt2-medium', gpt2(1024, 24, 16), 354_823_168],
  ['gpt2-large', gpt2(1280, 36, 20), 774_030_080],
  ['gpt2-xl', gpt2(1600, 48, 25), 1_557_611_200],
  ['distilgpt2', gpt2(768, 6, 12), 81_912_576],
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
];

describe('parameters of', () => {
  it.each(SIZES)('%s', async (_, config, parameters) => {
    expect(countParams(await declared(config))).toBe(parameters);
  });
});

describe('operations of a prompt', () => {
  const T = 256;
  // Tied heads multiply with the embedding table, so that one counts as a matrix too.
  it.each([
    ['gpt2', SIZES[0]![1], { width: 768, layers: 12, lookups: /wpe/ }],
    ['Llama 3 8B', SIZES[10]![1], { width: 4096, layers: 32, lookups: /embed_tokens/ }],
  ] as const)('%s: two per matrix entry and token, and the attention', async (_, json, { width, layers, lookups }) => {
    const { architecture, config } = await readConfig(json);
    const { parameters, hidden, logits } = architecture.heads.causalLM;
    const spec = parameters(config);
    const params = mapSpec(spec, (_name, { shape }) => Tensor.full(shape, 0));
    const input = tokenBatch([Array<number>(T).fill(1)], {
      vocabSize: architecture.vocabSize(config),
      contextLength: undefined,
    });
    const { flops } = cost(logits(params, config, hidden(params, config, input), input));
    const matrices = listParams(spec).filter(([name, { shape }]) => shape.length === 2 && !lookups.test(name));
    const expected =
      2 * T * matrices.reduce((n, [, { shape }]) => n + shape[0]! * shape[1]!, 0) + 2 * layers * width * T * T;
    // What is not a product (norms, activations, softmax) is below one percent.
    expect(flops).toBeGreaterThan(expected);
    expect(flops).toBeLessThan(1.01 * expected);
  });
});
