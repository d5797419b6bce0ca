/** Muon against PyTorch 2.13's `torch.optim.Muon` (`match_rms_adamw`; its iteration in f32, where it takes bf16). */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../backends/reference/index.ts';
import { param } from '../../nn/params.ts';
import { dataOfAll, Tensor } from '../../tensor/index.ts';
import { createRng } from '../../util/rng.ts';
import { trainSettings } from '../options.ts';
import { adamw } from './adamw.ts';
import { muon } from './muon.ts';

const backend = createReferenceBackend();
const settings = trainSettings({ batches: { async *from() {} } });
function onDevice(values: readonly number[], shape: readonly number[]): Tensor {
  const buffer = backend.alloc(4 * values.length);
  backend.write(buffer, Float32Array.from(values));
  return Tensor.fromDevice(buffer, shape);
}

/** The parameter after each step. */
async function steps(start: readonly number[], shape: readonly number[], gradients: readonly (readonly number[])[]) {
  let [value, momentum] = [[...start], start.map(() => 0)];
  const seen: number[][] = [];
  for (const [i, gradient] of gradients.entries()) {
    const at = muon.numbers({ step: i + 1, learningRate: 0.1, weightDecay: 0.01, clip: 1 }, settings);
    const numbers = Object.fromEntries(Object.entries(at).map(([key, x]) => [key, Tensor.from([x], [])]));
    const state = { momentum_buffer: onDevice(momentum, shape) };
    const after = muon.update({
      ...{ value: onDevice(value, shape), gradient: onDevice(gradient, shape) },
      ...{ state, numbers, settings },
    });
    const [next, kept] = await dataOfAll(after.value, after.state.momentum_buffer!);
    [value, momentum] = [[...next!], [...kept!]];
    seen.push(value);
  }
  return seen;
}

describe('muon', () => {
  const W = [0.5, -0.25, 0, 1, -2, 0.125];
  it.each([
    {
      shape: [2, 3],
      gradients: [
        [0.3, -0.2, 0, 0.5, 0.25, -1],
        [0.5, 0.25, -1, 0.3, -0.2, 0],
      ],
      expected: [
        [0.473445, -0.2287224, -0.0062701, 0.9893027, -2.0050433, 0.1480317],
        [0.4714482, -0.2417994, 0.0182869, 0.9612759, -1.983205, 0.1447838],
      ],
    },
    {
      shape: [3, 2],
      gradients: [
        [0.3, -0.2, 0, 0.5, 0.25, -1],
        [0.25, -1, 0, 0.5, 0.3, -0.2],
      ],
      expected: [
        [0.4761861, -0.2497022, -0.0086031, 0.985976, -2.0030897, 0.1466216],
        [0.4677623, -0.2324502, -0.0285256, 0.9665143, -2.0233505, 0.1518899],
      ],
    },
  ])('steps as the reference does, $shape', async ({ shape, gradients, expected }) => {
    const seen = await steps(W, shape, gradients);
    for (const [step, values] of expected.entries())
      for (const [i, x] of values.entries()) expect(seen[step]![i]).toBeCloseTo(x, 5);
  });

  it('changes all directions alike: U Vᵀ of the gradient, whatever its singular values', async () => {
    const [rows, columns] = [6, 9];
    const rng = createRng(7);
    // Rows of very different size.
    const gradient = Array.from(
      { length: rows * columns },
      (_, i) => (rng.uniform() - 0.5) / 2 ** Math.floor(i / columns),
    );
    const zeros = gradient.map(() => 0);
    const [step] = await steps(zeros, [rows, columns], [gradient]);
    const unit = step!.map(x => -x / (0.1 * 0.2 * Math.sqrt(columns)));
    const row = (i: number) => unit.slice(i * columns, (i + 1) * columns);
    const lengths = Array.from({ length: rows }, (_, i) => Math.hypot(...row(i)));
    expect(Math.min(...lengths)).toBeGreaterThan(0.6);
    expect(Math.max(...lengths)).toBeLessThan(1.3);
  });

  it('leaves tables and vectors to AdamW', () => {
    const { others } = muon;
    expect(others!.optimizer).toBe(adamw);
    expect(others!.of(param([8, 4], 'normal', { table: true }))).toBe(true);
    expect(others!.of(param([8], 'ones'))).toBe(true);
    expect(others!.of(param([8, 4], 'normal', { matrix: true }))).toBe(false);
  });
});
