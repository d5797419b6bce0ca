import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  bytesSource,
  type GgufMetadataToWrite,
  ggufBytes,
  openGguf,
  type TensorToWrite,
  toFloat32,
  viewCheckpoint,
} from '../formats/index.ts';
import { ggufModel } from './gguf-model.ts';

const file = (path: string) => fileURLToPath(new URL(`../../test/formats/data/gguf/${path}`, import.meta.url));
const NAMES: readonly { architecture: string; model_type: string; names: Record<string, string> }[] = JSON.parse(
  readFileSync(file('names.json'), 'utf8'),
);

const floats = (name: string, shape: number[], value: (i: number) => number = () => 1): TensorToWrite => {
  const data = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => value(i));
  return { name, dtype: 'F32', shape, chunks: () => [new Uint8Array(data.buffer)] };
};
const number = (value: number, type: 'U32' | 'F32' = 'U32') => ({ type, value });
const read = async (tensors: TensorToWrite[], metadata: GgufMetadataToWrite) => {
  const checkpoint = await openGguf(bytesSource(ggufBytes(tensors, metadata)));
  return { checkpoint, ...(await ggufModel(checkpoint, 'm.gguf')) };
};
const LLAMA: GgufMetadataToWrite = {
  'general.architecture': 'llama',
  'llama.embedding_length': number(8),
  'llama.feed_forward_length': number(16),
  'llama.block_count': number(1),
  'llama.attention.head_count': number(2),
  'llama.attention.head_count_kv': number(1),
  'llama.context_length': number(64),
  'llama.attention.layer_norm_rms_epsilon': number(1e-5, 'F32'),
  'llama.rope.freq_base': number(500000.5, 'F32'),
};
const EMBEDDING = floats('token_embd.weight', [5, 8]);

describe('ggufModel', () => {
  it.each(NAMES.map(entry => [entry.model_type, entry.architecture, entry.names] as const))(
    'knows the tensors of %s, which are in files of architecture %s',
    async (type, architecture, names) => {
      const wanted = new Map<string, string>();
      const tensors: TensorToWrite[] = [];
      for (const [theirs, ours] of Object.entries(names))
        for (const layer of theirs.includes('#') ? ['0', '1'] : ['']) {
          // One table of distances serves all layers of a T5, so that the second layer's tells another family.
          if (type === 't5' && layer === '1' && theirs.includes('attn_rel_b')) continue;
          const name = theirs.replace('#', layer);
          const experts = ours.includes('@') ? ['0', '1', '2'] : [''];
          for (const expert of experts) wanted.set(ours.replace('#', layer).replace('@', expert), name);
          tensors.push(floats(name, experts.length > 1 ? [3, 4, 4] : name.endsWith('bias') ? [4] : [4, 4]));
        }
      const { json, views } = await read(tensors, {
        'general.architecture': architecture,
        [`${architecture}.embedding_length`]: number(4),
        [`${architecture}.attention.head_count`]: number(2),
        [`${architecture}.expert_count`]: number(3),
      });
      expect(json.model_type).toBe(type);
      expect(new Map([...views].map(([name, view]) => [name, view.source]))).toEqual(wanted);
    },
  );

  it('says in the words of config.json what the metadata say', async () => {
    const { json, generation } = await read([EMBEDDING, floats('blk.0.attn_q.bias', [8])], {
      ...LLAMA,
      'llama.attention.sliding_window': number(32),
      'tokenizer.ggml.bos_token_id': number(1),
      'tokenizer.ggml.eos_token_id': number(2),
      'tokenizer.ggml.eot_token_id': number(3),
    });
    expect(json).toEqual({
      model_type: 'llama',
      hidden_size: 8,
      intermediate_size: 16,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      max_position_embeddings: 64,
      rms_norm_eps: 1e-5,
      rope_theta: 500000.5,
      sliding_window: 32,
      vocab_size: 5,
      tie_word_embeddings: true,
      attention_bias: true,
      attention_out_bias: false,
      mlp_bias: false,
      bos_token_id: 1,
      eos_token_id: 2,
    });
    expect(generation).toEqual({ bos_token_id: 1, eos_token_id: [2, 3] });
  });

  it('reads rotary positions in all their forms', async () => {
    const scaled = async (more: GgufMetadataToWrite, tensors: TensorToWrite[] = []) =>
      (await read([EMBEDDING, ...tensors], { ...LLAMA, ...more })).json;
    expect(
      await scaled({
        'llama.rope.scaling.type': 'yarn',
        'llama.rope.scaling.factor': number(4, 'F32'),
        'llama.rope.scaling.original_context_length': number(16),
      }),
    ).toMatchObject({ rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 16 } });
    expect(await scaled({ 'llama.rope.scaling.type': 'none', 'llama.rope.dimension_count': number(2) })).toMatchObject({
      partial_rotary_factor: 0.5,
    });
    const rope_scaling = { rope_type: 'longrope', factor: 1, attention_factor: 1 };
    const { rope_scaling: all } = await scaled({}, [floats('rope_freqs.weight', [2], i => 1 + i)]);
    expect(all).toEqual({
      ...rope_scaling,
      short_factor: [1, 2],
      long_factor: [1, 2],
      original_max_position_embeddings: 64,
    });
    const { rope_scaling: two } = await scaled(
      {
        'llama.rope.scaling.attn_factor': number(1.25, 'F32'),
        'llama.rope.scaling.original_context_length': number(16),
      },
      [floats('rope_factors_short.weight', [2], i => 1 + i), floats('rope_factors_long.weight', [2], i => 3 + i)],
    );
    expect(two).toEqual({
      ...rope_scaling,
      attention_factor: 1.25,
      short_factor: [1, 2],
      long_factor: [3, 4],
      original_max_position_embeddings: 16,
    });
  });

  it('puts rows of heads in order, takes experts apart, and norms as they are added to 1', async () => {
    const { checkpoint, views } = await read(
      [
        EMBEDDING,
        floats('blk.0.attn_q.weight', [8, 1], i => i),
        floats('blk.0.attn_k.bias', [4], i => i),
        floats('blk.0.ffn_gate_inp.weight', [2, 8]),
        floats('blk.0.ffn_down_exps.weight', [2, 1, 2], i => i),
      ],
      { ...LLAMA, 'llama.expert_count': number(2) },
    );
    const view = viewCheckpoint(checkpoint, views, 'm.gguf');
    const values = async (of: typeof view, name: string) => [
      ...toFloat32(await of.read(name, 0, of.tensors.get(name)!.byteLength), 'F32'),
    ];
    // Two heads of four features, then one.
    expect(await values(view, 'model.layers.0.self_attn.q_proj.weight')).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect(await values(view, 'model.layers.0.self_attn.k_proj.bias')).toEqual([0, 2, 1, 3]);
    expect(await values(view, 'model.layers.0.block_sparse_moe.experts.1.w2.weight')).toEqual([2, 3]);

    const gemma = await read([EMBEDDING, floats('output_norm.weight', [2], i => 1.5 + i)], {
      'general.architecture': 'gemma2',
      'gemma2.attention.key_length': number(16),
      'gemma2.block_count': number(26),
    });
    expect(gemma.json).toMatchObject({ query_pre_attn_scalar: 16, tie_word_embeddings: true });
    const offset = viewCheckpoint(gemma.checkpoint, gemma.views, 'm.gguf');
    expect(await values(offset, 'model.norm.weight')).toEqual([0.5, 1.5]);
  });

  it.each<[string, TensorToWrite[], GgufMetadataToWrite, RegExp]>([
    [
      'no architecture',
      [],
      {},
      /no model file for this architecture.*seen: no general\.architecture; expected: llama, qwen2/,
    ],
    ['another architecture', [], { 'general.architecture': 'clip' }, /seen: clip/],
    ['an architecture of everything', [], { 'general.architecture': 'toString' }, /seen: toString/],
    [
      'a text for a number',
      [],
      { ...LLAMA, 'llama.block_count': 'two' },
      /not a number; seen: two \(in llama\.block_count of m/,
    ],
    [
      'layers that differ',
      [],
      { ...LLAMA, 'llama.attention.head_count': Uint32Array.of(2, 3) },
      /layers of different sizes; seen: 2, 3/,
    ],
    ['divisors that are none', [floats('rope_freqs.weight', [2, 2])], LLAMA, /not a list of divisors; seen: \[2,2\]/],
    [
      'one parameter twice',
      [
        floats('blk.0.ffn_gate_inp.weight', [2, 8]),
        floats('blk.0.ffn_up_exps.weight', [2, 1, 1]),
        floats('blk.0.ffn_up.1.weight', [1, 1]),
      ],
      { ...LLAMA, 'llama.expert_count': number(2) },
      /two tensors are the same parameter; seen: model\.layers\.0\..*experts\.1\.w3/,
    ],
    [
      'more experts than any layer has',
      [floats('blk.0.ffn_gate_inp.weight', [2, 8]), floats('blk.0.ffn_up_exps.weight', [2, 1, 1])],
      { ...LLAMA, 'llama.expert_count': number(4e9) },
      /too many experts; seen: 4000000000/,
    ],
  ])('refuses %s', async (_, tensors, metadata, message) => {
    await expect(read([EMBEDDING, ...tensors], metadata)).rejects.toThrow(message);
  });
});
