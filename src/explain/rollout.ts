/**
 * Attention rollout: how much of each token's state comes from each token of the text, if every layer mixes as its weights say.
 * Heads are averaged, and half of each layer's result is what came past it in the residual stream. Abnar & Zuidema 2020,
 * "Quantifying Attention Flow in Transformers".
 */
import { ShapeError } from '../errors.ts';
import { batchInputs, type CorpusRow } from './corpus.ts';
import {
  type AttentionSite,
  attentionSites,
  type ExplainedModel,
  type NamedValues,
  valuesOf,
} from './explained-model.ts';

/**
 * The product of (1 - residual) * mean over heads + residual * I over all layers, the first applied first.
 * @param patterns of each layer, `[1, H, T, T]`
 * @param residual what passes by the attention; default 0.5
 * @returns `[T, T]`: rows are tokens behind the last layer, columns those of the text; each row sums to 1
 * @throws ShapeError for other shapes
 */
export function attentionRollout(
  patterns: readonly NamedValues[],
  { residual = 0.5 }: { readonly residual?: number } = {},
): Float64Array {
  const T = patterns[0]?.shape[2] ?? 0;
  let flow = Float64Array.from({ length: T * T }, (_, i) => (i % (T + 1) === 0 ? 1 : 0));
  for (const { shape, data } of patterns) {
    const [B, H, rows, columns] = shape as [number, number, number, number];
    if (B !== 1 || rows !== T || columns !== T)
      throw new ShapeError('rollout multiplies the patterns of one text', {
        seen: `[${shape}]`,
        expected: `[1, heads, ${T}, ${T}]`,
      });
    const next = new Float64Array(T * T);
    for (let t = 0; t < T; t++)
      for (let s = 0; s < T; s++) {
        let weight = s === t ? residual : 0;
        for (let h = 0; h < H; h++) weight += ((1 - residual) / H) * data[(h * T + t) * T + s]!;
        if (weight !== 0) for (let j = 0; j < T; j++) next[t * T + j]! += weight * flow[s * T + j]!;
      }
    flow = next;
  }
  return flow;
}

/** Rollout of the self-attention of each stack on one row, `[T, T]`. */
export async function rolloutOf(
  model: ExplainedModel,
  row: CorpusRow,
): Promise<{ readonly stack: AttentionSite['stack']; readonly flow: Float64Array }[]> {
  const inputs = batchInputs([row]);
  const sites = attentionSites(model, inputs).filter(({ stack }) => stack !== 'cross');
  const patterns = await valuesOf(
    model,
    inputs,
    sites.map(site => `${site.name}.pattern`),
  );
  return [...new Set(sites.map(site => site.stack))].map(stack => ({
    stack,
    flow: attentionRollout(patterns.filter((_, i) => sites[i]!.stack === stack)),
  }));
}
