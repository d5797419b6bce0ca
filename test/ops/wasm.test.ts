/** The WebAssembly backend against the reference backend over the op table: values and gradients, all thread modes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { type Backend, gradient, setDefaultBackend, Tensor, type TypedArray } from '../../src/tensor/index.ts';
import { OPS, type OpCase, valuesOf } from './table.ts';

const inputsOf = (c: OpCase) => valuesOf(c).map((v, i) => Tensor.from(v, c.inputs[i]!.shape));

/** Value of the case and, where there are any, the gradients of its sum of squares. */
async function results(backend: Backend, c: OpCase): Promise<TypedArray[]> {
  setDefaultBackend(backend);
  const value = await c.build(...inputsOf(c)).data();
  if (!c.differentiable) return [value];
  const inputs = inputsOf(c);
  const y = c.build(...inputs);
  const grads = await Promise.all(gradient(y.mul(y).sumAll(), inputs).map(g => g.data()));
  return [value, ...grads];
}
function expectClose(actual: TypedArray, expected: TypedArray, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Math.max(1e-30, ...Array.from(expected, x => (Number.isFinite(x) ? Math.abs(x) : 0)));
  const worst = Math.max(0, ...Array.from(expected, (x, i) => Math.abs(x - actual[i]!)));
  expect(worst / scale, `${what}: largest error relative to the largest value`).toBeLessThan(3e-6);
}

for (const threads of [0, 1, 2, 3])
  describe(`wasm, ${threads === 0 ? 'inline' : `${threads} thread${threads > 1 ? 's' : ''}`}`, () => {
    let wasm: Backend;
    let reference: Backend;
    beforeAll(async () => {
      reference = createReferenceBackend();
      wasm = await createWasmBackend({ threads });
    });
    afterAll(() => wasm.close());
    for (const c of OPS)
      it(c.name, async () => {
        const [expected, actual] = [await results(reference, c), await results(wasm, c)];
        actual.forEach((a, i) => {
          expectClose(a, expected[i]!, i === 0 ? 'value' : `gradient of input ${i - 1}`);
        });
      });
  });
