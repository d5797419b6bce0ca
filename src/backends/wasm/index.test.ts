/** The built-in kernels together, through the tensor graph: every link, any number of threads, any address. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  attention,
  concat,
  gather,
  gelu,
  layerNorm,
  linear,
  matmul,
  rmsNorm,
  setDefaultBackend,
  silu,
  softmax,
  Tensor,
} from '../../tensor/index.ts';
import { createRng } from '../../util/rng.ts';
import { createReferenceBackend } from '../reference/index.ts';
import { createWasmBackend, type WasmOptions } from './index.ts';
import { PAGE } from './memory.ts';

/** Two transformer blocks and what surrounds them, on fixed random numbers. */
function outputs(): Tensor[] {
  const rng = createRng(3);
  const random = (...shape: number[]) =>
    Tensor.from(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal() / 10),
      shape,
    );
  const [batch, time, width, heads] = [2, 19, 72, 6];
  const split = (t: Tensor) => t.reshape(batch, time, heads, width / heads).permute(0, 2, 1, 3);
  const ids = Tensor.from(
    Int32Array.from({ length: batch * time }, () => rng.below(101)),
    [batch, time],
  );
  const table = random(101, width);
  let x = gather(table, ids).add(random(time, width));
  for (let block = 0; block < 2; block++) {
    const h = block ? rmsNorm(x, random(width), 1e-6) : layerNorm(x, random(width), random(width), 1e-5);
    const [q, k, v] = linear(h, random(3 * width, width), random(3 * width))
      .split(3)
      .map(split) as [Tensor, Tensor, Tensor];
    const z = attention(q, k, v, { causal: block === 0 })
      .permute(0, 2, 1, 3)
      .reshape(batch, time, width);
    x = x.add(linear(z, random(width, width)));
    const up = linear(x, random(4 * width, width), random(4 * width));
    x = x.add(linear(block ? silu(up) : gelu(up), random(width, 4 * width), random(width)));
  }
  return [softmax(matmul(x, table.transpose(0, 1))), concat([x, x.exp()], 1).sum(2), x.max(1), x.slice(1, 3, 9).tanh()];
}
async function compute(): Promise<number[][]> {
  const results: number[][] = [];
  for (const tensor of outputs()) results.push([...(await tensor.data())]);
  return results;
}
/** Largest difference, relative to the largest number. */
const distance = (seen: readonly number[], expected: readonly number[]) =>
  expected.reduce((most, x, i) => Math.max(most, Math.abs(x - seen[i]!)), 0) /
  expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

const BACKENDS: readonly (WasmOptions & { name: string })[] = [
  { name: 'inline', threads: 0 },
  { name: 'inline without relaxed SIMD', threads: 0, relaxed: false },
  { name: 'remote', threads: 1, link: 'remote' },
  { name: 'shared, 1 thread', threads: 1 },
  { name: 'shared, 2 threads', threads: 2 },
  { name: 'shared, 5 threads', threads: 5 },
  { name: 'shared, no vectoriser', threads: 2, revectorize: false },
];

describe('the wasm backend with its kernels', () => {
  let expected: number[][];
  beforeAll(async () => {
    setDefaultBackend(createReferenceBackend());
    expected = await compute();
  });

  it.each(BACKENDS)('agrees with the reference: $name', async options => {
    const backend = await createWasmBackend(options);
    setDefaultBackend(backend);
    const seen = await compute();
    for (const [i, result] of seen.entries()) expect(distance(result, expected[i]!)).toBeLessThan(2e-6);
    backend.close();
  });

  // Addresses are unsigned: the line where a signed comparison would turn negative, and the end of the 4 GiB.
  it('gives the same numbers at any address', async () => {
    const at = async (arena: number): Promise<number[][]> => {
      const backend = await createWasmBackend({ threads: 2 });
      setDefaultBackend(backend);
      // Everything below the arena is taken; untouched pages cost nothing.
      const taken = arena ? backend.alloc(arena - PAGE - backend.memory().used) : undefined;
      const results = await compute();
      const { reserved } = backend.memory();
      expect(reserved).toBeGreaterThan(arena);
      taken?.free();
      backend.close();
      return results;
    };
    const low = await at(0);
    const across = Array.from({ length: 8 }, (_, i) => 2 ** 31 - 150_000 * (i + 1));
    for (const arena of [...across, 2 ** 31, 3 * 2 ** 30, 2 ** 32 - 4 * 2 ** 20]) expect(await at(arena)).toEqual(low);
  });
});
