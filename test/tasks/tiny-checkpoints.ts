/** The golden data's tiny checkpoints with tokenizers, and with heads where they have none: what the tasks are tested on. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { safetensorsBytes } from '../../src/formats/index.ts';
import { type ModelFiles, memoryFiles } from '../../src/hub/files.ts';
import { createRng } from '../../src/util/rng.ts';
import { type Specials, unigram, wordPiece } from './tiny-tokenizers.ts';

type Json = Readonly<Record<string, unknown>>;
const GOLDEN = fileURLToPath(new URL('../golden/data/', import.meta.url));

interface Tiny {
  readonly golden: string;
  /** Changes to config.json. */
  readonly config?: Json;
  /** Shapes of a head's parameters, which are drawn. */
  readonly head?: Readonly<Record<string, readonly number[]>>;
  readonly tokenizer?: Json;
  readonly tokenizerConfig?: Json;
  /** More files, as JSON. */
  readonly files?: Readonly<Record<string, Json>>;
}
const labels = (...names: string[]) => ({
  id2label: Object.fromEntries(names.map((name, id) => [id, name])),
  label2id: Object.fromEntries(names.map((name, id) => [name, id])),
});

const BERT: Specials = { '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3, '[MASK]': 4 };
const bert: Pick<Tiny, 'tokenizer' | 'tokenizerConfig'> = {
  tokenizer: wordPiece(BERT, 120, ['[CLS]', 'A', '[SEP]'], ['[CLS]', 'A', '[SEP]', 'B:1', '[SEP]:1']),
  tokenizerConfig: {
    ...{ tokenizer_class: 'BertTokenizer', model_max_length: 64, do_lower_case: true, strip_accents: false },
    ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]', sep_token: '[SEP]', mask_token: '[MASK]' },
  },
};
const S: Specials = { '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, '<mask>': 4 };
const roles = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>', mask_token: '<mask>' };
const roberta: Pick<Tiny, 'tokenizer' | 'tokenizerConfig'> = {
  tokenizer: unigram(S, 120, ['<s>', 'A', '</s>'], ['<s>', 'A', '</s>', '</s>', 'B', '</s>']),
  tokenizerConfig: {
    ...{ tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 64, cls_token: '<s>', sep_token: '</s>' },
    ...roles,
  },
};
const T5: Specials = { '<pad>': 0, '</s>': 1, '<unk>': 2, '<extra_id_0>': 3, '<extra_id_1>': 4 };
const GPT: Specials = { '<pad>': 0, '<s>': 1, '</s>': 2, '<unk>': 3, '<|user|>': 4, '<|assistant|>': 5 };
const NLLB: Specials = { '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, deu_Latn: 45, eng_Latn: 46, fra_Latn: 47 };
const MBART: Specials = { ...S, de_DE: 117, en_XX: 118, fr_XX: 119 };
const MARIAN: Specials = { '</s>': 0, '<unk>': 1, '>>deu<<': 2, '>>fra<<': 3, '<pad>': 119 };
const WHISPER: Specials = {
  ...{ '<|endoftext|>': 100, '<|startoftranscript|>': 101, '<|startofprev|>': 102, '<|nospeech|>': 103 },
  ...{ '<|notimestamps|>': 104, '<unk>': 0 },
};

const CHAT_TEMPLATE = [
  "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|> {{ message['content'] | trim }}{{ eos_token }}",
  '{% endfor %}{% if tools %} tools: {{ tools | length }}{% endif %}',
  '{% if add_generation_prompt %}<|assistant|>{% endif %}',
].join('');

export const TINY: Readonly<Record<string, Tiny>> = {
  mlm: { golden: 'bert-mlm', ...bert },
  pretraining: { golden: 'bert-pretraining', ...bert },
  qa: { golden: 'bert-qa', ...bert },
  sentiment: { golden: 'roberta-seqcls', ...roberta },
  nli: {
    golden: 'roberta-seqcls',
    config: { ...labels('contradiction', 'neutral', 'entailment'), problem_type: 'single_label_classification' },
    ...roberta,
  },
  ner: {
    golden: 'bert-mlm',
    config: {
      architectures: ['BertForTokenClassification'],
      ...labels('O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'),
    },
    head: { 'classifier.weight': [5, 32], 'classifier.bias': [5] },
    ...bert,
  },
  'ner-tags': {
    golden: 'bert-mlm',
    config: { architectures: ['BertForTokenClassification'], ...labels('KEEP', 'DELETE', 'INSERT', 'REPLACE') },
    head: { 'classifier.weight': [4, 32], 'classifier.bias': [4] },
    ...bert,
  },
  'ner-unigram': {
    golden: 'roberta-mlm',
    config: { architectures: ['RobertaForTokenClassification'], ...labels('O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC') },
    head: { 'classifier.weight': [5, 32], 'classifier.bias': [5] },
    ...roberta,
  },
  reranker: {
    golden: 'bert-mlm',
    config: { architectures: ['BertForSequenceClassification'], ...labels('LABEL_0') },
    head: {
      ...{ 'bert.pooler.dense.weight': [32, 32], 'bert.pooler.dense.bias': [32] },
      ...{ 'classifier.weight': [1, 32], 'classifier.bias': [1] },
    },
    ...bert,
  },
  replaced: { golden: 'electra-disc', ...bert },
  t5: {
    golden: 't5-v1_1',
    config: {
      task_specific_params: {
        summarization: { prefix: 'sum: ', max_length: 12, min_length: 4, num_beams: 3, early_stopping: true },
        translation_en_to_de: { prefix: 'en - de: ', max_length: 16, num_beams: 2, early_stopping: true },
      },
    },
    tokenizer: unigram(T5, 120, ['A', '</s>'], ['A', '</s>', 'B', '</s>']),
    tokenizerConfig: {
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 512 },
      ...{ eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' },
    },
  },
  bart: { golden: 'bart', ...roberta },
  marian: {
    golden: 'marian',
    tokenizer: unigram(MARIAN, 120, ['A', '</s>'], ['A', 'B', '</s>']),
    tokenizerConfig: {
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 64 },
      ...{ eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' },
    },
  },
  mbart: {
    golden: 'mbart',
    tokenizer: unigram(MBART, 120, ['A', '</s>', 'en_XX'], ['A', 'B', '</s>', 'en_XX']),
    tokenizerConfig: {
      tokenizer_class: 'MBartTokenizer',
      model_max_length: 64,
      ...roles,
      cls_token: '<s>',
      sep_token: '</s>',
    },
  },
  nllb: {
    golden: 'm2m100',
    tokenizer: unigram(NLLB, 48, ['eng_Latn', 'A', '</s>'], ['eng_Latn', 'A', 'B', '</s>']),
    tokenizerConfig: {
      ...{ tokenizer_class: 'NllbTokenizer', model_max_length: 32, bos_token: '<s>', eos_token: '</s>' },
      ...{ unk_token: '<unk>', pad_token: '<pad>', cls_token: '<s>', sep_token: '</s>' },
    },
  },
  gpt: {
    golden: 'gpt2',
    tokenizer: unigram(GPT, 120, ['A'], ['A', 'B']),
    tokenizerConfig: {
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 64, bos_token: '<s>', eos_token: '</s>' },
      ...{ unk_token: '<unk>', pad_token: '<pad>', chat_template: CHAT_TEMPLATE },
    },
  },
  // The model tells padding by another id than the tokenizer.
  'gpt-classes': {
    golden: 'gpt2',
    config: { architectures: ['GPT2ForSequenceClassification'], pad_token_id: 119, ...labels('a', 'b') },
    head: { 'score.weight': [2, 32] },
    tokenizer: unigram(GPT, 120, ['A'], ['A', 'B']),
  },
  vit: {
    golden: 'vit',
    config: { ...labels('cat', 'dog', 'house', 'tree') },
    files: {
      'preprocessor_config.json': {
        ...{ image_processor_type: 'ViTImageProcessor', do_resize: true, size: { height: 16, width: 16 }, resample: 2 },
        ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: true },
        ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
      },
    },
  },
  whisper: {
    golden: 'whisper',
    tokenizer: unigram(WHISPER, 120, ['A'], ['A', 'B']),
    tokenizerConfig: {
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 64 },
      ...{ eos_token: '<|endoftext|>', unk_token: '<unk>' },
    },
  },
};

/** The files of a tiny checkpoint by name. */
export function tinyFiles(name: string): Record<string, Uint8Array> {
  const { golden, config, head, tokenizer, tokenizerConfig, files = {} } = TINY[name]!;
  const read = (file: string) => new Uint8Array(readFileSync(`${GOLDEN}${golden}/${file}`));
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const json = JSON.parse(new TextDecoder().decode(read('config.json'))) as Json;
  const weights = read('model.safetensors');
  const all: Record<string, Uint8Array> = { 'config.json': bytes({ ...json, ...config }) };
  if (existsSync(`${GOLDEN}${golden}/generation_config.json`))
    all['generation_config.json'] = read('generation_config.json');
  if (tokenizer) all['tokenizer.json'] = bytes(tokenizer);
  if (tokenizerConfig) all['tokenizer_config.json'] = bytes(tokenizerConfig);
  for (const [file, value] of Object.entries(files)) all[file] = bytes(value);
  if (!head) return { ...all, 'model.safetensors': weights };
  // Two files and an index, so that the encoder's is the golden one as it is.
  const names = namesIn(weights);
  const shard = (i: number) => `model-0000${i}-of-00002.safetensors`;
  const index = [...names.map(key => [key, shard(1)]), ...Object.keys(head).map(key => [key, shard(2)])];
  return {
    ...all,
    [shard(1)]: weights,
    [shard(2)]: drawnHead(head),
    'model.safetensors.index.json': bytes({ metadata: {}, weight_map: Object.fromEntries(index) }),
  };
}
export const tinyCheckpoint = (name: string): ModelFiles => memoryFiles(tinyFiles(name), name);

function namesIn(safetensors: Uint8Array): string[] {
  const length = Number(new DataView(safetensors.buffer, safetensors.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(safetensors.subarray(8, 8 + length))) as Json;
  return Object.keys(header).filter(key => key !== '__metadata__');
}

/** Numbers from -1 to 1: far larger than first values, so that classes differ. */
function drawnHead(shapes: NonNullable<Tiny['head']>): Uint8Array {
  const rng = createRng(7);
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * rng.uniform() - 1);
    return { name, dtype: 'F32' as const, shape, chunks: () => [new Uint8Array(values.buffer)] };
  });
  return safetensorsBytes(tensors);
}
