/** What must hold for every encoder-decoder that reads text, on tiny models with random weights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Model } from '../../src/hub/model.ts';
import type { TokenInput } from '../../src/models/architecture.ts';
import { EncodedSource } from '../../src/models/encoded-source.ts';
import { headOf, type ModelInputs } from '../../src/models/forward.ts';
import { KVCache } from '../../src/nn/cache.ts';
import { countParams } from '../../src/nn/params.ts';
import { tokenBatch } from '../../src/nn/tokens.ts';
import { type Backend, cost, leavesOf, order, type Tensor } from '../../src/tensor/index.ts';
import {
  BACKENDS,
  READERS,
  randomIds,
  rowsOf as rowsOfModel,
  sequencesOf,
  splitRows,
  V,
} from './encoder-decoder-cases.ts';
import { readConfig, TINY, tinyModel } from './tiny-model.ts';

/** Tokens of the source and of the answer. */
const [S, T] = [9, 8];
const ones = (n: number) => Array<number>(n).fill(1);
const zeros = (n: number) => Array<number>(n).fill(0);

describe.each(READERS.flatMap(type => Object.keys(BACKENDS).map(name => [type, name] as const)))(
  '%s on %s',
  (type, name) => {
    const { create, bound } = BACKENDS[name]!;
    const source = randomIds(S, 0);
    const answer = randomIds(T, 1);
    let backend: Backend;
    let model: Model;
    /** Logits of `answer` to `source` in one pass, a row per token. */
    let full: number[][];
    beforeAll(async () => {
      backend = await create();
      model = await tinyModel(type, backend);
      full = await rowsOf({ input_ids: [source], decoder_input_ids: [answer] });
    });
    afterAll(() => {
      model.dispose();
      backend.close();
    });

    const rowsOf = (inputs: ModelInputs) => rowsOfModel(model, inputs);
    const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
      expect(relativeError(actual, expected)).toBeLessThanOrEqual(bound);

    it('gives tensors of the right shapes, and the mean loss of the labelled tokens', async () => {
      const labels = [answer, randomIds(T, 2)];
      labels[1]!.fill(-100, 3);
      const input_ids = [source, randomIds(S, 3)];
      const graph = model.graph({ input_ids, labels });
      expect(graph.hidden.shape).toEqual([2, T, 24]);
      expect(graph.logits.shape).toEqual([2, T, V]);
      expect(graph.loss?.shape).toEqual([]);
      const { logits, loss } = await model.run({ input_ids, labels });
      const rows = splitRows(await logits.data());
      const losses = labels.flat().flatMap((label, i) => (label < 0 ? [] : [logSumExp(rows[i]!) - rows[i]![label]!]));
      const mean = losses.reduce((sum, x) => sum + x, 0) / losses.length;
      expect(losses.length).toBe(T + 3);
      expect(Math.abs(loss! - mean)).toBeLessThan(1e-5 * mean);
      // The decoder has read tokens that stand in the labels one place before.
      const { decoderIds } = headOf(model.parts);
      const given = decoderIds!(model.parts.config, { input_ids, labels })!;
      expect(given.map(row => row.length)).toEqual([T, T]);
      for (const [b, row] of given.entries()) for (let t = 1; t < 3; t++) expect(row[t]).toBe(labels[b]![t - 1]);
      const again = await rowsOf({ input_ids, decoder_input_ids: given });
      again.forEach((row, i) => {
        expectClose(row, rows[i]!);
      });
    });

    it('computes the same in steps as in one pass', async () => {
      const encoded = await model.encode({ input_ids: [source] });
      for (const lengths of [ones(T), [3, 1, 2, 2], [T]]) {
        const session = encoded.open({ batch: 1, capacity: 2 }); // grows on the way
        let at = 0;
        for (const length of lengths) {
          const [last] = await session.step([answer.slice(at, at + length)]);
          at += length;
          expectClose(last!, full[at - 1]!);
        }
        expect(session.length).toBe(T);
        session.trim(2);
        const [again] = await session.step([answer.slice(2, 5)]);
        expectClose(again!, full[4]!);
        session.dispose();
      }
      encoded.dispose();
    });

    it('computes padded sources as it does single ones', async () => {
      const short = randomIds(5, 4);
      const decoder_input_ids = [answer, answer];
      const alone = await rowsOf({ input_ids: [short], decoder_input_ids: [answer] });
      const pad = zeros(S - short.length);
      for (const [row, real] of [
        [
          [...short, ...pad],
          [...ones(5), ...pad],
        ],
        [
          [...pad, ...short],
          [...pad, ...ones(5)],
        ],
      ] as const) {
        const inputs = { input_ids: [[...row], source], attention_mask: [[...real], ones(S)] };
        const both = await rowsOf({ ...inputs, decoder_input_ids });
        for (let t = 0; t < T; t++) expectClose(both[t]!, alone[t]!);
        for (let t = 0; t < T; t++) expectClose(both[T + t]!, full[t]!);
        const encoded = await model.encode(inputs);
        const session = encoded.open({ batch: 2, capacity: T });
        await session.step(decoder_input_ids.map(ids => ids.slice(0, T - 1)));
        const [first, second] = await session.step([[answer.at(-1)!], [answer.at(-1)!]]);
        expectClose(first!, alone.at(-1)!);
        expectClose(second!, full.at(-1)!);
        session.dispose();
        encoded.dispose();
      }
    });

    it('computes padded beginnings of answers as it does single ones', async () => {
      const short = answer.slice(0, 5);
      const encoded = await model.encode({ input_ids: [source, source] });
      const session = encoded.open({ batch: 2, capacity: T + 1 });
      const pad = zeros(T - 2 - 4);
      const [first, second] = await session.step(
        [[...pad, ...short.slice(0, 4)], answer.slice(0, T - 2)],
        [[...pad, ...ones(4)], ones(T - 2)],
      );
      expectClose(first!, full[3]!);
      expectClose(second!, full[T - 3]!);
      const [next, other] = await session.step([[short[4]!], [answer[T - 2]!]]);
      expectClose(next!, full[4]!);
      expectClose(other!, full[T - 2]!);
      session.dispose();
      encoded.dispose();
    });

    it('lets every row decode from its own source, in any order and number', async () => {
      const other = randomIds(S, 5);
      const encoded = await model.encode({ input_ids: [other, source] });
      const session = encoded.open({ batch: 2, capacity: T });
      const head = answer.slice(0, 3);
      await session.step([head, head]);
      await session.reorder([1, 1, 0]);
      const tail = [answer.slice(3), randomIds(5, 6), randomIds(5, 7)];
      const rows = await session.step(tail);
      const sources = [source, source, other];
      for (const [r, row] of rows.entries()) {
        const ids = [...head, ...tail[r]!];
        const whole = await rowsOf({ input_ids: [sources[r]!], decoder_input_ids: [ids] });
        expectClose(row, whole.at(-1)!);
      }
      await session.reorder([2, 0]);
      session.trim(4);
      const [last] = await session.step([[answer[4]!], [answer[4]!]]);
      const whole = await rowsOf({ input_ids: [other], decoder_input_ids: [[...head, tail[2]![0]!, answer[4]!]] });
      expectClose(last!, whole.at(-1)!);
      session.dispose();
      encoded.dispose();
    });

    /** The graph of a step of one token with a cache of some slots and a source of some tokens. */
    const stepGraph = async (slots: number, sourceLength: number) => {
      const { architecture, config, params } = model.parts;
      const { hidden, outputs } = headOf(model.parts);
      const encoded = await EncodedSource.of(model.parts, { input_ids: [randomIds(sourceLength, 8)] });
      const cache = new KVCache(backend, architecture.cache!(config), { batch: 1, capacity: slots });
      await cache.extend(1, undefined);
      const batch = tokenBatch([[7]], { vocabSize: V, contextLength: undefined });
      const input: TokenInput = { ...batch, cache, source: encoded.all };
      const { logits } = outputs(params, config, hidden(params, config, input), input);
      const result = { nodes: new Set(order([logits!])), flops: cost(logits!).flops };
      cache.dispose();
      encoded.dispose();
      return result;
    };

    it('reads a source once: no step touches the weights that encode it', async () => {
      const { params, config } = model.parts;
      const batch = tokenBatch([source], { vocabSize: V, contextLength: undefined });
      const { states, layers } = headOf(model.parts).encode!(params, config, batch);
      const encoding = new Set(order([states!, ...layers.flatMap(({ k, v }) => [k, v])]));
      const { nodes } = await stepGraph(T, S);
      const used = (by: ReadonlySet<Tensor>) => leavesOf(params).filter(([, tensor]) => by.has(tensor));
      const both = used(encoding).filter(([, tensor]) => nodes.has(tensor));
      // Only the table of tokens serves both.
      expect(both.filter(([, tensor]) => tensor.dim(0) !== V).map(([key]) => key)).toEqual([]);
      expect(used(encoding).length).toBeGreaterThan(10);
      expect(used(nodes).length).toBeGreaterThan(10);
    });

    it('costs a step by the cache and by the source no more than looking at them', async () => {
      const { heads, headDim, layers } = model.parts.architecture.cache!(model.parts.config);
      const flops = async (slots: number, length: number) => (await stepGraph(slots, length)).flops;
      const [first, second, third] = [await flops(8, S), await flops(16, S), await flops(24, S)];
      expect(third - second).toBe(second - first);
      // A multiply-add with each key and one with each value, and what positions add to the scores.
      const look = 8 * layers * heads * 4 * headDim;
      expect(second - first).toBeGreaterThanOrEqual(look);
      expect(second - first).toBeLessThan(1.5 * look);
      expect((await flops(8, S + 8)) - first).toBe(look);
    });

    it('names its tensors canonically and in order', async () => {
      const names = model.names({ input_ids: [source], decoder_input_ids: [answer] });
      const known = names.filter(n => !/\.pos_embed$/.test(n));
      const layersOf = (pattern: RegExp) => new Set(names.flatMap(n => pattern.exec(n)?.[1] ?? [])).size;
      const attention = (at: string) => ['q', 'k', 'v', 'scores', 'pattern', 'z', 'out'].map(x => `${at}.${x}`);
      const mlp = ['mlp.pre', 'mlp.act', 'mlp.out', 'resid_post'];
      const stack = (side: string, block: string[]) => [
        `${side}.embed`,
        ...Array.from({ length: layersOf(new RegExp(`^${side}\\.blocks\\.(\\d+)\\.`)) }, (_, i) =>
          block.map(part => `${side}.blocks.${i}.${part}`),
        ).flat(),
        `${side}.ln_final`,
      ];
      expect(known.filter(n => n.startsWith('encoder.'))).toEqual(
        stack('encoder', ['resid_pre', ...attention('attn'), 'resid_mid', ...mlp]),
      );
      // Keys and values of the source do not wait for the decoder.
      const ofSource = /\.cross\.[kv]$/;
      const block = ['resid_pre', ...attention('attn'), 'resid_mid', ...attention('cross'), 'resid_cross', ...mlp];
      const decoder = stack('decoder', block);
      expect(known.filter(n => n.startsWith('decoder.') && !ofSource.test(n))).toEqual(
        decoder.filter(n => !ofSource.test(n)),
      );
      expect(known.filter(n => ofSource.test(n)).sort()).toEqual(decoder.filter(n => ofSource.test(n)).sort());
      expect(known.filter(n => !/^(en|de)coder\./.test(n))).toEqual(['logits']);
      const { trace } = await model.run(
        { input_ids: [source], decoder_input_ids: [answer] },
        { trace: ['decoder.blocks.0.cross.pattern'] },
      );
      const pattern = trace['decoder.blocks.0.cross.pattern']!;
      expect([pattern.dim(2), pattern.dim(3)]).toEqual([T, S]);
    });

    it('has the parameters that it declares', () => {
      const { config, params, specs } = model.parts;
      const leaves = leavesOf(params);
      expect(leaves.map(([key]) => key)).toEqual([...specs.keys()]);
      const counted = leaves.filter(([key]) => specs.get(key)!.constant !== 'buffer');
      expect(counted.reduce((n, [, t]) => n + t.size, 0)).toBe(countParams(headOf(model.parts).parameters(config)));
      for (const [key, tensor] of leaves) expect(tensor.shape, key).toEqual(specs.get(key)!.shape);
    });

    it('says what is wrong with its inputs', async () => {
      const run = (inputs: ModelInputs) => model.run(inputs);
      const stranger = /outside the vocabulary.*61.*0 to 60/;
      await expect(run({ input_ids: [[V]], decoder_input_ids: [answer] })).rejects.toThrow(stranger);
      await expect(run({ input_ids: [source], decoder_input_ids: [[V]] })).rejects.toThrow(stranger);
      await expect(run({ decoder_input_ids: [answer] })).rejects.toThrow(/an input is missing.*input_ids/);
      await expect(run({ input_ids: [source], decoder_input_ids: [answer, answer] })).rejects.toThrow(
        /as many decoder rows as sources.*2 rows.*1/,
      );
      expect(() => model.open({ batch: 1, capacity: 4 })).toThrow(/decodes from a source.*model\.encode/);
      const encoded = await model.encode({ input_ids: [source] });
      expect(() => encoded.open({ batch: 2, capacity: 4 })).toThrow(/one row per source.*2 rows.*1/);
      const session = encoded.open({ batch: 1, capacity: 4 });
      await expect(session.step([[V]])).rejects.toThrow(stranger);
      expect(session.length).toBe(0);
      session.dispose();
      encoded.dispose();
    });

    it('refuses what does not fit into the context window of either side', async () => {
      const { architecture, config } = model.parts;
      const tooLong = /longer than the context window/;
      const sourceLength = architecture.sourceLength?.(config);
      if (sourceLength !== undefined)
        await expect(model.encode({ input_ids: [randomIds(sourceLength + 1, 9)] })).rejects.toThrow(tooLong);
      const { contextLength } = model;
      if (contextLength === undefined) return;
      const long = randomIds(contextLength + 1, 9);
      await expect(model.run({ input_ids: [source], decoder_input_ids: [long] })).rejects.toThrow(tooLong);
      const encoded = await model.encode({ input_ids: [source] });
      const session = encoded.open({ batch: 1, capacity: 4 });
      await session.step([long.slice(1)]);
      await expect(session.step([[9]])).rejects.toThrow(tooLong);
      expect(session.length).toBe(contextLength);
      session.dispose();
      encoded.dispose();
    });

    it('lists every problem of a config at once', async () => {
      const wrong = { model_type: type, ...TINY[type], vocab_size: 'many', pad_token_id: 'x', d_model: 0 };
      const problem = await readConfig(wrong).catch(error => error);
      expect(problem).toMatchObject({ name: 'ConfigError', where: 'config.json' });
      for (const part of ['vocab_size is "many"', 'd_model is 0', 'pad_token_id is "x"'])
        expect(problem.message).toContain(part);
    });
    it('says that it is closed', async () => {
      const closing = await tinyModel(type, backend);
      const encoded = await closing.encode({ input_ids: [source] });
      const session = encoded.open({ batch: 1, capacity: 4 });
      await session.step([[7]]);
      closing.dispose();
      await expect(closing.encode({ input_ids: [source] })).rejects.toThrow(/the model is closed/);
      await expect(closing.run({ input_ids: [source], decoder_input_ids: [answer] })).rejects.toThrow(/is closed/);
      await expect(sequencesOf(closing.generateIds([source], { decoderStartTokenId: 3 }))).rejects.toThrow(/is closed/);
      await expect(session.step([[7]])).rejects.toThrow();
      session.dispose();
      encoded.dispose();
    });
  },
);

function logSumExp(row: ArrayLike<number>): number {
  const most = Math.max(...Array.from(row));
  return most + Math.log(Array.from(row).reduce((sum, x) => sum + Math.exp(x - most), 0));
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
