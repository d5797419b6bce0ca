/** A whole model: the shape of GPT-2 124M with random f32 weights, reading a prompt and generating. */
import { inChild } from './child.ts';
import type { Row } from './table.ts';
import { summarize, type Times } from './timing.ts';

/** What `model-run.mjs` prints. Times in milliseconds. */
interface ModelFigures {
  readonly weightBytes: number;
  readonly promptTimes: number[];
  readonly stepTimes: number[];
  /** Time of each decode step that is not spent in kernels. */
  readonly outside: number[];
  /** Highest resident size of the process. */
  readonly peakBytes: number;
  readonly allocatedBySteps: number;
}

export async function model(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const threads of [1, 2]) {
    const f = await inChild<ModelFigures>('./model-run.mjs', `${threads}`);
    const [prompt, step, outside] = [f.promptTimes, f.stepTimes, f.outside].map(summarize) as [Times, Times, Times];
    rows.push({
      model: 'GPT-2 124M f32',
      threads,
      'prompt 128 tok/s': 128_000 / prompt.min,
      'decode tok/s': 1000 / step.min,
      '(median)': 1000 / step.median,
      'ms/token': step.median,
      'outside kernels ms': outside.median,
      'share %': (100 * outside.median) / step.median,
      'weights GB/s': f.weightBytes / step.min / 1e6,
      'peak memory / weights': f.peakBytes / f.weightBytes,
      'bytes allocated by steps 2..': f.allocatedBySteps,
    });
  }
  return rows;
}
