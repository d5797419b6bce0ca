/** llama.cpp through its Node binding, on the processor, with the binary that its package brings. */
import { getLlama } from 'node-llama-cpp';

/** Behind the signature of `llama-run.mjs`. */
export async function nodeLlamaCpp(modelPath, threads) {
  const llama = await getLlama({ build: 'never', gpu: false, logLevel: 'error', maxThreads: threads });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads, sequences: 1 });
  const sequence = context.getSequence();
  return {
    used: undefined,
    async prompt(ids) {
      await sequence.clearHistory();
      const start = performance.now();
      await sequence.evaluateWithoutGeneratingNewTokens(ids);
      return [performance.now() - start];
    },
    async generate(ids, count) {
      await sequence.clearHistory();
      const times = [];
      let start = performance.now();
      for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
        const now = performance.now();
        times.push(now - start);
        start = now;
        if (times.length > count) break;
      }
      // The first token is the prompt's.
      return times.slice(1);
    },
  };
}
