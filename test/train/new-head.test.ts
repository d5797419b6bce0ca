/** A classifier on top of a model that was trained for something else. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { load } from '../../src/hub/load.ts';
import { nodeOf } from '../../src/nn/adapter.ts';
import type { Backend, Tensor } from '../../src/tensor/index.ts';
import { train } from '../../src/train/index.ts';
import { always, collected, weightsOf } from './tiny.ts';

const golden = (name: string) => fileURLToPath(new URL(`../golden/data/${name}`, import.meta.url));
let backend: Backend;
beforeAll(async () => {
  backend = await createWasmBackend();
});
afterAll(() => backend.close());

const options = (labels: string[], seed = 0) =>
  ({ backend, trainable: true, head: 'sequenceClassification', newHead: { labels, seed } }) as const;
const inputs = {
  input_ids: [
    [5, 6, 7, 8],
    [9, 10, 11, 12],
  ],
  labels: [0, 2],
};

describe('a new head', () => {
  it.each(['bert-mlm', 'gpt2', 'llama', 't5-v1_1'])(
    'of %s learns, and is the model’s own when it is loaded again',
    async name => {
      const folder = join(await mkdtemp(join(tmpdir(), 'heed-head-')), 'model');
      const model = await load(golden(name), options(['yes', 'no', 'maybe']));
      const end = (model.parts.config as { eos_token_id?: number }).eos_token_id ?? 1;
      const given = { ...inputs, input_ids: inputs.input_ids.map(row => [...row, end]) };
      const loss = async () => (await model.run(given)).loss!;
      const before = await loss();
      const batches = always({ inputs: given, tokens: 2, examples: 2 });
      await collected(train(model, { batches, maxSteps: 20, learningRate: 3e-3, lrSchedulerType: 'constant' }));
      expect(await loss()).toBeLessThan(0.5 * before);
      await model.save(folder);
      const config: unknown = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
      expect(config).toMatchObject({ id2label: { 0: 'yes', 1: 'no', 2: 'maybe' }, label2id: { maybe: 2 } });
      const again = await load(folder, { backend });
      expect(again.parts.head).toBe('sequenceClassification');
      expect((await again.run(given)).loss).toBeCloseTo(await loss(), 5);
      again.dispose();
      model.dispose();
      await rm(folder, { recursive: true });
    },
  );
  it('is drawn from its seed, and leaves the rest as it was', async () => {
    const [plain, a, b, c] = [
      await load(golden('bert-mlm'), { backend, trainable: true }),
      await load(golden('bert-mlm'), options(['a', 'b'], 1)),
      await load(golden('bert-mlm'), options(['a', 'b'], 1)),
      await load(golden('bert-mlm'), options(['a', 'b'], 2)),
    ];
    expect(await weightsOf(a)).toEqual(await weightsOf(b));
    expect(await weightsOf(a)).not.toEqual(await weightsOf(c));
    const value = async (of: typeof a) =>
      (nodeOf(of.parts.params, 'encoder.layer.0.output.dense.weight') as Tensor).data();
    expect(await value(a)).toEqual(await value(plain));
    for (const model of [plain, a, b, c]) model.dispose();
  });
  it('takes the place of one with other classes', async () => {
    const model = await load(golden('roberta-seqcls'), options(['a', 'b', 'c', 'd', 'e']));
    expect((await model.run({ input_ids: inputs.input_ids })).logits.shape).toEqual([2, 5]);
    model.dispose();
  });
  it('has to be named, has names for its classes, and does not excuse what is missing of the body', async () => {
    const { head: _, ...unnamed } = options(['a', 'b']);
    await expect(load(golden('bert-mlm'), unnamed)).rejects.toThrow(/new head has to be named.*sequenceClassification/);
    await expect(load(golden('bert-mlm'), options(['a', 'a']))).rejects.toThrow(/names of their own/);
    await expect(load(golden('bert-mlm'), { ...options(['a']), head: 'causalLM' })).rejects.toThrow(/no such head/);
  });
});
