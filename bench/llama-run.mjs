/**
 * One engine on one GGUF file, in a process of its own: plain JavaScript over the built package, so that no loader counts as
 * memory. Arguments: engine, file, number of threads. It does what its parent's messages ask for, one after the other, and
 * answers each with milliseconds; its first message says what loading took.
 */
import { argmax, IDS } from './llama-tokens.mjs';

const [engine, path, threads] = process.argv.slice(2);

/** Reads prompts and generates; both engines choose the likeliest token. */
const ENGINES = {
  async heed() {
    const { createWasmBackend } = await import('../dist/backends/wasm/index.js');
    const { load } = await import('../dist/hub/load.js');
    const backend = await createWasmBackend({ threads: Number(threads) });
    const model = await load(path, { backend });
    const used = backend.memory().used;
    const step = async (session, ids) => (await session.step([ids]))[0];
    return {
      used,
      async prompt(ids) {
        const session = model.open({ batch: 1, capacity: ids.length });
        const start = performance.now();
        await step(session, ids);
        const ms = performance.now() - start;
        session.dispose();
        return [ms];
      },
      async generate(ids, count) {
        const session = model.open({ batch: 1, capacity: ids.length + count });
        let token = argmax(await step(session, ids), model.vocabSize);
        const times = [];
        for (let i = 0; i < count; i++) {
          const start = performance.now();
          token = argmax(await step(session, [token]), model.vocabSize);
          times.push(performance.now() - start);
        }
        session.dispose();
        return times;
      },
    };
  },
  async 'node-llama-cpp'() {
    const { nodeLlamaCpp } = await import('./peers/llama/node-llama-cpp.mjs');
    return nodeLlamaCpp(path, Number(threads));
  },
};

const before = process.memoryUsage().rss;
const start = performance.now();
const run = await ENGINES[engine]();
const loadMs = performance.now() - start;
process.send({ loadMs, used: run.used, rss: process.memoryUsage().rss - before });
process.on('message', async ({ prompt, generate }) => {
  process.send(prompt ? await run.prompt(IDS.slice(0, prompt)) : await run.generate(IDS.slice(0, 16), generate));
});
process.on('disconnect', () => process.exit(0));
