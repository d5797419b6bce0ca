import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { createWasmBackend } from '../backends/wasm/index.ts';
import { type Backend, leavesOf } from '../tensor/index.ts';
import { initializeParameters } from './initialize.ts';
import { Embedding, Linear } from './linear.ts';
import { disposeParameters } from './load-parameters.ts';
import { LayerNorm } from './norm.ts';
import { countParams, param } from './params.ts';

// Two matrices of more than a piece (1 MiB), one of rows that no piece holds, one empty.
const SPEC = {
  wide: Linear(3, 300_001, { transposed: true }),
  table: Embedding(700, 513),
  row: param([2, 300_000], 'normal'),
  none: param([0, 4], 'normal'),
  norm: LayerNorm(33),
  scalar: param([], 'ones'),
};
const values = async (tree: unknown) =>
  new Map(await Promise.all(leavesOf(tree).map(async ([name, tensor]) => [name, await tensor.data()] as const)));

describe('initializeParameters', () => {
  it('draws normal(0, 0.02), zeros and ones', async () => {
    const drawn = await values(await initializeParameters(SPEC, createReferenceBackend(), 1));
    for (const name of ['wide.weight', 'table.weight', 'row']) {
      const x = Float64Array.from(drawn.get(name)!);
      const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
      const deviation = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length);
      expect(Math.abs(mean)).toBeLessThan(5 * (0.02 / Math.sqrt(x.length)));
      expect(Math.abs(deviation / 0.02 - 1)).toBeLessThan(0.01);
    }
    expect(new Set(drawn.get('wide.bias'))).toEqual(new Set([0]));
    expect(new Set(drawn.get('norm.weight'))).toEqual(new Set([1]));
    expect(Array.from(drawn.get('scalar')!)).toEqual([1]);
    expect(drawn.get('none')!.length).toBe(0);
  });

  it('depends on the seed, and on nothing else', async () => {
    const wasm = await createWasmBackend({ threads: 0 });
    const one = await values(await initializeParameters(SPEC, createReferenceBackend(), 5));
    const same = await values(await initializeParameters(SPEC, wasm, 5));
    const plain = await values(await initializeParameters(SPEC, wasm, 5, { plain: true }));
    for (const [name, expected] of one) {
      expect(differing(same.get(name)!, expected), name).toBe(0);
      expect(differing(plain.get(name)!, expected), name).toBe(0);
    }
    const other = await values(await initializeParameters(SPEC, createReferenceBackend(), 6));
    expect(differing(other.get('row')!, one.get('row')!)).toBeGreaterThan(599_000);
    // Parameters have streams of their own.
    expect(one.get('table.weight')![0]).not.toBe(one.get('row')![0]);
    wasm.close();
  });

  it('takes little more memory than the weights, and gives it back', async () => {
    const wasm = await createWasmBackend({ threads: 0 });
    await packOnce(wasm);
    const before = wasm.memory().used;
    const params = await initializeParameters(SPEC, wasm, 1);
    expect(wasm.memory().used - before).toBeLessThan(1.05 * 4 * countParams(SPEC));
    disposeParameters(params);
    expect(wasm.memory().used).toBe(before);
    wasm.close();
  });

  it('leaves nothing behind when it fails', async () => {
    const wasm = await createWasmBackend({ threads: 0, memory: { maximumBytes: 8 << 20 } });
    await packOnce(wasm);
    const before = wasm.memory().used;
    await expect(initializeParameters(SPEC, wasm, 1)).rejects.toThrow(/memory/);
    expect(wasm.memory().used).toBe(before);
    await expect(initializeParameters(SPEC, wasm, 0.5)).rejects.toThrow(/seed/);
    wasm.close();
  });
});

/** The program that packs weights stays in memory from its first use on. */
async function packOnce(backend: Backend): Promise<void> {
  disposeParameters(await initializeParameters(Linear(4, 4), backend, 1));
}
function differing(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let count = Math.abs(a.length - b.length);
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
