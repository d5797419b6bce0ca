/** The training loop: what it learns, what it says, where it ends, and what it leaves alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { TrainingError } from '../../src/errors.ts';
import { nodeOf } from '../../src/nn/adapter.ts';
import { type Backend, Tensor } from '../../src/tensor/index.ts';
import { decaysWithoutTables, type TrainOptions, train, validate } from '../../src/train/index.ts';
import { always, collected, counting, countingBatch, ofType, tinyModel, weightsOf } from './tiny.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await createWasmBackend();
});
afterAll(() => backend.close());

const recipe = { batches: counting(), learningRate: 1e-2, lrSchedulerType: 'constant' } as const satisfies TrainOptions;

describe('train', () => {
  it.each(['adamw', 'adam', 'sgd', 'adafactor', 'lion', 'muon', 'rmsprop', 'adagrad'] as const)(
    'learns with %s',
    async optim => {
      const model = await tinyModel(backend);
      const learningRate = { sgd: 1, lion: 3e-3, adagrad: 5e-2 }[optim as string] ?? 1e-2;
      const events = await collected(train(model, { ...recipe, optim, learningRate, momentum: 0.5, maxSteps: 120 }));
      const losses = ofType(events, 'step').map(({ loss }) => loss);
      expect(losses[0]).toBeGreaterThan(2.6);
      expect(losses.at(-1)).toBeLessThan(1);
      model.dispose();
    },
  );

  it('says what it starts with, what each step was and why it ended', async () => {
    const model = await tinyModel(backend);
    const events = await collected(
      train(model, { ...recipe, numTrainEpochs: 2, warmupSteps: 4, lrSchedulerType: 'linear' }),
    );
    expect(events.map(({ type }) => type)).toEqual(['start', ...Array(20).fill('step'), 'done']);
    const parameters = 16 * 16 * 2 + 2 * (4 * 16 + 16 * 48 + 48 + 16 * 16 + 16 + 2 * 16 * 64 + 64 + 16) + 32;
    expect(events[0]).toEqual({
      type: 'start',
      parameters,
      trainable: parameters,
      step: 0,
      totalSteps: 20,
      memory: { parameters: 4 * parameters, gradients: 4 * parameters, optimizer: 8 * parameters },
    });
    expect(events[11]).toMatchObject({ step: 11, epoch: 1, tokens: 14, learningRate: 1e-2 * (1 - 6 / 16) });
    expect(events.at(-1)).toEqual({ type: 'done', reason: 'epochs', step: 20, best: undefined });
    model.dispose();
  });

  it('takes several batches together as if they were one', async () => {
    const parts = [countingBatch(1, 2, 8), countingBatch(2, 2, 5)] as const;
    // Rows of both lengths in one batch: the shorter ones are padded, and the padding has no label.
    const [short, long] = [parts[1].inputs.input_ids!, parts[0].inputs.input_ids!];
    const padded = short.map(row => [...Array.from(row), 0, 0, 0]);
    const labels = [...long.map(row => Array.from(row)), ...short.map(row => [...Array.from(row), -100, -100, -100])];
    const mask = [...long.map(row => Array.from(row, () => 1)), ...short.map(() => [1, 1, 1, 1, 1, 0, 0, 0])];
    const whole = {
      inputs: { input_ids: [...long, ...padded], attention_mask: mask, labels },
      tokens: parts[0].tokens + parts[1].tokens,
      examples: 4,
    };
    const both = {
      async *from() {
        for (let i = 0; ; i++) yield { batch: parts[i % 2]!, next: i + 1, epoch: 0 };
      },
    };
    const [one, two] = [await tinyModel(backend), await tinyModel(backend)];
    const options = { ...recipe, maxSteps: 5, optim: 'sgd' as const, learningRate: 0.1 };
    const first = await collected(train(one, { ...options, batches: always(whole) }));
    const second = await collected(train(two, { ...options, batches: both, gradientAccumulationSteps: 2 }));
    const numbers = (events: typeof first) => ofType(events, 'step').flatMap(s => [s.loss, s.gradientNorm, s.tokens]);
    for (const [i, x] of numbers(second).entries()) expect(x).toBeCloseTo(numbers(first)[i]!, 5);
    const [a, b] = [await weightsOf(one), await weightsOf(two)];
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))).toBeLessThan(2e-6);
    one.dispose();
    two.dispose();
  });

  it('ends an epoch with fewer batches rather than take some of the next', async () => {
    const model = await tinyModel(backend);
    const options = { ...recipe, batches: counting({ perEpoch: 5 }), gradientAccumulationSteps: 2, numTrainEpochs: 2 };
    const steps = ofType(await collected(train(model, options)), 'step');
    expect(steps.map(({ tokens }) => tokens)).toEqual([28, 28, 14, 28, 28, 14]);
    model.dispose();
  });

  it('leaves parameters alone that are not to learn, and decays those that are to decay', async () => {
    const model = await tinyModel(backend);
    const value = async (name: string) => [...(await (nodeOf(model.parts.params, name) as Tensor).data())];
    const names = ['wte.weight', 'h.0.attn.c_attn.weight', 'h.1.attn.c_attn.weight', 'h.1.ln_1.weight'] as const;
    const before = await Promise.all(names.map(value));
    // Without a gradient to speak of, what moves a parameter is its decay.
    const options: TrainOptions = {
      ...recipe,
      optim: 'sgd',
      learningRate: 1e-3,
      maxGradNorm: 1e-9,
      weightDecay: 1,
      maxSteps: 10,
      trainable: name => !name.startsWith('h.0.'),
      decays: decaysWithoutTables,
    };
    await collected(train(model, options));
    const after = await Promise.all(names.map(value));
    const factor = (1 - 1e-3) ** 10;
    expect(after[0]![0]).toBeCloseTo(before[0]![0]!, 7);
    expect(after[1]).toEqual(before[1]);
    for (const [i, x] of after[2]!.entries()) expect(x).toBeCloseTo(before[2]![i]! * factor, 7);
    expect(after[3]![0]).toBeCloseTo(1, 7);
    model.dispose();
  });

  it('stops at a loss that is no number, before anything is changed', async () => {
    const model = await tinyModel(backend);
    let calls = 0;
    const lossOf: TrainOptions['lossOf'] = graph =>
      graph.lossOf()!.mul(Tensor.from([++calls === 3 ? Number.NaN : 1], []));
    const run = train(model, { ...recipe, batches: always(countingBatch(1)), lossOf, maxSteps: 5 });
    const seen: number[] = [];
    let weights: number[] = [];
    const error = await (async () => {
      for await (const event of run)
        if (event.type === 'step') {
          seen.push(event.step);
          weights = await weightsOf(model);
        }
      return undefined;
    })().catch((e: unknown) => e);
    expect(seen).toEqual([1, 2]);
    expect(error).toBeInstanceOf(TrainingError);
    expect(`${error}`).toMatch(/NaN in step 3, epoch 2, batch at 2.*no checkpoint was written/);
    expect(await weightsOf(model)).toEqual(weights);
    model.dispose();
  });

  it('validates, stops early, and says which validation was the best', async () => {
    const model = await tinyModel(backend);
    const validation = counting({ seed: 7, perEpoch: 3, epochs: 1 });
    const options = {
      ...recipe,
      maxSteps: 40,
      validation,
      evalSteps: 5,
      earlyStoppingPatience: 2,
      earlyStoppingThreshold: 5,
    };
    const events = await collected(train(model, options));
    const validations = ofType(events, 'validation');
    // Nothing after the first is better by 5.
    expect(validations.map(({ step, best }) => [step, best])).toEqual([
      [5, true],
      [10, false],
      [15, false],
    ]);
    expect(validations[0]!.perplexity).toBeCloseTo(Math.exp(validations[0]!.loss), 10);
    expect(validations[0]!.tokens).toBe(3 * 14);
    expect(events.at(-1)).toMatchObject({
      reason: 'early-stop',
      step: 15,
      best: { step: 5, loss: validations[0]!.loss },
    });
    expect((await validate(model.parts, validation)).loss).toBe(validations[2]!.loss);
    model.dispose();
  });

  it('ends after the step in flight when it is aborted, and frees its memory when its reader leaves', async () => {
    const model = await tinyModel(backend);
    const { used } = backend.memory();
    const abort = new AbortController();
    const events = [];
    for await (const event of train(model, { ...recipe, maxSteps: 50, signal: abort.signal })) {
      events.push(event);
      if (event.type === 'step' && event.step === 3) abort.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: 'done', reason: 'aborted', step: 3 });
    expect(backend.memory().used).toBe(used);
    for await (const event of train(model, { ...recipe, maxSteps: 50 })) if (event.type === 'step') break;
    expect(backend.memory().used).toBe(used);
    model.dispose();
  });

  it('takes the loss that its batches bring, in validations too, unless another is given', async () => {
    const lossOf: TrainOptions['lossOf'] = graph => graph.lossOf()!.mul(2);
    const [plain, twice] = [counting({ epochs: 1 }), { ...counting({ epochs: 1 }), lossOf }];
    const losses = async (options: TrainOptions) => {
      const model = await tinyModel(backend);
      const events = await collected(
        train(model, { ...recipe, ...options, maxSteps: 1, evalSteps: 1, learningRate: 0 }),
      );
      model.dispose();
      return [ofType(events, 'step')[0]!.loss, ofType(events, 'validation')[0]!.loss] as const;
    };
    const [step, validation] = await losses({ batches: plain, validation: plain });
    const own = await losses({ batches: twice, validation: twice });
    expect(own[0]).toBeCloseTo(2 * step, 5);
    expect(own[1]).toBeCloseTo(2 * validation, 5);
    const given = await losses({ batches: twice, validation: twice, lossOf: graph => graph.lossOf()! });
    expect(given).toEqual([step, validation]);
  });

  it('ends with an error where nothing is to be learned, and with its signal while it looks for something', async () => {
    const model = await tinyModel(backend);
    const none = { ...countingBatch(1), tokens: 0 };
    const nothing = /no token of the training data counts/;
    const run = (options: Partial<TrainOptions>) => collected(train(model, { ...recipe, maxSteps: 2, ...options }));
    await expect(run({ batches: { async *from() {} } })).rejects.toThrow(nothing);
    await expect(run({ batches: always(none) })).rejects.toThrow(nothing);
    const abort = new AbortController();
    const endless = {
      async *from() {
        for (let i = 0; ; i++) {
          if (i === 5) abort.abort();
          yield { batch: none, next: i + 1, epoch: 0 };
        }
      },
    };
    const events = await run({ batches: endless, signal: abort.signal });
    expect(events.at(-1)).toMatchObject({ type: 'done', reason: 'aborted', step: 0 });
    model.dispose();
  });

  it('warns of batches without tokens and of parameters without a part in the loss', async () => {
    const model = await tinyModel(backend);
    const none = { ...countingBatch(1), tokens: 0 };
    const batches = {
      async *from() {
        for (let i = 0; ; i++) yield { batch: i === 0 ? none : countingBatch(i), next: i + 1, epoch: 0 };
      },
    };
    const lossOf: TrainOptions['lossOf'] = graph => graph.lossOf()!.add(0);
    const first = await collected(train(model, { ...recipe, batches, lossOf, maxSteps: 2 }));
    expect(ofType(first, 'warning').map(({ message }) => message)).toEqual(['no token counts from null on']);
    expect(ofType(first, 'step')).toHaveLength(2);
    const embedded: TrainOptions['lossOf'] = () => {
      const table = nodeOf(model.parts.params, 'wte.weight') as Tensor;
      return table.mul(table).sumAll();
    };
    const second = await collected(train(model, { ...recipe, lossOf: embedded, maxSteps: 1 }));
    expect(ofType(second, 'warning')[0]!.message).toMatch(/^27 parameters have no part in the loss.*: wpe.weight/);
    model.dispose();
  });

  it('trains a model on the reference backend to the same numbers', async () => {
    const reference = createReferenceBackend();
    const [a, b] = [await tinyModel(backend), await tinyModel(reference)];
    const losses = async (model: typeof a) =>
      ofType(await collected(train(model, { ...recipe, maxSteps: 5 })), 'step').map(({ loss }) => loss);
    const [ours, theirs] = [await losses(a), await losses(b)];
    for (const [i, loss] of ours.entries()) expect(loss).toBeCloseTo(theirs[i]!, 5);
    a.dispose();
  });

  it.each([
    { threads: 1, link: 'remote' },
    { threads: 0, link: 'inline' },
    { threads: 2, link: 'shared' },
  ] as const)('comes to the same bytes with %o', async options => {
    const other = await createWasmBackend(options);
    const [a, b] = [await tinyModel(backend), await tinyModel(other)];
    for (const model of [a, b]) await collected(train(model, { ...recipe, maxSteps: 5, dropout: 0.1 }));
    expect(await weightsOf(b)).toEqual(await weightsOf(a));
    a.dispose();
    other.close();
  });

  it('needs no more memory after 1,000 steps of several lengths than after a few', async () => {
    const model = await tinyModel(backend);
    const used = new Set<number>();
    let reserved = 0;
    const batches = counting({ lengths: [8, 5, 12] });
    for await (const event of train(model, { ...recipe, batches, maxSteps: 1000 })) {
      if (event.type !== 'step') continue;
      const memory = backend.memory();
      if (event.step > 20) used.add(memory.used);
      if (event.step === 20) reserved = memory.reserved;
    }
    expect(used.size).toBe(1);
    expect(backend.memory().reserved).toBe(reserved);
    model.dispose();
  });
});
