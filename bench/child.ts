/** Runs one measurement in a process of its own, so that its memory and its start are its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs `file` (beside this one) with the same engine; resolves with the JSON that it prints last. */
export async function inChild<T>(file: string, ...args: string[]): Promise<T> {
  const path = new URL(file, import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', path, ...args], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}
