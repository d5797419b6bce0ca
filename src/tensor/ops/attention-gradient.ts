/**
 * The gradient of attention after Dao 2023, "FlashAttention-2": the pattern P is computed again, block by block, and with
 * δ = Σ g z over the width, dS = P (g vᵀ - δ), dq = dS k, dk = dSᵀ q, dv = Pᵀ g. A kernel keeps no T x S matrix.
 */
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type AttentionAttrs, attentionPattern, optionalInputs, repeatHeads } from './attention-pattern.ts';
import { composite } from './composite.ts';
import { unbroadcast } from './elementwise.ts';
import { concat } from './movement.ts';

/** Pattern, and gradients of the products with the bias and without the factor and the cap, `[B, H, T, S]`. */
function scoreGradients(g: Tensor, out: Tensor, inputs: readonly Tensor[], attrs: AttentionAttrs) {
  const { products, pattern } = attentionPattern(inputs, attrs);
  const [q, , v] = inputs as [Tensor, Tensor, Tensor];
  const ofPattern = g.matmul(repeatHeads(v, q.dim(1)).transpose());
  const scores = pattern.mul(ofPattern.sub(g.mul(out).sum()));
  const capped = products.mul(1 / (attrs.softcap || 1));
  return { pattern, scores, raw: attrs.softcap ? scores.mul(capped.mul(capped).neg().add(1)) : scores };
}

/**
 * g, out, q, k, v, then what attention has besides: dq, dk and dv one after the other, each in the order `[B, T, H, D]`, in
 * which the projections before it take them without a copy.
 */
const GRADIENT = composite<AttentionAttrs>({
  name: 'attentionGradient',
  infer: ([, , q, k, v]) => ({ shape: [q!.size + k!.size + v!.size], dtype: 'f32' }),
  define([g, out, ...inputs], attrs) {
    const [q, k] = inputs as [Tensor, Tensor];
    const [B, G, S] = k.shape as [number, number, number];
    const { pattern, raw } = scoreGradients(g!, out!, inputs, attrs);
    const heads = (t: Tensor) => t.reshape(B, G, -1, S, t.dim(3)).sum(2).reshape(B, G, S, t.dim(3));
    const parts = [
      raw.matmul(repeatHeads(k, q.dim(1))).mul(attrs.scale),
      heads(raw.transpose().matmul(q)).mul(attrs.scale),
      heads(pattern.transpose().matmul(g!)),
    ];
    return concat(
      parts.map(t => t.permute(0, 2, 1, 3).reshape(t.size)),
      0,
    );
  },
  flops: ([, , q, k, v], { causal }) =>
    ((6 * q!.size * k!.dim(2) + 4 * (q!.size / q!.dim(3)) * k!.dim(2) * v!.dim(3)) * (causal ? 1 : 2)) / 2,
});

/** Gradients of q, k, v and of what follows them; null where there is none. */
export function attentionGradient(
  g: Tensor,
  inputs: readonly Tensor[],
  out: Tensor,
  attrs: AttentionAttrs,
): (Tensor | null)[] {
  const all = GRADIENT([g, out, ...inputs], attrs);
  let at = 0;
  const [dq, dk, dv] = inputs.slice(0, 3).map(({ shape }) => {
    const [B, H, T, D] = shape as [number, number, number, number];
    const from = at;
    at += sizeOf(shape);
    return all.slice(0, from, at).reshape(B, T, H, D).permute(0, 2, 1, 3);
  }) as [Tensor, Tensor, Tensor];
  const { bias } = optionalInputs(inputs.slice(3), attrs);
  // Only computed where a bias learns: a matrix of scores for each head.
  const ofBias = bias && unbroadcast(scoreGradients(g, out, inputs, attrs).scores, bias.shape);
  return [dq, dk, dv, ...(attrs.length ? [null] : []), ...(attrs.mask ? [null] : []), ...(ofBias ? [ofBias] : [])];
}
