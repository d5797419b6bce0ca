/**
 * A lock that holds between processes and machines, as a file: whoever creates it has it. The holder touches it while it works;
 * a file whose process is gone, or that nobody touches, is taken away. Node has no locks of the operating system.
 *
 * Two holders at once are not impossible, when one slept for long. What is done under the lock must bear it: here both write the
 * same bytes at the same places.
 */
import { nodeFiles } from '../formats/index.ts';
import { pause } from './retry.ts';
import { storing } from './storage-error.ts';

export interface LockTimes {
  /** Between two looks at a lock that others hold. */
  readonly pollMs: number;
  /** Between two touches. */
  readonly beatMs: number;
  /** A lock that nobody touched for so long belongs to nobody. */
  readonly staleMs: number;
}
const TIMES: LockTimes = { pollMs: 100, beatMs: 5_000, staleMs: 30_000 };

/**
 * Runs `work` under the lock `path`, whose folder exists. Waits for as long as others hold it.
 * @throws the signal's reason when aborted while waiting, and what `work` throws
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
  times: LockTimes = TIMES,
): Promise<T> {
  const { readFile, rm, utimes } = await nodeFiles();
  const { process } = globalThis;
  const host = process.getBuiltinModule('node:os').hostname();
  const own = `${process.pid} ${host} ${crypto.randomUUID()}\n`;
  await acquire(path, own, host, times, signal);
  // A lock that was taken away in between costs others a second download, no more.
  const touch = () => utimes(path, new Date(), new Date()).catch(ignoreMissing);
  const beat = setInterval(() => void touch(), times.beatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    const holder = await readFile(path, 'utf8').catch(ignoreMissing);
    if (holder === own) await rm(path, { force: true });
  }
}

async function acquire(path: string, own: string, host: string, times: LockTimes, signal?: AbortSignal): Promise<void> {
  const { readFile, stat, writeFile } = await nodeFiles();
  let state = '';
  let since = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    const created = await storing(path, () =>
      writeFile(path, own, { flag: 'wx' }).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false;
          throw error;
        },
      ),
    );
    if (created) return;
    const holder = await readFile(path, 'utf8').catch(ignoreMissing);
    const touched = (await stat(path).catch(ignoreMissing))?.mtimeMs;
    if (holder === undefined || touched === undefined) continue;
    // Clocks of machines differ: what counts is how long this one saw no change.
    if (state !== `${touched} ${holder}`) {
      state = `${touched} ${holder}`;
      since = performance.now();
    }
    if (isGone(holder, host) || performance.now() - since > times.staleMs) await takeAway(path, holder);
    else await pause(times.pollMs, signal);
  }
}

/** Whether a lock's process is known to be gone. */
function isGone(holder: string, host: string): boolean {
  const [pid, itsHost] = holder.trim().split(' ');
  if (!/^\d+$/.test(pid!) || itsHost !== host) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes a lock that nobody holds; one that another process made in the meantime is put back. */
async function takeAway(path: string, holder: string): Promise<void> {
  const { readFile, rename, rm } = await nodeFiles();
  const aside = `${path}.${crypto.randomUUID()}`;
  const moved = await rename(path, aside).then(() => true, ignoreMissing);
  if (!moved) return;
  if ((await readFile(aside, 'utf8')) === holder) await rm(aside, { force: true });
  else await rename(aside, path);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
