/** Rotary positions: frequencies with their scalings, and the angle tables of a batch. Su et al. 2021. */
import { ConfigError } from '../errors.ts';
import { rope as ropeOp, Tensor } from '../tensor/index.ts';
import type { TokenBatch } from './tokens.ts';

/** `rope_scaling` of a checkpoint; the fields of the kind that `rope_type` names. */
export type RopeScaling =
  | { readonly rope_type: 'default' }
  | { readonly rope_type: 'linear'; readonly factor: number }
  | { readonly rope_type: 'dynamic'; readonly factor: number }
  | {
      readonly rope_type: 'llama3';
      readonly factor: number;
      readonly low_freq_factor: number;
      readonly high_freq_factor: number;
      readonly original_max_position_embeddings: number;
    }
  | {
      readonly rope_type: 'yarn';
      readonly factor: number;
      readonly attention_factor?: number;
      readonly beta_fast: number;
      readonly beta_slow: number;
      readonly mscale?: number;
      readonly mscale_all_dim?: number;
      readonly original_max_position_embeddings: number;
    }
  | {
      readonly rope_type: 'longrope';
      readonly factor: number;
      readonly attention_factor?: number;
      /** A divisor for each frequency `[dim / 2]`: up to the trained length, and beyond. */
      readonly short_factor: readonly number[];
      readonly long_factor: readonly number[];
      readonly original_max_position_embeddings: number;
    };
export interface RopeConfig {
  /** Features that turn, an even number up to the head width. */
  readonly dim: number;
  readonly theta: number;
  readonly maxPositions: number;
  readonly scaling: RopeScaling;
}
/** cos and sin of the angles, f32 `[B, T, dim / 2]`. */
export interface RopeTable {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/**
 * Angle per position of each pair of features, after scaling.
 * @param length tokens in the longest sequence, for dynamic and longrope; keys in a cache stay as they were turned
 */
export function inverseFrequencies({ dim, theta, maxPositions, scaling }: RopeConfig, length: number): number[] {
  const plain = (base: number) => Array.from({ length: dim / 2 }, (_, i) => base ** ((-2 * i) / dim));
  const frequencies = plain(theta);
  switch (scaling.rope_type) {
    case 'default':
      return frequencies;
    case 'linear':
      return frequencies.map(f => f / scaling.factor);
    case 'dynamic': {
      // NTK-aware: the base grows with the sequence once it is longer than what the model was trained on.
      const { factor } = scaling;
      if (length <= maxPositions) return frequencies;
      return plain(theta * ((factor * length) / maxPositions - (factor - 1)) ** (dim / (dim - 2)));
    }
    case 'llama3': {
      const {
        factor,
        low_freq_factor: low,
        high_freq_factor: high,
        original_max_position_embeddings: trained,
      } = scaling;
      return frequencies.map(f => {
        const turns = (trained * f) / (2 * Math.PI);
        if (turns > high) return f;
        if (turns < low) return f / factor;
        const smooth = (turns - low) / (high - low);
        return ((1 - smooth) * f) / factor + smooth * f;
      });
    }
    case 'yarn': {
      const { factor, beta_fast, beta_slow, original_max_position_embeddings: trained } = scaling;
      const pairOf = (turns: number) => (dim * Math.log(trained / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const low = Math.max(0, Math.floor(pairOf(beta_fast)));
      const high = Math.min(dim - 1, Math.ceil(pairOf(beta_slow)));
      return frequencies.map((f, i) => {
        const ramp = Math.min(1, Math.max(0, (i - low) / (high === low ? 0.001 : high - low)));
        return f * (1 - ramp) + (f / factor) * ramp;
      });
    }
    case 'longrope': {
      const { short_factor, long_factor, original_max_position_embeddings: trained } = scaling;
      const divisors = length > trained ? long_factor : short_factor;
      return frequencies.map((f, i) => f / divisors[i]!);
    }
  }
}

/** Factor of cos and sin: other than 1 for yarn (Peng et al. 2023) and longrope (Ding et al. 2024) only. */
export function attentionFactor(scaling: RopeScaling): number {
  if (scaling.rope_type !== 'yarn' && scaling.rope_type !== 'longrope') return 1;
  const { factor, attention_factor } = scaling;
  if (attention_factor !== undefined) return attention_factor;
  if (scaling.rope_type === 'longrope')
    return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(scaling.original_max_position_embeddings));
  const { mscale, mscale_all_dim } = scaling;
  const m = (scale: number) => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  return mscale && mscale_all_dim ? m(mscale) / m(mscale_all_dim) : m(1);
}

/** The table for a batch's positions i32 `[B, T]`, computed in double precision on the host. */
export function ropeTable(config: RopeConfig, { positions, span }: Pick<TokenBatch, 'positions' | 'span'>): RopeTable {
  if (positions.storage?.kind !== 'host') throw new ConfigError('positions must be a leaf on the host');
  const { data } = positions.storage;
  const frequencies = inverseFrequencies(config, span);
  const factor = attentionFactor(config.scaling);
  const half = frequencies.length;
  const cos = new Float32Array(data.length * half);
  const sin = new Float32Array(data.length * half);
  data.forEach((position, t) => {
    frequencies.forEach((f, i) => {
      // The reference multiplies in single precision; at long positions its angles are rounded, ours are not.
      const angle = position * Math.fround(f);
      cos[t * half + i] = Math.cos(angle) * factor;
      sin[t * half + i] = Math.sin(angle) * factor;
    });
  });
  const shape = [...positions.shape, half];
  return { cos: Tensor.from(cos, shape), sin: Tensor.from(sin, shape) };
}

/** Turns x `[B, H, T, D]`; see `ropeTable`. */
export const rope = (x: Tensor, { cos, sin }: RopeTable, interleaved = false): Tensor =>
  ropeOp(x, cos, sin, interleaved);
