/** What the tests of a page are made of: a comparison, a heartbeat, the data that the test server gives. */
import { readWhole } from '../../src/formats/index.ts';
import { urlFiles } from '../../src/hub/files.ts';
import type { GoldenFiles } from '../golden/golden-files.ts';

/** Tests by name; what one returns is shown beside its name. */
export type Suite = Readonly<Record<string, () => Promise<string | void>>>;

export function equal(seen: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(seen) !== JSON.stringify(expected))
    throw new Error(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`);
}

/** The error that `work` ends with, as text. */
export async function failure(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return String(error);
  }
  throw new Error('there was no error');
}

const BEAT_MS = 5;

/** The longest time in milliseconds that the page's thread was busy while `work` ran, seen by a timer every 5 ms. */
export async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const beat = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last - BEAT_MS);
    last = now;
  };
  const timer = setInterval(beat, BEAT_MS);
  await work();
  beat();
  clearInterval(timer);
  return longest;
}

/** Bytes of a file on the test server. */
export async function fetchBytes(folder: string, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await urlFiles(folder).open(file);
  if (!source) throw new Error(`${folder} has no ${file}`);
  return new Uint8Array(await readWhole(source, 1e9));
}

export const GOLDEN = '/data/golden';
/** The reference's numbers, fetched by the library itself. */
export const goldenFiles: GoldenFiles = {
  name: GOLDEN,
  model: folder => urlFiles(`${GOLDEN}/${folder}`),
  async read(path) {
    const cut = path.lastIndexOf('/') + 1;
    const source = await urlFiles(`${GOLDEN}/${path.slice(0, cut)}`).open(path.slice(cut));
    return source && readWhole(source, 1e9);
  },
};
