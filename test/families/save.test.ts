/** Every architecture under every head, written to a folder and read again: the same parameters, bit for bit. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { openCheckpoint } from '../../src/formats/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import { Model } from '../../src/hub/model.ts';
import { HEAD_NAMES, type HeadName } from '../../src/models/architecture.ts';
import { architectureOf, modelTypes } from '../../src/models/index.ts';
import { type Backend, leavesOf } from '../../src/tensor/index.ts';
import { TINY, tinyFiles, tinyModel } from './tiny-model.ts';

let backend: Backend;
let root: string;
beforeAll(async () => {
  backend = await createWasmBackend({ threads: 1 });
  root = await mkdtemp(join(tmpdir(), 'heed-save-'));
});
afterAll(async () => {
  backend.close();
  await rm(root, { recursive: true });
});

/** A tiny model as if it had been read from files. */
async function fromFiles(type: string, head?: HeadName, files: Record<string, string> = {}): Promise<Model> {
  const model = await tinyModel(type, backend, head ? { head } : {});
  const bytes = Object.entries(files).map(([name, text]) => [name, new TextEncoder().encode(text)] as const);
  const names = new Map([...model.parts.specs.keys()].map(name => [name, name]));
  const origin = { json: { model_type: type, ...TINY[type] }, files: memoryFiles(Object.fromEntries(bytes)), names };
  return new Model({ ...model.parts, origin });
}

describe('saved and loaded again', () => {
  it.each(modelTypes())('%s', async type => {
    const { architecture } = await architectureOf({ model_type: type });
    for (const head of HEAD_NAMES.filter(name => architecture.heads[name])) {
      const model = await fromFiles(type, head);
      const folder = join(root, `${type}-${head}`);
      await model.save(folder);
      const again = await load(folder, { backend, head });
      expect(again.parts.unexpected).toEqual([]);
      const [before, after] = [leavesOf(model.parts.params), leavesOf(again.parts.params)];
      expect(after.map(([name]) => name)).toEqual(before.map(([name]) => name));
      for (const [i, [name, tensor]] of before.entries()) {
        const [a, b] = [await tensor.data(), await after[i]![1].data()];
        expect(Buffer.from(a.buffer).equals(Buffer.from(b.buffer)), `${head}: ${name}`).toBe(true);
      }
      model.dispose();
      again.dispose();
    }
  });
});

describe('a saved folder', () => {
  it('holds the files that came with the model, and turned matrices as the checkpoint has them', async () => {
    const model = await fromFiles('gpt2', 'causalLM', {
      'generation_config.json': '{"max_new_tokens": 3}',
      'tokenizer.json': '{"model": 1}',
      'notes.txt': 'mine',
    });
    const folder = join(root, 'companions');
    await model.save(folder);
    expect((await readdir(folder)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    expect(await readFile(join(folder, 'tokenizer.json'), 'utf8')).toBe('{"model": 1}');
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.tensors.get('h.0.mlp.c_fc.weight')!.shape).toEqual([24, 96]);
    await checkpoint.close();
    model.dispose();
  });

  it.each(['', '0_Transformer'])('of a sentence encoder gives the same vectors (its model in "%s")', async path => {
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const files = Object.entries(await tinyFiles('bert', backend, { head: 'base' }));
    const type = 'sentence_transformers.models';
    const modules = [
      { type: `${type}.Transformer`, path },
      { type: `${type}.Pooling`, path: '1_Pooling' },
      { type: `${type}.Normalize`, path: '2_Normalize' },
    ];
    const model = await load(
      memoryFiles({
        ...Object.fromEntries(files.map(([name, bytes]) => [path ? `${path}/${name}` : name, bytes])),
        'modules.json': text(modules),
        '1_Pooling/config.json': text({ pooling_mode_max_tokens: true }),
      }),
      { backend },
    );
    const folder = join(root, `sentence-${path}`);
    await model.save(folder);
    await model.save(folder, { overwrite: true });
    const again = await load(folder, { backend });
    const inputs = { input_ids: [[5, 9, 2]] };
    const vectors = await (await model.embed(inputs)).data();
    expect(await (await again.embed(inputs)).data()).toEqual(vectors);
    expect(Math.hypot(...vectors)).toBeCloseTo(1, 5);
    model.dispose();
    again.dispose();
  });

  it('is in several files above a size', async () => {
    const model = await fromFiles('llama');
    const folder = join(root, 'shards');
    await model.save(folder, { maxShardBytes: 10_000 });
    const names = await readdir(folder);
    expect(names).toContain('model.safetensors.index.json');
    expect(names.filter(name => name.endsWith('.safetensors')).length).toBeGreaterThan(2);
    const again = await load(folder, { backend });
    const inputs = { input_ids: [[5, 9, 2]] };
    expect(await (await again.run(inputs)).logits.data()).toEqual(await (await model.run(inputs)).logits.data());
    model.dispose();
    again.dispose();
  });

  it('does not take the place of another model unless it is told to, and then leaves nothing of that', async () => {
    const model = await fromFiles('llama');
    const folder = join(root, 'twice');
    await model.save(folder, { maxShardBytes: 10_000 });
    await writeFile(join(folder, 'README.md'), 'mine');
    await expect(model.save(folder)).rejects.toThrow(/holds a model already.*overwrite/);
    await model.save(folder, { overwrite: true });
    expect((await readdir(folder)).sort()).toEqual(['README.md', 'config.json', 'model.safetensors']);
    expect((await readdir(root)).filter(name => name.endsWith('.incomplete'))).toEqual([]);
    (await load(folder, { backend })).dispose();
    model.dispose();
  });

  it('does not appear when saving is stopped', async () => {
    const model = await fromFiles('llama');
    const stop = new AbortController();
    const saving = model.save(join(root, 'never'), { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(saving).rejects.toThrow(/abort/i);
    expect((await readdir(root)).filter(name => name.startsWith('never'))).toEqual([]);
    model.dispose();
  });

  it('names the class of the head that it was loaded under', async () => {
    const model = await fromFiles('bert', 'sequenceClassification');
    const origin = {
      ...model.parts.origin!,
      json: { ...model.parts.origin!.json, architectures: ['BertForMaskedLM'], dtype: 'bfloat16' },
    };
    const folder = join(root, 'class');
    await new Model({ ...model.parts, origin }).save(folder);
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ architectures: ['BertForSequenceClassification'], dtype: 'float32' });
    model.dispose();
  });
});
