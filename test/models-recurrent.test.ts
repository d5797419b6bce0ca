/**
 * Small trained recurrent models against results that were computed independently in double precision. Their files are in
 * the formats of other libraries and are converted here. They are not part of the project; without them beside it these
 * tests are skipped.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { openCheckpoint, toFloat32 } from '../src/formats/index.ts';
import { generateAll } from '../src/generate/index.ts';
import { Model } from '../src/hub/model.ts';
import { Embedding, embedding, Linear, linear } from '../src/nn/linear.ts';
import { listParams, mapSpec, type Params, type Spec } from '../src/nn/params.ts';
import { Recurrent, type RecurrentShape, recurrent } from '../src/nn/recurrent.ts';
import { type Backend, dataOfAll, Tensor } from '../src/tensor/index.ts';
import { f16ToF32, f32ToF16 } from '../src/util/half.ts';
import { readConfig } from './families/tiny-model.ts';
import { compareFloats } from './golden/compare.ts';

const ROOT = fileURLToPath(new URL('../../shared/models', import.meta.url));
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};
const names = Object.keys(BACKENDS);
const missing = (folder: string) =>
  existsSync(`${ROOT}/${folder}`) ? '' : ' (skipped: the shared model files are not here)';
const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(`${ROOT}/${path}`, 'utf8'));

interface Matrix {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
type Files = ReadonlyMap<string, Matrix>;

async function readTensors(path: string): Promise<Files> {
  const file = await openCheckpoint(`${ROOT}/${path}`);
  const tensors = new Map<string, Matrix>();
  for (const { name, shape, byteLength } of file.tensors.values())
    tensors.set(name, { shape, data: toFloat32(await file.read(name, 0, byteLength), 'F32') });
  await file.close();
  return tensors;
}
/** Parameters as `load` makes them, from tensors by the names of the declaration. */
async function place<S extends Spec>(spec: S, backend: Backend, tensors: Files): Promise<Params<S>> {
  const made = new Map<string, Tensor>();
  for (const [name, { shape, matrix = false }] of listParams(spec)) {
    const { data } = tensors.get(name)!;
    const writer = backend.weight(shape, { matrix });
    await writer.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 'F32');
    made.set(name, Tensor.fromDevice(await writer.finish(), shape));
  }
  return mapSpec(spec, name => made.get(name)!);
}
async function languageModel(json: Record<string, unknown>, backend: Backend, tensors: Files): Promise<Model> {
  const { architecture, config } = await readConfig(json);
  const spec = architecture.heads.causalLM!.parameters(config);
  return new Model({
    ...{ architecture, config, backend, head: 'causalLM', type: architecture.name, specs: new Map(listParams(spec)) },
    ...{ params: await place(spec, backend, tensors), tokenizer: undefined, defaults: {}, unexpected: [] },
  });
}
function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  const { error, bound } = compareFloats(actual, { shape: [expected.length], data: expected });
  expect(error, what).toBeLessThanOrEqual(bound);
}
/** Logits of the last token. */
async function lastLogits(model: Model, ids: readonly number[]): Promise<ArrayLike<number>> {
  return (await (await model.run({ input_ids: [ids] })).logits.data()).slice(-model.vocabSize);
}

// ---- TensorFlow's BasicLSTMCell: kernel [in + U, 4 U] for input and state, gates i, j (= g), f, o, 1 added to f
function fromBasicLSTM(kernel: Matrix, bias: Matrix, layer: number): [string, Matrix][] {
  const [rows, columns] = kernel.shape as [number, number];
  const U = columns / 4;
  const gates = [0, 2, 1, 3].flatMap(gate => Array.from({ length: U }, (_, u) => gate * U + u));
  const turned = (from: number, to: number): Matrix => ({
    shape: [columns, to - from],
    data: Float32Array.from({ length: columns * (to - from) }, (_, i) => {
      const [out, k] = [Math.floor(i / (to - from)), i % (to - from)];
      return kernel.data[(from + k) * columns + gates[out]!]!;
    }),
  });
  const biases = Float32Array.from(gates, (column, out) => bias.data[column]! + (out >= U && out < 2 * U ? 1 : 0));
  return [
    [`rnn.weight_ih_l${layer}`, turned(0, rows - U)],
    [`rnn.weight_hh_l${layer}`, turned(rows - U, rows)],
    [`rnn.bias_ih_l${layer}`, { shape: [columns], data: biases }],
    [`rnn.bias_hh_l${layer}`, { shape: [columns], data: new Float32Array(columns) }],
  ];
}
function transpose({ shape, data }: Matrix): Matrix {
  const [rows, columns] = shape as [number, number];
  const turned = Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
  return { shape: [columns, rows], data: turned };
}

interface Text {
  readonly prompt: string;
  readonly last_logits: number[];
  readonly greedy_text: string;
  readonly mean_nll: number | null;
}
const WRITERS = ['char-lstm-charlotte_bronte', 'char-lstm-darwin'];
describe.each(WRITERS.flatMap(writer => names.map(name => [writer, name] as const)))('%s on %s', (writer, name) => {
  describe.skipIf(missing(writer))(`has learned to write${missing(writer)}`, () => {
    let backend: Backend;
    let model: Model;
    let letters: Record<string, number>;
    let texts: Text[];
    beforeAll(async () => {
      backend = await BACKENDS[name]!();
      letters = await json(`${writer}/vocab.json`);
      texts = await json(`${writer}/expected.json`);
      const file = await readTensors(`${writer}/model.safetensors`);
      const cell = (layer: number, part: string) =>
        file.get(`rnnlm.multi_rnn_cell.cell_${layer}.basic_lstm_cell.${part}`)!;
      const [vocab_size, width] = file.get('embedding')!.shape as [number, number];
      const tensors = new Map<string, Matrix>([
        ['encoder.weight', file.get('embedding')!],
        ...[0, 1].flatMap(layer => fromBasicLSTM(cell(layer, 'kernel'), cell(layer, 'bias'), layer)),
        ['lm_head.weight', transpose(file.get('rnnlm.softmax_w')!)],
        ['lm_head.bias', file.get('rnnlm.softmax_b')!],
      ]);
      const shape = { vocab_size, embedding_size: width, hidden_size: width, num_layers: 2 };
      model = await languageModel({ model_type: 'lstm-lm', ...shape }, backend, tensors);
    });
    afterAll(() => {
      model.dispose();
      backend.close();
    });
    const idsOf = (text: string) => Array.from(text, letter => letters[letter]!);

    it('gives the logits of every prompt', async () => {
      for (const { prompt, last_logits } of texts)
        expectClose(await lastLogits(model, idsOf(prompt)), last_logits, prompt);
    });
    it('finds every prompt as surprising', async () => {
      for (const { prompt, mean_nll } of texts)
        if (mean_nll !== null) {
          const ids = idsOf(prompt);
          expect((await model.run({ input_ids: [ids], labels: [ids] })).loss, prompt).toBeCloseTo(mean_nll, 5);
        }
    });
    it('writes the same text', async () => {
      const prompts = texts.map(({ prompt }) => idsOf(prompt));
      const { sequences } = await generateAll(model, prompts, { maxNewTokens: 80 }); // padded to one length
      const alphabet = new Map(Object.entries(letters).map(([letter, id]) => [id, letter]));
      for (const [b, { prompt, greedy_text }] of texts.entries())
        expect(prompt + sequences[b]!.ids.map(id => alphabet.get(id)).join('')).toBe(greedy_text);
    });
  });
});

// ---- letters to phonemes
interface Word {
  readonly word: string;
  readonly phonemes: string[];
  readonly first_logits: number[];
}
const G2P = 'g2p-gru-seq2seq';
/** Both sides are a GRU; the encoder's last state is the decoder's first. */
const GRU: RecurrentShape = { cell: 'gru', input: 256, hidden: 256, layers: 1 };
const Pronouncer = (graphemes: number, phonemes: number) => ({
  enc_emb: Embedding(graphemes, 256),
  enc: Recurrent(GRU),
  dec_emb: Embedding(phonemes, 256),
  dec: Recurrent(GRU),
  fc: Linear(256, phonemes),
});
describe.skipIf(missing(G2P)).each(names)(`${G2P} on %s${missing(G2P)}`, name => {
  it('pronounces words', async () => {
    const backend = await BACKENDS[name]!();
    const { graphemes, phonemes } = await json<Record<'graphemes' | 'phonemes', string[]>>(`${G2P}/vocab.json`);
    const words = await json<Word[]>(`${G2P}/expected.json`);
    const file = await readTensors(`${G2P}/model.safetensors`);
    const PARTS: [RegExp, string][] = [
      [/^(enc|dec)_w_(ih|hh)$/, '$1.weight_$2_l0'],
      [/^(enc|dec)_b_(ih|hh)$/, '$1.bias_$2_l0'],
      [/^(\w+)_emb$/, '$1_emb.weight'],
      [/^fc_w$/, 'fc.weight'],
      [/^fc_b$/, 'fc.bias'],
    ];
    const rename = (key: string) => PARTS.reduce((k, [from, to]) => k.replace(from, to), key);
    const tensors = new Map([...file].map(([key, tensor]) => [rename(key), tensor]));
    const p = await place(Pronouncer(graphemes.length, phonemes.length), backend, tensors);

    // All words at once: shorter ones are padded behind their end.
    const ids = words.map(({ word }) => [
      ...Array.from(word, letter => graphemes.indexOf(letter)),
      graphemes.indexOf('</s>'),
    ]);
    const [B, S] = [ids.length, Math.max(...ids.map(row => row.length))];
    const cells = (f: (row: number[], s: number) => number) =>
      ids.flatMap(row => Array.from({ length: S }, (_, s) => f(row, s)));
    const source = Tensor.from(Int32Array.from(cells((row, s) => row[s] ?? 0)), [B, S]);
    const mask = Tensor.from(Uint8Array.from(cells((row, s) => (s < row.length ? 1 : 0))), [B, S], 'bool');
    let { states } = recurrent(p.enc, GRU, embedding(p.enc_emb, source), { mask });

    const spoken: number[][] = words.map(() => []);
    let last = words.map(() => phonemes.indexOf('<s>'));
    const end = phonemes.indexOf('</s>');
    for (let step = 0; step < 20 && !spoken.every(row => row.includes(end)); step++) {
      const x = embedding(p.dec_emb, Tensor.from(Int32Array.from(last), [B, 1]));
      const decoded = recurrent(p.dec, GRU, x, { states });
      const [logits] = await dataOfAll(linear(p.fc, decoded.outputs), ...decoded.states.flat());
      states = decoded.states;
      const rows = words.map((_, b) => Array.from(logits!.subarray(b * phonemes.length, (b + 1) * phonemes.length)));
      if (step === 0)
        for (const [b, { word, first_logits }] of words.entries()) expectClose(rows[b]!, first_logits, word);
      last = rows.map(row => row.indexOf(Math.max(...row)));
      for (const [b, id] of last.entries()) spoken[b]!.push(id);
    }
    for (const [b, { word, phonemes: expected }] of words.entries()) {
      const said = spoken[b]!;
      const ids = said.includes(end) ? said.slice(0, said.indexOf(end)) : said;
      expect(
        ids.map(id => phonemes[id]),
        word,
      ).toEqual(expected);
    }
    backend.close();
  });
});

// ---- rwkv.cpp's file: six i32, then per tensor rank, length of the name, type (0 = f32, 1 = f16), sizes innermost first
function readRwkvFile(bytes: Buffer): { vocab: number; width: number; layers: number; tensors: Files } {
  const int = (at: number) => bytes.readInt32LE(at);
  const tensors = new Map<string, Matrix>();
  let at = 24;
  while (at < bytes.length) {
    const [rank, length, type] = [int(at), int(at + 4), int(at + 8)];
    at += 12;
    const shape = Array.from({ length: rank }, (_, d) => int(at + 4 * d)).reverse();
    at += 4 * rank;
    const name = bytes.toString('utf8', at, at + length);
    at += length;
    const size = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: size }, (_, i) =>
      type === 0 ? bytes.readFloatLE(at + 4 * i) : f16ToF32(bytes.readUInt16LE(at + 2 * i)),
    );
    at += size * (type === 0 ? 4 : 2);
    tensors.set(name, { shape, data });
  }
  return { vocab: int(8), width: int(12), layers: int(16), tensors };
}
/** From the names of the model's first release; the decay is stored as it is used, -exp of the parameter. */
function fromRelease([key, tensor]: [string, Matrix]): [string, Matrix] {
  const name = key
    .replace(/^emb\./, 'embeddings.')
    .replace(/^head\./, 'lm_head.')
    .replace('.ln0.', '.pre_ln.')
    .replace('.att.', '.attention.')
    .replace('.ffn.', '.feed_forward.')
    .replace(/time_mix_k$/, 'time_mix_key')
    .replace(/time_mix_v$/, 'time_mix_value')
    .replace(/time_mix_r$/, 'time_mix_receptance');
  return [name, name.endsWith('time_decay') ? { ...tensor, data: tensor.data.map(x => Math.log(-x)) } : tensor];
}
interface Bytes {
  readonly prompt: string;
  readonly last_logits: number[];
  readonly greedy_bytes: number[];
}
const TINY_RWKV = 'tiny-rwkv-660K';
describe.skipIf(missing(TINY_RWKV)).each(names)(`${TINY_RWKV} on %s${missing(TINY_RWKV)}`, name => {
  let backend: Backend;
  let model: Model;
  let texts: Bytes[];
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
    texts = await json(`${TINY_RWKV}/expected.json`);
    const { vocab, width, layers, tensors } = readRwkvFile(
      await readFile(`${ROOT}/${TINY_RWKV}/${TINY_RWKV}-FP32.bin`),
    );
    const intermediate_size = tensors.get('blocks.0.ffn.key.weight')!.shape[0];
    const shape = { vocab_size: vocab, hidden_size: width, num_hidden_layers: layers, intermediate_size };
    model = await languageModel({ model_type: 'rwkv', ...shape }, backend, new Map([...tensors].map(fromRelease)));
  });
  afterAll(() => {
    model.dispose();
    backend.close();
  });
  const idsOf = (text: string) => Array.from(Buffer.from(text));

  it('gives the logits that its release came with', async () => {
    const file = await readFile(`${ROOT}/${TINY_RWKV}/expected_logits.bin`);
    const expected = Array.from({ length: 256 }, (_, i) => file.readFloatLE(4 * i));
    expectClose(await lastLogits(model, idsOf('"in')), expected, 'the release');
  });
  it('gives the logits of every prompt', async () => {
    for (const { prompt, last_logits } of texts)
      expectClose(await lastLogits(model, idsOf(prompt)), last_logits, prompt);
  });
  it('writes the same bytes', async () => {
    const prompts = texts.map(({ prompt }) => idsOf(prompt));
    const { sequences } = await generateAll(model, prompts, { maxNewTokens: 60 }); // padded to one length
    for (const [b, { prompt, greedy_bytes }] of texts.entries())
      expect(sequences[b]!.ids, prompt).toEqual(greedy_bytes);
  });
});
it.skipIf(missing(TINY_RWKV))(
  `the two files of ${TINY_RWKV} differ by rounding only${missing(TINY_RWKV)}`,
  async () => {
    const read = async (kind: string) => readRwkvFile(await readFile(`${ROOT}/${TINY_RWKV}/${TINY_RWKV}-${kind}.bin`));
    const [full, half] = [await read('FP32'), await read('FP16')];
    expect([...half.tensors.keys()]).toEqual([...full.tensors.keys()]);
    for (const [key, { shape, data }] of full.tensors) {
      const stored = (x: number) => (shape.length === 2 ? f16ToF32(f32ToF16(x)) : x);
      const rounded = half.tensors.get(key)!.data;
      expect(rounded.length).toBe(data.length);
      expect(
        data.findIndex((x, i) => stored(x) !== rounded[i]),
        key,
      ).toBe(-1);
    }
  },
);
