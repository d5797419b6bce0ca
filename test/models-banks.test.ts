/** Whole models with their weights in banks, against the same reference numbers as ever. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend, type WasmBackend } from '../src/backends/wasm/index.ts';
import { severalMemoriesWork } from '../src/backends/wasm/probe.ts';
import { load } from '../src/hub/load.ts';
import { checkFolder } from './golden/check-folder.ts';
import { passes } from './golden/compare.ts';
import { diskFiles } from './golden/disk-files.ts';
import { modelChecks } from './golden/gguf.ts';
import { readTensors } from './golden/golden-files.ts';
import { folderLines } from './golden/report.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const here = severalMemoriesWork(true);
const why = here ? '' : ' (skipped: this engine has no functions of several memories)';
const GGUF = at('formats/data/gguf');
const models = existsSync(GGUF) ? readdirSync(GGUF).filter(name => name.endsWith('.expected.safetensors')) : [];

describe.skipIf(!here)(`models in banks${why}`, () => {
  let backend: WasmBackend;
  beforeAll(async () => {
    backend = await createWasmBackend({ threads: 2, memory: { banks: { bytes: 1 << 20, most: 8, from: 0 } } });
  });
  afterAll(() => backend.close());

  it.each(['gpt2', 'llama', 'mixtral', 't5-v1_1', 'gpt2-lora'])('%s', async folder => {
    const files = diskFiles(at('golden/data'));
    const result = await checkFolder(files, folder, backend);
    const failed = result.checks.filter(check => !passes(check));
    expect(result.checks.length).toBeGreaterThan(0);
    expect(failed, folderLines({ ...result, checks: failed }, true).join('\n')).toEqual([]);
  });

  it.each(models.map(name => name.replace('.expected.safetensors', '')))('%s.gguf', async name => {
    const tensors = (await readTensors(diskFiles(GGUF), `${name}.expected.safetensors`))!;
    const file = `${GGUF}/${name}.gguf`;
    for await (const check of modelChecks(name, readFileSync(file), tensors, backend))
      expect(check, JSON.stringify(check)).toSatisfy(passes);
  });

  it('are there and gone', async () => {
    const { used } = backend.memory();
    const plain = backend.allocator.used;
    const model = await load(at('golden/data/llama'), { backend });
    expect(backend.memory().used - used).toBeGreaterThan(2 * (backend.allocator.used - plain));
    model.dispose();
    expect(backend.memory().used).toBe(used);
  });
});
