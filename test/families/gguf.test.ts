/**
 * The families that GGUF files hold: checkpoints of the reference, written as such files are written, give the logits that they
 * give themselves. The names of the tensors are those of llama.cpp's own package (`../formats/data/README.md`); what its
 * converter does with the values is done here again.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import {
  type GgufMetadataToWrite,
  ggufBytes,
  openCheckpoint,
  type TensorToWrite,
  toFloat32,
} from '../../src/formats/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import { compareFloats } from '../golden/compare.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const NAMES: readonly { architecture: string; model_type: string; names: Record<string, string> }[] = JSON.parse(
  readFileSync(at('../formats/data/gguf/names.json'), 'utf8'),
);

/** Keys by the fields of config.json that they hold; those with a point are floats. */
const KEYS: Readonly<Record<string, string>> = {
  hidden_size: 'embedding_length',
  n_embd: 'embedding_length',
  intermediate_size: 'feed_forward_length',
  num_hidden_layers: 'block_count',
  n_layer: 'block_count',
  num_attention_heads: 'attention.head_count',
  n_head: 'attention.head_count',
  num_key_value_heads: 'attention.head_count_kv',
  head_dim: 'attention.key_length',
  max_position_embeddings: 'context_length',
  n_positions: 'context_length',
  rms_norm_eps: 'attention.layer_norm_rms_epsilon',
  layer_norm_eps: 'attention.layer_norm_epsilon',
  layer_norm_epsilon: 'attention.layer_norm_epsilon',
  rope_theta: 'rope.freq_base',
  sliding_window: 'attention.sliding_window',
  num_local_experts: 'expert_count',
  num_experts_per_tok: 'expert_used_count',
  attention_multiplier: 'attention.scale',
  embedding_multiplier: 'embedding_scale',
  residual_multiplier: 'residual_scale',
  logits_scaling: 'logit_scale',
};
const isFloat = (field: string) => /eps|theta|multiplier|scaling/.test(field);

interface Matrix {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
/** Rows of each head: the first half and the second one alternate. */
function interleaved({ shape, data }: Matrix, heads: number): Matrix {
  const rows = shape[0]!;
  const width = data.length / rows;
  const half = rows / heads / 2;
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const source = row - (row % (2 * half)) + (row % 2) * half + Math.floor((row % (2 * half)) / 2);
    out.set(data.subarray(source * width, (source + 1) * width), row * width);
  }
  return { shape, data: out };
}
const turned = ({ shape: [rows, columns], data }: Matrix): Matrix => ({
  shape: [columns!, rows!],
  data: data.map((_, i) => data[(i % rows!) * columns! + Math.floor(i / rows!)]!),
});

/** A folder of the reference as one GGUF file. */
async function asGguf(folder: string, architecture: string, type: string): Promise<Uint8Array> {
  const config = JSON.parse(readFileSync(`${folder}/config.json`, 'utf8'));
  const names = NAMES.find(entry => entry.architecture === architecture && entry.model_type === type)!.names;
  const theirs = new Map(Object.entries(names).map(([gguf, ours]) => [ours, gguf]));
  const heads = config.num_attention_heads;
  const groups = config.num_key_value_heads ?? heads;
  const checkpoint = await openCheckpoint(folder);
  const tensors = new Map<string, Matrix>();
  for (const { name, shape, dtype, byteLength } of checkpoint.tensors.values()) {
    const plain = name.replace(/^(bert|transformer)\./, '');
    const pattern = plain.replace(/\.\d+\./, '.#.').replace(/experts\.\d+/, 'experts.@');
    const gguf = theirs.get(pattern);
    if (gguf === undefined) continue;
    const own = gguf.replace('#', /\.(\d+)\./.exec(plain)?.[1] ?? '');
    const values: Matrix = { shape, data: toFloat32(await checkpoint.read(name, 0, byteLength), dtype) };
    const before = tensors.get(own);
    if (pattern.includes('@')) {
      // Experts come in order, and become one tensor.
      const data = Float32Array.from([...(before?.data ?? []), ...values.data]);
      tensors.set(own, { shape: [(before?.shape[0] ?? 0) + 1, ...shape], data });
    } else if (architecture === 'gpt2' && /\.c_\w+\.weight$/.test(name)) tensors.set(own, turned(values));
    else if (architecture.startsWith('gemma') && name.endsWith('norm.weight'))
      tensors.set(own, { shape, data: values.data.map(value => value + 1) });
    else if (/^(llama|granite)$/.test(architecture) && /[qk]_proj\./.test(name))
      tensors.set(own, interleaved(values, name.includes('q_proj') ? heads : groups));
    else tensors.set(own, values);
  }
  await checkpoint.close();
  const metadata: Record<string, GgufMetadataToWrite[string]> = { 'general.architecture': architecture };
  for (const [field, key] of Object.entries(KEYS))
    if (typeof config[field] === 'number')
      metadata[`${architecture}.${key}`] = { type: isFloat(field) ? 'F32' : 'U32', value: config[field] };
  if (architecture === 'bert') metadata['bert.pooling_type'] = { type: 'U32', value: 2 };
  const written = [...tensors].map(
    ([name, { shape, data }]): TensorToWrite => ({
      name,
      dtype: 'F32',
      shape,
      chunks: () => [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
    }),
  );
  return ggufBytes(written, metadata);
}

describe('families in GGUF files', () => {
  const backend = createReferenceBackend();
  const input_ids = [[3, 14, 15, 92, 65, 35, 8, 97, 93]];

  it.each([
    ['llama', 'llama', 'llama'],
    ['mistral', 'llama', 'llama'],
    ['mixtral', 'llama', 'mixtral'],
    ['qwen3', 'qwen3', 'qwen3'],
    ['gemma', 'gemma', 'gemma'],
    ['phi3', 'phi3', 'phi3'],
    ['granite', 'granite', 'granite'],
    ['olmo2', 'olmo2', 'olmo2'],
    ['gpt2', 'gpt2', 'gpt2'],
    ['bert-mlm', 'bert', 'bert'],
  ])('%s, as architecture %s, is what it is in its own files', async (folder, architecture, type) => {
    const path = at(`../golden/data/${folder}`);
    const file = memoryFiles({ 'model.gguf': await asGguf(path, architecture, type) }, folder);
    const head = architecture === 'bert' ? ('base' as const) : undefined;
    const own = await load(path, { backend, head });
    const model = await load(file, { backend });
    expect(model.parts.unexpected).toEqual([]);
    const logits = async (of: typeof own) => {
      const { shape } = (await of.run({ input_ids })).logits;
      return { shape, data: await (await of.run({ input_ids })).logits.data() };
    };
    expect(compareFloats((await logits(model)).data, await logits(own)).error).toBeLessThan(1e-6);
    if (architecture === 'bert') {
      const [asFile, first] = [await model.embed({ input_ids }), await own.embed({ input_ids }, { pooling: 'cls' })];
      expect(compareFloats(await asFile.data(), { shape: [], data: await first.data() }).error).toBeLessThan(1e-6);
    }
    for (const one of [own, model]) one.dispose();
  });
});
