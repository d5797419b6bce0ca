/** What transformers.js offers to compute with vectors. */
import { ShapeError } from '../errors.ts';
import { Tensor } from './tensor.ts';

/** Probabilities that are proportional to exp(x). */
export { softmax } from '../util/softmax.ts';

type Numbers = readonly number[] | Float32Array | Float64Array;

export function dot(a: Numbers, b: Numbers): number {
  if (a.length !== b.length)
    throw new ShapeError('vectors of two lengths', { seen: `${a.length} and ${b.length}`, expected: 'one length' });
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
export const magnitude = (a: Numbers): number => Math.sqrt(dot(a, a));
/** The cosine of the angle between two vectors, -1 to 1. */
export const cos_sim = (a: Numbers, b: Numbers): number => dot(a, b) / (magnitude(a) * magnitude(b));

/** The mean `[B, C]` of states `[B, T, C]` where the mask `[B, T]` is 1. */
export function mean_pooling(last_hidden_state: Tensor, attention_mask: Tensor): Tensor {
  const [B, T, C] = last_hidden_state.dims as [number, number, number];
  const [states, mask] = [last_hidden_state.data as Float32Array, attention_mask.numbers()];
  if (mask.length !== B * T)
    throw new ShapeError('a mask of another shape', { seen: `[${attention_mask.dims}]`, expected: `[${B},${T}]` });
  const means = new Float32Array(B * C);
  for (let b = 0; b < B; b++) {
    const count = mask.slice(b * T, (b + 1) * T).reduce((sum, x) => sum + x, 0);
    for (let t = 0; t < T; t++)
      for (let c = 0; mask[b * T + t] && c < C; c++)
        means[b * C + c] = means[b * C + c]! + states[(b * T + t) * C + c]! / count;
  }
  return new Tensor('float32', means, [B, C]);
}

/** `[N, K] @ [K, M]`. */
export async function matmul(a: Tensor, b: Tensor): Promise<Tensor> {
  const [N, K] = a.dims as [number, number];
  const [rows, M] = b.dims as [number, number];
  if (a.dims.length !== 2 || b.dims.length !== 2 || K !== rows)
    throw new ShapeError('matmul takes [N, K] and [K, M]', { seen: `[${a.dims}] and [${b.dims}]` });
  const [left, right] = [a.numbers(), b.numbers()];
  const entry = (n: number, m: number) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += left[n * K + k]! * right[k * M + m]!;
    return sum;
  };
  return new Tensor(
    'float32',
    Float32Array.from({ length: N * M }, (_, i) => entry(Math.floor(i / M), i % M)),
    [N, M],
  );
}
