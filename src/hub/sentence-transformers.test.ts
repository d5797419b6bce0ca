import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyFiles, tinyModel, weightsFile } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { createWasmBackend } from '../backends/wasm/index.ts';
import { Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import { type ModelFiles, memoryFiles } from './files.ts';
import { load } from './load.ts';
import type { Model } from './model.ts';

type Json = Readonly<Record<string, unknown>>;
type Files = Record<string, Uint8Array>;

const TOKENIZER = fileURLToPath(new URL('../../test/tokenizers/data/roberta-style/', import.meta.url));
const backend = createReferenceBackend();
const [C, T] = [24, 7];
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const typeOf = (name: string) => `sentence_transformers.models.${name}`;
/** `modules.json` from names, in folders of their own; the encoder lies in the folder itself. */
const modulesJson = (...names: string[]) =>
  bytes(names.map((name, i) => ({ idx: i, name: `${i}`, path: i ? `${i}_${name}` : '', type: typeOf(name) })));
const matrix = (rows: number, columns: number, stream: number) => {
  const rng = createRng(5, stream);
  return Tensor.from(
    Float32Array.from({ length: rows * columns }, () => rng.uniform() - 0.5),
    rows > 1 ? [rows, columns] : [columns],
  );
};

const input_ids = [
  [3, 14, 15, 9, 26, 5, 35],
  [8, 9, 7, 9, 0, 0, 0],
];
const attention_mask = [
  [1, 1, 1, 1, 1, 1, 1],
  [1, 1, 1, 1, 0, 0, 0],
];
const inputs = { input_ids, attention_mask };

let encoder: Files;
/** Last hidden states of the real tokens of each row. */
let states: number[][][];
beforeAll(async () => {
  encoder = await tinyFiles('bert', backend, { head: 'base' });
  const model = await load(memoryFiles(encoder), { backend });
  const data = await (await model.run(inputs)).outputs.last_hidden_state!.data();
  states = [T, 4].map((length, b) =>
    Array.from({ length }, (_, t) => Array.from(data.slice((b * T + t) * C, (b * T + t + 1) * C))),
  );
});

const loadWith = (files: Files) => load(memoryFiles({ ...encoder, ...files }, 'mine'), { backend });
const vectorsOf = async (model: Model, options = {}): Promise<number[][]> => {
  const vectors = await model.embed(inputs, options);
  const [B, width] = vectors.shape as [number, number];
  const data = Array.from(await vectors.data());
  model.dispose();
  return Array.from({ length: B }, (_, b) => data.slice(b * width, (b + 1) * width));
};
const expectClose = (actual: number[][], expected: number[][]) => {
  expect(actual.map(row => row.length)).toEqual(expected.map(row => row.length));
  actual.forEach((row, b) => {
    row.forEach((value, c) => {
      expect(value).toBeCloseTo(expected[b]![c]!, 5);
    });
  });
};
// The same by hand, in plain loops.
const column = (tokens: number[][], c: number) => tokens.map(token => token[c]!);
const mean = (tokens: number[][]) =>
  tokens[0]!.map((_, c) => column(tokens, c).reduce((a, b) => a + b) / tokens.length);
const max = (tokens: number[][]) => tokens[0]!.map((_, c) => Math.max(...column(tokens, c)));
const unit = (x: number[]) => x.map(v => v / Math.hypot(...x));
const dense = (x: number[], w: number[][], b: number[]) =>
  w.map((row, o) => row.reduce((s, v, i) => s + v * x[i]!, b[o]!));

describe('a sentence encoder', () => {
  it('pools as its files say, in the older form and the newer', async () => {
    const flags = { word_embedding_dimension: C, pooling_mode_cls_token: false, pooling_mode_mean_tokens: true };
    const forms: readonly [Json, number[][]][] = [
      [flags, states.map(mean)],
      [{ ...flags, pooling_mode_max_tokens: true }, states.map(row => [...max(row), ...mean(row)])],
      [{ embedding_dimension: C, pooling_mode: 'cls' }, states.map(row => row[0]!)],
      [{ pooling_mode: ['lasttoken', 'mean'] }, states.map(row => [...row.at(-1)!, ...mean(row)])],
      [{}, states.map(mean)],
    ];
    for (const [config, expected] of forms) {
      const model = await loadWith({
        'modules.json': modulesJson('Transformer', 'Pooling'),
        '1_Pooling/config.json': bytes(config),
      });
      expectClose(await vectorsOf(model), expected);
    }
  });

  it('projects and normalizes its vectors', async () => {
    const params = { linear: { weight: matrix(6, C, 0), bias: matrix(1, 6, 1) } };
    const [weight, bias] = await Promise.all([params.linear.weight.data(), params.linear.bias.data()]);
    const rows = Array.from({ length: 6 }, (_, o) => Array.from(weight.slice(o * C, (o + 1) * C)));
    const files = {
      'modules.json': modulesJson('Transformer', 'Pooling', 'Dense', 'Dropout', 'Normalize'),
      '1_Pooling/config.json': bytes({ pooling_mode_mean_tokens: true }),
      '2_Dense/config.json': bytes({ in_features: C, out_features: 6, bias: true }),
      '2_Dense/model.safetensors': await weightsFile(params),
    };
    const projected = states.map(row => dense(mean(row), rows, Array.from(bias)).map(Math.tanh));
    expectClose(await vectorsOf(await loadWith(files)), projected.map(unit));
    expectClose(await vectorsOf(await loadWith(files), { normalize: false }), projected);
    // Another pooling than the layers were trained on goes without them.
    expectClose(
      await vectorsOf(await loadWith(files), { pooling: 'max', normalize: true }),
      states.map(row => unit(max(row))),
    );
  });

  it('adds the input of a projection where it says so', async () => {
    const of = async (to: number) => {
      const params = {
        linear: { weight: matrix(to, C, 2) },
        ...(to !== C && { residual: { weight: matrix(to, C, 3) } }),
      };
      const config = { in_features: C, out_features: to, bias: false, use_residual: true };
      const model = await loadWith({
        'modules.json': modulesJson('Transformer', 'Pooling', 'Dense'),
        '1_Pooling/config.json': bytes({ pooling_mode: 'cls' }),
        '2_Dense/config.json': bytes({ ...config, activation_function: 'torch.nn.modules.linear.Identity' }),
        '2_Dense/model.safetensors': await weightsFile(params),
      });
      const tables = [params.linear.weight, params.residual?.weight].map(async w =>
        Array.from({ length: to }, (_, o) => w?.data().then(data => Array.from(data.slice(o * C, (o + 1) * C)))),
      );
      const [w, r] = await Promise.all(tables.map(async table => Promise.all(await table)));
      const zero = Array<number>(to).fill(0);
      const added = (x: number[]) => (to === C ? x : dense(x, r as number[][], zero));
      const expected = states.map(([x]) => dense(x!, w as number[][], zero).map((v, o) => v + added(x!)[o]!));
      expectClose(await vectorsOf(model), expected);
    };
    await of(C);
    await of(5);
  });

  it('gives its memory back', async () => {
    const wasm = await createWasmBackend();
    const files = memoryFiles({
      ...encoder,
      'modules.json': modulesJson('Transformer', 'Pooling', 'LayerNorm', 'Dense'),
      '1_Pooling/config.json': bytes({}),
      '2_LayerNorm/config.json': bytes({ dimension: C }),
      '2_LayerNorm/model.safetensors': await weightsFile({ norm: { weight: matrix(1, C, 0), bias: matrix(1, C, 1) } }),
      '3_Dense/config.json': bytes({ in_features: C, out_features: 6, bias: false }),
      '3_Dense/model.safetensors': await weightsFile({ linear: { weight: matrix(6, C, 2) } }),
    });
    const once = async () => {
      const model = await load(files, { backend: wasm });
      expect((await model.embed(inputs)).shape).toEqual([2, 6]);
      model.dispose();
    };
    await once();
    const before = wasm.memory().used;
    for (let i = 0; i < 20; i++) await once();
    expect(wasm.memory().used).toBe(before);
    wasm.close();
  });

  it('is the mean of the real tokens where nothing says how', async () => {
    expectClose(await vectorsOf(await loadWith({})), states.map(mean));
    expectClose(
      await vectorsOf(await loadWith({}), { normalize: true }),
      states.map(row => unit(mean(row))),
    );
    expectClose(
      await vectorsOf(await loadWith({}), { pooling: ['cls', 'max'] }),
      states.map(row => [...row[0]!, ...max(row)]),
    );
  });

  it('is made of decoders and of the encoder of an encoder-decoder too', async () => {
    const decoder = await tinyModel('gpt2', backend);
    const { hidden } = decoder.graph(inputs);
    const last = Array.from((await hidden.data()).slice((T + 3) * C, (T + 4) * C));
    const vectors = await decoder.embed(inputs, { pooling: 'lasttoken' });
    expectClose([Array.from((await vectors.data()).slice(C))], [last]);
    const pair = await tinyModel('t5', backend, { head: 'seq2seqLM' });
    const padded = await (await pair.embed(inputs)).data();
    const alone = await (await pair.embed({ input_ids: [input_ids[1]!.slice(0, 4)] })).data();
    expectClose([Array.from(padded.slice(padded.length / 2))], [Array.from(alone)]);
  });

  it('refuses lists of modules that are none, and folders outside of its own', async () => {
    const pooling = { '1_Pooling/config.json': bytes({ pooling_mode: 'cls' }) };
    const refuses = (files: Files, message: RegExp) => expect(loadWith(files)).rejects.toThrow(message);
    await refuses({ 'modules.json': bytes({}) }, /modules\.json is no list; seen: object \(in mine\)/);
    await refuses({ 'modules.json': bytes([{ type: 'x' }]) }, /a module has a type and a path; seen: \{"type":"x"\}/);
    await refuses(
      { 'modules.json': modulesJson('WordEmbeddings', 'Pooling') },
      /begin with the encoder; seen: WordEmb/,
    );
    await refuses({ 'modules.json': bytes([]) }, /begin with the encoder; seen: no module/);
    for (const path of ['..', '../1_Pooling', '/etc', 'a/b', 'a\\b', 'C:', '.'])
      for (const i of [0, 1]) {
        const list = ['Transformer', 'Pooling'].map((name, j) => ({ type: typeOf(name), path: i === j ? path : '' }));
        await refuses({ ...pooling, 'modules.json': bytes(list) }, /file name leaves the model/);
      }
    const modules = { 'modules.json': modulesJson('Transformer', 'Pooling', 'Dense'), ...pooling };
    await refuses(modules, /in_features is missing.*out_features is missing/);
    const config = { in_features: C, out_features: 6 };
    await refuses({ ...modules, '2_Dense/config.json': bytes(config) }, /holds no checkpoint.*mine\/2_Dense/);
    const weights = { '2_Dense/model.safetensors': await weightsFile({ linear: { weight: matrix(6, C, 0) } }) };
    await refuses({ ...modules, ...weights, '2_Dense/config.json': bytes(config) }, /linear\.bias is missing/);
    const strange = { ...config, activation_function: 'my.own.Thing', module_input_name: 'token_embeddings' };
    await refuses(
      { ...modules, '2_Dense/config.json': bytes(strange) },
      /module_input_name.*activation_function thing/,
    );
    await refuses(
      { ...modules, '1_Pooling/config.json': bytes({ pooling_mode: 'median' }) },
      /no such pooling; seen: median/,
    );
  });

  it('runs without its modules where they are not supported, and says so', async () => {
    const model = await loadWith({ 'modules.json': modulesJson('Transformer', 'WeightedLayerPooling', 'Pooling') });
    expect((await model.run(inputs)).logits.shape).toEqual([2, T, C]);
    await expect(model.embed(inputs)).rejects.toThrow(/not supported; seen: WeightedLayerPooling; .*\(in mine\)/);
    expectClose(await vectorsOf(model, { pooling: 'mean' }), states.map(mean));
    const foreign = {
      'modules.json': bytes([
        { type: typeOf('Transformer'), path: '' },
        { type: 'os.system', path: '' },
      ]),
    };
    await expect((await loadWith(foreign)).embed(inputs)).rejects.toThrow(/seen: os\.system/);
  });
});

describe('texts', () => {
  let root = '';
  let files: Files;
  let server: Server;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'heed-sentences-'));
    const tokenizer = Object.fromEntries(
      await Promise.all(
        (await readdir(TOKENIZER)).map(async name => [name, await readFile(TOKENIZER + name)] as const),
      ),
    );
    const encoder = await tinyFiles('roberta', backend, { head: 'base', config: { vocab_size: 820 } });
    const inside = Object.entries({ ...encoder, ...tokenizer }).map(([name, file]) => [`0_Transformer/${name}`, file]);
    files = {
      ...Object.fromEntries(inside),
      'modules.json': bytes([
        { type: typeOf('Transformer'), path: '0_Transformer' },
        { type: typeOf('Pooling'), path: '1_Pooling' },
        { type: typeOf('Normalize'), path: '2_Normalize' },
      ]),
      '0_Transformer/sentence_bert_config.json': bytes({ max_seq_length: 9, do_lower_case: true }),
      '1_Pooling/config.json': bytes({ pooling_mode_cls_token: true }),
    };
    for (const [name, file] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), file);
    }
    server = createServer((request, response) => {
      const file = files[request.url!.replace('/mine/', '')];
      response.writeHead(file ? 200 : 404).end(file);
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(root, { recursive: true });
  });

  it('are cut, padded and embedded, from a folder, from memory and from the web', async () => {
    const texts = ['Der Hund', 'DER HUND JAGT DIE KATZE UM DAS GANZE ALTE HAUS'];
    const { port } = server.address() as AddressInfo;
    const sources: (string | ModelFiles)[] = [root, memoryFiles(files), `http://127.0.0.1:${port}/mine`];
    for (const source of sources) {
      const model = await load(source, { backend });
      const rows = texts.map(text => model.tokenizer.encodeIds(text.toLowerCase(), { maxLength: 9 }));
      expect(rows[1]).toHaveLength(9);
      expect(rows[1]!.at(-1)).toBe(2); // the end token stays
      const together = await (await model.embed(texts)).data();
      for (const [b, row] of rows.entries()) {
        const alone = await (await model.embed({ input_ids: [row] })).data();
        expect(Math.hypot(...alone)).toBeCloseTo(1, 6);
        expectClose([Array.from(together.slice(b * C, (b + 1) * C))], [Array.from(alone)]);
      }
      expect((await model.embed(texts[0]!)).shape).toEqual([1, C]);
      model.dispose();
    }
  });
});
