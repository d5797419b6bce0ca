import { describe, expect, it } from 'vitest';
import { attentionFactor, inverseFrequencies } from '../nn/rope.ts';
import { ConfigReader } from './config-reader.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3 } from './gemma3.ts';
import { llama } from './llama.ts';
import { phi3 } from './phi3.ts';
import { qwen3 } from './qwen3.ts';
import { windowOf } from './rotary-decoder.ts';

function configOf<C>({ config }: { config(read: ConfigReader): C }, json: Record<string, unknown>): C {
  const read = new ConfigReader(json, 'config.json');
  const made = config(read);
  read.finish();
  return made;
}

describe('the windows of the layers', () => {
  it.each([
    ['llama', llama, { sliding_window: 5 }, [5, 5, 5]],
    ['llama without', llama, { sliding_window: null }, [0, 0, 0]],
    ['llama that turns it off', llama, { sliding_window: 5, use_sliding_window: false }, [0, 0, 0]],
    ['llama from a layer on', llama, { sliding_window: 5, max_window_layers: 1 }, [0, 5, 5]],
    ['qwen3', qwen3, { sliding_window: 5, max_window_layers: 2 }, [0, 0, 0]],
    ['qwen3 that turns it on', qwen3, { sliding_window: 5, max_window_layers: 2, use_sliding_window: true }, [0, 0, 5]],
    ['gemma2', gemma2, { sliding_window: 5 }, [5, 0, 5]],
    ['gemma3', gemma3, { sliding_window: 5 }, [5, 5, 5]],
    ['gemma3 by a pattern', gemma3, { sliding_window: 5, sliding_window_pattern: 2 }, [5, 0, 5]],
    [
      'gemma3 by a list',
      gemma3,
      { sliding_window: 5, layer_types: ['full_attention', 'sliding_attention', 'full_attention'] },
      [0, 5, 0],
    ],
  ] as const)('of %s', (_, family, json, windows) => {
    const config = configOf(family as typeof llama, { num_hidden_layers: 3, ...json });
    expect([0, 1, 2].map(i => windowOf(config, i))).toEqual(windows);
  });
  it.each([
    [{ layer_types: ['full_attention'] }, /layer_types is not a list .* for 3 layers/],
    [{ layer_types: ['full_attention', 'chunked_attention', 'full_attention'] }, /layer_types/],
    [{ num_hidden_layers: 2 ** 52 }, /num_hidden_layers 4503599627370496 is above/],
  ])('refuses %j', (json, problem) => {
    expect(() => configOf(llama, { num_hidden_layers: 3, ...json })).toThrow(problem);
  });
});

describe('rotary positions', () => {
  const common = { hidden_size: 8, num_attention_heads: 1, num_key_value_heads: 1, max_position_embeddings: 64 };
  it('of longrope: a divisor for each frequency, by the length', () => {
    const { rope } = configOf(phi3, {
      ...common,
      original_max_position_embeddings: 16,
      partial_rotary_factor: 0.5,
      rope_theta: 100,
      rope_scaling: { type: 'su', short_factor: [1, 2], long_factor: [4, 5] },
    });
    const close = (length: number, expected: number[]) =>
      inverseFrequencies(rope, length).forEach((f, i) => {
        expect(f).toBeCloseTo(expected[i]!, 12);
      });
    close(16, [1, 0.1 / 2]);
    close(17, [1 / 4, 0.1 / 5]);
    // ln 4 / ln 16 is a half.
    expect(attentionFactor(rope.scaling)).toBeCloseTo(Math.sqrt(1.5), 12);
  });
  it('of longrope need a divisor for each', () => {
    const json = {
      ...common,
      rope_scaling: { rope_type: 'longrope', short_factor: [1, 2, 3], long_factor: [0, 1, 1, 1] },
    };
    expect(() => configOf(phi3, json)).toThrow(/short_factor.*a list of 4 positive.*long_factor.*a list of 4 positive/);
  });
  it('of two kinds of layers: in fields of their own, or one group each', () => {
    const older = { rope_theta: 1000, rope_scaling: { rope_type: 'linear', factor: 8 }, rope_local_base_freq: 10 };
    const newer = {
      rope_parameters: {
        full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1000 },
        sliding_attention: { rope_type: 'default', rope_theta: 10 },
      },
    };
    for (const fields of [older, newer]) {
      const { rope, localRope } = configOf(gemma3, { ...common, head_dim: 8, ...fields });
      expect(rope).toEqual({ dim: 8, theta: 1000, maxPositions: 64, scaling: { rope_type: 'linear', factor: 8 } });
      expect(localRope).toEqual({ dim: 8, theta: 10, maxPositions: 64, scaling: { rope_type: 'default' } });
    }
  });
});
