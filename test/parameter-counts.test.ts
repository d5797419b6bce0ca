/** Published sizes, counted from declarations alone: no weight is read or allocated. */
import { describe, expect, it } from 'vitest';
import type { HeadName } from '../src/models/architecture.ts';
import { GPT3 } from '../src/models/gpt-neo.ts';
import { countParams, listParams, mapSpec } from '../src/nn/params.ts';
import { tokenBatch } from '../src/nn/tokens.ts';
import { cost, sizeOf, Tensor } from '../src/tensor/index.ts';
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

const mixtral22: Json = {
  ...{ model_type: 'mixtral', vocab_size: 32768, hidden_size: 6144, intermediate_size: 16384 },
  ...{ num_hidden_layers: 56, num_attention_heads: 48 },
};

const vit = (
  hidden_size: number,
  num_hidden_layers: number,
  num_attention_heads: number,
  intermediate_size: number,
) => ({
  model_type: 'vit',
  ...{ hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, num_labels: 1000 },
});
const whisper = (layers: number, d_model: number, heads: number, more: Json = {}): Json => ({
  model_type: 'whisper',
  ...{ d_model, encoder_layers: layers, encoder_attention_heads: heads, encoder_ffn_dim: 4 * d_model },
  ...{ decoder_layers: layers, decoder_attention_heads: heads, decoder_ffn_dim: 4 * d_model },
  ...more,
});
const t5 = (d_model: number, d_ff: number, num_layers: number, num_heads: number, more: Json = {}): Json => ({
  model_type: 't5',
  ...{ d_model, d_ff, num_layers, num_heads, ...more },
});
const t5v11 = { feed_forward_proj: 'gated-gelu', tie_word_embeddings: false };
const ul2 = t5(4096, 16384, 32, 16, { d_kv: 256, feed_forward_proj: 'gated-silu' });
const umt5Small: Json = { model_type: 'umt5', vocab_size: 256384, tie_word_embeddings: false };
const large = { hidden_size: 1024, num_hidden_layers: 24, num_attention_heads: 16, intermediate_size: 4096 };
const deberta: Json = {
  ...{ model_type: 'deberta', relative_attention: true, pos_att_type: 'c2p|p2c', position_biased_input: false },
};
const debertaV2: Json = {
  ...{ ...deberta, model_type: 'deberta-v2', position_buckets: 256, share_att_key: true, norm_rel_ebd: 'layer_norm' },
};
const debertaV3 = (hidden_size: number, layers: number, heads: number, intermediate_size: number): Json => ({
  ...debertaV2,
  ...{ hidden_size, num_hidden_layers: layers, num_attention_heads: heads, intermediate_size },
});
const modernBertLarge: Json = {
  ...{ model_type: 'modernbert', hidden_size: 1024, intermediate_size: 2624, num_hidden_layers: 28 },
  num_attention_heads: 16,
};
const albertBase: Json = { model_type: 'albert', hidden_size: 768, num_attention_heads: 12, intermediate_size: 3072 };
const roberta: Json = { model_type: 'roberta', max_position_embeddings: 514, type_vocab_size: 1 };

const bartBase: Json = {
  ...{ model_type: 'bart', d_model: 768, encoder_layers: 6, encoder_attention_heads: 12, encoder_ffn_dim: 3072 },
  ...{ decoder_layers: 6, decoder_attention_heads: 12, decoder_ffn_dim: 3072 },
};
const opusMT: Json = {
  ...{ model_type: 'marian', d_model: 512, encoder_layers: 6, encoder_attention_heads: 8, encoder_ffn_dim: 2048 },
  ...{ decoder_layers: 6, decoder_attention_heads: 8, decoder_ffn_dim: 2048 },
};
const pegasus: Json = { model_type: 'pegasus', vocab_size: 96103, encoder_layers: 16, decoder_layers: 16 };

/**
 * Numbers of the published checkpoints; a tied matrix counts once, computed sinusoids do not. Without a head the one a family is
 * usually run under.
 */
const SIZES: readonly (readonly [name: string, config: Json, parameters: number, head?: HeadName])[] = [
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
  ['Mixtral 8x7B', { model_type: 'mixtral' }, 46_702_792_704],
  ['Mixtral 8x22B', mixtral22, 140_630_071_296],
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
  ['T5 small', t5(512, 2048, 6, 8), 60_506_624],
  ['T5 base', t5(768, 3072, 12, 12), 222_903_552],
  ['T5 large', t5(1024, 4096, 24, 16), 737_668_096],
  ['T5 3B', t5(1024, 16384, 24, 32, { d_kv: 128 }), 2_851_598_336],
  ['T5 11B', t5(1024, 65536, 24, 128, { d_kv: 128 }), 11_307_321_344],
  ['T5 1.1 and Flan-T5 small', t5(512, 1024, 8, 6, t5v11), 76_961_152],
  ['T5 1.1 and Flan-T5 base', t5(768, 2048, 12, 12, t5v11), 247_577_856],
  ['T5 1.1 and Flan-T5 large', t5(1024, 2816, 24, 16, t5v11), 783_150_080],
  ['T5 1.1 and Flan-T5 XL', t5(2048, 5120, 24, 32, t5v11), 2_849_757_184],
  ['T5 1.1 and Flan-T5 XXL', t5(4096, 10240, 24, 64, t5v11), 11_135_332_352],
  ['UL2 and Flan-UL2', ul2, 19_459_613_696],
  ['UL2 with an output matrix of its own', { ...ul2, tie_word_embeddings: false }, 19_591_209_984],
  ['mT5 small', { model_type: 'mt5' }, 300_176_768],
  ['umT5 small', umt5Small, 306_601_984],
  ['BERT base', { model_type: 'bert' }, 109_482_240, 'pooled'],
  ['BERT base with both heads of its training', { model_type: 'bert' }, 110_106_428, 'pretraining'],
  ['BERT base, cased', { model_type: 'bert', vocab_size: 28996 }, 108_310_272, 'pooled'],
  ['BERT base, German', { model_type: 'bert', vocab_size: 30000 }, 109_081_344, 'pooled'],
  ['BERT base, multilingual', { model_type: 'bert', vocab_size: 119547 }, 177_853_440, 'pooled'],
  ['BERT large', { model_type: 'bert', ...large }, 335_141_888, 'pooled'],
  ['BART base', bartBase, 139_420_416],
  ['BART large', { model_type: 'bart' }, 406_291_456],
  ['BART large, summaries', { model_type: 'bart', vocab_size: 50264 }, 406_290_432],
  ['BART large, 3 classes', { model_type: 'bart', num_labels: 3 }, 407_344_131, 'sequenceClassification'],
  ['mBART large', { model_type: 'mbart', vocab_size: 250027 }, 610_851_840],
  ['mBART-50 large', { model_type: 'mbart', vocab_size: 250054 }, 610_879_488],
  ['OPUS-MT English to German', opusMT, 73_886_208],
  ['Pegasus large', pegasus, 568_699_904],
  ['M2M-100 418M', { model_type: 'm2m_100' }, 483_905_536],
  ['NLLB-200 600M', { model_type: 'm2m_100', vocab_size: 256206 }, 615_073_792],
  ['DistilBERT', { model_type: 'distilbert' }, 66_985_530],
  ['RoBERTa base', roberta, 124_645_632, 'pooled'],
  ['RoBERTa base, masked language model', roberta, 124_697_433],
  ['RoBERTa large', { ...roberta, ...large }, 355_359_744, 'pooled'],
  ['RoBERTa large, masked language model', { ...roberta, ...large }, 355_412_057],
  ['MPNet base', { model_type: 'mpnet', max_position_embeddings: 514 }, 109_486_464, 'pooled'],
  ['ALBERT base', albertBase, 11_683_584, 'pooled'],
  ['ALBERT xxlarge', { model_type: 'albert' }, 222_595_584, 'pooled'],
  ['ELECTRA small, discriminator', { model_type: 'electra' }, 13_549_057, 'replacedToken'],
  ['XLM-R base', { ...roberta, model_type: 'xlm-roberta', vocab_size: 250002 }, 278_295_186],
  ['DeBERTa base', deberta, 138_601_728, 'base'],
  ['DeBERTa v2 xlarge', { ...debertaV2, conv_kernel_size: 3 }, 884_593_152, 'base'],
  ['DeBERTa v3 xsmall', debertaV3(384, 12, 6, 1536), 70_682_112, 'base'],
  ['DeBERTa v3 small', debertaV3(768, 6, 12, 3072), 141_304_320, 'base'],
  ['DeBERTa v3 base', debertaV3(768, 12, 12, 3072), 183_831_552, 'base'],
  ['DeBERTa v3 large', debertaV3(1024, 24, 16, 4096), 434_012_160, 'base'],
  ['ModernBERT base', { model_type: 'modernbert' }, 149_014_272, 'base'],
  ['ModernBERT base, masked language model', { model_type: 'modernbert' }, 149_655_232, 'maskedLM'],
  ['ModernBERT large', modernBertLarge, 394_781_696, 'base'],
  ['ModernBERT large, masked language model', modernBertLarge, 395_881_664, 'maskedLM'],
  [
    'XLNet base, without the second stream',
    { model_type: 'xlnet', d_model: 768, n_layer: 12, n_head: 12, d_inner: 3072 },
    116_749_568,
  ],
  ['XLNet large, without the second stream', { model_type: 'xlnet' }, 360_299_776],
  ['ViT base', vit(768, 12, 12, 3072), 86_567_656],
  ['ViT large', vit(1024, 24, 16, 4096), 304_326_632],
  ['Whisper tiny', whisper(4, 384, 6), 37_760_640],
  ['Whisper base', whisper(6, 512, 8), 72_593_920],
  ['Whisper small', whisper(12, 768, 12), 241_734_912],
  ['Whisper medium', whisper(24, 1024, 16), 763_857_920],
  ['Whisper large', whisper(32, 1280, 20), 1_543_304_960],
  ['Whisper large v3', whisper(32, 1280, 20, { num_mel_bins: 128, vocab_size: 51866 }), 1_543_490_560],
];

describe('parameters of', () => {
  it.each(SIZES.map(([name, ...size]) => [name, size] as const))('%s', async (_, [config, parameters, head]) => {
    expect(countParams(await declared(config, head))).toBe(parameters);
  });
});

describe('parameters that one token meets', () => {
  it.each([
    ['Mixtral 8x7B', { model_type: 'mixtral' }, 12_879_925_248],
    ['Mixtral 8x22B', mixtral22, 39_161_468_928],
  ] as const)('%s: two experts of each layer, and the router', async (_, config, parameters) => {
    const met = listParams(await declared(config)).filter(([name]) => !/\.experts\.[2-7]\./.test(name));
    expect(met.reduce((n, [, { shape }]) => n + sizeOf(shape), 0)).toBe(parameters);
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
