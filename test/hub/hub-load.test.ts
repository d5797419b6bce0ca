/** Whole models by their ids: the numbers are those of the same files in a folder. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { folderFiles, hubFiles, type ModelFiles } from '../../src/hub/files.ts';
import { isHubId, type LoadOptions, load, type ModelProgress, modelFiles } from '../../src/hub/load.ts';
import { type Hub, startHub } from './hub-server.ts';
import { bytesOf, checkpointFiles, optionsFor } from './tiny-hub.ts';

const DATA = fileURLToPath(new URL('../golden/data/', import.meta.url));
const backend = createReferenceBackend();

let hub: Hub;
let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'heed-hub-load-'));
  const { 'config.json': config, ...llama } = checkpointFiles('llama');
  hub = await startHub({
    'org/llama': { files: { ...llama, 'config.json': config!, 'pytorch_model.bin': bytesOf('not asked for') } },
    'org/sharded': { files: checkpointFiles('llama-sharded') },
    'gpt2-tiny': { files: checkpointFiles('gpt2') },
    'org/hostile': {
      files: {
        'config.json': config!,
        'model.safetensors.index.json': bytesOf('{"weight_map": {"lm_head.weight": "../../../secret.safetensors"}}'),
      },
    },
  });
});
afterEach(async () => {
  await hub.close();
  await rm(home, { recursive: true });
});

async function logitsOf(source: string | ModelFiles, options: LoadOptions = {}): Promise<number[]> {
  const model = await load(source, { ...optionsFor(hub, home), backend, ...options });
  const { logits } = await model.run({ input_ids: [[5, 17, 3, 99, 42]] });
  const last = (await logits.data()).slice(-model.vocabSize);
  model.dispose();
  return [...last];
}
const paths = () =>
  hub.requests.filter(({ method, path }) => method === 'GET' && path.includes('/resolve/')).map(({ path }) => path);

describe('load', () => {
  it('gives the same model by its id, whole or in parts, with the progress of both stages', async () => {
    const expected = await logitsOf(`${DATA}llama`);
    const seen: ModelProgress[] = [];
    expect(await logitsOf('org/llama', { onProgress: progress => seen.push(progress) })).toEqual(expected);
    expect(new Set(seen.map(({ stage }) => stage))).toEqual(new Set(['download', 'load']));
    const last = seen.filter(({ stage }) => stage === 'download').at(-1)!;
    expect(last.loadedBytes).toBe(last.totalBytes);
    expect(paths().filter(path => path.endsWith('.bin'))).toEqual([]);
    expect(await logitsOf('org/sharded')).toEqual(expected);
    expect(new Set(paths()).size).toBe(paths().length);
    expect(await logitsOf('org/llama@main', { offline: true })).toEqual(expected);
    expect(await logitsOf(`org/sharded@${hub.commit('org/sharded')}`, { endpoint: 'http://127.0.0.1:1' })).toEqual(
      expected,
    );
  });

  it('counts the bytes of all parts from the first on', async () => {
    const totals: number[] = [];
    const onProgress = (progress: ModelProgress) => {
      if (progress.stage === 'download' && progress.file.endsWith('.safetensors')) totals.push(progress.totalBytes);
    };
    await logitsOf('org/sharded', { onProgress });
    expect(new Set(totals).size).toBe(1);
  });

  it('takes a name without an organisation where no folder is called so', async () => {
    expect(await logitsOf('gpt2-tiny')).toEqual(await logitsOf(`${DATA}gpt2`));
    const here = process.cwd();
    try {
      process.chdir(home);
      await mkdir('gpt2-tiny');
      await writeFile('gpt2-tiny/config.json', '{');
      expect(isHubId('gpt2-tiny')).toBe(false);
      await expect(load('gpt2-tiny', { ...optionsFor(hub, home), backend })).rejects.toThrow(
        /config.json is not valid JSON/,
      );
      expect(isHubId('org/llama')).toBe(true);
      expect(isHubId('./org/llama')).toBe(false);
    } finally {
      process.chdir(here);
    }
  });

  it('says that there is no such model', async () => {
    await expect(logitsOf('org/absent')).rejects.toThrow(
      /no such model, or it is private; .*for a folder write \.\/org\/absent/,
    );
    await expect(logitsOf('no/such/folder')).rejects.toThrow(
      /there is no such model; seen: no\/such\/folder; expected: an existing folder/,
    );
    await expect(logitsOf('org/llama/other.safetensors')).rejects.toThrow(/no weights; expected: other.safetensors/);
  });

  it('takes no name of an index out of the model', async () => {
    await expect(logitsOf('org/hostile')).rejects.toThrow(/shard name leaves the folder of the index; seen: "\.\.\//);
    const files = hubFiles('org/llama', optionsFor(hub, home));
    for (const name of ['../x', 'a/b', '..', '', 'a\\b', 'C:x']) {
      await expect(files.open(name)).rejects.toThrow(/file name leaves the model/);
      expect(() => files.folder?.(name)).toThrow(/file name leaves the model/);
    }
    expect((await readdir(home)).sort()).toEqual(['hub']);
  });

  it('throws what the signal says', async () => {
    const stop = new Error('enough');
    const controller = new AbortController();
    hub.misbehave(/^cdn/, { silentAfter: 10 });
    setTimeout(() => controller.abort(stop), 100);
    const retry = { stallMs: 60_000 };
    await expect(logitsOf('org/llama', { signal: controller.signal, retry })).rejects.toBe(stop);
  });
});

describe('weights in place', () => {
  it('are read where they lie, and not kept', async () => {
    const files = hubFiles('org/llama', { ...optionsFor(hub, home), weightsInPlace: true });
    const there = (await files.open('model.safetensors'))!;
    const here = (await folderFiles(`${DATA}llama`).open('model.safetensors'))!;
    expect(there.size).toBe(here.size);
    expect(await there.read(1000, 500)).toEqual(await here.read(1000, 500));
    await there.close();
    await here.close();
    expect(await files.open('config.json')).toBeDefined();
    const snapshot = join(home, 'hub/models--org--llama/snapshots', hub.commit('org/llama'));
    expect(await readdir(snapshot)).toEqual(['config.json']);
    expect(hub.requests.filter(({ host }) => host === 'cdn').every(({ range }) => range !== undefined)).toBe(true);
  });
});

it('knows a name of the hub from an address and from files', () => {
  expect(modelFiles('org/llama@v1').name).toBe('org/llama@v1');
  expect(modelFiles('org/llama', { revision: 'v2' }).name).toBe('org/llama@v2');
  expect(modelFiles('http://127.0.0.1/org/llama').name).toBe('http://127.0.0.1/org/llama/');
  expect(modelFiles('./org/llama').name).toBe('./org/llama');
  expect(modelFiles('org/x/y.gguf').weights).toBe('y.gguf');
  expect(() => modelFiles('org/x', { revision: '../y' })).toThrow(/not a revision; seen: "..\/y"/);
});
