/** The head that BERT was trained with: two losses, or one where labels of the other kind are missing. */
import { expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { create } from '../hub/create.ts';
import type { ModelInputs } from './forward.ts';

it('the pretraining head takes labels of either kind, and adds their losses where both are there', async () => {
  const config = {
    vocab_size: 20,
    hidden_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 16,
  };
  const model = await create(
    { model_type: 'bert', ...config },
    { head: 'pretraining', backend: createReferenceBackend() },
  );
  const input_ids = [
    [3, 4, 5],
    [6, 7, 8],
  ];
  const loss = async (labels: ModelInputs) => (await model.run({ input_ids, ...labels })).loss;
  const labels = [
    [-100, 4, -100],
    [-100, -100, 9],
  ];
  const [tokens, pairs] = [await loss({ labels }), await loss({ next_sentence_label: [0, 1] })];
  expect(tokens).toBeGreaterThan(0.1);
  expect(pairs).toBeGreaterThan(0.1);
  expect(await loss({ labels, next_sentence_label: [0, 1] })).toBeCloseTo(tokens! + pairs!, 5);
  expect(await loss({})).toBeUndefined();
});
