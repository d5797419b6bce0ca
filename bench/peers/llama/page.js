/**
 * One engine in a page with shared memory, on the GGUF file of the server: reads a prompt of about 128 tokens and generates 64.
 * `?engine=NAME&threads=N`. Sends tokens per second, as each engine counts them itself.
 */
const parameters = new URLSearchParams(location.search);
const threads = Number(parameters.get('threads'));
const TOKENS = 64;
/** The vocabulary has no words of letters, so that each letter is a token. */
const PROMPT = 'abcdefghij'.repeat(12);

const ENGINES = {
  async heed() {
    const { createWasmBackend } = await import('/heed/backends/wasm/index.js');
    const { load } = await import('/heed/hub/load.js');
    const backend = await createWasmBackend({ threads });
    const model = await load(new URL('/model.gguf', location.href).href, { backend });
    return async () => {
      for await (const event of model.generate(PROMPT, { maxNewTokens: TOKENS, eosTokenId: [], doSample: false }))
        if (event.type === 'done') {
          const { promptTokens, promptMs, newTokens, generationMs } = event.stats;
          // The first token comes with the prompt.
          return { tokens: promptTokens, prompt: (1000 * promptTokens) / promptMs, decode: (1000 * (newTokens - 1)) / generationMs };
        }
      throw new Error('generation did not end');
    };
  },
  async wllama() {
    const { Wllama } = await import('/wllama/index.js');
    const wllama = new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { suppressNativeLog: true });
    const blob = await (await fetch('/model.gguf')).blob();
    await wllama.loadModel([blob], { n_threads: threads, n_ctx: 1024, n_batch: 512, n_gpu_layers: 0 });
    return async () => {
      const request = { prompt: PROMPT, max_tokens: TOKENS, temperature: 0, cache_prompt: false, ignore_eos: true };
      const { timings } = await wllama.createCompletion(request);
      return { tokens: timings.prompt_n, prompt: timings.prompt_per_second, decode: timings.predicted_per_second };
    };
  },
};

const send = body => fetch('/result', { method: 'POST', body: JSON.stringify(body) });
try {
  const start = performance.now();
  const run = await ENGINES[parameters.get('engine')]();
  const loadMs = performance.now() - start;
  const runs = [];
  for (let i = 0; i < 3; i++) runs.push(await run());
  await send({ loadMs, isolated: crossOriginIsolated, runs: runs.slice(1) });
} catch (error) {
  await send({ error: String(error?.stack ?? error) });
}
