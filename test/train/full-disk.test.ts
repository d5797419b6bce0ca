/** A disk that is full while a checkpoint is written. */
import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { CheckpointError } from '../../src/errors.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { type TrainOptions, train } from '../../src/train/index.ts';
import { collected, counting, ofType, tinyModel, weightsOf } from './tiny.ts';

/** Bytes that files still take; what a program sees of a full disk. */
const disk = { free: Number.POSITIVE_INFINITY };
{
  const files = process.getBuiltinModule('node:fs/promises');
  const real = { ...files };
  const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  Object.assign(files, {
    async open(...args: Parameters<typeof real.open>) {
      const handle = await real.open(...args);
      const write = handle.write.bind(handle) as FileHandle['write'];
      handle.write = (async (bytes: Uint8Array, offset: number, length: number) => {
        if ((disk.free -= length) < 0) throw full();
        return write(bytes, offset, length);
      }) as FileHandle['write'];
      return handle;
    },
    async writeFile(path: string, text: string | Uint8Array) {
      if ((disk.free -= text.length) < 0) throw full();
      return real.writeFile(path, text);
    },
  });
}

let folder: string;
let backend: Backend;
beforeAll(async () => {
  backend = await createWasmBackend();
});
afterAll(() => backend.close());
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'heed-full-'));
});
afterEach(async () => {
  disk.free = Number.POSITIVE_INFINITY;
  await fs.rm(folder, { recursive: true, force: true });
});

describe('a full disk', () => {
  // The tiny model has 28 kB of weights, and its optimizer twice as many.
  it.each([
    ['the config', 100],
    ['the weights', 10_000],
    ['the optimizer', 60_000],
    ['the state', 86_000],
  ])('that does not take %s ends the run, with the last checkpoint as it was', async (_, free) => {
    const model = await tinyModel(backend);
    const options: TrainOptions = { batches: counting(), maxSteps: 4, saveSteps: 2, outputDir: folder };
    const seen: string[] = [];
    const error = await (async () => {
      for await (const event of train(model, options)) {
        if (event.type === 'checkpoint') disk.free = free;
        seen.push(event.type);
      }
    })().catch((e: unknown) => e);
    expect(seen).toEqual(['start', 'step', 'step', 'checkpoint', 'step', 'step']);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(`${error}`).toMatch(/cannot be written.*ENOSPC.*make room.*resume: true.*checkpoint-4/);
    expect(await fs.readdir(folder)).toEqual(['checkpoint-2']);

    disk.free = Number.POSITIVE_INFINITY;
    const again = await tinyModel(backend, 99);
    const rest = await collected(train(again, { ...options, resume: true }));
    expect(ofType(rest, 'step').map(({ step }) => step)).toEqual([3, 4]);
    expect(await weightsOf(again)).toEqual(await weightsOf(model));
    again.dispose();
    model.dispose();
  });
});
