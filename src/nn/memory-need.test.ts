import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import type { Checkpoint, TensorDType } from '../formats/index.ts';
import { tensorBytes } from '../formats/index.ts';
import type { Backend } from '../tensor/index.ts';
import { loadParameters } from './load-parameters.ts';
import { checkFits } from './memory-need.ts';
import { param } from './params.ts';

const limited = (limit: number, keeps: readonly string[], used = 0): Backend => ({
  ...createReferenceBackend(),
  keeps: new Set(keeps),
  memory: () => ({ used, reserved: used, limit }),
});
const weight = (dtype: TensorDType, shape: readonly number[], kept: boolean) => ({
  entry: { dtype, shape, byteLength: tensorBytes(dtype, shape)! },
  param: param(shape, 'normal', { matrix: true }),
  kept,
});
const BLOCKS = ['Q8_0', 'Q4_0', 'Q4_K'];

describe('checkFits', () => {
  it('counts what stays in the file’s dtype as it is, and all else as single precision', () => {
    const limit = 4 * 1024 * 1024;
    expect(() => checkFits([weight('F16', [1024, 1024], false)], limited(limit, []))).not.toThrow();
    expect(() => checkFits([weight('F16', [1024, 1024], false)], limited(limit - 1, []))).toThrow(/larger than/);
    expect(() => checkFits([weight('Q8_0', [1024, 1024], true)], limited(1_114_112, BLOCKS))).not.toThrow();
    expect(() => checkFits([weight('Q8_0', [1024, 1024], true)], limited(1_114_112, BLOCKS, 1))).toThrow(/larger than/);
    expect(() => checkFits([weight('Q8_0', [1024, 1024], true)], limited(1_114_112, BLOCKS, 5e5))).toThrow(/in use/);
  });

  it('leaves what is for packed weights to those', () => {
    const backend = { ...limited(9e6, []), memory: () => ({ used: 1e6, reserved: 1e6, limit: 9e6, forWeights: 4e6 }) };
    const large = [weight('F32', [1024, 1024], false)];
    expect(() => checkFits(large, backend)).not.toThrow();
    expect(() => checkFits(large, backend, 'big', true)).toThrow(/larger than the memory.*at most 0\.00400 GB/);
  });

  it('says how much is needed, how much there is, and what would fit', () => {
    const large = [weight('F32', [50_000, 40_960], false)];
    expect(() => checkFits(large, limited(4e9, BLOCKS), 'big')).toThrow(
      /8\.19 GB of weights; expected: at most 4\.00 GB; to do: write them in a smaller type \(q8_0 takes 2\.18 GB\): heed quantize MODEL FILE\.gguf --type q8_0 \(in big\)/,
    );
    expect(() => checkFits(large, limited(1.5e9, BLOCKS))).toThrow(/--type q4_k/);
    expect(() => checkFits(large, limited(4e9, []))).toThrow(/no type is small enough/);
  });
});

it('loading refuses such a model before it reads', async () => {
  let reads = 0;
  const shape = [70_000, 20_000];
  const entry = { name: 'w', dtype: 'F32' as const, shape, byteLength: 5.6e9 };
  const checkpoint: Checkpoint = {
    format: 'huge',
    metadata: {},
    tensors: new Map([['w', entry]]),
    async read() {
      reads++;
      return new Uint8Array(0);
    },
    async close() {},
  };
  const spec = { w: param(shape, 'normal', { matrix: true }) };
  await expect(loadParameters(checkpoint, spec, limited(4e9, BLOCKS), { rename: key => key })).rejects.toThrow(
    /5\.60 GB of weights.*q8_0 takes 1\.49 GB/,
  );
  expect(reads).toBe(0);
});
