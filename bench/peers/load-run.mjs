/** Loads one vocabulary with one engine in a fresh process and prints what that takes: `node load-run.mjs ENGINE VOCABULARY`. */
import { ENGINES } from './engines.mjs';

const [engine, vocabulary] = [process.argv[2], JSON.parse(process.argv[3])];
const inUse = () => {
  // The first one frees objects, the second the buffers that they held.
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, kept: heapUsed + external };
};
const start = performance.now();
const load = await ENGINES[engine]();
const importMs = performance.now() - start;
const before = inUse();
const loadStart = performance.now();
const encode = await load(vocabulary);
await encode?.('a');
const ms = performance.now() - loadStart;
const after = inUse();
console.log(JSON.stringify(encode ? { importMs, ms, kept: after.kept - before.kept, rss: after.rss - before.rss } : {}));
// So that what was loaded is still in use above.
await encode?.('b');
