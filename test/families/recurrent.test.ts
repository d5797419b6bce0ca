/** What must hold for language models that keep a state in place of keys and values, on tiny ones with random weights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { generateAll } from '../../src/generate/index.ts';
import { Model } from '../../src/hub/model.ts';
import { type Backend, dataOfAll, leavesOf, mapTree, order, Tensor, valueAndGrad } from '../../src/tensor/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { readConfig, tinyModel } from './tiny-model.ts';

const BACKENDS: Record<string, { create: () => Promise<Backend>; bound: number }> = {
  reference: { create: async () => createReferenceBackend(), bound: 1e-6 },
  wasm: { create: () => createWasmBackend(), bound: 4e-6 },
};
const V = 61;
const randomIds = (n: number, stream: number) => {
  const rng = createRng(3, stream);
  return Array.from({ length: n }, () => 1 + rng.below(V - 1));
};
const T = 11;
const [ids, short] = [randomIds(T, 0), randomIds(7, 1)];
const zeros = Array<number>(T - short.length).fill(0);
const ones = (row: readonly unknown[]) => row.map(() => 1);
/** The short row with padding before it, behind it and within. */
const PADDED: Readonly<Record<string, { row: number[]; mask: number[] }>> = {
  left: { row: [...zeros, ...short], mask: [...zeros, ...ones(short)] },
  right: { row: [...short, ...zeros], mask: [...ones(short), ...zeros] },
  within: {
    row: [...short.slice(0, 3), ...zeros, ...short.slice(3)],
    mask: [1, 1, 1, ...zeros, ...ones(short.slice(3))],
  },
};

const CASES: [type: string, config: Record<string, unknown>][] = [
  ['lstm-lm', {}],
  ['lstm-lm', { rnn_type: 'gru' }],
  ['lstm-lm', { rnn_type: 'rnn_tanh', num_layers: 1 }],
  ['lstm-lm', { embedding_size: 24, tie_word_embeddings: true }],
  ['rwkv', {}],
  ['rwkv', { tie_word_embeddings: true, rescale_every: 0 }],
];
describe.each(CASES.flatMap(([type, config]) => Object.keys(BACKENDS).map(name => ({ type, config, name }))))(
  '$type $config on $name',
  ({ type, config, name }) => {
    const { create, bound } = BACKENDS[name]!;
    let backend: Backend;
    let model: Model;
    beforeAll(async () => {
      backend = await create();
      model = await tinyModel(type, backend, { config });
    });
    afterAll(() => {
      model.dispose();
      backend.close();
    });
    /** Logits of one pass, a row per token. */
    const full = async (rows: number[][], mask?: number[][]): Promise<ArrayLike<number>[]> => {
      const data = await (await model.run({ input_ids: rows, attention_mask: mask })).logits.data();
      return Array.from({ length: data.length / V }, (_, t) => data.slice(t * V, (t + 1) * V));
    };
    const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
      const scale = Math.max(...Array.from(expected, Math.abs));
      const error = Math.max(...Array.from(expected, (x, i) => Math.abs(x - actual[i]!)));
      expect(actual.length).toBe(expected.length);
      expect(error / scale).toBeLessThanOrEqual(bound);
    };

    it('computes the same in steps as in one pass', async () => {
      const expected = await full([ids]);
      for (const lengths of [Array<number>(T).fill(1), [3, 1, 5, 2], [T]]) {
        const session = model.open({ batch: 1, capacity: 2 });
        let at = 0;
        for (const length of lengths) {
          const [last] = await session.step([ids.slice(at, at + length)]);
          at += length;
          expectClose(last!, expected[at - 1]!);
        }
        expect(session.length).toBe(T);
        session.dispose();
      }
    });
    it.each(Object.keys(PADDED))('takes no notice of padding: %s', async where => {
      const { row, mask } = PADDED[where]!;
      const [alone, other] = [await full([short]), await full([ids])];
      const both = await full([row, ids], [mask, ones(ids)]);
      const real = mask.flatMap((m, t) => (m ? [t] : []));
      for (const [i, t] of real.entries()) expectClose(both[t]!, alone[i]!);
      for (const t of ids.keys()) expectClose(both[T + t]!, other[t]!);

      // The state goes on from the last real token.
      const session = model.open({ batch: 2, capacity: T + 1 });
      for (const part of [
        [0, 4],
        [4, T],
      ] as const)
        await session.step([row.slice(...part), ids.slice(...part)], [mask.slice(...part), ones(ids).slice(...part)]);
      const [first, second] = await session.step([[5], [6]]);
      expectClose(first!, (await full([[...short, 5]])).at(-1)!);
      expectClose(second!, (await full([[...ids, 6]])).at(-1)!);
      session.dispose();
    });
    it('follows the rows when they change places, and goes back by a step', async () => {
      const session = model.open({ batch: 2, capacity: T });
      await session.step([ids.slice(0, 7), short]);
      await session.reorder([1, 1, 0]);
      const rows = [
        [...short, 5],
        [...short, 6],
        [...ids.slice(0, 7), 7],
      ];
      const before = session.length;
      await session.step(rows.map(() => [9]));
      session.trim(before);
      const last = await session.step(rows.map(row => row.slice(-1)));
      for (const [b, row] of rows.entries()) expectClose(last[b]!, (await full([row])).at(-1)!);
      session.trim(0);
      expectClose((await session.step([ids, ids, ids]))[2]!, (await full([ids])).at(-1)!);
      session.dispose();
    });
    it('keeps as much of a long text as of a short one', async () => {
      const long = randomIds(530, 2); // more than one piece of a step
      const idle = backend.memory().used;
      const session = model.open({ batch: 1, capacity: 10 });
      await session.step([long.slice(0, 5)]);
      const [last] = await session.step([long.slice(5)]);
      expectClose(last!, (await full([long])).at(-1)!);
      await session.step([[1]]); // so that the arena has been as large as it gets
      const { used } = backend.memory();
      for (let i = 0; i < 30; i++) await session.step([[1 + i]]);
      expect(backend.memory().used).toBe(used);
      session.dispose();
      if (name === 'reference') expect(backend.memory().used).toBe(idle);
    });
    it('generates what a full pass of each step would choose', async () => {
      const prompts = [short, ids];
      const { sequences } = await generateAll(model, prompts, { maxNewTokens: 5 });
      for (const [b, prompt] of prompts.entries()) {
        const text = [...prompt];
        for (const id of sequences[b]!.ids) {
          const logits = Array.from((await full([text])).at(-1)!);
          expect(logits.indexOf(Math.max(...logits))).toBe(id);
          text.push(id);
        }
        expect(text).toHaveLength(prompt.length + 5);
      }
      const beams = await generateAll(model, [short], { maxNewTokens: 4, numBeams: 3 });
      expect(beams.sequences[0]!.ids).toHaveLength(4);
    });
    it('has a gradient for every parameter', async () => {
      const inputs = { input_ids: [PADDED.left!.row, ids], attention_mask: [PADDED.left!.mask, ones(ids)] };
      const labels = [PADDED.left!.row.map(id => id || -100), ids];
      const { value, grad } = valueAndGrad((p: unknown) => model.graph({ ...inputs, labels }, p).loss!)(
        model.parts.params,
      );
      const leaves = leavesOf(grad);
      expect(leaves.map(([key]) => key)).toEqual([...model.parts.specs.keys()]);
      const [loss, ...gradients] = await dataOfAll(value, ...leaves.map(([, t]) => t));
      expect(loss![0]).toBeGreaterThan(1);
      for (const [i, g] of gradients.entries()) {
        expect(g.every(Number.isFinite), leaves[i]![0]).toBe(true);
        expect(
          g.some(x => x !== 0),
          leaves[i]![0],
        ).toBe(true);
      }
    });
  },
);

describe('names', () => {
  it('of a recurrent network', async () => {
    const model = await tinyModel('lstm-lm', createReferenceBackend());
    expect(model.names({ input_ids: [ids] })).toEqual(['embed', 'blocks.0.out', 'blocks.1.out', 'ln_final', 'logits']);
  });
  it('of RWKV', async () => {
    const model = await tinyModel('rwkv', createReferenceBackend());
    const block = ['resid_pre', 'attn.k', 'attn.v', 'attn.z', 'attn.out', 'resid_mid'];
    const all = [...block, 'mlp.pre', 'mlp.act', 'mlp.out', 'resid_post'];
    expect([...model.names({ input_ids: [ids] })].sort()).toEqual(
      ['embed', ...[0, 1].flatMap(i => all.map(n => `blocks.${i}.${n}`)), 'ln_final', 'logits'].sort(),
    );
  });
});

describe('the average of RWKV', () => {
  it('is taken over all tokens at once', async () => {
    const model = await tinyModel('rwkv', createReferenceBackend());
    const nodes = (n: number) => order([model.graph({ input_ids: [randomIds(n, 5)] }).logits]).length;
    expect(nodes(1024) / nodes(32)).toBeLessThan(2);
  });
  it.each([
    { keys: 3000, decay: -30, first: 200 },
    { keys: 3000, decay: 100, first: -200 },
    { keys: -3000, decay: 5, first: 0 },
    { keys: 0, decay: -100, first: -1000 },
  ])('stands keys and decays of any size: %o', async ({ keys, decay, first }) => {
    const { parts } = await tinyModel('rwkv', createReferenceBackend(), { plain: true });
    const params = mapTree(parts.params, (tensor, name) => {
      if (name.endsWith('attention.key.weight')) return tensor.mul(keys);
      if (name.endsWith('time_decay')) return Tensor.full(tensor.shape, decay);
      return name.endsWith('time_first') ? Tensor.full(tensor.shape, first) : tensor;
    });
    const model = new Model({ ...parts, params });
    const { logits } = await model.run({ input_ids: [ids] });
    const expected = Array.from(await logits.data()).slice(-V);
    const session = model.open({ batch: 1, capacity: T });
    let last: ArrayLike<number> = [];
    for (const id of ids) [last = []] = await session.step([[id]]);
    for (const [i, x] of expected.entries()) expect(last[i]).toBeCloseTo(x, 5);
  });
});

describe('a config is refused', () => {
  it.each([
    ['lstm-lm', { rnn_type: 'lstn' }, /rnn_type is none of rnn_tanh, rnn_relu, gru, lstm/],
    ['lstm-lm', { num_layers: 0 }, /num_layers is 0/],
    ['lstm-lm', { tie_word_embeddings: true, embedding_size: 5, hidden_size: 6 }, /tied embeddings of 5 .* 6 units/],
    ['rwkv', { hidden_size: 0 }, /hidden_size is 0, not a whole number from 1/],
    ['rwkv', { num_hidden_layers: 1e9 }, /num_hidden_layers 1000000000 is above/],
  ])('%s with %o', async (type, config, message) => {
    await expect(readConfig({ model_type: type, ...config })).rejects.toThrow(message);
  });
});
