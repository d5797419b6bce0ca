/** Models that have learned nothing yet. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { openCheckpoint } from '../../src/formats/index.ts';
import { create } from '../../src/hub/create.ts';
import { load } from '../../src/hub/load.ts';
import { referenceNames } from '../../src/hub/reference-names.ts';
import { nodeOf } from '../../src/nn/adapter.ts';
import type { Backend, Tensor } from '../../src/tensor/index.ts';
import { weightsOf } from './tiny.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await createWasmBackend();
});
afterAll(() => backend.close());

const GPT2 = { model_type: 'gpt2', vocab_size: 100, n_positions: 32, n_embd: 64, n_layer: 8, n_head: 4 };
const T5 = { model_type: 't5', vocab_size: 200, d_model: 64, d_kv: 8, num_heads: 4, d_ff: 128, num_layers: 2 };
const spread = async (tree: unknown, name: string): Promise<number> => {
  const values = Array.from(await (nodeOf(tree, name) as Tensor).data());
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
};

describe('create', () => {
  it('draws what the authors drew', async () => {
    const gpt2 = await create({ ...GPT2, initializer_range: 0.05 }, { backend });
    expect(gpt2.parts.head).toBe('causalLM');
    expect(await spread(gpt2.parts.params, 'wte.weight')).toBeCloseTo(0.05, 2);
    expect(await spread(gpt2.parts.params, 'h.3.attn.c_attn.weight')).toBeCloseTo(0.05, 2);
    // Smaller by the root of twice the number of layers.
    expect(await spread(gpt2.parts.params, 'h.3.mlp.c_proj.weight')).toBeCloseTo(0.05 / 4, 3);
    expect(await spread(gpt2.parts.params, 'h.3.ln_1.weight')).toBe(1);
    expect(await spread(gpt2.parts.params, 'h.3.ln_1.bias')).toBe(0);
    const t5 = await create(T5, { backend });
    const layer = 'encoder.block.1.layer';
    expect(await spread(t5.parts.params, 'shared.weight')).toBeCloseTo(1, 1);
    expect(await spread(t5.parts.params, `${layer}.0.SelfAttention.q.weight`)).toBeCloseTo((64 * 8) ** -0.5, 2);
    expect(await spread(t5.parts.params, `${layer}.0.SelfAttention.o.weight`)).toBeCloseTo(32 ** -0.5, 1);
    expect(await spread(t5.parts.params, `${layer}.1.DenseReluDense.wo.weight`)).toBeCloseTo(128 ** -0.5, 1);
    gpt2.dispose();
    t5.dispose();
  });

  it('gives the same model for the same seed, and a folder that is a model', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'heed-create-')), 'model');
    const [a, b, c] = [
      await create(GPT2, { seed: 1, backend }),
      await create(GPT2, { seed: 1, backend }),
      await create(GPT2, { seed: 2, backend }),
    ];
    expect(await weightsOf(a)).toEqual(await weightsOf(b));
    expect(await weightsOf(a)).not.toEqual(await weightsOf(c));
    await a.save(folder);
    const file = await openCheckpoint(folder);
    expect([...file.tensors.keys()]).toContain('transformer.h.0.attn.c_attn.weight');
    await file.close();
    const again = await load(folder, { backend });
    expect(await weightsOf(again)).toEqual(await weightsOf(a));
    for (const model of [a, b, c, again]) model.dispose();
    await rm(folder, { recursive: true });
  });

  it('takes a head by name or class, and the tokenizer of another folder', async () => {
    const bert = {
      model_type: 'bert',
      vocab_size: 50,
      hidden_size: 16,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 32,
    };
    const classes = { ...bert, architectures: ['BertForSequenceClassification'], num_labels: 3 };
    const model = await create(classes, { backend });
    expect((await model.run({ input_ids: [[1, 2, 3]] })).logits.shape).toEqual([1, 3]);
    await expect(create(bert, { head: 'seq2seqLM', backend })).rejects.toThrow(/no such head.*seq2seqLM/);
    await expect(create({ model_type: 'nothing' }, { backend })).rejects.toThrow(/model_type/);
    await expect(create({ ...GPT2, n_head: 3 }, { backend })).rejects.toThrow(/n_embd 64 is not a multiple/);
    model.dispose();
  });
});

describe('names of the reference', () => {
  it.each([
    ...[
      'albert-mlm',
      'bart',
      'bert-mlm',
      'bloom',
      'distilbert-mlm',
      'electra-disc',
      'falcon',
      'gpt2',
      'gpt_neo',
      'gpt_neox',
    ],
    ...[
      'gptj',
      'llama',
      'lstm-lm',
      'm2m100',
      'marian',
      'mbart',
      'openai-gpt',
      'opt',
      'pegasus',
      'roberta-seqcls',
      't5-v1_1',
    ],
    ...['vit', 'whisper'],
  ])('are those of the file of %s', async folder => {
    const path = fileURLToPath(new URL(`../golden/data/${folder}`, import.meta.url));
    const { parts } = await load(path, { backend: createReferenceBackend() });
    const { of } = referenceNames(parts.architecture, parts.config, parts.head);
    const { names } = parts.origin!;
    expect(names.size).toBeGreaterThan(5);
    for (const [name, key] of names) expect([of(name), of(key)]).toEqual([key, key]);
  });
});
