/** The measured process of `model.ts`: prints its figures as JSON. Argument: number of threads. */
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { ConfigReader } from '../src/models/config-reader.ts';
import { gpt2 } from '../src/models/gpt2.ts';
import { CausalSession } from '../src/models/session.ts';
import { initializeParameters } from '../src/nn/initialize.ts';
import { countParams } from '../src/nn/params.ts';
import { summarize, type Times } from './timing.ts';

export interface ModelFigures {
  readonly weightBytes: number;
  readonly promptMs: Times;
  readonly stepMs: Times;
  /** Median time of a decode step that is not spent in kernels. */
  readonly outsideMs: number;
  /** Highest resident size of the process. */
  readonly peakBytes: number;
  readonly allocatedBySteps: number;
}
const PROMPT = 128;
const STEPS = 48;

const backend = await createWasmBackend({ threads: Number(process.argv[2]) });
const config = gpt2.config(new ConfigReader({}, 'GPT-2 124M'));
const spec = gpt2.heads.causalLM.parameters(config);
const params = await initializeParameters(spec, backend, 1);
const model = { architecture: gpt2, config, params, backend } as unknown as ConstructorParameters<
  typeof CausalSession
>[0];

const prompt = Array.from({ length: PROMPT }, (_, i) => (i * 7919) % config.vocab_size);
const promptTimes: number[] = [];
const stepTimes: number[] = [];
const outside: number[] = [];
let allocatedBySteps = 0;
for (let round = 0; round < 4; round++) {
  const session = new CausalSession(model, { batch: 1, capacity: PROMPT + STEPS });
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
const figures: ModelFigures = {
  weightBytes: 4 * countParams(spec),
  promptMs: summarize(promptTimes),
  stepMs: summarize(stepTimes),
  outsideMs: summarize(outside).median,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  allocatedBySteps,
};
console.log(JSON.stringify(figures));
backend.close();
