/**
 * The fast link: a pool of workers on one shared memory. The owner writes straight into it and wakes thread 0, which
 * answers with a message when the program is done.
 */
import { createMemory, LinearMemory, readAll } from './linear-memory.ts';
import { type Link, type LinkOptions, RunFailure } from './link.ts';
import { HEADER } from './module.ts';
import { startThread, type Thread } from './worker.ts';

interface Pool {
  readonly threads: Thread[];
  readonly ready: Promise<void>;
  /** Makes `ready` fail if it is still open. */
  fail(failure: RunFailure): void;
}

export async function sharedLink({ module, threads, initial, maxima }: LinkOptions): Promise<Link> {
  const memory = new LinearMemory(createMemory(initial, maxima, true));
  /** The first memory, and the banks with the module of their kernels. */
  const memories = [memory];
  let bankModule: WebAssembly.Module | undefined;
  let pool: Pool | undefined;
  let previousGone = Promise.resolve();
  let flight: { succeed(): void; fail(failure: RunFailure): void } | undefined;
  let closed = false;

  /** Wakes threads that wait, and lets all leave as soon as their kernel is done. */
  function release(): void {
    const { words } = memory;
    Atomics.store(words, HEADER.stop / 4, 1);
    for (const word of [HEADER.start, HEADER.generation, HEADER.arrived]) {
      Atomics.add(words, word / 4, 1 << 16);
      Atomics.notify(words, word / 4);
    }
  }
  /** Ends a pool but keeps the memory, which the next pool gets when the old threads cannot touch it any more. */
  function stop(old: Pool): void {
    release();
    previousGone = Promise.all([previousGone, ...old.threads.map(t => t.leave())]).then(() => {});
  }

  function start(): Pool {
    const workers: Thread[] = [];
    let missing = threads;
    let fail = (_: RunFailure): void => {};
    const ready = new Promise<void>((succeed, reject) => {
      fail = reject;
      const lose = (what: string, reason: string): void => {
        if (pool !== started) return;
        // Before the threads are let go: thread 0 stands at the step that the lost one is missed in.
        const failure = new RunFailure(what, { seen: reason }, memory.word(HEADER.step));
        pool = undefined;
        stop(started);
        reject(failure);
        flight?.fail(failure);
      };
      const startThreads = async (): Promise<void> => {
        if (pool !== started) return;
        for (const word of [HEADER.start, HEADER.generation, HEADER.arrived, HEADER.stop])
          Atomics.store(memory.words, word / 4, 0);
        for (let thread = 0; thread < threads; thread++) {
          const worker = startThread(`heed ${thread}`, {
            lost: reason => lose('a worker ended', reason),
            message(message) {
              if (message.kind === 'failed') lose('a kernel failed', message.reason);
              else if (message.kind === 'done' && pool === started) flight?.succeed();
              else if (message.kind === 'ready') {
                worker.hold(false);
                if (--missing === 0) succeed();
              }
            },
          });
          workers.push(worker);
        }
        const compiled = await module();
        workers.forEach((worker, thread) => {
          const [first, ...banks] = memories.map(each => each.memory);
          worker.send({ kind: 'join', module: compiled, memory: first!, thread, threads, banks, bankModule });
        });
      };
      previousGone.then(startThreads).catch(error => {
        if (pool === started) pool = undefined;
        stop(started);
        reject(error);
      });
    });
    const started: Pool = { threads: workers, ready, fail };
    // Whoever runs something awaits `ready` and hears of a failure; a pool that nobody uses may fail silently.
    ready.catch(() => {});
    return started;
  }

  const link: Link = {
    kind: 'shared',
    threads,
    get size() {
      return memory.size;
    },
    limit: memory.limit,
    grow: (size, bank = 0) => memories[bank]!.grow(size),
    write: (address, bytes, bank = 0) => memories[bank]!.write(address, bytes),
    async addBank({ module, initial, maxima }) {
      if (closed) throw new RunFailure('backend is closed');
      const bank = new LinearMemory(createMemory(initial, maxima, true));
      memories.push(bank);
      bankModule = module;
      // Threads in their loop hear nothing: the next pool has the bank from its start.
      const old = pool;
      pool = undefined;
      if (old) stop(old);
      pool = start();
      await pool.ready;
      return bank;
    },
    async run({ program, reads }) {
      if (closed) throw new RunFailure('backend is closed');
      if (!program) {
        readAll(memories, reads);
        return 0;
      }
      pool ??= start();
      const running = pool;
      await running.ready;
      const lead = running.threads[0]!;
      try {
        await new Promise<void>((resolve, reject) => {
          if (pool !== running) throw new RunFailure(closed ? 'backend is closed' : 'a worker ended');
          flight = { succeed: resolve, fail: reject };
          lead.hold(true);
          const { words } = memory;
          Atomics.store(words, HEADER.program / 4, program | 0);
          Atomics.add(words, HEADER.start / 4, 1);
          Atomics.notify(words, HEADER.start / 4);
        });
      } finally {
        flight = undefined;
        lead.hold(false);
      }
      readAll(memories, reads);
      return memory.elapsed();
    },
    close() {
      closed = true;
      const old = pool;
      pool = undefined;
      const failure = new RunFailure('backend is closed');
      old?.fail(failure);
      flight?.fail(failure);
      release();
      for (const thread of old?.threads ?? []) thread.end();
      for (const each of memories) each.drop();
    },
  };
  pool = start();
  await pool.ready;
  return link;
}
