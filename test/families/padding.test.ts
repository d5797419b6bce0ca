/** What padding must not change, where more than the positions and the attention see it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { generateAll } from '../../src/generate/index.ts';
import type { Model } from '../../src/hub/model.ts';
import type { ModelInputs } from '../../src/models/forward.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { TINY, tinyModel } from './tiny-model.ts';

let backend: Backend;
beforeAll(() => {
  backend = createReferenceBackend();
});
afterAll(() => backend.close());

const logitsOf = async (model: Model, inputs: ModelInputs) => Array.from(await (await model.run(inputs)).logits.data());
const padLeft = (row: number[], n: number): ModelInputs => ({
  input_ids: [[...new Array<number>(n).fill(0), ...row]],
  attention_mask: [[...new Array<number>(n).fill(0), ...row.map(() => 1)]],
});
function expectClose(actual: number[], expected: number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, x] of actual.entries()) expect(x).toBeCloseTo(expected[i]!, 10);
}

describe('padding', () => {
  it('is not scored by a classifier whose config names no padding token', async () => {
    const model = await tinyModel('gpt2', backend, {
      head: 'sequenceClassification',
      config: { pad_token_id: null },
    });
    const alone = await logitsOf(model, { input_ids: [[5, 6, 7]] });
    const right = { input_ids: [[5, 6, 7, 9, 9]], attention_mask: [[1, 1, 1, 0, 0]] };
    expectClose(await logitsOf(model, right), alone);
    expectClose(await logitsOf(model, padLeft([5, 6, 7], 2)), alone);
    model.dispose();
  });

  it('on the left of a source does not reach a decoder that reads the source', async () => {
    const model = await tinyModel('bart', backend, { head: 'sequenceClassification' });
    const row = [5, 6, 7, 2];
    const alone = await logitsOf(model, { input_ids: [row] });
    for (const n of [1, 3]) expectClose(await logitsOf(model, padLeft(row, n)), alone);
    model.dispose();
  });

  it('in the beginning of an answer is no part of it', async () => {
    const model = await tinyModel('bart', backend);
    const idsOf = async (inputs: ModelInputs) => {
      for await (const event of model.generateFrom({ input_ids: [[5, 6, 7, 2]], ...inputs }, { maxNewTokens: 5 }))
        if (event.type === 'done') return event.sequences[0]!.ids;
      return [];
    };
    const given = await idsOf({ decoder_input_ids: [[1, 2, 9]], decoder_attention_mask: [[0, 1, 1]] });
    expect(given).toEqual(await idsOf({ decoder_input_ids: [[2, 9]] }));
    model.dispose();
  });
});

describe('positions that turn otherwise beyond a length', () => {
  const trained = 6;
  const config = {
    ...{ max_position_embeddings: 24, original_max_position_embeddings: trained, sliding_window: null },
    partial_rotary_factor: 1,
    rope_scaling: { rope_type: 'longrope', short_factor: [1, 1.5, 2, 1], long_factor: [2, 8, 3, 5] },
  };
  it('are turned anew when an output gets there', async () => {
    const model = await tinyModel('phi3', backend, { config });
    expect(model.turnsAt).toBe(trained);
    const prompt = [5, 6, 7, 8];
    const { sequences } = await generateAll(model, [prompt], { maxNewTokens: 8 });
    const ids = [...prompt];
    while (ids.length < prompt.length + 8) {
      const last = (await logitsOf(model, { input_ids: [ids] })).slice(-Number(TINY.phi3!.vocab_size));
      ids.push(last.indexOf(Math.max(...last)));
    }
    expect(sequences[0]!.ids).toEqual(ids.slice(prompt.length));
    const session = model.open({ batch: 1, capacity: 12 });
    await session.step([prompt]);
    await expect(session.step([[1, 2, 3]])).rejects.toThrow(/positions turn otherwise.*7 tokens, 4 of them/);
    session.dispose();
    model.dispose();
  });
});

describe('what labels are', () => {
  it('is what problem_type says', async () => {
    const lossOf = async (problem_type: string | null, labels: ModelInputs['labels']) => {
      const model = await tinyModel('bert', backend, { head: 'sequenceClassification', config: { problem_type } });
      const { loss, logits } = await model.run({ input_ids: [[5, 6, 7]], labels });
      const scores = Array.from(await logits.data());
      model.dispose();
      return { loss: loss!, scores };
    };
    const labels = [[1, 0, 1]];
    const { loss, scores } = await lossOf('regression', labels);
    expect(loss).toBeCloseTo(scores.reduce((n, x, i) => n + (x - labels[0]![i]!) ** 2, 0) / 3, 6);
    const yesOrNo = scores.reduce((n, x, i) => n + Math.log(1 + Math.exp(x)) - x * labels[0]![i]!, 0) / 3;
    expect((await lossOf(null, labels)).loss).toBeCloseTo(yesOrNo, 6);
    expect((await lossOf('multi_label_classification', labels)).loss).toBeCloseTo(yesOrNo, 6);
    await expect(lossOf('guessing', labels)).rejects.toThrow(/problem_type guessing is not one of/);
  });
});
