/**
 * The link for pages without shared memory: one worker owns the memory, and everything reaches it as messages in order.
 * Writes are gathered and travel with the next run. Memory that dies with its worker cannot be brought back.
 */
import { elapsedIn } from './linear-memory.ts';
import { type Link, type LinkOptions, type LinkRead, RunFailure } from './link.ts';
import { PAGE } from './memory.ts';
import { HEADER } from './module.ts';
import { type FromWorker, startThread } from './worker.ts';

/** Gathered writes are sent ahead when they come to this many bytes. */
const SEND_AT = 4 << 20;

export async function remoteLink({ module, initial, maxima }: LinkOptions): Promise<Link> {
  /** Of the first memory and of the banks. */
  const sizes = [initial * PAGE];
  let outbox: [bank: number, address: number, bytes: Uint8Array][] = [];
  let outboxBytes = 0;
  /** Answers are awaited in the order of the questions. */
  const waiting: { succeed(message: FromWorker): void; fail(failure: RunFailure): void }[] = [];
  let ended: RunFailure | undefined;
  /** A gathered write that was sent ahead and failed: the next run says so. */
  let early: RunFailure | undefined;

  const worker = startThread('heed', {
    lost: reason =>
      end(new RunFailure('a worker ended', { seen: reason, fix: 'create a new backend: its memory is lost' })),
    message(message) {
      const answer = waiting.shift();
      if (message.kind !== 'failed') answer?.succeed(message);
      else answer?.fail(failureOf(message));
      if (!waiting.length) worker.hold(false);
    },
  });
  function end(failure: RunFailure): void {
    ended ??= failure;
    for (const answer of waiting.splice(0)) answer.fail(ended);
  }
  function ask(message: Parameters<typeof worker.send>[0], transfer: ArrayBuffer[] = []): Promise<FromWorker> {
    return new Promise((succeed, fail) => {
      waiting.push({ succeed, fail });
      worker.hold(true);
      worker.send(message, transfer);
    });
  }
  function work(program: number, reads: readonly LinkRead[]): Promise<FromWorker> {
    const writes = outbox;
    outbox = [];
    outboxBytes = 0;
    const transfer = writes.map(([, , bytes]) => bytes.buffer as ArrayBuffer);
    const ranges = reads.map(({ bank, address, into }) => [bank, address, into.byteLength] as const);
    return ask({ kind: 'work', sizes, writes, program, reads: ranges, header: HEADER.end }, transfer);
  }

  let limit = 0;
  try {
    const ready = await ask({ kind: 'own', module: await module(), initial, maxima });
    if (ready.kind === 'ready') limit = ready.maximum * PAGE;
  } catch (error) {
    worker.end();
    throw error;
  }
  return {
    kind: 'remote',
    threads: 1,
    get size() {
      return sizes[0]!;
    },
    limit,
    grow(bytes, bank = 0) {
      sizes[bank] = bytes;
      return true;
    },
    async addBank(bank) {
      if (ended) throw ended;
      const ready = await ask({ kind: 'bank', ...bank });
      if (ready.kind !== 'ready') throw new RunFailure('a worker ended');
      const size = bank.initial * PAGE;
      sizes.push(size);
      return { size, limit: ready.maximum * PAGE };
    },
    write(address, bytes, bank = 0) {
      if (ended) return;
      outbox.push([bank, address, bytes.slice()]);
      outboxBytes += bytes.byteLength;
      if (outboxBytes >= SEND_AT) work(0, []).catch((failure: RunFailure) => (early ??= failure));
    },
    async run({ program, reads }) {
      if (ended) throw ended;
      const answer = await work(program, reads);
      const failure = early;
      early = undefined;
      if (failure) throw failure;
      if (answer.kind !== 'done' || !answer.header || !answer.copies) throw new RunFailure('a worker ended');
      for (const [i, copy] of answer.copies.entries()) reads[i]!.into.set(new Uint8Array(copy));
      return program ? elapsedIn(answer.header) : 0;
    },
    close() {
      end(new RunFailure('backend is closed'));
      worker.end();
    },
  };
}

function failureOf({ reason, full, header }: Extract<FromWorker, { kind: 'failed' }>): RunFailure {
  if (full)
    return new RunFailure('out of memory', {
      seen: reason,
      fix: 'free tensors, or create the backend with a smaller memory.maximumBytes',
    });
  const step = header ? new Uint32Array(header)[HEADER.step / 4]! : 0;
  return new RunFailure('a kernel failed', { seen: reason }, step);
}
