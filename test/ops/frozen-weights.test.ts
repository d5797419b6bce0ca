/** Gradients through weights that do not learn and lie packed or quantised on the device, as under an adapter. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import type { WeightDType, WeightOptions } from '../../src/tensor/backend.ts';
import { type Backend, dataOfAll, gelu, gradient, linear, setDefaultBackend, Tensor } from '../../src/tensor/index.ts';

const [ROWS, WIDTH, OUT] = [5, 64, 37];
const wave = (seed: number, n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(seed + 0.9 * i));

async function weight(backend: Backend, bytes: Uint8Array, dtype: WeightDType, options: WeightOptions) {
  const writer = backend.weight([OUT, WIDTH], options);
  await writer.write(bytes, dtype);
  return Tensor.fromDevice(await writer.finish(), [OUT, WIDTH]);
}
/** Blocks of 32: a scale of 1/64 as binary16, then whole numbers. */
function q8(): { bytes: Uint8Array; values: Float32Array } {
  const blocks = (OUT * WIDTH) / 32;
  const bytes = new Uint8Array(blocks * 34);
  const values = new Float32Array(OUT * WIDTH);
  for (let b = 0; b < blocks; b++) {
    bytes.set([0x00, 0x24], 34 * b);
    for (let i = 0; i < 32; i++) {
      const whole = ((b * 32 + i) * 37) % 127;
      bytes[34 * b + 2 + i] = whole;
      values[b * 32 + i] = whole / 64;
    }
  }
  return { bytes, values };
}
/** Gradients of a low-rank change beside the weight, and of the input, which comes through the weight. */
async function gradients(w: Tensor) {
  const [x, down, up] = [wave(1, ROWS * WIDTH), wave(2, 2 * WIDTH), wave(3, OUT * 2)];
  const inputs = [Tensor.from(x, [ROWS, WIDTH]), Tensor.from(down, [2, WIDTH]), Tensor.from(up, [OUT, 2])] as const;
  const y = linear(inputs[0], w).add(linear(linear(inputs[0], inputs[1]), inputs[2]));
  return dataOfAll(...gradient(gelu(y.mul(0.1)).sumAll(), inputs));
}

describe('gradients through a frozen weight', () => {
  let wasm: Backend;
  beforeAll(async () => {
    wasm = await createWasmBackend({ threads: 2 });
  });
  afterAll(() => wasm.close());
  const expectClose = (actual: Awaited<ReturnType<typeof gradients>>, expected: typeof actual, tolerance: number) => {
    for (const [i, e] of expected.entries()) {
      const scale = Math.max(...Array.from(e, Math.abs));
      for (const [at, x] of e.entries())
        expect(Math.abs(x - actual[i]![at]!) / scale, `gradient ${i}`).toBeLessThan(tolerance);
    }
  };
  const onReference = (values: Float32Array) => {
    setDefaultBackend(createReferenceBackend());
    return gradients(Tensor.from(values, [OUT, WIDTH]));
  };

  it('in panels', async () => {
    const values = wave(4, OUT * WIDTH);
    const expected = await onReference(values);
    setDefaultBackend(wasm);
    const w = await weight(wasm, new Uint8Array(values.buffer), 'F32', { matrix: true });
    expectClose(await gradients(w), expected, 3e-6);
  });
  it('in blocks of 8 bits', async () => {
    const { bytes, values } = q8();
    const expected = await onReference(values);
    setDefaultBackend(wasm);
    const w = await weight(wasm, bytes, 'Q8_0', { matrix: true, keep: true });
    // The forward product rounds its input to 8 bits as well.
    expectClose(await gradients(w), expected, 2e-2);
  });
});
