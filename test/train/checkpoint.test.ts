/** Runs that are cut off, disks that are full, files that are cut in half: what is left, and how it goes on. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { CheckpointError } from '../../src/errors.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { type TrainOptions, train } from '../../src/train/index.ts';
import { killableRun, STEPS } from './killed-run.ts';
import { collected, counting, ofType, tinyModel, weightsOf } from './tiny.ts';

let backend: Backend;
let folder: string;
beforeAll(async () => {
  backend = await createWasmBackend();
});
afterAll(() => backend.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-train-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const filesOf = async (path: string): Promise<Record<string, string>> => {
  const names = (await readdir(path)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async name => [name, await readFile(join(path, name), 'base64')] as const)),
  );
};
const recipe = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  batches: counting(),
  learningRate: 1e-2,
  maxSteps: 6,
  saveSteps: 2,
  outputDir: folder,
  ...more,
});
const trained = async (options: TrainOptions, model?: Model) => {
  const own = model ?? (await tinyModel(backend));
  try {
    return await collected(train(own, options));
  } finally {
    if (!model) own.dispose();
  }
};
const killed = async (path: string, how: string, at: number): Promise<string | null> => {
  const script = fileURLToPath(new URL('killed-run.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, how, `${at}`], { stdio: 'inherit' });
  return new Promise(resolve => child.on('exit', (_, signal) => resolve(signal)));
};

describe('checkpoints', () => {
  it('bring a run that was killed again and again to the same bytes', async () => {
    const [whole, cut] = [join(folder, 'whole'), join(folder, 'cut')];
    const events = await collected(killableRun(backend, whole));
    // Before the first checkpoint, in the middle of writing one, after one, and in the middle of the last.
    for (const [how, at] of [
      ['step', 2],
      ['save', 6],
      ['step', 8],
      ['save', STEPS],
    ] as const)
      expect(await killed(cut, how, at)).toBe('SIGKILL');
    expect(await readdir(cut)).toContain(`checkpoint-${STEPS}.incomplete`);
    const rest = await collected(killableRun(backend, cut));
    expect(ofType(rest, 'step').map(({ step }) => step)).toEqual([10, 11, 12]);
    expect(ofType(rest, 'step').at(-1)!.loss).toBe(ofType(events, 'step').at(-1)!.loss);
    expect((await readdir(cut)).sort()).toEqual((await readdir(whole)).sort());
    for (const name of await readdir(whole))
      expect(await filesOf(join(cut, name)), name).toEqual(await filesOf(join(whole, name)));
  }, 120_000);

  it('are not written where there is no folder', async () => {
    const path = join(folder, 'a-file');
    await writeFile(path, '');
    await expect(trained(recipe({ outputDir: path }))).rejects.toThrow(/cannot be read.*ENOTDIR.*another outputDir/);
  });

  it('are models that can be loaded', async () => {
    const model = await tinyModel(backend);
    const events = await trained(recipe(), model);
    expect(ofType(events, 'checkpoint').map(({ path }) => path)).toEqual(
      [2, 4, 6].map(step => `${folder}/checkpoint-${step}`),
    );
    const again = await load(`${folder}/checkpoint-6`, { backend });
    expect(await weightsOf(again)).toEqual(await weightsOf(model));
    again.dispose();
    model.dispose();
  });

  it('are written at the end and when a run is aborted', async () => {
    const abort = new AbortController();
    const model = await tinyModel(backend);
    const events = [];
    for await (const event of train(model, recipe({ saveSteps: undefined, signal: abort.signal }))) {
      events.push(event);
      if (event.type === 'step' && event.step === 3) abort.abort();
    }
    expect(events.slice(-2)).toMatchObject([
      { type: 'checkpoint', step: 3 },
      { type: 'done', reason: 'aborted' },
    ]);
    const rest = await trained(recipe({ saveSteps: undefined, resume: true }));
    expect(ofType(rest, 'step').map(({ step }) => step)).toEqual([4, 5, 6]);
    model.dispose();
  });

  it('are kept as many as asked for, the best among them, whose weights the run may end with', async () => {
    const model = await tinyModel(backend);
    // The rate is so high that the run soon gets worse.
    const options = recipe({
      learningRate: 0.3,
      lrSchedulerType: 'constant',
      validation: counting({ seed: 5, perEpoch: 2, epochs: 1 }),
      evalSteps: 1,
      saveSteps: 1,
      maxSteps: 8,
      saveTotalLimit: 2,
      loadBestModelAtEnd: true,
    });
    const events = await trained(options, model);
    const { best } = ofType(events, 'done')[0]!;
    const least = ofType(events, 'validation').reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(best).toEqual({ step: least.step, loss: least.loss, path: `${folder}/checkpoint-${least.step}` });
    expect(least.step).toBeLessThan(7);
    expect((await readdir(folder)).sort()).toEqual([`checkpoint-${least.step}`, 'checkpoint-8']);
    const saved = await load(best!.path!, { backend });
    expect(await weightsOf(model)).toEqual(await weightsOf(saved));
    saved.dispose();
    model.dispose();
  });

  it('are not mixed with those of another run, and not gone on from with another recipe', async () => {
    await trained(recipe({ maxSteps: 2 }));
    await expect(trained(recipe())).rejects.toThrow(/holds checkpoints of another run.*checkpoint-2.*resume: true/);
    const other = trained(recipe({ maxSteps: 2, resume: true, learningRate: 2e-2, weightDecay: 0.5 }));
    await expect(other).rejects.toThrow(
      /goes on as it began.*learningRate was 0.01, now 0.02; weightDecay was 0, now 0.5/,
    );
    const frozen = trained(recipe({ maxSteps: 2, resume: true, trainable: name => !name.startsWith('wte') }));
    await expect(frozen).rejects.toThrow(/parameter wte.weight was "\[16,16\]", now not there/);
    const done = await trained(recipe({ maxSteps: 2, resume: true }));
    expect(done.map(({ type }) => type)).toEqual(['start', 'done']);
  });

  it.each([
    [
      'cut in half',
      'optimizer.safetensors',
      (file: string) => truncate(file, 1000),
      /optimizer.safetensors is not whole/,
    ],
    [
      'cut in half',
      'model.safetensors',
      (file: string) => truncate(file, 1000),
      /model.safetensors is not whole.*1000 bytes/,
    ],
    ['cut in half', 'state.json', (file: string) => truncate(file, 200), /state.json is not whole/],
    ['missing', 'state.json', (file: string) => rm(file), /no state of a run/],
    ['of another program', 'state.json', (file: string) => writeFile(file, '[]'), /state.json is of another form/],
  ])('that are %s (%s) are told and passed over', async (_, name, harm, message) => {
    await trained(recipe());
    const whole = await filesOf(join(folder, 'checkpoint-6'));
    await harm(join(folder, 'checkpoint-6', name));
    const named = trained(recipe({ resume: `${folder}/checkpoint-6` }));
    await expect(named).rejects.toThrow(CheckpointError);
    await expect(trained(recipe({ resume: `${folder}/checkpoint-6` }))).rejects.toThrow(message);
    const rest = await trained(recipe({ resume: true }));
    expect(ofType(rest, 'warning').map(warning => warning.message)).toEqual([expect.stringMatching(message)]);
    expect(ofType(rest, 'step').map(({ step }) => step)).toEqual([5, 6]);
    expect(await filesOf(join(folder, 'checkpoint-6'))).toEqual(whole);
    expect(await readdir(folder)).toHaveLength(3);
  });
});
