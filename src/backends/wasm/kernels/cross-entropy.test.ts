/** What the op table does not show: logits that are infinite, as those of forbidden tokens are. */
import { expect, it } from 'vitest';
import { dataOfAll, gradient, rowCrossEntropy, setDefaultBackend, Tensor } from '../../../tensor/index.ts';
import { createReferenceBackend } from '../../reference/index.ts';
import { createWasmBackend } from '../index.ts';

it.each([
  [0, [Infinity, 1.3132617, Infinity, 0]],
  [0.1, [Infinity, Infinity, Infinity, 0]],
])('an impossible class has no probability: smoothing %f', async (smoothing, losses) => {
  const wasm = await createWasmBackend({ threads: 0 });
  const found: ArrayLike<number>[][] = [];
  for (const backend of [createReferenceBackend(), wasm]) {
    setDefaultBackend(backend);
    const row = [0, 1, ...Array<number>(3).fill(-Infinity)];
    const logits = Tensor.from([...row, ...row, ...row, ...row], [4, 5]);
    const each = rowCrossEntropy(logits, Tensor.from(Int32Array.of(2, 0, 4, -100)), smoothing);
    found.push(await dataOfAll(each, gradient(each.sumAll(), [logits])[0]!));
  }
  wasm.close();
  const [expected, actual] = found as [ArrayLike<number>[], ArrayLike<number>[]];
  expect(Array.from(expected[0]!, x => Number(x.toFixed(7)))).toEqual(losses);
  for (const [i, values] of actual.entries())
    for (const [at, x] of Array.from(values).entries()) {
      const wanted = expected[i]![at]!;
      if (Number.isFinite(wanted)) expect(x).toBeCloseTo(wanted, 6);
      else expect(x).toBe(wanted);
    }
});
