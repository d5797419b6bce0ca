/** Adapters that are made, trained, kept and read again, on bases of every kind. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { openCheckpoint } from '../../src/formats/index.ts';
import { type CreateAdapterOptions, createAdapter } from '../../src/hub/create-adapter.ts';
import { load, loadAdapter } from '../../src/hub/load.ts';
import { mergeAdapter } from '../../src/hub/merge-adapter.ts';
import type { Model } from '../../src/hub/model.ts';
import { quantizeModel } from '../../src/hub/quantize-model.ts';
import type { ModelInputs } from '../../src/models/forward.ts';
import { type Backend, leavesOf } from '../../src/tensor/index.ts';
import { type TrainOptions, train } from '../../src/train/index.ts';
import { always, collected, ofType, weightsOf } from './tiny.ts';

const golden = (name: string) => fileURLToPath(new URL(`../golden/data/${name}`, import.meta.url));
const ids = [[17, 27, 82, 75, 56, 56, 95, 63, 4, 9]];
const inputs = { input_ids: ids, labels: ids };

let backend: Backend;
let folder: string;
beforeAll(async () => {
  backend = await createWasmBackend();
});
afterAll(() => backend.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-adapter-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const recipe = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  batches: always({ inputs, tokens: 9, examples: 1 }),
  learningRate: 1e-2,
  lrSchedulerType: 'constant',
  maxSteps: 30,
  ...more,
});
const lossOf = async (model: Model, given: ModelInputs = inputs) => (await model.run(given)).loss!;

describe('a new adapter', () => {
  it.each<[string, CreateAdapterOptions]>([
    ['gpt2', {}],
    ['gpt2', { dora: true, r: 2 }],
    ['llama', { targets: ['q_proj', 'v_proj'], rsLora: true, alpha: 16 }],
    ['llama', { dora: true, targets: ['self_attn.o_proj', 'down_proj'] }],
    ['bert-mlm', { targets: ['query', 'value'] }],
    ['t5-v1_1', { targets: ['q', 'v'] }],
  ])('of %s (%o) changes nothing, learns alone, and is the same when it is read again', async (name, options) => {
    const model = await load(golden(name), { backend });
    const before = await weightsOf(model);
    const adapter = await createAdapter(model, { alpha: 16, ...options, seed: 3 });
    const adapted = model.withAdapters([{ adapter }]);
    const plain = await lossOf(model);
    expect(await lossOf(adapted)).toBeCloseTo(plain, 4);
    const events = await collected(train(adapted, recipe()));
    expect(ofType(events, 'warning')).toEqual([]);
    const learned = await lossOf(adapted);
    expect(learned).toBeLessThan(0.8 * plain);
    expect(await weightsOf(model)).toEqual(before);

    await adapted.save(join(folder, 'adapter'));
    const again = await loadAdapter(model, join(folder, 'adapter'));
    expect(await lossOf(model.withAdapters([{ adapter: again }]))).toBeCloseTo(learned, 5);
    await mergeAdapter(model, again);
    expect(await lossOf(model)).toBeCloseTo(learned, 3);
    for (const one of [adapter, again, model]) one.dispose();
  });

  it.each([
    ...[
      'albert-mlm',
      'bart',
      'bloom',
      'deberta-v1-mlm',
      'deberta-v2-conv',
      'distilbert-mlm',
      'falcon',
      'gemma',
      'gemma2',
    ],
    ...['gemma3-text', 'gpt_neo', 'gpt_neox', 'gptj', 'granite', 'm2m100', 'marian', 'mbart', 'mistral', 'mixtral'],
    ...['modernbert-mlm', 'olmo2', 'openai-gpt', 'opt', 'pegasus', 'phi', 'phi3', 'qwen3', 'stablelm', 'umt5', 'xlnet'],
  ])('reaches every linear layer of %s', async name => {
    const model = await load(golden(name), { backend });
    const given = { input_ids: [[17, 27, 12, 35, 46, 5, 4, 9]], labels: [[17, 27, 12, 35, 46, 5, 4, 9]] };
    const adapter = await createAdapter(model, { r: 2, alpha: 8 });
    const adapted = model.withAdapters([{ adapter }]);
    const before = await lossOf(adapted, given);
    const batches = always({ inputs: given, tokens: 7, examples: 1 });
    const events = await collected(train(adapted, recipe({ batches, maxSteps: 4 })));
    expect(ofType(events, 'warning')).toEqual([]);
    expect(await lossOf(adapted, given)).toBeLessThan(before);
    adapter.dispose();
    model.dispose();
  });

  it('reaches both stacks of T5, whose base is the encoder, and of a classifier on it only the head learns as a whole', async () => {
    const model = await load(golden('t5-v1_1'), { backend });
    const sides = async (of: Model) => {
      const { layers, saved } = (await createAdapter(of, { r: 2 })).params;
      const first = (names: readonly string[]) => [...new Set(names.map(name => name.split('.')[0]))].sort();
      return [first(Object.keys(layers)), first(Object.keys(saved))];
    };
    expect(await sides(model)).toEqual([['decoder', 'encoder'], []]);
    const options = { backend, head: 'sequenceClassification', newHead: { labels: ['a', 'b'] } } as const;
    const classifier = await load(golden('t5-v1_1'), options);
    expect(await sides(classifier)).toEqual([['decoder', 'encoder'], ['classification_head']]);
    model.dispose();
    classifier.dispose();
  });

  it.each(['q8_0', 'q4_0'] as const)('learns on a base in %s, which stays as it is', async type => {
    const file = join(folder, 'base.gguf');
    await quantizeModel(golden('llama'), file, { type });
    const model = await load(file, { backend });
    const formats = leavesOf(model.parts.params).map(
      ([, { storage }]) => storage?.kind === 'device' && storage.buffer.format,
    );
    expect(formats.filter(format => format === type).length).toBeGreaterThan(8);
    const before = await weightsOf(model);
    const adapter = await createAdapter(model, { r: 4, alpha: 16 });
    const adapted = model.withAdapters([{ adapter }]);
    const start = await lossOf(adapted);
    await collected(train(adapted, recipe()));
    expect(start).toBeGreaterThan(5);
    expect(await lossOf(adapted)).toBeLessThan(0.5);
    expect(await weightsOf(model)).toEqual(before);
    model.dispose();
  });

  it('is called as PEFT calls it', async () => {
    const model = await load(golden('gpt2'), { backend });
    const adapter = await createAdapter(model, { targets: ['c_attn', 'mlp.c_proj'], r: 4, dora: true });
    await model.withAdapters([{ adapter }]).save(join(folder, 'adapter'));
    const file = await openCheckpoint(join(folder, 'adapter', 'adapter_model.safetensors'));
    const shapes = Object.fromEntries([...file.tensors.values()].map(({ name, shape }) => [name, shape]));
    await file.close();
    expect(Object.keys(shapes)).toHaveLength(2 * 2 * 3);
    const module = 'base_model.model.transformer.h.1.mlp.c_proj';
    expect(shapes[`${module}.lora_A.weight`]).toEqual([4, 128]);
    expect(shapes[`${module}.lora_B.weight`]).toEqual([32, 4]);
    expect(shapes[`${module}.lora_magnitude_vector`]).toEqual([32]);
    const config: unknown = JSON.parse(await readFile(join(folder, 'adapter', 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      r: 4,
      lora_alpha: 8,
      target_modules: ['c_attn', 'mlp.c_proj'],
      fan_in_fan_out: true,
      use_dora: true,
    });
    model.dispose();
  });

  it('may bring parameters that learn as a whole', async () => {
    const model = await load(golden('roberta-seqcls'), { backend });
    const labels = [[1, 0, 1, 0].slice(0, model.parts.specs.get('classifier.out_proj.weight')!.shape[0])];
    const given = { input_ids: ids, labels };
    const adapter = await createAdapter(model, { targets: ['query'], modulesToSave: ['classifier.out_proj'] });
    const adapted = model.withAdapters([{ adapter }]);
    const before = await lossOf(adapted, given);
    expect(before).toBeCloseTo(await lossOf(model, given), 5);
    const own = always({ inputs: given, tokens: 1, examples: 1 });
    await collected(train(adapted, recipe({ batches: own })));
    expect(await lossOf(adapted, given)).toBeLessThan(0.5 * before);
    expect(await lossOf(model, given)).toBeCloseTo(before, 5);
    await adapted.save(join(folder, 'adapter'));
    const file = await openCheckpoint(join(folder, 'adapter', 'adapter_model.safetensors'));
    expect([...file.tensors.keys()].filter(key => !key.includes('lora_')).sort()).toEqual([
      'base_model.model.classifier.out_proj.bias',
      'base_model.model.classifier.out_proj.weight',
    ]);
    await file.close();
    model.dispose();
  });

  it('of a classifier brings its head, as PEFT has it, and is whole when it is read again', async () => {
    const model = await load(golden('bert-mlm'), {
      ...{ backend, head: 'sequenceClassification' },
      newHead: { labels: ['no', 'yes', 'maybe'] },
    });
    const given = { input_ids: ids, labels: [2] };
    const adapter = await createAdapter(model);
    const adapted = model.withAdapters([{ adapter }]);
    await collected(train(adapted, recipe({ batches: always({ inputs: given, tokens: 1, examples: 1 }) })));
    await adapted.save(join(folder, 'adapter'));
    const again = await load(join(folder, 'adapter'), { backend });
    expect(again.parts.head).toBe('sequenceClassification');
    expect(await lossOf(again, given)).toBeCloseTo(await lossOf(adapted, given), 5);
    for (const one of [adapter, model, again]) one.dispose();
    const robust = await load(golden('roberta-seqcls'), { backend });
    const { saved } = (await createAdapter(robust, { modulesToSave: ['classifier', 'classifier.dense'] })).params;
    const layers = ['dense.bias', 'dense.weight', 'out_proj.bias', 'out_proj.weight'];
    expect(Object.keys(saved).sort()).toEqual(layers.map(name => `classifier.${name}`));
    robust.dispose();
  });

  it('goes on from a checkpoint to the same bytes, the lengths of its rows too', async () => {
    const model = await load(golden('llama'), { backend });
    const run = async (outputDir: string, until: number, resume: boolean) => {
      const adapter = await createAdapter(model, { dora: true, seed: resume ? 9 : 1 });
      const adapted = model.withAdapters([{ adapter }]);
      const options = recipe({ outputDir, maxSteps: 8, saveSteps: 4, resume, dropout: 0.1 });
      for await (const event of train(adapted, options))
        if (event.type === 'step' && event.step === until && until < 8) break;
      return lossOf(adapted);
    };
    const whole = await run(join(folder, 'whole'), 8, false);
    await run(join(folder, 'cut'), 6, false);
    expect(await run(join(folder, 'cut'), 8, true)).toBe(whole);
    const file = (which: string) =>
      readFile(join(folder, which, 'checkpoint-8', 'adapter_model.safetensors'), 'base64');
    expect(await file('cut')).toBe(await file('whole'));
    model.dispose();
  });

  it('is refused for layers that are not there, tables and numbers that are none', async () => {
    const model = await load(golden('gpt2'), { backend });
    const made = (options: CreateAdapterOptions) => createAdapter(model, options);
    await expect(made({ targets: ['q_proj'] })).rejects.toThrow(/no layer.*q_proj.*c_attn, c_proj, c_fc/);
    await expect(made({ targets: ['wte'] })).rejects.toThrow(/linear layers.*transformer.wte/);
    await expect(made({ r: 0 })).rejects.toThrow(/rank/);
    await expect(made({ alpha: Number.NaN })).rejects.toThrow(/alpha/);
    await expect(made({ modulesToSave: ['score'] })).rejects.toThrow(/no such module.*score/);
    const [a, b] = [await made({}), await made({})];
    const both = model.withAdapters([{ adapter: a }, { adapter: b }]);
    await expect(collected(train(both, recipe()))).rejects.toThrow(/one adapter learns at a time/);
    await expect(collected(train(model, recipe()))).rejects.toThrow(/packed for inference.*trainable: true/);
    model.dispose();
  });
});
