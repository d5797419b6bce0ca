/** A whole model: the shape of GPT-2 124M with random f32 weights, reading a prompt and generating. */
import { inChild } from './child.ts';
import type { ModelFigures } from './model-run.ts';
import type { Row } from './table.ts';

export async function model(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const threads of [1, 2]) {
    const f = await inChild<ModelFigures>('./model-run.ts', `${threads}`);
    rows.push({
      model: 'GPT-2 124M f32',
      threads,
      'prompt 128 tok/s': 128_000 / f.promptMs.min,
      'decode tok/s': 1000 / f.stepMs.min,
      '(median)': 1000 / f.stepMs.median,
      'ms/token': f.stepMs.median,
      'outside kernels ms': f.outsideMs,
      'share %': (100 * f.outsideMs) / f.stepMs.median,
      'weights GB/s': f.weightBytes / f.stepMs.min / 1e6,
      'peak memory / weights': f.peakBytes / f.weightBytes,
      'bytes allocated by steps 2..': f.allocatedBySteps,
    });
  }
  return rows;
}
