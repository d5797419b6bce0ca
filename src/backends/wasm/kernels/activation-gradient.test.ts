/** What the op table does not show: slopes far from zero, where powers of the input overflow. */
import { expect, it } from 'vitest';
import { gelu, geluTanh, gradient, relu, setDefaultBackend, silu, Tensor } from '../../../tensor/index.ts';
import { createReferenceBackend } from '../../reference/index.ts';
import { createWasmBackend } from '../index.ts';

it.each(Object.entries({ relu, silu, gelu, geluTanh }))('the slope of %s far from zero is 0 or 1', async (_, of) => {
  const wasm = await createWasmBackend({ threads: 0 });
  for (const backend of [createReferenceBackend(), wasm]) {
    setDefaultBackend(backend);
    const x = Tensor.from([-1e38, -1e30, -1e14, -200, 200, 1e14, 1e30, 1e38]);
    const [slope] = gradient(of(x).sumAll(), [x]) as [Tensor];
    // In single precision; -0 counts as 0.
    expect(Array.from(await slope.data(), s => Math.fround(s) + 0)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  }
  wasm.close();
});
