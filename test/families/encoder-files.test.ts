/** Files of encoders as others have written them: prefixes, old names, buffers, copies of a tied matrix, poolers on top. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { leavesOf, setDefaultBackend, Tensor } from '../../src/tensor/index.ts';
import { readConfig, TINY, tinyModel, weightsFile } from './tiny-model.ts';

const backend = createReferenceBackend();
setDefaultBackend(async () => backend);
type Tensors = Readonly<Record<string, Tensor>>;
const input_ids = [[5, 17, 3, 60, 42]];
const logitsOf = async (model: Model) => Array.from(await (await model.run({ input_ids })).logits.data());
const copy = async (tensor: Tensor) => Tensor.from(Float32Array.from(await tensor.data()), tensor.shape);
/** Another tensor of the same shape: what must not be read. */
const wrong = (tensor: Tensor) => Tensor.full(tensor.shape, 7);

const FORMS = [
  { type: 'bert', prefix: 'bert.', decoder: 'cls.predictions.decoder.weight', bias: 'cls.predictions.decoder.bias' },
  { type: 'roberta', prefix: 'roberta.', decoder: 'lm_head.decoder.weight', bias: 'lm_head.decoder.bias' },
  { type: 'mpnet', prefix: 'mpnet.', decoder: 'lm_head.decoder.weight', bias: 'lm_head.decoder.bias' },
  { type: 'albert', prefix: 'albert.', decoder: 'predictions.decoder.weight', bias: 'predictions.decoder.bias' },
  { type: 'electra', prefix: 'electra.', decoder: 'generator_lm_head.weight', bias: undefined },
  { type: 'distilbert', prefix: 'distilbert.', decoder: 'vocab_projector.weight', bias: undefined },
] as const;
const BODY = /^(embeddings|embeddings_project|encoder|transformer)\./;

describe.each(FORMS)('$type', ({ type, prefix, decoder, bias }) => {
  const files = async (tensors: Tensors, config = {}) =>
    memoryFiles({
      'config.json': new TextEncoder().encode(JSON.stringify({ model_type: type, ...TINY[type], ...config })),
      'model.safetensors': await weightsFile(tensors),
    });
  const parametersOf = async (model: Model): Promise<Record<string, Tensor>> =>
    Object.fromEntries(
      await Promise.all(leavesOf(model.parts.params).map(async ([k, t]) => [k, await copy(t)] as const)),
    );
  const named = (tensors: Tensors, name: (key: string) => string) =>
    Object.fromEntries(Object.entries(tensors).map(([key, tensor]) => [name(key), tensor]));

  it('reads prefixes, buffers and the copies of a tied matrix', async () => {
    const model = await tinyModel(type, backend, { head: 'maskedLM' });
    const tensors = await parametersOf(model);
    const table = tensors['embeddings.word_embeddings.weight']!;
    const file = {
      ...named(tensors, key => (BODY.test(key) ? prefix + key : key)),
      [`${prefix}embeddings.position_ids`]: Tensor.full([1, 24], 0),
      [decoder]: wrong(table),
      ...(bias && { [bias]: Tensor.full([61], 7) }),
    };
    const loaded = await load(await files(file), { backend });
    expect(loaded.parts.head).toBe('maskedLM');
    expect(loaded.parts.unexpected).toEqual([]);
    expect(await logitsOf(loaded)).toEqual(await logitsOf(model));
  });

  it('reads an output matrix of its own', async () => {
    const config = { tie_word_embeddings: false };
    const model = await tinyModel(type, backend, { head: 'maskedLM', config });
    const tensors = await parametersOf(model);
    expect(Object.keys(tensors)).toContain(decoder);
    const tied = await tinyModel(type, backend, { head: 'maskedLM' });
    expect(await logitsOf(model)).not.toEqual(await logitsOf(tied));
    const own = bias?.replace('decoder.', '');
    // Its bias stands behind the head's own in a file, and is the one in use.
    const file = { ...tensors, ...(bias && own && { [own]: wrong(tensors[own]!), [bias]: tensors[own]! }) };
    expect(await logitsOf(await load(await files(file, config), { backend }))).toEqual(await logitsOf(model));
  });
});

describe('bert', () => {
  it('reads norms that are called gamma and beta', async () => {
    const model = await tinyModel('bert', backend, { head: 'pooled' });
    const leaves = leavesOf(model.parts.params).map(([key, tensor]) => {
      const old = key.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta');
      return [`bert.${old}`, tensor] as const;
    });
    expect(leaves.filter(([key]) => key.endsWith('.gamma'))).toHaveLength(5);
    const config = new TextEncoder().encode(JSON.stringify({ model_type: 'bert', ...TINY.bert }));
    const file = { 'config.json': config, 'model.safetensors': await weightsFile(Object.fromEntries(leaves)) };
    const loaded = await load(memoryFiles(file), { backend });
    expect(loaded.parts.head).toBe('pooled');
    expect(await logitsOf(loaded)).toEqual(await logitsOf(model));
  });
});

describe('a config is refused', () => {
  it.each([
    ['bert', { position_embedding_type: 'relative_key' }, /position_embedding_type relative_key is not supported/],
    [
      'bert',
      { is_decoder: true, add_cross_attention: true },
      /is_decoder is not supported.*add_cross_attention is not/,
    ],
    ['bert', { hidden_size: 25 }, /hidden_size 25 is not a multiple of num_attention_heads 3/],
    ['roberta', { max_position_embeddings: 2 }, /max_position_embeddings 2 leaves no position after pad_token_id 1/],
    ['mpnet', { relative_attention_num_buckets: 8 }, /relative_attention_num_buckets 8 is not supported/],
    ['albert', { num_hidden_groups: 3 }, /num_hidden_layers 2 is not a multiple of num_hidden_groups 3/],
    ['albert', { inner_group_num: 1e6 }, /inner_group_num 1000000 is above 16/],
    ['albert', { num_hidden_layers: 0, num_hidden_groups: 1e9 }, /num_hidden_layers 0 is not a multiple/],
    ['distilbert', { n_heads: 5 }, /dim 24 is not a multiple of n_heads 5/],
    ['electra', { embedding_size: 0, hidden_act: 'softly' }, /hidden_act is "softly".*embedding_size is 0/],
  ])('%s with %o', async (type, config, message) => {
    await expect(readConfig({ model_type: type, ...TINY[type], ...config })).rejects.toThrow(message);
  });
});
