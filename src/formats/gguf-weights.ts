/**
 * Which dtype a weight gets in a GGUF file, and what is lost on the way. Which tensors keep single precision, and what stands in
 * where a row is no whole number of blocks, is what ggml-org/llama.cpp's converter and `llama-quantize` do.
 */
import { ConfigError } from '../errors.ts';
import { type TensorDType, tensorBytes, toFloat32 } from './checkpoint.ts';
import { encodeValues } from './gguf-write.ts';
import { quoted } from './quoted.ts';
import type { TensorToWrite } from './tensor-stream.ts';

/** What the weights of a file are stored as, by the names that people use. */
export const GGUF_WEIGHTS = {
  f32: { dtype: 'F32', fileType: 0 },
  f16: { dtype: 'F16', fileType: 1 },
  bf16: { dtype: 'BF16', fileType: 32 },
  q8_0: { dtype: 'Q8_0', fileType: 7 },
  q6_k: { dtype: 'Q6_K', fileType: 18 },
  q5_k: { dtype: 'Q5_K', fileType: 16 },
  q5_1: { dtype: 'Q5_1', fileType: 9 },
  q5_0: { dtype: 'Q5_0', fileType: 8 },
  q4_k: { dtype: 'Q4_K', fileType: 14 },
  q4_1: { dtype: 'Q4_1', fileType: 3 },
  q4_0: { dtype: 'Q4_0', fileType: 2 },
} as const satisfies Readonly<Record<string, { dtype: TensorDType; fileType: number }>>;
/** A name of `GGUF_WEIGHTS`. */
export type GgufWeights = keyof typeof GGUF_WEIGHTS;

/** For rows that are no whole number of blocks. */
const FALLBACK: Readonly<Partial<Record<TensorDType, TensorDType>>> = {
  Q4_K: 'Q5_0',
  Q5_K: 'Q5_1',
  Q6_K: 'Q8_0',
  Q8_0: 'F16',
  Q5_1: 'F16',
  Q5_0: 'F16',
  Q4_1: 'F16',
  Q4_0: 'F16',
};
/** Tables of positions, distances and segments, and what chooses experts: small, and every bit of them matters. */
const PRECISE = /(^|[._])(\w*norm|ffn_gate_inp|position_embd|token_types|attn_rel_b)\.weight$/;

/** The dtype of a tensor in a file whose weights are `weights`; `fallback` = the rows do not divide into its blocks. */
export function storedAs(
  name: string,
  shape: readonly number[],
  weights: GgufWeights,
): { readonly dtype: TensorDType; readonly fallback: boolean } {
  if (shape.length < 2 || !name.endsWith('.weight') || PRECISE.test(name)) return { dtype: 'F32', fallback: false };
  const wanted = GGUF_WEIGHTS[weights].dtype;
  let dtype: TensorDType = wanted;
  while (tensorBytes(dtype, shape) === undefined) dtype = FALLBACK[dtype]!;
  return { dtype, fallback: dtype !== wanted };
}

/** What rounding did to a tensor. */
export interface RoundingError {
  /** Root of the mean squared error over that of the mean square; 0 for a tensor of zeros. */
  readonly relativeRms: number;
  /** Largest absolute error. */
  readonly max: number;
}

/**
 * A tensor that is rounded to `dtype` while it is written.
 * @param rows its values in order, in pieces of whole rows; called when it is written
 * @param measured told what rounding did once the last piece is handed over
 * @throws ConfigError, while it is written, for values that the dtype cannot hold
 */
export function roundedTensor(
  { name, shape, dtype }: Pick<TensorToWrite, 'name' | 'shape' | 'dtype'>,
  rows: () => AsyncIterable<Float32Array>,
  measured: (error: RoundingError) => void,
): TensorToWrite {
  return {
    name,
    shape,
    dtype,
    async *chunks() {
      let [squares, errors, max] = [0, 0, 0];
      for await (const values of rows()) {
        const bytes = encodeValues(values, dtype);
        const rounded = dtype === 'F32' ? values : toFloat32(bytes, dtype);
        for (let i = 0; i < values.length; i++) {
          const error = Math.abs(values[i]! - rounded[i]!);
          // What is no number before is none after, and no error of rounding.
          if (error > max) max = error;
          errors += error * error || 0;
          squares += values[i]! * values[i]! || 0;
        }
        if (max === Number.POSITIVE_INFINITY) throw tooLarge(name, values, dtype);
        yield bytes;
      }
      measured({ relativeRms: squares > 0 ? Math.sqrt(errors / squares) : 0, max });
    },
  };
}

function tooLarge(name: string, values: Float32Array, dtype: TensorDType): ConfigError {
  const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return new ConfigError(`a weight is too large for ${dtype}`, {
    seen: `${most}`,
    fix: 'write bf16 or f32',
    where: `tensor ${quoted(name)}`,
  });
}
