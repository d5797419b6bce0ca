/** What no reference file has: Lion step by step, and that clipping is the same as a smaller gradient for every optimizer. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../backends/reference/index.ts';
import { dataOfAll, Tensor } from '../../tensor/index.ts';
import { trainSettings } from '../options.ts';
import { OPTIMIZERS, type OptimizerName } from './index.ts';

const backend = createReferenceBackend();
const settings = trainSettings({
  batches: { async *from() {} },
  adamBeta1: 0.9,
  adamBeta2: 0.99,
  momentum: 0.5,
  amsgrad: true,
});
const onDevice = (values: readonly number[], shape: readonly number[]) => {
  const buffer = backend.alloc(4 * values.length);
  backend.write(buffer, Float32Array.from(values));
  return Tensor.fromDevice(buffer, shape);
};
const W = [0.5, -0.25, 0, 1, -2, 0.125];
const G = [0.3, -0.2, 0, 0.5, 0.25, -1];
const SHAPE = [2, 3];

/** Two steps with the same gradient; the parameter after each. */
async function twoSteps(name: OptimizerName, gradient: readonly number[], clip: number): Promise<number[][]> {
  const optimizer = OPTIMIZERS[name];
  let value = onDevice(W, SHAPE);
  let state: Record<string, Tensor> = Object.fromEntries(
    Object.entries(optimizer.state(SHAPE, settings)).map(([key, shape]) => {
      const zeros = Array<number>(shape!.reduce((a, b) => a * b, 1)).fill(0);
      return [key, onDevice(zeros, shape!)];
    }),
  );
  const seen: number[][] = [];
  for (const step of [1, 2]) {
    const at = optimizer.numbers({ step, learningRate: 0.1, weightDecay: 0.01, clip }, settings);
    const numbers = Object.fromEntries(Object.entries(at).map(([key, x]) => [key, Tensor.from([x], [])]));
    const after = optimizer.update({ value, gradient: onDevice(gradient, SHAPE), state, numbers, settings });
    const keys = Object.keys(after.state);
    const [next, ...kept] = await dataOfAll(after.value, ...keys.map(key => after.state[key]!));
    seen.push([...next!]);
    value = onDevice([...next!], SHAPE);
    state = Object.fromEntries(keys.map((key, i) => [key, onDevice([...kept[i]!], after.state[key]!.shape)]));
  }
  return seen;
}

describe('optimizers', () => {
  it('lion steps along the sign of what it remembers and sees', async () => {
    const seen = await twoSteps('lion', G, 1);
    let [w, m] = [W, G.map(() => 0)];
    for (const step of seen) {
      w = w.map((x, i) => x * (1 - 0.1 * 0.01) - 0.1 * Math.sign(0.9 * m[i]! + 0.1 * G[i]!));
      m = m.map((x, i) => 0.99 * x + 0.01 * G[i]!);
      for (const [i, x] of step.entries()) expect(x).toBeCloseTo(w[i]!, 6);
    }
  });
  it.each(Object.keys(OPTIMIZERS) as OptimizerName[])('%s clips before all else', async name => {
    const [clipped, smaller] = [
      await twoSteps(name, G, 0.25),
      await twoSteps(
        name,
        G.map(g => g / 4),
        1,
      ),
    ];
    for (const [step, values] of clipped.entries())
      for (const [i, x] of values.entries()) expect(x).toBeCloseTo(smaller[step]![i]!, 6);
    expect(clipped[0]).not.toEqual(W);
  });
});
