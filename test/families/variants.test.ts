/** Forms of a family that its tiny model does not have: steps against one pass, their names, and what is refused. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { readConfig, TINY, tinyModel } from './tiny-model.ts';

const IDS = [3, 14, 15, 9, 26, 5, 35];
const VARIANTS = [
  ['gpt_neox', { use_parallel_residual: false }, { sequential: true }],
  ['gpt_neox', { attention_bias: false, tie_word_embeddings: true }, { sequential: false }],
  ['gptj', { tie_word_embeddings: true }, { sequential: false }],
  ['phi', { qk_layernorm: false, num_key_value_heads: 1, tie_word_embeddings: true }, { sequential: false }],
  ['falcon', { new_decoder_architecture: false }, { sequential: false }],
  ['falcon', { new_decoder_architecture: false, multi_query: false, bias: true }, { sequential: false }],
  ['falcon', { new_decoder_architecture: false, parallel_attn: false }, { sequential: true }],
  ['falcon', { num_ln_in_parallel_attn: 1, tie_word_embeddings: false }, { sequential: false }],
  ['stablelm', { use_parallel_residual: true, qk_layernorm: false }, { sequential: false }],
] as const;

describe.each(VARIANTS)('%s with %o', (type, config, { sequential }) => {
  it('computes the same in steps as in one pass', async () => {
    const model = await tinyModel(type, createReferenceBackend(), { config });
    const { logits } = await model.run({ input_ids: [IDS] });
    const last = (await logits.data()).slice(-logits.dim(2));
    const session = model.open({ batch: 1, capacity: IDS.length });
    await session.step([IDS.slice(0, 4)]);
    const [stepped] = await session.step([IDS.slice(4)]);
    const scale = Math.max(...last.map(Math.abs));
    last.forEach((x, i) => {
      expect(Math.abs(x - stepped![i]!)).toBeLessThan(1e-12 * scale);
    });
    expect(model.names({ input_ids: [IDS] }).includes('blocks.0.resid_mid')).toBe(sequential);
    session.dispose();
    model.dispose();
  });
});

describe('a config is refused', () => {
  it.each([
    ['falcon', { alibi: true }, /alibi is not supported/],
    ['falcon', { parallel_attn: false }, /new_decoder_architecture without parallel_attn/],
    ['falcon', { num_ln_in_parallel_attn: 3 }, /num_ln_in_parallel_attn is 3: 1, or 2/],
    ['falcon', { num_kv_heads: 3 }, /num_attention_heads 4 is not a multiple of num_kv_heads 3/],
    ['gptj', { rotary_dim: 10 }, /rotary_dim 10 is not an even number up to the head width 8/],
    ['gptj', { rotary_dim: null }, /rotary_dim is null/],
    ['gpt_neox', { rotary_pct: 0.4 }, /3 of 8 features of a head turn/],
    ['gpt_neox', { num_hidden_layers: 1e9 }, /num_hidden_layers 1000000000 is above 10000/],
    ['stablelm', { partial_rotary_factor: 2 }, /12 of 6 features of a head turn/],
  ])('%s with %o', async (type, config, message) => {
    await expect(readConfig({ model_type: type, ...TINY[type], ...config })).rejects.toThrow(message);
  });
});
