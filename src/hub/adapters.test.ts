import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TINY, tinyFiles, tinyModel } from '../../test/families/tiny-model.ts';
import { createWasmBackend } from '../backends/wasm/index.ts';
import { safetensorsBytes } from '../formats/index.ts';
import type { ModelInputs } from '../models/forward.ts';
import { type Backend, leavesOf, mapTree, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import { type ModelFiles, memoryFiles } from './files.ts';
import { load, loadAdapter } from './load.ts';
import { mergeAdapter } from './merge-adapter.ts';
import type { Model } from './model.ts';
import { saveAdapter } from './save-adapter.ts';

const DATA = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const inputs = { input_ids: [[5, 17, 3, 42]] };

let backend: Backend;
let root: string;
beforeAll(async () => {
  backend = await createWasmBackend({ threads: 2 });
  root = await mkdtemp(join(tmpdir(), 'heed-adapters-'));
});
afterAll(async () => {
  backend.close();
  await rm(root, { recursive: true });
});

const logitsOf = async (model: Model, given: ModelInputs = inputs) => [
  ...(await (await model.run(given)).logits.data()),
];
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  const scale = Math.max(...expected.map(Math.abs));
  expect(Math.max(...expected.map((x, i) => Math.abs(x - actual[i]!))) / scale).toBeLessThan(1e-5);
}

type Matrix = { readonly shape: readonly number[]; readonly values: Float32Array };
const rng = createRng(5);
const random = (...shape: number[]): Matrix => ({
  shape,
  values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 0.3 * rng.normal()),
});
/** Plain `[m, k] @ [k, n]`. */
function times(a: Matrix, b: Matrix): Matrix {
  const [m, k, n] = [a.shape[0]!, a.shape[1]!, b.shape[1]!];
  const values = new Float32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++)
      for (let l = 0; l < k; l++) values[i * n + j]! += a.values[i * k + l]! * b.values[l * n + j]!;
  return { shape: [m, n], values };
}
const turned = ({ shape: [m, n], values }: Matrix): Matrix => ({
  shape: [n!, m!],
  values: Float32Array.from(values, (_, i) => values[(i % m!) * n! + Math.floor(i / m!)]!),
});

/** The files of an adapter. */
function adapterFiles(config: object, tensors: Readonly<Record<string, Matrix>>): ModelFiles {
  const weights = Object.entries(tensors).map(([name, { shape, values }]) => ({
    name: `base_model.model.${name}`,
    dtype: 'F32' as const,
    shape,
    chunks: () => [new Uint8Array(values.buffer)],
  }));
  const json = { peft_type: 'LORA', r: 2, lora_alpha: 6, ...config };
  return memoryFiles({
    'adapter_config.json': new TextEncoder().encode(JSON.stringify(json)),
    'adapter_model.safetensors': safetensorsBytes(weights),
  });
}
/** Logits with another matrix in the place of one. */
async function withWeight(model: Model, name: string, change: (weight: Matrix) => Matrix, given: ModelInputs) {
  const tensor = new Map(leavesOf(model.parts.params)).get(name)!;
  const changed = change({ shape: tensor.shape, values: Float32Array.from(await tensor.data()) });
  const params = mapTree(model.parts.params, (t, at) => (at === name ? Tensor.from(changed.values, t.shape) : t));
  return [...(await model.graph(given, params).logits.data())];
}
const plus = (a: Matrix, b: Matrix, scale: number): Matrix => ({
  shape: a.shape,
  values: a.values.map((x, i) => x + scale * b.values[i]!),
});

describe('an adapter in a family', () => {
  const text = inputs;
  const both = { ...inputs, decoder_input_ids: [[7, 2, 9]] };
  const T5 = 'encoder.block.0.layer.0.SelfAttention';
  it.each([
    ['llama', 'model.layers.1.mlp.down_proj', 'linear', text],
    ['mixtral', 'model.layers.0.block_sparse_moe.experts.2.w1', 'linear', text],
    ['mixtral', 'model.layers.1.block_sparse_moe.experts.0.w2', 'linear', text],
    ['llama', 'model.embed_tokens', 'table', text],
    ['t5', `${T5}.relative_attention_bias`, 'table', both],
    ['t5', `${T5}.q`, 'linear', both],
    ['deberta', 'deberta.embeddings.token_type_embeddings', 'table', text],
    ['gpt2', 'h.0.attn.c_attn', 'linear', text],
    ['rwkv', 'rwkv.blocks.0.feed_forward.key', 'linear', text],
  ] as const)('%s: %s', async (type, module, kind, given) => {
    const model = await tinyModel(type, backend);
    const name = model.parts.architecture.rename(`${module}.weight`, model.parts.config)!;
    const [out, width] = model.parts.specs.get(name)!.shape as [number, number];
    const table = kind === 'table';
    const [a, b] = table ? [random(2, out), random(width, 2)] : [random(2, width), random(out, 2)];
    const [A, B] = table ? ['lora_embedding_A', 'lora_embedding_B'] : ['lora_A.weight', 'lora_B.weight'];
    const adapter = await loadAdapter(model, adapterFiles({}, { [`${module}.${A}`]: a, [`${module}.${B}`]: b }));
    const product = table ? turned(times(b, a)) : times(b, a);
    const expected = await withWeight(model, name, weight => plus(weight, product, 3), given);
    const before = await logitsOf(model, given);
    expectClose(await logitsOf(model.withAdapters([{ adapter }]), given), expected);
    expect(before).not.toEqual(expected);
    await mergeAdapter(model, adapter);
    expectClose(await logitsOf(model, given), expected);
    adapter.dispose();
    model.dispose();
  });

  it('learns directions and lengths apart (DoRA), whatever its scale', async () => {
    const model = await tinyModel('llama', backend);
    const module = 'model.layers.0.self_attn.q_proj';
    const [out, width] = model.parts.specs.get(`${module}.weight`)!.shape as [number, number];
    const [a, b, m] = [random(2, width), random(out, 2), random(out)];
    const tensors = { [`${module}.lora_A.weight`]: a, [`${module}.lora_B.weight`]: b };
    const files = adapterFiles({ use_dora: true }, { ...tensors, [`${module}.lora_magnitude_vector`]: m });
    const adapter = await loadAdapter(model, files);
    for (const scale of [1, -0.4]) {
      const expected = await withWeight(
        model,
        `${module}.weight`,
        weight => {
          const sum = plus(weight, times(b, a), 3 * scale);
          const length = (i: number) => Math.hypot(...sum.values.subarray(i * width, (i + 1) * width));
          const lengths = Array.from({ length: out }, (_, i) => length(i));
          const values = sum.values.map(
            (x, i) => (x * m.values[Math.floor(i / width)]!) / lengths[Math.floor(i / width)]!,
          );
          return { shape: sum.shape, values };
        },
        inputs,
      );
      expectClose(await logitsOf(model.withAdapters([{ adapter, scale }])), expected);
      if (scale === 1) continue;
      await mergeAdapter(model, adapter, { scale });
      expectClose(await logitsOf(model), expected);
    }
    adapter.dispose();
    model.dispose();
  });

  it('has ranks and scales by patterns', async () => {
    const model = await tinyModel('llama', backend);
    const adapter = await loadAdapter(
      model,
      adapterFiles(
        {
          use_rslora: true,
          rank_pattern: { 'layers.0.self_attn.q_proj': 4, '^model\\.layers\\.1\\.(self_attn\\.)?v_proj': 9 },
          alpha_pattern: { '.*1\\.self_attn\\.[vk]_proj': 12 },
        },
        Object.fromEntries(
          (['0.self_attn.q_proj', '1.self_attn.v_proj', '1.self_attn.q_proj'] as const).flatMap(module => {
            const [out, width] = model.parts.specs.get(`model.layers.${module}.weight`)!.shape as [number, number];
            const r = { '0.self_attn.q_proj': 4, '1.self_attn.v_proj': 9, '1.self_attn.q_proj': 2 }[module];
            const at = `model.layers.${module}.lora`;
            return [
              [`${at}_A.weight`, random(r, width)],
              [`${at}_B.weight`, random(out, r)],
            ] as const;
          }),
        ),
      ),
    );
    const scaleOf = (module: string) => adapter.params.layers[`model.layers.${module}`]!.scale;
    expect(scaleOf('0.self_attn.q_proj')).toBe(6 / 2);
    expect(scaleOf('1.self_attn.v_proj')).toBe(12 / 3);
    expect(scaleOf('1.self_attn.q_proj')).toBe(6 / Math.sqrt(2));
    adapter.dispose();
    model.dispose();
  });

  it('leaves a tied output layer as it was when it changes the table', async () => {
    const tied = await tinyModel('llama', backend, { config: { tie_word_embeddings: true } });
    const table = random(61, 24);
    const adapter = await loadAdapter(tied, adapterFiles({}, { 'model.embed_tokens.weight': table }));
    const own = tied.withAdapters([{ adapter }]);
    const { lm_head } = own.parts.params as { lm_head: { weight: Tensor } };
    expect(lm_head.weight).toBe(new Map(leavesOf(tied.parts.params)).get('model.embed_tokens.weight'));
    await expect(mergeAdapter(tied, adapter)).rejects.toThrow(/lm_head\.weight.*withAdapters/);
    adapter.dispose();
    tied.dispose();
  });
});

describe('several adapters', () => {
  it('share the weights and run at the same time', async () => {
    const model = await load(`${DATA}gpt2`, { backend });
    const adapter = await loadAdapter(model, `${DATA}gpt2-lora`);
    const used = backend.memory().used;
    const models = [model, ...[1, -0.5, 0].map(scale => model.withAdapters([{ adapter, scale }]))];
    const written = async (of: Model) => {
      const ids: number[] = [];
      for await (const event of of.generateIds([[5, 17, 3]], { maxNewTokens: 8, temperature: 0 }))
        if (event.type === 'token') ids.push(event.id);
      return ids;
    };
    const alone: number[][] = [];
    for (const of of models) alone.push(await written(of));
    expect(new Set(alone.map(String)).size).toBe(3);
    expect(alone[3]).toEqual(alone[0]);
    expect(await Promise.all(models.map(written))).toEqual(alone);
    for (const view of models.slice(1)) view.dispose();
    expect(await written(model)).toEqual(alone[0]);
    expect(backend.memory().used - used).toBeLessThan(100_000);
    adapter.dispose();
    model.dispose();
  });

  it('add up', async () => {
    const model = await load(`${DATA}gpt2`, { backend });
    const adapter = await loadAdapter(model, `${DATA}gpt2-lora`);
    const once = await logitsOf(model.withAdapters([{ adapter }]));
    const half = { adapter, scale: 0.5 };
    expectClose(await logitsOf(model.withAdapters([half, half])), once);
    expectClose(await logitsOf(model.withAdapters([half]).withAdapters([half])), once);
    adapter.dispose();
    model.dispose();
  });
});

describe('files of an adapter', () => {
  it('name the model, which is loaded with it', async () => {
    const used = backend.memory().used;
    const model = await load(`${DATA}gpt2-lora`, { backend });
    const base = await load(`${DATA}gpt2`, { backend });
    const adapter = await loadAdapter(base, `${DATA}gpt2-lora`);
    expect(await logitsOf(model)).toEqual(await logitsOf(base.withAdapters([{ adapter }])));
    adapter.dispose();
    base.dispose();
    model.dispose();
    expect(backend.memory().used - used).toBeLessThan(100_000);
    await expect(load(adapterFiles({}, { x: random(1) }), { backend })).rejects.toThrow(/does not name its model/);
    const itself = adapterFiles({ base_model_name_or_path: `${DATA}gpt2-lora` }, { x: random(1) });
    await expect(load(itself, { backend })).rejects.toThrow(/the model of an adapter is no model.*gpt2-lora/);
    const lost = adapterFiles({ base_model_name_or_path: './nowhere/x' }, { x: random(1) });
    await expect(load(lost, { backend })).rejects.toThrow(/no such model.*nowhere/);
  });

  it('may hold a classifier that the model lacks', async () => {
    const folder = join(root, 'language-model');
    await mkdir(folder);
    for (const [name, bytes] of Object.entries(await tinyFiles('llama', backend)))
      await writeFile(join(folder, name), bytes);
    const score = random(5, 24);
    const config = { base_model_name_or_path: folder, task_type: 'SEQ_CLS' };
    const model = await load(adapterFiles(config, { 'score.weight': score }), { backend });
    expect(model.parts.head).toBe('sequenceClassification');
    const { logits, hidden } = model.graph(inputs);
    const last = new Float32Array((await hidden.data()).slice(-24));
    const expected = times(score, { shape: [24, 1], values: last });
    expectClose([...(await logits.data())], [...expected.values]);
    model.dispose();
  });

  it('are written as they were read', async () => {
    const model = await load(`${DATA}gpt2`, { backend });
    const adapter = await loadAdapter(model, `${DATA}gpt2-lora`);
    const folder = join(root, 'saved');
    await saveAdapter(adapter, folder);
    for (const name of ['adapter_config.json', 'adapter_model.safetensors'])
      expect((await readFile(join(folder, name))).equals(await readFile(`${DATA}gpt2-lora/${name}`)), name).toBe(true);
    await expect(saveAdapter(adapter, folder)).rejects.toThrow(/holds an adapter already/);
    await saveAdapter(adapter, folder, { overwrite: true });
    adapter.dispose();
    model.dispose();
  });

  const q = 'model.layers.0.self_attn.q_proj';
  const [A, B] = [`${q}.lora_A.weight`, `${q}.lora_B.weight`];
  it.each([
    ['another kind', { peft_type: 'IA3' }, {}, /seen: IA3/],
    ['a variant', { use_qalora: true }, {}, /variant.*use_qalora/],
    ['changed base weights', { init_lora_weights: 'pissa' }, {}, /pissa/],
    ['another rank', {}, { [A]: random(3, 24), [B]: random(32, 3) }, /\[3,24\].*\[2,24\]/],
    ['another width', {}, { [A]: random(2, 20), [B]: random(32, 2) }, /\[2,20\].*\[2,24\]/],
    ['half a layer', {}, { [A]: random(2, 24) }, /q_proj without up/],
    ['no lengths', { use_dora: true }, { [A]: random(2, 24), [B]: random(32, 2) }, /without direction\.magnitude/],
    ['an unknown layer', {}, { 'model.layers.9.mlp.up_proj.lora_A.weight': random(2, 24) }, /layers\.9/],
    ['an unknown parameter', {}, { 'score.weight': random(3, 24) }, /score\.weight.*head/],
    ['an unknown tensor', {}, { [`${q}.lora_C.weight`]: random(2, 24) }, /lora_C/],
    ['a norm', {}, { 'model.norm.lora_A.weight': random(2, 24) }, /model\.norm/],
    [
      'a pattern that is none',
      { rank_pattern: { q_proj: 'x' } },
      {},
      /rank_pattern is .*, not whole numbers from 1 on/,
    ],
    ['half a rank', { rank_pattern: { q_proj: 2.5 } }, {}, /rank_pattern/],
    ['a list of patterns', { alpha_pattern: ['q_proj'] }, {}, /alpha_pattern is \["q_proj"\]/],
    ['a rank below 1', { r: 0 }, {}, /r is 0/],
  ] as const)('are refused: %s', async (_, config, tensors, message) => {
    const model = await tinyModel('llama', backend);
    const used = backend.memory().used;
    await expect(loadAdapter(model, adapterFiles(config, tensors))).rejects.toThrow(message);
    expect(backend.memory().used).toBe(used);
    model.dispose();
  });

  it('belong to one kind of model', async () => {
    const [llama, gpt2] = [await tinyModel('llama', backend), await load(`${DATA}gpt2`, { backend })];
    const adapter = await loadAdapter(gpt2, `${DATA}gpt2-lora`);
    expect(() => llama.withAdapters([{ adapter }])).toThrow(/for another model/);
    expect(() => gpt2.withAdapters([{ adapter, scale: Number.NaN }])).toThrow(/scale/);
    await expect(gpt2.withAdapters([{ adapter }, { adapter }]).save(join(root, 'x'))).rejects.toThrow(/merge/);
    adapter.dispose();
    gpt2.dispose();
    llama.dispose();
  });
});

it('TINY has the sizes that the tests above assume', () => {
  expect(TINY.llama).toMatchObject({ hidden_size: 24, head_dim: 8, num_attention_heads: 4, vocab_size: 61 });
});
