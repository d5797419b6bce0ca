/** What the op table does not show: strips that are lower because the keys are many, and that no thread changes a bit. */
import { describe, expect, it } from 'vitest';
import {
  type AttentionOptions,
  attention,
  type Backend,
  dataOfAll,
  gradient,
  setDefaultBackend,
  Tensor,
} from '../../../tensor/index.ts';
import { createReferenceBackend } from '../../reference/index.ts';
import { createWasmBackend } from '../index.ts';

const leaf = (seed: number, shape: readonly number[]) =>
  Tensor.from(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 0.7 * i + 1e-3 * i * i)),
    shape,
  );
interface Sizes {
  readonly batch?: number;
  readonly heads: number;
  readonly groups: number;
  readonly queries: number;
  readonly slots: number;
  readonly width?: number;
}
async function gradients(
  backend: Backend,
  { batch = 1, heads, groups, queries, slots, width = 8 }: Sizes,
  options: AttentionOptions,
) {
  setDefaultBackend(backend);
  const q = leaf(1, [batch, heads, queries, width]);
  const [k, v] = [leaf(2, [batch, groups, slots, width]), leaf(3, [batch, groups, slots, width + 3])];
  const z = attention(q, k, v, options);
  return dataOfAll(...gradient(z.mul(leaf(4, z.shape)).sumAll(), [q, k, v]));
}
async function onWasm(threads: number, sizes: Sizes, options: AttentionOptions) {
  const backend = await createWasmBackend({ threads });
  try {
    return await gradients(backend, sizes, options);
  } finally {
    backend.close();
  }
}

describe('the gradient of attention', () => {
  it.each<[string, Sizes, AttentionOptions]>([
    ['keys that leave room for few rows', { heads: 1, groups: 1, queries: 50, slots: 2501 }, {}],
    ['the same, causal', { heads: 2, groups: 1, queries: 50, slots: 2501 }, { causal: true }],
    ['several strips and a window', { heads: 2, groups: 2, queries: 200, slots: 200 }, { causal: true, window: 70 }],
    ['more keys than scratch memory holds', { heads: 1, groups: 1, queries: 9, slots: 17_000, width: 4 }, {}],
  ])('%s', async (_, sizes, options) => {
    const expected = await gradients(createReferenceBackend(), sizes, options);
    const actual = await onWasm(2, sizes, options);
    for (const [i, e] of expected.entries()) {
      let [scale, worst] = [0, 0];
      for (const [at, x] of e.entries()) {
        scale = Math.max(scale, Math.abs(x));
        worst = Math.max(worst, Math.abs(x - actual[i]![at]!));
      }
      // Sums of up to 17,000 products in single precision.
      expect(worst / scale, `gradient ${i}`).toBeLessThan(1e-5);
    }
  });
  it('is the same for any number of threads', async () => {
    const sizes = { batch: 3, heads: 4, groups: 2, queries: 90, slots: 90 };
    const alone = await onWasm(1, sizes, { causal: true });
    expect(await onWasm(3, sizes, { causal: true })).toEqual(alone);
  });
});
