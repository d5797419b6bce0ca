import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { BackendError } from '../../errors.ts';
import { createWasmBackend } from './index.ts';
import type { WasmKernel } from './kernel.ts';
import { step, TEST_KERNELS, view } from './test-kernels.ts';

const N = 1000;
const x = view({ kind: 'leaf', index: 0 }, [N]);
const y = view({ kind: 'leaf', index: 1 }, [N]);
const plan = (steps: Parameters<typeof step>[]) => ({
  steps: steps.map(s => step(...s)),
  arenaBytes: 0,
  uploads: [],
  reads: [y],
});

/** A backend, and the workers that it starts. */
async function observed(threads: number) {
  const workers: Worker[] = [];
  const seen = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
    if (!workers.includes(this)) workers.push(this);
    return original.apply(this, args);
  });
  const backend = await createWasmBackend({ threads, kernels: TEST_KERNELS, revectorize: false });
  const buffers = [backend.alloc(4 * N), backend.alloc(4 * N)];
  backend.write(buffers[0]!, new Float32Array(N).fill(1));
  const run = (steps: Parameters<typeof step>[]) =>
    backend.run(backend.prepare(plan(steps)), { leaves: buffers, uploads: [], results: [] });
  return { backend, workers, run, restore: () => seen.mockRestore() };
}
const original = Worker.prototype.postMessage;

describe('a pool of workers', () => {
  it.each([0, 1])(
    'survives the end of thread %i during a run: the run fails, the next has a new pool',
    async thread => {
      const { backend, workers, run, restore } = await observed(2);
      try {
        await run([['rotate', [x], y]]);
        const running = run([['spin', [], y, { rounds: 2_000_000_000 }, 'blocks.0']]);
        const queued = run([['rotate', [x], y]]);
        await sleep(20);
        void workers[thread]!.terminate();
        await expect(running).rejects.toThrow(/a worker ended.*\(in spin, blocks\.0\)/);
        await expect(running).rejects.toBeInstanceOf(BackendError);
        expect((await queued)[0]![5]).toBe(2);
        expect(workers.length).toBe(4);
      } finally {
        restore();
        backend.close();
      }
    },
  );

  it('notices a worker that ends while nothing runs', async () => {
    const { backend, workers, run, restore } = await observed(2);
    try {
      await workers[1]!.terminate();
      await sleep(5);
      expect((await run([['rotate', [x], y]]))[0]![5]).toBe(2);
    } finally {
      restore();
      backend.close();
    }
  });

  it('leaves no worker behind when closed', async () => {
    const { backend, workers, restore } = await observed(3);
    const exits = Promise.all(workers.map(w => new Promise(resolve => w.once('exit', resolve))));
    backend.close();
    expect((await exits) as number[]).toHaveLength(3);
    restore();
  });
});

describe.each(['shared', 'remote'] as const)('a %s backend that cannot start', link => {
  it('ends its workers', async () => {
    const ended = vi.spyOn(Worker.prototype, 'terminate');
    const broken: WasmKernel = {
      name: 'broken',
      args() {},
      emit() {
        throw new Error('no such instruction');
      },
    };
    try {
      await expect(createWasmBackend({ threads: 2, link, kernels: [broken] })).rejects.toThrow(/no such instruction/);
      expect(ended).toHaveBeenCalledTimes(link === 'shared' ? 2 : 1);
      const tiny = createWasmBackend({ threads: 2, link, kernels: TEST_KERNELS, memory: { maximumBytes: 1 << 20 } });
      await expect(tiny).rejects.toThrow(/out of memory/);
      expect(ended).toHaveBeenCalledTimes(link === 'shared' ? 4 : 2);
    } finally {
      ended.mockRestore();
    }
  });
});

describe('a process', () => {
  const url = (file: string) => JSON.stringify(pathToFileURL(`${import.meta.dirname}/${file}`).href);
  const program = (options: string) => `
    const { createWasmBackend } = await import(${url('index.ts')});
    const { TEST_KERNELS, step, view } = await import(${url('test-kernels.ts')});
    const x = view({ kind: 'leaf', index: 0 }, [4]);
    const backend = await createWasmBackend({ kernels: TEST_KERNELS, revectorize: false, ${options} });
    const leaves = [backend.alloc(16)];
    backend.write(leaves[0], new Float32Array(4));
    const run = (...steps) =>
      backend.run(backend.prepare({ steps, arenaBytes: 0, uploads: [], reads: [x] }), { leaves, uploads: [], results: [] });
    const slow = step('spin', [], x, { rounds: 300_000_000 });
    const [first] = await run(slow, step('rotate', [x], x, { serial: true }));
    await run(step('boom', [], x, { thread: backend.link.threads - 1 })).catch(error => console.log(error.name));
    const [second] = await run(slow, step('rotate', [x], x, { serial: true }));
    console.log(first[0], second[0]);
    globalThis.backend = backend;`;

  it.each(['threads: 2', "threads: 1, link: 'remote'"])(
    'waits for a run in flight, also after a failure, and then ends by itself (%s)',
    options => {
      const { stdout, stderr, status, signal } = spawnSync(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '--eval', program(options)],
        { encoding: 'utf8', timeout: 30_000 },
      );
      expect({ stdout, stderr, status, signal }).toEqual({
        stdout: 'BackendError\n1 2\n',
        stderr: '',
        status: 0,
        signal: null,
      });
    },
  );
});
