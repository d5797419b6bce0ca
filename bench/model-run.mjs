/**
 * The measured process of `model.ts`: plain JavaScript over the built package, so that no loader counts as memory.
 * Argument: number of threads. Prints `ModelFigures` as JSON.
 */
import { createWasmBackend } from '../dist/backends/wasm/index.js';
import { ConfigReader } from '../dist/models/config-reader.js';
import { gpt2 } from '../dist/models/gpt2.js';
import { DecoderSession } from '../dist/models/session.js';
import { initializeParameters } from '../dist/nn/initialize.js';
import { countParams } from '../dist/nn/params.js';

const PROMPT = 128;
const STEPS = 48;

const backend = await createWasmBackend({ threads: Number(process.argv[2]) });
const config = gpt2.config(new ConfigReader({}, 'GPT-2 124M'));
const spec = gpt2.heads.causalLM.parameters(config);
const params = await initializeParameters(spec, backend, 1);
const model = { architecture: gpt2, config, params, backend, head: 'causalLM' };

const prompt = Array.from({ length: PROMPT }, (_, i) => (i * 7919) % config.vocab_size);
const promptTimes = [];
const stepTimes = [];
const outside = [];
let allocatedBySteps = 0;
for (let round = 0; round < 4; round++) {
  const session = new DecoderSession(model, { batch: 1, capacity: PROMPT + STEPS });
  const start = performance.now();
  await session.step([prompt]);
  promptTimes.push(performance.now() - start);
  let used = 0;
  for (let i = 0; i < STEPS; i++) {
    const begin = performance.now();
    await session.step([[(i * 31) % config.vocab_size]]);
    const ms = performance.now() - begin;
    if (i === 0) used = backend.memory().used;
    else {
      allocatedBySteps = Math.max(allocatedBySteps, backend.memory().used - used);
      stepTimes.push(ms);
      outside.push(ms - backend.lastRun.kernelMs);
    }
  }
  session.dispose();
}
console.log(
  JSON.stringify({
    weightBytes: 4 * countParams(spec),
    promptTimes,
    stepTimes,
    outside,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    allocatedBySteps,
  }),
);
backend.close();
