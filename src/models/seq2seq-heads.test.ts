import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig, TINY, tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { safetensorsBytes } from '../formats/index.ts';
import { memoryFiles } from '../hub/files.ts';
import { load } from '../hub/load.ts';
import { listParams } from '../nn/params.ts';
import { type Backend, type Tensor, valueAndGrad } from '../tensor/index.ts';
import type { HeadName } from './architecture.ts';
import { headOf } from './forward.ts';

let backend: Backend;
beforeAll(() => {
  backend = createReferenceBackend();
});
afterAll(() => backend.close());

describe('what a decoder reads when it is not given', () => {
  const input_ids = [[5, 6, 2]];
  const labels = [
    [5, 6, 7, 2],
    [8, 2, -100, -100],
  ];
  const read = async (type: string, given: { labels?: number[][] }, config = {}, head: HeadName = 'seq2seqLM') => {
    const found = await readConfig({ model_type: type, ...TINY[type], ...config });
    const { decoderIds } = headOf({ architecture: found.architecture, head });
    return decoderIds!(found.config, { input_ids, labels: undefined, ...given });
  };

  it('is the labels, one place to the right, with padding where they are left out', async () => {
    expect(await read('bart', { labels })).toEqual([
      [2, 5, 6, 7],
      [2, 8, 2, 1],
    ]);
    expect(await read('pegasus', { labels })).toEqual([
      [0, 5, 6, 7],
      [0, 8, 2, 0],
    ]);
  });
  it("begins with the labels' last token where that is the language", async () => {
    expect(await read('mbart', { labels })).toEqual([
      [2, 5, 6, 7],
      [2, 8, 2, 1],
    ]);
    expect(await read('mbart', { labels: [[5, 6, 2, 9, -100]] })).toEqual([[9, 5, 6, 2, 9]]);
  });
  it('is the source where one text is for both sides', async () => {
    expect(await read('bart', {})).toEqual([[2, 5, 6]]);
    expect(await read('mbart', {})).toEqual([[2, 5, 6]]);
    expect(await read('bart', { labels: [[1]] }, {}, 'sequenceClassification')).toEqual([[2, 5, 6]]);
    expect(await read('marian', {})).toBeUndefined();
  });
  it('is made of rows', async () => {
    await expect(read('bart', { labels: [1, 2] as unknown as number[][] })).rejects.toThrow(
      /labels of a text are rows/,
    );
  });
});

describe('a class for a text', () => {
  it('is the same alone and in a batch, whose rows end equally often', async () => {
    const model = await tinyModel('bart', backend, { head: 'sequenceClassification' });
    const logits = async (input_ids: number[][], attention_mask?: number[][]) => [
      ...(await (await model.run({ input_ids, attention_mask })).logits.data()),
    ];
    const [first, second] = [
      [0, 5, 6, 7, 2],
      [0, 9, 2],
    ];
    const alone = [...(await logits([first!])), ...(await logits([second!]))];
    const mask = [
      [1, 1, 1, 1, 1],
      [1, 1, 1, 0, 0],
    ];
    const both = await logits([first!, [...second!, 1, 1]], mask);
    expect(both.length).toBe(6);
    both.forEach((x, i) => {
      expect(x).toBeCloseTo(alone[i]!, 10);
    });
    const pair = [0, 9, 2, 8, 2];
    await expect(logits([first!, pair])).rejects.toThrow(/equally often.*1, 2 times token 2/);
    await expect(logits([[0, 5, 6]])).rejects.toThrow(/must hold the end token.*0 times/);
    const given = { input_ids: [first!], decoder_input_ids: [[2, 0, 5]] };
    await expect(model.run(given)).rejects.toThrow(/a state for each id/);
    model.dispose();
  });
});

describe('a file with one table for all', () => {
  const json = { model_type: 'bart', ...TINY.bart, architectures: ['BartModel'] };
  const declaredParams = async () => {
    const { architecture, config } = await readConfig(json);
    return listParams(headOf({ architecture, head: 'seq2seqLM' }).parameters(config));
  };
  /** A file of a model's tensors, each under the names that `rename` gives it. */
  const files = async (rename: (name: string) => string[]) => {
    const tensors = (await declaredParams()).flatMap(([name, { shape }], i) => {
      const values = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, k) => Math.sin(i + k));
      const chunks = () => [new Uint8Array(values.buffer)];
      return rename(name).map(key => ({ name: key, dtype: 'F32' as const, shape, chunks }));
    });
    return memoryFiles({
      'config.json': new TextEncoder().encode(JSON.stringify(json)),
      'model.safetensors': safetensorsBytes(tensors),
    });
  };
  const logitsOf = async (rename: (name: string) => string[]) => {
    const model = await load(await files(rename), { backend });
    expect(model.parts.head).toBe('seq2seqLM');
    expect(model.parts.unexpected).toEqual([]);
    const { logits } = await model.run({ input_ids: [[0, 7, 9, 2]] });
    const data = [...(await logits.data())];
    model.dispose();
    return data;
  };
  const withoutBias = (name: string) => (name === 'final_logits_bias' ? [] : [name]);

  it('loads whatever the table is called, and how often it is there', async () => {
    const plain = await logitsOf(withoutBias);
    const prefixed = (name: string) => withoutBias(name).map(key => `model.${key}`);
    expect(await logitsOf(prefixed)).toEqual(plain);
    const copies = ['model.encoder.embed_tokens.weight', 'model.decoder.embed_tokens.weight', 'lm_head.weight'];
    const each = (names: string[]) => (name: string) => (name === 'shared.weight' ? names : prefixed(name));
    for (const copy of copies) expect(await logitsOf(each([copy]))).toEqual(plain);
    expect(await logitsOf(each(['model.shared.weight', ...copies, 'encoder.version']))).toEqual(plain);
  });
  it('adds the constants of the tokens that are in the file', async () => {
    const without = await logitsOf(withoutBias);
    const logits = await logitsOf(name => [name]);
    const index = (await declaredParams()).findIndex(([name]) => name === 'final_logits_bias');
    logits.forEach((x, i) => {
      expect(x).toBeCloseTo(without[i]! + Math.sin(index + (i % 61)), 5);
    });
  });
  it('is all there is', async () => {
    await expect(readConfig({ ...json, tie_word_embeddings: false })).rejects.toThrow(/tie_word_embeddings false/);
  });
});

describe('the padding row', () => {
  it('is not trained by what it is as an input, though the decoder starts with it', async () => {
    const model = await tinyModel('pegasus', backend, { plain: true });
    const params = model.parts.params as { shared: { weight: Tensor } };
    const inputs = { input_ids: [[5, 6, 7]], decoder_input_ids: [[0, 8, 9]] };
    const { grad } = valueAndGrad((weight: Tensor) => {
      const { hidden } = model.graph(inputs, { ...params, shared: { weight } });
      return hidden.slice(2, 0, 1).sumAll();
    })(params.shared.weight);
    const data = await grad.data();
    const largest = (row: number) => Math.max(...Array.from(data.slice(row * 24, (row + 1) * 24), Math.abs));
    expect(largest(0)).toBe(0);
    for (const row of [5, 8, 9]) expect(largest(row)).toBeGreaterThan(1e-3);
    model.dispose();
  });
});
