/** One runner for all encoders: what must hold for every one of them under every head, on tiny models with random weights. */
import { afterAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { type Architecture, GENERATES, HEAD_NAMES, type HeadName } from '../../src/models/architecture.ts';
import type { ModelInputs } from '../../src/models/forward.ts';
import { modelTypes } from '../../src/models/index.ts';
import { countParams } from '../../src/nn/params.ts';
import { type Backend, leavesOf, Tensor } from '../../src/tensor/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { readConfig, TINY, tinyFiles, tinyModel } from './tiny-model.ts';

/** Bounds relative to the largest value: doubles differ by the order of sums only, floats by their rounding. */
const BACKENDS: Record<string, { backend: Backend; bound: number }> = {
  reference: { backend: createReferenceBackend(), bound: 1e-12 },
  wasm: { backend: await createWasmBackend(), bound: 2e-6 },
};
afterAll(() => {
  for (const { backend } of Object.values(BACKENDS)) backend.close();
});

/** What TINY's configs have in common. */
const [T, V, C, LABELS, CONTEXT] = [11, 61, 24, 3, 24];
const random = (n: number, from: number, below: number, stream: number) => {
  const rng = createRng(11, stream);
  return Array.from({ length: n }, () => from + rng.below(below - from));
};
const row = (n: number, stream: number) => random(n, 1, V, stream); // 0 is padding
const ids = [row(T, 0), row(T, 1)];

/** Labels that fit a head, and the shapes of what it gives for two rows. */
const HEADS: Readonly<Partial<Record<HeadName, { labels?: ModelInputs; shapes: Record<string, number[]> }>>> = {
  maskedLM: { labels: { labels: [row(T, 2), row(T, 3)] }, shapes: { logits: [2, T, V] } },
  enhancedMaskedLM: { labels: { labels: [row(T, 2), row(T, 3)] }, shapes: { logits: [2, T, V] } },
  pretraining: {
    labels: { labels: [row(T, 2), row(T, 3)], next_sentence_label: [1, 0] },
    shapes: { prediction_logits: [2, T, V], seq_relationship_logits: [2, 2] },
  },
  nextSentence: { labels: { labels: [0, 1] }, shapes: { logits: [2, 2] } },
  replacedToken: { labels: { labels: [random(T, 0, 2, 4), random(T, 0, 2, 5)] }, shapes: { logits: [2, T] } },
  sequenceClassification: { labels: { labels: [0, 2] }, shapes: { logits: [2, LABELS] } },
  tokenClassification: {
    labels: { labels: [random(T, 0, LABELS, 6), [...random(T - 1, 0, LABELS, 7), -100]] },
    shapes: { logits: [2, T, LABELS] },
  },
  questionAnswering: {
    labels: { start_positions: [1, 4], end_positions: [3, T - 1] },
    shapes: { start_logits: [2, T], end_logits: [2, T] },
  },
  pooled: { shapes: { last_hidden_state: [2, T, C], pooler_output: [2, C] } },
  base: { shapes: { last_hidden_state: [2, T, C] } },
};
const BLOCK = [
  ...['resid_pre', 'attn.q', 'attn.k', 'attn.v', 'attn.scores', 'attn.pattern', 'attn.z', 'attn.out', 'resid_mid'],
  ...['mlp.pre', 'mlp.act', 'mlp.out', 'resid_post'],
];

const headsOf = ({ heads }: Architecture): HeadName[] => HEAD_NAMES.filter(name => heads[name]);
const encoders: { type: string; heads: HeadName[]; types: number }[] = [];
for (const type of modelTypes().filter(type => TINY[type])) {
  const { architecture, config } = await readConfig({ model_type: type, ...TINY[type] });
  const heads = headsOf(architecture);
  const reads = (architecture.modality ?? 'text') === 'text' && heads.includes('base');
  if (reads && !heads.some(head => GENERATES.has(head)))
    encoders.push({ type, heads, types: Math.max(1, architecture.typeVocabSize?.(config) ?? 1) });
}

describe.each(encoders.flatMap(encoder => Object.keys(BACKENDS).map(name => ({ ...encoder, name }))))(
  '$type on $name',
  ({ type, heads, types, name }) => {
    const { backend, bound } = BACKENDS[name]!;
    const withModel = async (head: HeadName, use: (model: Model) => Promise<void>, config = {}) => {
      const model = await tinyModel(type, backend, { head, config });
      await use(model);
      model.dispose();
    };
    const segments = [random(T, 0, types, 8), random(T, 0, types, 9)];
    const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
      expect(relativeError(actual, expected)).toBeLessThanOrEqual(bound);

    describe.each(heads)('%s', head => {
      const { labels, shapes } = HEADS[head]!;

      it('gives tensors of the right shapes, and a finite loss', () =>
        withModel(head, async model => {
          const { hidden } = model.graph({ input_ids: ids });
          const { outputs, loss } = await model.run({ input_ids: ids, token_type_ids: segments, ...labels });
          expect(hidden.shape).toEqual([2, T, C]);
          expect(Object.fromEntries(Object.entries(outputs).map(([key, t]) => [key, t.shape]))).toEqual(shapes);
          for (const tensor of Object.values(outputs)) expect((await tensor.data()).every(Number.isFinite)).toBe(true);
          if (labels) expect(loss).toBeGreaterThan(0);
          expect(Number.isFinite(loss ?? 0)).toBe(true);
        }));

      it('computes padded rows as it does single ones', () =>
        withModel(head, async model => {
          const short = row(7, 10);
          const kinds = random(7, 0, types, 11);
          const zeros = Array<number>(T - 7).fill(0);
          const ones = (n: number) => Array<number>(n).fill(1);
          const alone = await model.run({ input_ids: [short], token_type_ids: [kinds] });
          for (const [from, pad] of [
            [0, (row: number[]) => [...row, ...zeros]],
            [T - 7, (row: number[]) => [...zeros, ...row]],
          ] as const) {
            const { outputs } = await model.run({
              input_ids: [ids[0]!, pad(short)],
              token_type_ids: [segments[0]!, pad(kinds)],
              attention_mask: [ones(T), pad(ones(7))],
            });
            for (const [key, tensor] of Object.entries(outputs)) {
              const second = (await tensor.data()).slice(tensor.size / 2);
              const each = second.length / T;
              const real = shapes[key]![1] === T ? second.slice(from * each, (from + 7) * each) : second;
              expectClose(real, await alone.outputs[key]!.data());
            }
          }
        }));

      it('has the parameters that it declares', () =>
        withModel(head, async ({ parts: { architecture, config, params, specs } }) => {
          const leaves = leavesOf(params);
          expect(leaves.map(([key]) => key)).toEqual([...specs.keys()]);
          const declared = architecture.heads[head]!.parameters(config);
          expect(leaves.reduce((n, [, t]) => n + t.size, 0)).toBe(countParams(declared));
          for (const [key, tensor] of leaves) expect(tensor.shape, key).toEqual(specs.get(key)!.shape);
        }));

      it('refuses labels that do not fit', () =>
        withModel(head, async model => {
          const refuses = (wrong: ModelInputs, message: RegExp) =>
            expect(model.run({ input_ids: ids, ...labels, ...wrong })).rejects.toThrow(message);
          if (!labels) return refuses({ labels: [0, 1] }, /no loss from these labels; seen: labels for/);
          for (const [key, value] of Object.entries(labels)) {
            const [first] = value as (number | number[])[];
            const stranger = typeof first === 'number' ? [V, 0] : [first!.map(() => V), first];
            await refuses({ [key]: stranger }, /a label that is no class; seen: 61; expected: 0 to/);
            await refuses({ [key]: [0, 1, 1] }, /labels do not fit the logits/);
            // An answer has a start and an end; of the losses of pretraining each stands by itself.
            if (head === 'questionAnswering') await refuses({ [key]: undefined }, /no loss from these labels/);
          }
        }));
    });

    it('names its tensors canonically and in order', () =>
      withModel(heads[0]!, async model => {
        const outputs = Object.keys(HEADS[heads[0]!]!.shapes);
        const canonical = [
          'embed',
          ...[0, 1].flatMap(i => BLOCK.map(part => `blocks.${i}.${part}`)),
          'ln_final',
          ...outputs.filter(key => key !== 'last_hidden_state'),
        ];
        expect(model.names({ input_ids: ids }).filter(name => canonical.includes(name))).toEqual(canonical);
      }));

    it('refuses what does not fit the model', () =>
      withModel(heads[0]!, async model => {
        const refuses = (inputs: ModelInputs, message: RegExp) =>
          expect(model.run({ input_ids: ids, ...inputs })).rejects.toThrow(message);
        await refuses({ input_ids: [[V]] }, /outside the vocabulary.*61.*0 to 60/);
        await refuses({ input_ids: [[1, 2], [3]] }, /input_ids: rows differ/);
        const wrong = segments.map(row => row.map(() => types));
        // A model that tells no segments apart reads nothing from them.
        if (types > 1)
          await refuses(
            { token_type_ids: wrong },
            new RegExp(`no such token type; seen: ${types} .*0 to ${types - 1}`),
          );
        else await model.run({ input_ids: ids, token_type_ids: wrong });
        await refuses({ attention_mask: [[1]] }, /attention_mask: rows differ/);
        expect(() => model.open({ batch: 1, capacity: 4 })).toThrow(/does not generate/);
        if (model.contextLength === undefined) return;
        expect(model.contextLength).toBe(CONTEXT);
        await model.run({ input_ids: [row(CONTEXT, 12)] });
        await refuses({ input_ids: [row(CONTEXT + 1, 12)] }, /longer than the context window.*25 tokens.*at most 24/);
      }));

    it('changes its results when a head is ablated', () =>
      withModel(heads[0]!, async model => {
        const pattern = 'blocks.1.attn.pattern';
        const inputs = { input_ids: ids };
        const intact = await model.run(inputs, { trace: [pattern] });
        const mask = Tensor.from(
          Float32Array.from({ length: intact.trace[pattern]!.dim(1) }, (_, h) => (h === 0 ? 0 : 1)),
          [intact.trace[pattern]!.dim(1), 1, 1],
        );
        const expected = await intact.logits.data();
        const ablated = await model.run(inputs, { replace: { [pattern]: x => x.mul(mask) } });
        expect(relativeError(await ablated.logits.data(), expected)).toBeGreaterThan(1e-2);
        const kept = await model.run(inputs, { replace: { [pattern]: x => x.mul(1) } });
        expectClose(await kept.logits.data(), expected);
      }));

    it('loads from a file, and refuses a head that is not in it', () =>
      withModel('base', async model => {
        const files = memoryFiles(await tinyFiles(type, backend, { head: 'base' }));
        const loaded = await load(files, { backend });
        expect(loaded.parts.head).toBe('base');
        const outputs = await Promise.all(
          [model, loaded].map(async m => (await m.run({ input_ids: ids })).logits.data()),
        );
        expectClose(outputs[1]!, outputs[0]!);
        for (const head of heads.filter(head => head !== 'base'))
          await expect(load(files, { backend, head })).rejects.toThrow(
            new RegExp(`the checkpoint has no ${head} head; seen: no .*expected: one of base`),
          );
        loaded.dispose();
      }));

    it.skipIf(name === 'reference')('keeps no memory after 1,000 passes (counted on wasm only)', () =>
      withModel(heads[0]!, async model => {
        const pass = () => model.run({ input_ids: [[5, 6, 7, 0]], attention_mask: [[1, 1, 1, 0]] });
        for (let i = 0; i < 10; i++) await pass();
        const before = backend.memory().used;
        for (let i = 0; i < 1000; i++) await pass();
        expect(backend.memory().used).toBe(before);
      }),
    );

    it.runIf(heads.includes('sequenceClassification'))(
      'has a loss for numbers and for a yes or no per class',
      async () => {
        const { backend: exact } = BACKENDS.reference!;
        const classifier = { head: 'sequenceClassification' as const };
        const number = await tinyModel(type, exact, { ...classifier, config: { num_labels: 1 } });
        const regression = await number.run({ input_ids: ids, labels: [0.5, -2] });
        const [a, b] = (await regression.logits.data()) as unknown as [number, number];
        expect(regression.loss).toBeCloseTo(((a - 0.5) ** 2 + (b + 2) ** 2) / 2, 6);
        const several = await tinyModel(type, exact, classifier);
        const labels = [
          [1, 0, 1],
          [0, 0, 1],
        ];
        const multi = await several.run({ input_ids: ids, labels });
        const logits = await multi.logits.data();
        const flat = labels.flat();
        const expected = flat.reduce((sum, y, i) => sum + Math.log(1 + Math.exp(y ? -logits[i]! : logits[i]!)), 0) / 6;
        expect(multi.loss).toBeCloseTo(expected, 6);
      },
    );
  },
);

function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [most, scale] = [0, 0];
  for (let i = 0; i < actual.length; i++) {
    most = Math.max(most, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return most / scale;
}
