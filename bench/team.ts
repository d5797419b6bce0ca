/**
 * One module on several threads with one memory: the least that kernels need. Start and end are single words that all
 * threads look at, so that a figure shows the kernel and not a message queue.
 */
import { Worker } from 'node:worker_threads';

type Exports = Record<string, (...args: number[]) => void>;

/** Words of the control block, each on its own cache line: number of the call, threads still at work, then the calls. */
const START = 0;
const LEFT = 16;
const CALL = 32;
const CALL_WORDS = 16;

/** Plain JavaScript, so that no loader has to be started in the worker. Spins for a moment, then sleeps. */
const WORKER = `
const { parentPort, workerData: { module, memory, control, names, thread } } = require('node:worker_threads');
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const call = control.subarray(${CALL} + ${CALL_WORDS} * thread, ${CALL} + ${CALL_WORDS} * (thread + 1));
parentPort.postMessage('ready');
for (let seen = 0; ; seen++) {
  for (let spin = 0; spin < 20000 && Atomics.load(control, ${START}) === seen; spin++);
  Atomics.wait(control, ${START}, seen);
  if (call[0] >= 0) exports[names[call[0]]](...call.subarray(2, 2 + call[1]));
  Atomics.sub(control, ${LEFT}, 1);
}`;

export interface Team {
  readonly exports: Exports;
  /** Calls the export on threads 0..threads-1, thread t with `args(t)`; returns when all are done. */
  run(name: string, threads: number, args: (thread: number) => readonly number[]): void;
  close(): Promise<void>;
}

export async function startTeam(
  bytes: Uint8Array<ArrayBuffer>,
  memory: WebAssembly.Memory,
  threads: number,
): Promise<Team> {
  const module = new WebAssembly.Module(bytes);
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
  const names = Object.keys(exports);
  const control = new Int32Array(new SharedArrayBuffer(4 * (CALL + CALL_WORDS * threads)));
  const workers: Worker[] = [];
  for (let thread = 1; thread < threads; thread++) {
    const worker = new Worker(WORKER, {
      eval: true,
      execArgv: [],
      workerData: { module, memory, control, names, thread },
    });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    workers.push(worker);
  }
  return {
    exports,
    run(name, count, args) {
      if (count > 1) {
        for (let t = 1; t < threads; t++) {
          const words = t < count ? args(t) : [];
          control.set([t < count ? names.indexOf(name) : -1, words.length, ...words], CALL + CALL_WORDS * t);
        }
        Atomics.store(control, LEFT, threads - 1);
        Atomics.add(control, START, 1);
        Atomics.notify(control, START);
      }
      exports[name]!(...args(0));
      while (Atomics.load(control, LEFT) > 0);
    },
    async close() {
      await Promise.all(workers.map(worker => worker.terminate()));
    },
  };
}
