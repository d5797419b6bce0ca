/** One runner for all families: what must hold for every architecture, on tiny models with random weights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { generateAll } from '../src/generate/index.ts';
import type { Model } from '../src/hub/model.ts';
import type { DecoderHeadConfig } from '../src/models/decoder-heads.ts';
import { modelTypes } from '../src/models/index.ts';
import { KVCache } from '../src/nn/cache.ts';
import { countParams } from '../src/nn/params.ts';
import { tokenBatch } from '../src/nn/tokens.ts';
import { type Backend, cost, leavesOf, Tensor } from '../src/tensor/index.ts';
import { createRng } from '../src/util/rng.ts';
import { readConfig, TINY, tinyModel, typesWith } from './families/tiny-model.ts';

/** Bounds relative to the largest logit: doubles differ by the order of sums only, floats by their rounding. */
const BACKENDS: Record<string, { create: () => Promise<Backend>; bound: number }> = {
  reference: { create: async () => createReferenceBackend(), bound: 1e-12 },
  wasm: { create: () => createWasmBackend(), bound: 2e-6 },
};
const T = 11;
const [V, CONTEXT] = [61, 24];
/** Their steps are tested in test/families/recurrent.test.ts. */
const RECURRENT: ReadonlySet<string> = new Set(['lstm-lm', 'rwkv']);
const randomIds = (n: number, stream: number) => {
  const rng = createRng(3, stream);
  return Array.from({ length: n }, () => 1 + rng.below(V - 1)); // 0 is padding
};
const ids = randomIds(T, 0);

describe('the registry', () => {
  it('has a tiny model of every type', () => expect(Object.keys(TINY).sort()).toEqual(modelTypes().sort()));
});

const attending = (await typesWith('causalLM')).filter(type => !RECURRENT.has(type));
describe.each(attending.flatMap(type => Object.keys(BACKENDS).map(name => [type, name] as const)))(
  '%s on %s',
  (type, name) => {
    const { create, bound } = BACKENDS[name]!;
    let backend: Backend;
    let model: Model;
    /** Logits of `ids` in one pass, a row per token. */
    let full: ArrayLike<number>[];
    beforeAll(async () => {
      backend = await create();
      model = await tinyModel(type, backend);
      full = rowsOf((await model.run({ input_ids: [ids] })).logits.shape.at(-1)!, await logitsOf([ids]));
    });
    afterAll(() => {
      model.dispose();
      backend.close();
    });

    const logitsOf = async (rows: number[][], mask?: number[][]) =>
      (await model.run({ input_ids: rows, attention_mask: mask })).logits.data();
    const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
      expect(relativeError(actual, expected)).toBeLessThanOrEqual(bound);

    it('gives tensors of the right shapes', async () => {
      const labels = [ids, randomIds(T, 1)];
      const { hidden, logits, loss } = model.graph({ input_ids: labels, labels });
      expect(hidden.shape).toEqual([2, T, 24]);
      expect(logits.shape).toEqual([2, T, V]);
      expect(loss?.shape).toEqual([]);
      // Wide random weights: worse than guessing, but of its magnitude.
      expect(await loss!.item()).toBeGreaterThan(Math.log(V) / 2);
      const classifier = await tinyModel(type, backend, { head: 'sequenceClassification' });
      const result = await classifier.run({ input_ids: [ids, ids], labels: [0, 2] });
      expect(result.logits.shape).toEqual([2, 3]);
      expect(result.loss).toBeGreaterThan(0);
      classifier.dispose();
    });

    it('has no loss in a single token, and says so as the reference does: NaN', async () => {
      expect(await model.graph({ input_ids: [[5]], labels: [[5]] }).loss!.item()).toBeNaN();
    });

    it('computes the same in steps as in one pass', async () => {
      for (const lengths of [Array<number>(T).fill(1), [3, 1, 5, 2], [T]]) {
        const session = model.open({ batch: 1, capacity: 2 }); // grows on the way
        let at = 0;
        for (const length of lengths) {
          const [last] = await session.step([ids.slice(at, at + length)]);
          at += length;
          expectClose(last!, full[at - 1]!);
        }
        expect(session.length).toBe(T);
        session.dispose();
      }
    });

    it('computes padded rows as it does single ones', async () => {
      const short = randomIds(7, 2);
      const alone = rowsOf(V, await logitsOf([short]));
      const pad = Array<number>(T - short.length).fill(0);
      const ones = short.map(() => 1);
      const right = rowsOf(V, await logitsOf([ids, [...short, ...pad]], [ids.map(() => 1), [...ones, ...pad]]));
      const left = rowsOf(V, await logitsOf([[...pad, ...short], ids], [[...pad, ...ones], ids.map(() => 1)]));
      for (let t = 0; t < T; t++) expectClose(right[t]!, full[t]!);
      for (let t = 0; t < T; t++) expectClose(left[T + t]!, full[t]!);
      for (let t = 0; t < short.length; t++) expectClose(right[T + t]!, alone[t]!);
      for (let t = 0; t < short.length; t++) expectClose(left[pad.length + t]!, alone[t]!);

      const session = model.open({ batch: 2, capacity: T + 1 });
      const [first, second] = await session.step(
        [[...pad, ...short.slice(0, -1)], ids.slice(0, -1)],
        [[...pad, ...ones.slice(1)], Array(T - 1).fill(1)],
      );
      expectClose(first!, alone.at(-2)!);
      expectClose(second!, full.at(-2)!);
      const [next] = await session.step([[short.at(-1)!], [ids.at(-1)!]]);
      expectClose(next!, alone.at(-1)!);
      session.dispose();
    });

    it('names its tensors canonically and in order', () => {
      const names = [...model.names({ input_ids: [ids] })];
      expect(
        names.filter(n => !/^(pos_embed|blocks\.\d\.(attn\.rot_[qk]|mlp\.router|mlp\.choice)|aux_loss)$/.test(n)),
      ).toEqual([
        'embed',
        ...[0, 1].flatMap(i =>
          BLOCK.filter(part => part !== 'resid_mid' || !PARALLEL.has(type)).map(part => `blocks.${i}.${part}`),
        ),
        'ln_final',
        'logits',
      ]);
      for (const i of [0, 1])
        for (const x of ['q', 'k']) {
          const turned = names.indexOf(`blocks.${i}.attn.rot_${x}`);
          if (turned >= 0) expect(turned).toBeGreaterThan(names.indexOf(`blocks.${i}.attn.${x}`));
        }
    });

    it('has the parameters that it declares', () => {
      const { architecture, config, params, specs } = model.parts;
      const leaves = leavesOf(params);
      expect(leaves.map(([key]) => key)).toEqual([...specs.keys()]);
      expect(leaves.reduce((n, [, t]) => n + t.size, 0)).toBe(
        countParams(architecture.heads.causalLM!.parameters(config)),
      );
      for (const [key, tensor] of leaves) expect(tensor.shape, key).toEqual(specs.get(key)!.shape);
    });

    describe('the cache', () => {
      const appendTo = async (cache: KVCache, rows: number[][]) => {
        const { architecture, config, params } = model.parts;
        const batch = tokenBatch(rows, { vocabSize: V, contextLength: undefined, offsets: cache.positions });
        await cache.extend(rows[0]!.length, batch.mask);
        const { hidden, outputs } = architecture.heads.causalLM!;
        const input = { ...batch, cache };
        const { logits } = outputs(params, config, hidden(params, config, input), input);
        return rowsOf(V, await logits!.data());
      };
      const empty = (batch: number, capacity = T) =>
        new KVCache(backend, model.parts.architecture.cache!(model.parts.config), { batch, capacity });

      it('forks into two that go on by themselves', async () => {
        const cache = empty(1);
        await appendTo(cache, [ids.slice(0, 6)]);
        const twin = await cache.fork();
        await appendTo(cache, [randomIds(3, 5)]);
        expect([cache.length, twin.length]).toEqual([9, 6]);
        expectClose((await appendTo(twin, [ids.slice(6)])).at(-1)!, full.at(-1)!);
        cache.dispose();
        twin.dispose();
      });
      it('goes back to an earlier length', async () => {
        const cache = empty(1);
        await appendTo(cache, [ids.slice(0, 4)]);
        await appendTo(cache, [randomIds(5, 6)]);
        cache.trim(4);
        expectClose((await appendTo(cache, [ids.slice(4)])).at(-1)!, full.at(-1)!);
        expect(() => cache.trim(T + 1)).toThrow(/0 to 11/);
        cache.dispose();
      });
      it('takes rows in another order and number', async () => {
        const cache = empty(2);
        await appendTo(cache, [randomIds(6, 7), ids.slice(0, 6)]);
        await cache.reorder([1, 1, 0]);
        const rows = await appendTo(cache, [ids.slice(6), randomIds(5, 8), randomIds(5, 9)]);
        expect(cache.batch).toBe(3);
        expectClose(rows[4]!, full.at(-1)!);
        const alone = rowsOf(V, await logitsOf([[...ids.slice(0, 6), ...randomIds(5, 8)]]));
        expectClose(rows[9]!, alone.at(-1)!);
        const other = rowsOf(V, await logitsOf([[...randomIds(6, 7), ...randomIds(5, 9)]]));
        expectClose(rows[14]!, other.at(-1)!);
        await expect(cache.reorder([3])).rejects.toThrow(/no such row.*0 to 2/);
        cache.dispose();
      });
    });

    it('refuses what does not fit into the context window', async () => {
      const long = randomIds(CONTEXT + 1, 4);
      await expect(model.run({ input_ids: [[V]] })).rejects.toThrow(/outside the vocabulary.*61.*0 to 60/);
      if (model.contextLength === undefined) return;
      const message = /longer than the context window.*25 tokens.*at most 24/;
      await expect(model.run({ input_ids: [long] })).rejects.toThrow(message);
      const session = model.open({ batch: 1, capacity: CONTEXT });
      await session.step([long.slice(0, CONTEXT)]);
      await expect(session.step([[1]])).rejects.toThrow(message);
      expect(session.length).toBe(CONTEXT);
      session.dispose();
      await expect(model.run({ input_ids: [[V]] })).rejects.toThrow(/outside the vocabulary.*61.*0 to 60/);
    });

    it('lists every problem of a config at once', async () => {
      const wrong: Record<string, unknown> = { model_type: type, ...TINY[type], vocab_size: 'many', pad_token_id: 'x' };
      const width = 'n_embd' in wrong ? 'n_embd' : 'hidden_size';
      wrong[width] = 0;
      const problem = await readConfig(wrong).catch(error => error);
      expect(problem).toMatchObject({ name: 'ConfigError', where: 'config.json' });
      for (const part of ['vocab_size is "many"', `${width} is 0`, 'pad_token_id is "x"'])
        expect(problem.message).toContain(part);
    });

    it('changes its logits when a head is ablated', async () => {
      const inputs = { input_ids: [ids] };
      const pattern = 'blocks.1.attn.pattern';
      const heads = (await model.run(inputs, { trace: [pattern] })).trace[pattern]!.dim(1);
      const mask = Tensor.from(
        Float32Array.from({ length: heads }, (_, h) => (h === 0 ? 0 : 1)),
        [heads, 1, 1],
      );
      const ablated = await model.run(inputs, { replace: { [pattern]: x => x.mul(mask) }, trace: [pattern] });
      expect(
        relativeError(
          await ablated.logits.data(),
          full.flatMap(row => Array.from(row)),
        ),
      ).toBeGreaterThan(1e-2);
      const shown = await ablated.trace[pattern]!.data();
      expect(Array.from(shown.subarray(0, T * T))).toEqual(Array(T * T).fill(0));
      const kept = await model.run(inputs, { replace: { [pattern]: x => x.mul(1) } });
      expectClose(
        await kept.logits.data(),
        full.flatMap(row => Array.from(row)),
      );
      await expect(model.run(inputs, { replace: { 'blocks.9.attn.pattern': x => x } })).rejects.toThrow(
        /blocks\.0\.attn\.pattern/,
      );
    });

    it('costs about two operations per parameter and token', () => {
      const { params, specs } = model.parts;
      const { logits } = model.graph({ input_ids: [ids] });
      // Of a mixture's four experts a token meets two.
      const products = leavesOf(params).filter(
        ([key]) => specs.get(key)!.shape.length === 2 && !/embed|wpe|wte|\.experts\.[23]\./.test(key),
      );
      const head = (model.parts.config as DecoderHeadConfig).tie_word_embeddings ? V * 24 : 0;
      const floor = 2 * T * (products.reduce((n, [, t]) => n + t.size, 0) + head);
      expect(cost(logits).flops).toBeGreaterThan(floor);
      expect(cost(logits).flops).toBeLessThan(1.5 * floor);
    });

    it.skipIf(name === 'reference')('keeps no memory after 1,000 generations (counted on wasm only)', async () => {
      const generateOnce = () => generateAll(model, [[1, 2, 3]], { maxNewTokens: 2 });
      for (let i = 0; i < 10; i++) await generateOnce();
      const before = backend.memory().used;
      for (let i = 0; i < 1000; i++) await generateOnce();
      expect(backend.memory().used).toBe(before);
    });
  },
);

/** Attention and feed-forward layer side by side: nothing between them. */
const PARALLEL: ReadonlySet<string> = new Set(['gpt_neox', 'gptj', 'phi', 'falcon']);
const BLOCK = [
  ...['resid_pre', 'attn.q', 'attn.k', 'attn.v', 'attn.scores', 'attn.pattern', 'attn.z', 'attn.out', 'resid_mid'],
  ...['mlp.pre', 'mlp.act', 'mlp.out', 'resid_post'],
];
function rowsOf(width: number, data: ArrayLike<number>): ArrayLike<number>[] {
  const flat = Array.from(data);
  return Array.from({ length: flat.length / width }, (_, r) => flat.slice(r * width, (r + 1) * width));
}
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [most, scale] = [0, 0];
  for (let i = 0; i < actual.length; i++) {
    most = Math.max(most, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return most / scale;
}

const LONGROPE = { rope_type: 'longrope', short_factor: [1, 1.5], long_factor: [2, 8] };
describe('a prompt that is read in pieces', () => {
  it.each([
    ['gpt2', { n_positions: 1200 }],
    ['gpt_neo', { max_position_embeddings: 1200, window_size: 40 }],
    ['opt', { max_position_embeddings: 1200 }],
    ['opt', { max_position_embeddings: 1200, do_layer_norm_before: false, word_embed_proj_dim: 16 }],
    ['bloom', {}],
    ['mistral', { max_position_embeddings: 1200, sliding_window: 40 }],
    ['llama', { max_position_embeddings: 20, rope_scaling: { rope_type: 'dynamic', factor: 2 } }],
    ['phi3', { max_position_embeddings: 1200, original_max_position_embeddings: 900, rope_scaling: LONGROPE }],
  ])('gives the logits of one pass: %s %o', async (type, config) => {
    const backend = await createWasmBackend();
    const model = await tinyModel(type, backend, { config });
    const [long, short] = [randomIds(1100, 5), randomIds(700, 6)];
    const padding = new Array<number>(400).fill(0);
    const session = model.open({ batch: 2, capacity: 1100 });
    const mask = [long.map(() => 1), [...padding, ...short.map(() => 1)]];
    const last = await session.step([long, [...padding, ...short]], mask);
    // Rotary scaling by length takes the longest row of a batch, so the short one is compared in the same company.
    const { logits } = await model.run({ input_ids: [long, [...padding, ...short]], attention_mask: mask });
    const rows = rowsOf(V, await logits.data());
    expect(relativeError(last[0]!, rows[1099]!)).toBeLessThan(1e-5);
    expect(relativeError(last[1]!, rows[2199]!)).toBeLessThan(1e-5);
    session.dispose();
    backend.close();
  });
});
