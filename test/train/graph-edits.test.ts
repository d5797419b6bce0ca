/** What training changes in the graph of a loss: dropout, recomputation, smoothed labels. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { create } from '../../src/hub/create.ts';
import type { Model } from '../../src/hub/model.ts';
import { type Backend, order, setDefaultBackend, Tensor } from '../../src/tensor/index.ts';
import { withDropout } from '../../src/train/dropout.ts';
import { lossOfBatch, type TrainOptions, train } from '../../src/train/index.ts';
import { always, collected, counting, countingBatch, ofType, tinyModel, weightsOf } from './tiny.ts';

let backend: Backend;
let model: Model;
beforeAll(async () => {
  backend = await createWasmBackend();
  setDefaultBackend(backend);
  model = await tinyModel(backend);
});
afterAll(() => backend.close());

const batch = countingBatch(5);
const loss = () => lossOfBatch(model.parts, batch, undefined);
const seed = (value: number) => Tensor.from(Int32Array.of(value), []);
const dropped = (dropout: number, value: number, attentionDropout = 0) =>
  withDropout(loss(), { dropout, attentionDropout, seed: seed(value) });
const places = (graph: Tensor) => order([graph]).filter(({ op }) => op.name === 'dropout');

describe('dropout', () => {
  it('acts on the embeddings and on what each layer adds, with a seed of its own at every place', async () => {
    const found = places(dropped(0.1, 1));
    expect(found.map(({ path }) => path)).toEqual([
      '',
      'blocks.0.attn',
      'blocks.0.mlp',
      'blocks.1.attn',
      'blocks.1.mlp',
    ]);
    const seeds = await Promise.all(found.map(node => node.inputs[1]!.item()));
    expect(new Set(seeds).size).toBe(5);
  });
  it('acts on the attention pattern where it is asked to', () => {
    const found = places(dropped(0, 1, 0.1));
    expect(found.map(({ path }) => path)).toEqual(['blocks.0.attn', 'blocks.1.attn']);
    expect(found[0]!.shape).toEqual([2, 2, 8, 8]);
  });
  it('changes the loss from seed to seed, and not in the mean', async () => {
    const plain = await loss().item();
    const values = await Promise.all(Array.from({ length: 40 }, (_, i) => dropped(0.1, i).item()));
    expect(await dropped(0.1, 3).item()).toBe(values[3]);
    expect(new Set(values).size).toBe(40);
    const mean = values.reduce((a, b) => a + b) / values.length;
    expect(Math.abs(mean - plain)).toBeLessThan(0.02);
    expect(await dropped(0, 1).item()).toBe(plain);
  });
  it('is refused where a model has no place for it', async () => {
    const config = { model_type: 'lstm-lm', vocab_size: 16, embedding_size: 8, hidden_size: 8, num_layers: 1 };
    const recurrent = await create(config, { head: 'causalLM', backend });
    const run = train(recurrent, { batches: counting(), dropout: 0.1, maxSteps: 1 });
    await expect(collected(run)).rejects.toThrow(/no place for dropout/);
    recurrent.dispose();
  });
});

const recipe: TrainOptions = { batches: counting(), learningRate: 1e-2, maxSteps: 5, dropout: 0.1 };

describe('recomputation', () => {
  it('changes no number of a run', async () => {
    const [a, b] = [await tinyModel(backend), await tinyModel(backend)];
    await collected(train(a, recipe));
    await collected(train(b, { ...recipe, gradientCheckpointing: true }));
    expect(await weightsOf(b)).toEqual(await weightsOf(a));
    a.dispose();
    b.dispose();
  });
});

describe('recomputation, of a deeper model', () => {
  it('needs less memory', async () => {
    const reserved = async (gradientCheckpointing: boolean) => {
      const own = await createWasmBackend({ threads: 1 });
      const deep = await create(
        { model_type: 'gpt2', vocab_size: 16, n_positions: 128, n_embd: 32, n_layer: 8, n_head: 2 },
        { head: 'causalLM', backend: own },
      );
      const long = countingBatch(1, 8, 128);
      await collected(train(deep, { batches: always(long), gradientCheckpointing, maxSteps: 1 }));
      const bytes = own.memory().reserved;
      own.close();
      return bytes;
    };
    const [kept, again] = [await reserved(false), await reserved(true)];
    expect(again).toBeLessThan(0.6 * kept);
  });
});

describe('label smoothing', () => {
  it('is the loss of targets that are spread over all classes', async () => {
    const { logits } = model.graph(batch.inputs);
    const values = await logits.data();
    const [rows, T, V] = [batch.inputs.input_ids!, 8, 16];
    let sum = 0;
    for (const [b, row] of rows.entries())
      for (let t = 0; t < T - 1; t++) {
        const scores = values.slice((b * T + t) * V, (b * T + t + 1) * V) as Float32Array;
        const log = Math.log(scores.reduce((n, x) => n + Math.exp(x), 0));
        const logp = Array.from(scores, x => x - log);
        sum -= 0.9 * logp[row[t + 1]!]! + (0.1 / V) * logp.reduce((n, x) => n + x);
      }
    const smoothed = await lossOfBatch(model.parts, batch, undefined, 0.1).item();
    expect(smoothed).toBeCloseTo(sum / (2 * (T - 1)), 5);
    expect(smoothed).not.toBeCloseTo(await loss().item(), 4);
  });
  it('is used in training and not in validation', async () => {
    const own = await tinyModel(backend);
    const validation = counting({ perEpoch: 1, epochs: 1 });
    const options = {
      batches: validation,
      validation,
      evalSteps: 1,
      labelSmoothing: 0.2,
      learningRate: 0,
      maxSteps: 1,
    };
    const events = await collected(train(own, options));
    const [step, valid] = [ofType(events, 'step')[0]!, ofType(events, 'validation')[0]!];
    const first = countingBatch(0);
    expect(step.loss).toBeCloseTo(await lossOfBatch(own.parts, first, undefined, 0.2).item(), 6);
    expect(valid.loss).toBeCloseTo(await lossOfBatch(own.parts, first, undefined).item(), 6);
    own.dispose();
  });
  it('is refused for labels that are no classes', () => {
    const regression = { ...model.parts, head: 'base' as const };
    expect(() => lossOfBatch(regression, batch, undefined, 0.1)).toThrow(/not smoothed/);
  });
  it('needs labels', () => {
    const { labels: _, ...inputs } = batch.inputs;
    expect(() => lossOfBatch(model.parts, { ...batch, inputs }, undefined)).toThrow(
      /no labels.*input_ids for causalLM/,
    );
  });
});
