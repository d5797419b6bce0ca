import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { ConfigError, UnsupportedError } from '../errors.ts';
import { openCheckpoint } from '../formats/index.ts';
import { folderFiles, type ModelFiles, memoryFiles } from './files.ts';
import { load } from './load.ts';
import type { Model } from './model.ts';
import { quantizeModel } from './quantize-model.ts';

const DATA = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const GGUF = fileURLToPath(new URL('../../test/formats/data/gguf/', import.meta.url));
const TOKENIZERS = fileURLToPath(new URL('../../test/tokenizers/data/', import.meta.url));
const backend = createReferenceBackend();
const input_ids = [[5, 17, 3, 42, 9, 30, 11]];

let root = '';
let made = 0;
const target = () => join(root, `${made++}.gguf`);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-quantize-'));
});
afterAll(() => rm(root, { recursive: true }));

/** What a model computes: logits, of an encoder its last states. */
async function computed(source: string | ModelFiles): Promise<ArrayLike<number>> {
  const model = await load(source, { backend });
  try {
    expect(model.parts.unexpected.filter(name => !/^(cls|pooler)\./.test(name))).toEqual([]);
    return await valuesOf(model);
  } finally {
    model.dispose();
  }
}
const valuesOf = async (model: Model) =>
  model.parts.architecture.heads.causalLM
    ? (await model.run({ input_ids })).logits.data()
    : (await model.embed({ input_ids })).data();
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0) /
  Array.from(a).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe('a model as a GGUF file', () => {
  it.each([
    ...['bert-mlm', 'gemma', 'gemma3-text', 'gpt2', 'granite', 'llama', 'llama-sharded', 'mistral', 'mixtral'],
    ...['olmo2', 'phi3', 'qwen3'],
  ])('%s computes the same, and nearly the same in a quarter of the bytes', async name => {
    const source = DATA + name;
    const before = await computed(source);
    const [whole, blocks] = [target(), target()];
    const same = await quantizeModel(source, whole, { type: 'f32' });
    // The norms of some families lose a bit when 1 is added for the file.
    expect(worst(before, await computed(whole))).toBeLessThan(1e-6);
    expect(same.bytesAfter).toBe(same.bytesBefore);
    const report = await quantizeModel(source, blocks, { type: 'q8_0' });
    const error = worst(before, await computed(blocks));
    expect(error).toBeLessThan(0.1);
    expect(error).toBeGreaterThan(1e-4);
    expect(report.bytesAfter).toBeLessThan(0.4 * report.bytesBefore);
    const file = await openCheckpoint(blocks);
    expect(report.tensors.map(({ name, to }) => [name, to])).toEqual(
      [...file.tensors.values()].map(({ name, dtype }) => [name, dtype]),
    );
    await file.close();
    for (const { to, relativeRms, max } of report.tensors) {
      expect(max > 0).toBe(to !== 'F32');
      expect(relativeRms).toBeLessThan(0.01);
    }
  });

  it('keeps the tokenizer and the template of chats', async () => {
    const files: Record<string, Uint8Array> = {};
    for (const name of ['config.json', 'model.safetensors']) files[name] = await readFile(join(DATA, 'llama', name));
    const json = await readFile(join(TOKENIZERS, 'llama2-style', 'tokenizer.json'));
    files['tokenizer.json'] = json;
    files['tokenizer_config.json'] = new TextEncoder().encode(
      '{"bos_token": "<s>", "eos_token": "</s>", "chat_template": "{{ messages }}"}',
    );
    const out = target();
    await quantizeModel(memoryFiles(files, 'mine'), out, { type: 'q4_0' });
    const file = await openCheckpoint(out);
    expect(file.metadata).toMatchObject({
      'general.architecture': 'llama',
      'general.name': 'mine',
      'general.file_type': '2',
      'general.quantization_version': '2',
      'tokenizer.chat_template': '{{ messages }}',
    });
    await file.close();
    const [model, own] = [await load(out, { backend }), await load(memoryFiles(files), { backend })];
    expect(model.tokenizer.specialTokens).toMatchObject({ bos: 1, eos: 2 });
    // The tokenizer has more tokens than this tiny model has rows.
    for (let id = 0; id < model.vocabSize; id++)
      expect(model.tokenizer.idToToken(id)).toBe(own.tokenizer.idToToken(id));
    for (const each of [model, own]) each.dispose();
  });

  it('has no tokenizer where there is none', async () => {
    const out = target();
    await quantizeModel(`${DATA}llama`, out, { type: 'f16' });
    const model = await load(out, { backend });
    expect(() => model.tokenizer).toThrow(/has no tokenizer/);
    model.dispose();
  });

  it('may come from another GGUF file, whose blocks stay as they are', async () => {
    const source = join(GGUF, 'llama-q4_0.gguf');
    const out = target();
    const report = await quantizeModel(source, out, { type: 'q4_0' });
    expect(report.tensors.every(({ max }) => max === 0)).toBe(true);
    const [before, after] = await Promise.all([openCheckpoint(source), openCheckpoint(out)]);
    for (const { name, byteLength } of before.tensors.values())
      expect(await after.read(name, 0, byteLength)).toEqual(await before.read(name, 0, byteLength));
    const { 'general.file_type': _, 'general.quantization_version': __, ...metadata } = after.metadata;
    expect(metadata).toEqual(before.metadata);
    await Promise.all([before.close(), after.close()]);
    const smaller = await quantizeModel(source, target(), { type: 'f32' });
    expect(smaller.bytesAfter).toBeGreaterThan(smaller.bytesBefore);
    expect(smaller.tensors.every(({ max }) => max === 0)).toBe(true);
  });

  it('says what such a file has no place for', async () => {
    const { leftOut } = await quantizeModel(`${DATA}bert-mlm`, target(), { type: 'f32' });
    expect(leftOut).toContain('cls.predictions.bias');
  });
});

describe('a sentence encoder as a GGUF file', () => {
  const withPooling = async (...modes: string[]) => {
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const module = (kind: string, path: string) => ({ type: `sentence_transformers.models.${kind}`, path });
    const files: Record<string, Uint8Array> = {
      'modules.json': text([
        module('Transformer', ''),
        module('Pooling', '1_Pooling'),
        module('Normalize', '2_Normalize'),
      ]),
      '1_Pooling/config.json': text(Object.fromEntries(modes.map(mode => [`pooling_mode_${mode}`, true]))),
    };
    for (const name of ['config.json', 'model.safetensors']) files[name] = await readFile(join(DATA, 'bert-mlm', name));
    return memoryFiles(files, 'encoder');
  };

  it('pools as it was trained', async () => {
    for (const mode of ['cls_token', 'mean_tokens', 'lasttoken']) {
      const files = await withPooling(mode);
      const out = target();
      const { leftOut } = await quantizeModel(files, out, { type: 'f32' });
      expect(leftOut).toContain('Normalize');
      const [own, again] = [await load(files, { backend }), await load(out, { backend })];
      const vectors = await Promise.all(
        [own, again].map(async model => (await model.embed({ input_ids }, { normalize: true })).data()),
      );
      expect(worst(vectors[0]!, vectors[1]!)).toBeLessThan(1e-6);
      for (const each of [own, again]) each.dispose();
    }
  });

  it('is refused where the file cannot say how', async () => {
    for (const modes of [['max_tokens'], ['cls_token', 'mean_tokens']])
      await expect(quantizeModel(await withPooling(...modes), target(), { type: 'f32' })).rejects.toThrow(
        /cannot say what becomes of this encoder/,
      );
  });
});

describe('quantizeModel refuses', () => {
  const type = 'q8_0';
  it('what a GGUF file could not say', async () => {
    await expect(quantizeModel(`${DATA}gemma2`, target(), { type })).rejects.toThrow(
      /query_pre_attn_scalar 16 would be read as 12/,
    );
    await expect(quantizeModel(`${DATA}t5-v1_1`, target(), { type })).rejects.toThrow(
      /relative_attention_max_distance 16 would be read as 128/,
    );
    for (const name of ['albert-mlm', 'whisper'])
      await expect(quantizeModel(DATA + name, target(), { type })).rejects.toThrow(UnsupportedError);
  });

  it('a file that is there, and another ending', async () => {
    const out = target();
    await quantizeModel(`${DATA}llama`, out, { type });
    const before = await readFile(out);
    await expect(quantizeModel(`${DATA}llama`, out, { type: 'f32' })).rejects.toThrow(/already/);
    expect(await readFile(out)).toEqual(before);
    await quantizeModel(`${DATA}llama`, out, { type: 'f32', overwrite: true });
    expect((await readFile(out)).length).toBeGreaterThan(before.length);
    await expect(quantizeModel(`${DATA}llama`, join(root, 'model.bin'), { type })).rejects.toThrow(ConfigError);
    const lost = quantizeModel(`${DATA}llama`, join(root, 'no', 'm.gguf'), { type });
    await expect(lost).rejects.toThrow(/no such folder to write into; seen: .*no/);
    const under = quantizeModel(`${DATA}llama`, join(out, 'm.gguf'), { type });
    await expect(under).rejects.toThrow(/no such folder to write into/);
    const folder = target();
    await mkdir(folder);
    const onFolder = quantizeModel(`${DATA}llama`, folder, { type, overwrite: true });
    await expect(onFolder).rejects.toThrow(/file to write is a folder/);
  });

  it('to leave half a file behind', async () => {
    const out = target();
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    const stopped = quantizeModel(`${DATA}llama`, out, { type, signal: controller.signal, onProgress });
    await expect(stopped).rejects.toThrow('enough');
    expect((await readdir(root)).filter(name => join(root, name) === out || name.includes('incomplete'))).toEqual([]);
  });

  it('folders that are no models', async () => {
    await expect(quantizeModel(memoryFiles({}, 'nothing'), target(), { type })).rejects.toThrow(/no config\.json/);
    const files = folderFiles(`${DATA}llama`);
    const lacking: ModelFiles = {
      ...files,
      open: async name => (name === 'config.json' ? files.open(name) : undefined),
    };
    await expect(quantizeModel(lacking, target(), { type })).rejects.toThrow(/no checkpoint|no weights/);
  });
});
