import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { createRng } from '../util/rng.ts';
import { decodeBlocks } from './gguf-blocks/index.ts';
import { type RoundingError, roundedTensor, storedAs } from './gguf-weights.ts';

describe('storedAs', () => {
  it.each([
    ['blk.0.attn_q.weight', [64, 256], 'q4_k', 'Q4_K', false],
    ['blk.0.attn_q.weight', [64, 96], 'q4_k', 'Q5_0', true],
    ['blk.0.attn_q.weight', [64, 96], 'q5_k', 'Q5_1', true],
    ['blk.0.attn_q.weight', [64, 96], 'q6_k', 'Q8_0', true],
    ['blk.0.ffn_down.weight', [64, 172], 'q4_k', 'F16', true],
    ['blk.0.ffn_down.weight', [64, 172], 'q8_0', 'F16', true],
    ['blk.0.ffn_down.weight', [64, 172], 'bf16', 'BF16', false],
    ['blk.0.ffn_up_exps.weight', [4, 96, 64], 'q4_0', 'Q4_0', false],
    ['token_embd.weight', [512, 64], 'q8_0', 'Q8_0', false],
    ['blk.0.attn_norm.weight', [64], 'q8_0', 'F32', false],
    ['blk.0.attn_q.bias', [64], 'f16', 'F32', false],
    ['position_embd.weight', [64, 64], 'q8_0', 'F32', false],
    ['token_types.weight', [2, 64], 'f16', 'F32', false],
    ['blk.0.ffn_gate_inp.weight', [8, 64], 'q8_0', 'F32', false],
    ['enc.blk.0.attn_rel_b.weight', [32, 64], 'q8_0', 'F32', false],
  ] as const)('%s %j of a %s file is %s', (name, shape, type, dtype, fallback) => {
    expect(storedAs(name, shape, type)).toEqual({ dtype, fallback });
  });
});

async function round(values: readonly number[], dtype: 'F32' | 'F16' | 'Q8_0' | 'Q4_0') {
  let error: RoundingError | undefined;
  const data = Float32Array.from(values);
  const half = data.length / 2;
  const rows = async function* () {
    yield data.subarray(0, half);
    yield data.subarray(half);
  };
  const tensor = roundedTensor({ name: 'x', shape: [2, half], dtype }, rows, measured => {
    error = measured;
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of tensor.chunks()) pieces.push(piece);
  return { error: error!, bytes: Uint8Array.from(pieces.flatMap(piece => [...piece])) };
}

describe('roundedTensor', () => {
  const rng = createRng(3);
  const values = Array.from({ length: 128 }, () => Math.fround(rng.normal()));

  it('says what rounding did to all of a tensor', async () => {
    const { error, bytes } = await round(values, 'Q4_0');
    const rounded = decodeBlocks(bytes, 'Q4_0');
    const errors = values.map((value, i) => Math.abs(value - rounded[i]!));
    const rms = (list: readonly number[]) => Math.sqrt(list.reduce((sum, x) => sum + x * x, 0));
    expect(error.max).toBe(Math.max(...errors));
    expect(error.relativeRms).toBeCloseTo(rms(errors) / rms(values), 12);
    expect((await round(values, 'Q8_0')).error.relativeRms).toBeLessThan(error.relativeRms / 10);
    expect((await round(values, 'F32')).error).toEqual({ relativeRms: 0, max: 0 });
    expect((await round([0, 0], 'F16')).error).toEqual({ relativeRms: 0, max: 0 });
  });

  it('refuses what a dtype cannot hold', async () => {
    await expect(round([1, 2, 3, 70000], 'F16')).rejects.toThrow(/too large for F16; seen: 70000/);
    await expect(round([1, 2, 3, 70000], 'F16')).rejects.toThrow(ConfigError);
    await expect(round([...values.slice(1), Number.NaN], 'Q8_0')).rejects.toThrow(/finite/);
  });
});
