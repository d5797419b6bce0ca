/**
 * How much a token gives to another one: the weight times the length of the vector that it is a weight of, |a f(x)|, with
 * f(x) = x W_V W_O. A head that rests on [SEP] gives almost nothing from there. Kobayashi et al. 2020, "Attention is Not Only a
 * Weight: Analyzing Transformers with Vector Norms".
 */
import type { NamedValues } from './explained-model.ts';
import type { OutputMatrices } from './output-matrices.ts';

/** W_h W_hᵀ of each head, `[H, E, E]`: |v W_h|² = v (W_h W_hᵀ) vᵀ. */
export function gramMatrices({ heads, width: E, outWidth: C, matrices }: OutputMatrices): Float64Array {
  const grams = new Float64Array(heads * E * E);
  for (let h = 0; h < heads; h++)
    for (let i = 0; i < E; i++)
      for (let j = i; j < E; j++) {
        const [a, b] = [(h * E + i) * C, (h * E + j) * C];
        let sum = 0;
        for (let c = 0; c < C; c++) sum += matrices[a + c]! * matrices[b + c]!;
        grams[(h * E + i) * E + j] = sum;
        grams[(h * E + j) * E + i] = sum;
      }
  return grams;
}

/**
 * |f(x_s)| of every key and head, `[B, H, S]`.
 * @param values v `[B, G, S, E]`; each of its heads serves H / G neighbouring queries' heads
 */
export function valueNorms({ shape, data }: NamedValues, heads: number, grams: Float64Array): Float64Array {
  const [B, G, S, E] = shape as [number, number, number, number];
  const norms = new Float64Array(B * heads * S);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < heads; h++) {
      const group = Math.floor((h * G) / heads);
      for (let s = 0; s < S; s++) {
        const v = ((b * G + group) * S + s) * E;
        let sum = 0;
        for (let i = 0; i < E; i++) {
          const row = (h * E + i) * E;
          let inner = 0;
          for (let j = 0; j < E; j++) inner += grams[row + j]! * data[v + j]!;
          sum += inner * data[v + i]!;
        }
        norms[(b * heads + h) * S + s] = Math.sqrt(Math.max(0, sum));
      }
    }
  return norms;
}

/**
 * a |f(x)|, `[B, H, T, S]`, from the pattern of that shape.
 * @param shares each row is divided by its sum, as weights are
 */
export function weightedByNorms(
  { shape, data }: NamedValues,
  norms: Float64Array,
  { shares = false }: { shares?: boolean } = {},
): Float64Array {
  const [B, H, T, S] = shape as [number, number, number, number];
  const out = new Float64Array(B * H * T * S);
  for (let row = 0; row < B * H * T; row++) {
    const head = Math.floor(row / T);
    let sum = 0;
    for (let s = 0; s < S; s++) sum += out[row * S + s] = data[row * S + s]! * norms[head * S + s]!;
    if (shares && sum > 0) for (let s = 0; s < S; s++) out[row * S + s]! /= sum;
  }
  return out;
}
