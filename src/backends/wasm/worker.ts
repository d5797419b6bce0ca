/** Worker threads of Node and of the browser behind one small form, and the program text that they run. */
import { BackendError } from '../../errors.ts';

/** What the owner sends to a worker. */
export type ToWorker =
  /** Become thread `thread` of a pool on shared memory. Nothing is heard after `ready` except `done`. */
  | {
      readonly kind: 'join';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly thread: number;
      readonly threads: number;
      /** Further memories, and the module whose kernels work with one of them: see `ModuleOptions.role`. */
      readonly banks: readonly WebAssembly.Memory[];
      readonly bankModule: WebAssembly.Module | undefined;
    }
  /** Make a memory of your own, with the first maximum (in pages) that the engine grants. */
  | {
      readonly kind: 'own';
      readonly module: WebAssembly.Module;
      readonly initial: number;
      readonly maxima: readonly number[];
    }
  /** Only to an owner of memory: make one more, a bank. */
  | {
      readonly kind: 'bank';
      readonly module: WebAssembly.Module;
      readonly initial: number;
      readonly maxima: readonly number[];
    }
  /** Only to an owner of memory: grow the memories to `sizes` bytes, write, run, copy out. Answered by `done`. */
  | {
      readonly kind: 'work';
      readonly sizes: readonly number[];
      readonly writes: readonly (readonly [bank: number, address: number, bytes: Uint8Array])[];
      readonly program: number;
      readonly reads: readonly (readonly [bank: number, address: number, bytes: number])[];
      readonly header: number;
    };

/** What a worker sends back. `header` is a copy of the first bytes of its memory; `full` = it could not grow. */
export type FromWorker =
  | { readonly kind: 'ready'; readonly maximum: number }
  | { readonly kind: 'done'; readonly copies?: readonly ArrayBuffer[]; readonly header?: ArrayBuffer }
  | { readonly kind: 'failed'; readonly reason: string; readonly full: boolean; readonly header?: ArrayBuffer }
  | { readonly kind: 'left' };

/** Runs in a worker after `send` and `listen` are defined. Plain JavaScript: no loader of the application touches it. */
const PROGRAM = `
let memory, exports, owns = false, full = false;
const memories = [];
const start = async (module) => {
  const env = { memory, now: () => performance.now(), done: () => send({ kind: 'done' }) };
  ({ exports } = await WebAssembly.instantiate(module, { env }));
};
/** At once: answers are given in the order of the questions. */
const addBank = (module, bank) => {
  const kernels = new WebAssembly.Instance(module, { env: { memory, bank } });
  for (const kernel of Object.values(kernels.exports)) exports.table.set(exports.table.grow(1), kernel);
};
/** Makes a memory with the first maximum that the engine grants. */
const create = ({ initial, maxima }) => {
  let refused;
  for (const maximum of maxima) {
    try {
      memories.push(new WebAssembly.Memory({ initial, maximum }));
      return maximum;
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
};
const actions = {
  async join(m) {
    memory = m.memory;
    await start(m.module);
    for (const bank of m.banks) addBank(m.bankModule, bank);
    send({ kind: 'ready', maximum: 0 });
    exports.loop(m.thread, m.threads);
    send({ kind: 'left' });
  },
  async own(m) {
    const maximum = create(m);
    memory = memories[0];
    await start(m.module);
    owns = true;
    send({ kind: 'ready', maximum });
  },
  async bank(m) {
    const maximum = create(m);
    addBank(m.module, memories.at(-1));
    send({ kind: 'ready', maximum });
  },
  async work(m) {
    full = true;
    m.sizes.forEach((size, i) => {
      const missing = Math.ceil((size - memories[i].buffer.byteLength) / 65536);
      if (missing > 0) memories[i].grow(missing);
    });
    full = false;
    for (const [bank, address, bytes] of m.writes)
      new Uint8Array(memories[bank].buffer, address, bytes.byteLength).set(bytes);
    if (m.program) exports.run(m.program, 1);
    const copies = m.reads.map(([bank, address, bytes]) => memories[bank].buffer.slice(address, address + bytes));
    const header = memory.buffer.slice(0, m.header);
    send({ kind: 'done', copies, header }, [...copies, header]);
  },
};
listen(m => actions[m.kind](m).catch(error => {
  const header = owns ? memory.buffer.slice(0, m.header) : undefined;
  send({ kind: 'failed', reason: String(error), full, header });
  full = false;
}));
`;
const NODE = `
const { parentPort } = require('node:worker_threads');
const send = (message, transfer) => parentPort.postMessage(message, transfer);
const listen = receive => parentPort.on('message', receive);
${PROGRAM}`;
const BROWSER = `
const send = (message, transfer) => postMessage(message, transfer || []);
const listen = receive => { onmessage = event => receive(event.data); };
${PROGRAM}`;

/** A worker that has been started. */
export interface Thread {
  send(message: ToWorker, transfer?: ArrayBuffer[]): void;
  /** Whether this thread keeps the process alive. Without meaning in a browser. */
  hold(on: boolean): void;
  /** Ends it, whatever it does. */
  end(): void;
  /** The same, for a thread that has been told to leave its loop; resolves when it cannot touch memory any more. */
  leave(): Promise<void>;
}
export interface ThreadEvents {
  message(message: FromWorker): void;
  /** The worker broke or ended. May be called more than once, and after `end()`. */
  lost(reason: string): void;
}

const nodeThreads = (): typeof import('node:worker_threads') | undefined =>
  typeof process === 'object' ? process.getBuiltinModule?.('node:worker_threads') : undefined;

/** True where `startThread` can work. */
export const canStartThreads = (): boolean => nodeThreads() !== undefined || typeof Worker === 'function';

/** Starts a worker. @throws BackendError when the page's security policy forbids it. */
export function startThread(name: string, events: ThreadEvents): Thread {
  const node = nodeThreads();
  return node ? nodeThread(node, name, events) : browserThread(name, events);
}

/**
 * Megabytes of a worker's JavaScript heap, which holds next to nothing: what counts is in wasm memory. Below 2 GB V8 does
 * not copy its builtins for the thread, and a small young generation is collected before it grows.
 */
const LIMITS = { maxOldGenerationSizeMb: 1024, maxYoungGenerationSizeMb: 1 };

function nodeThread({ Worker }: typeof import('node:worker_threads'), name: string, events: ThreadEvents): Thread {
  // Without execArgv: loaders of the application (tsx, a test runner) cost far more than the whole worker.
  const worker = new Worker(NODE, { eval: true, name, execArgv: [], resourceLimits: LIMITS });
  let leaving = false;
  worker.on('message', events.message);
  worker.on('error', error => events.lost(String(error)));
  worker.on('exit', () => events.lost('the worker ended'));
  return {
    send: (message, transfer) => worker.postMessage(message, transfer),
    hold(on) {
      // The process has to wait for a worker that leaves, or whoever awaits that would never hear of it.
      if (on || leaving) worker.ref();
      else worker.unref();
    },
    end: () => void worker.terminate(),
    async leave() {
      leaving = true;
      await worker.terminate();
    },
  };
}

/** Chromium lets a worker run on for two seconds after `terminate()` if it is inside a long loop. */
const BROWSER_GRACE_MS = 2500;

function browserThread(name: string, events: ThreadEvents): Thread {
  const url = URL.createObjectURL(new Blob([BROWSER], { type: 'text/javascript' }));
  let worker: Worker;
  try {
    worker = new Worker(url, { name });
  } catch (cause) {
    throw new BackendError('cannot start a worker', { fix: 'allow `worker-src blob:` or pass threads: 0', cause });
  } finally {
    URL.revokeObjectURL(url);
  }
  let left = (): void => {};
  const leaving = new Promise<void>(resolve => {
    left = resolve;
  });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === 'left' || data.kind === 'failed') left();
    events.message(data);
  };
  worker.onerror = event => {
    left();
    events.lost(event.message || 'the worker could not be loaded');
  };
  return {
    send: (message, transfer) => worker.postMessage(message, transfer ?? []),
    hold() {},
    end: () => worker.terminate(),
    async leave() {
      await Promise.race([leaving, new Promise(resolve => setTimeout(resolve, BROWSER_GRACE_MS))]);
      worker.terminate();
    },
  };
}
