/**
 * Scaled dot-product attention, the one place where meaning and speed meet: the definition names `scores`, `pattern`
 * and `z`; kernels compute `z` by online softmax and never store the T x S matrix. Vaswani et al. 2017; Ainslie et al.
 * 2023 (grouped queries); Dao 2023 (online softmax).
 */
import { expectDType, expectShapes } from '../check.ts';
import type { Tensor } from '../tensor.ts';
import { attentionGradient } from './attention-gradient.ts';
import { type AttentionAttrs, attentionPattern, optionalInputs, repeatHeads } from './attention-pattern.ts';
import { composite } from './composite.ts';

/** B batch, T queries, S key slots, H heads, G key/value heads (H is a multiple of G), D head width. */
export interface AttentionOptions {
  /** A query sees only its own slot and those before it. */
  readonly causal?: boolean;
  /** Factor of the scores. Default 1 / sqrt(D). */
  readonly scale?: number;
  /** A query sees this many slots up to its own one (causal), or less than this to each side. 0 = all. */
  readonly window?: number;
  /** c in c * tanh(score / c); 0 = none. */
  readonly softcap?: number;
  /** i32 `[]`: number of key slots that are filled (default S). The queries sit at the last T of them. */
  readonly length?: Tensor | undefined;
  /** bool `[B, S]`: slots that may be seen. */
  readonly mask?: Tensor | undefined;
  /** f32, broadcasts to `[B, H, T, S]`: added to the scores. */
  readonly bias?: Tensor | undefined;
}
const ATTENTION = composite<AttentionAttrs>({
  name: 'attention',
  labels: ['scores', 'pattern', 'z'],
  infer([q, k, v, ...extra], attrs) {
    const { length, mask, bias } = optionalInputs(extra, attrs);
    expectDType('attention', [q!, k!, v!, ...(bias ? [bias] : [])], 'f32');
    if (length) expectDType('attention (length)', [length], 'i32');
    if (mask) expectDType('attention (mask)', [mask], 'bool');
    const heads =
      [q!, k!, v!].every(t => t.rank === 4 && t.dim(0) === q!.dim(0)) &&
      q!.dim(3) === k!.dim(3) &&
      k!.dim(1) === v!.dim(1) &&
      k!.dim(2) === v!.dim(2) &&
      q!.dim(1) % k!.dim(1) === 0;
    const expected = 'q [B, H, T, D], k [B, G, S, D], v [B, G, S, E] with H a multiple of G';
    expectShapes('attention', heads, { q, k, v }, expected);
    const scores = [q!.dim(0), q!.dim(1), q!.dim(2), k!.dim(2)];
    const extras =
      (length?.size ?? 1) === 1 &&
      (!mask || (mask.rank === 2 && mask.dim(0) === scores[0] && mask.dim(1) === scores[3])) &&
      (!bias || (bias.rank <= 4 && bias.shape.every((n, d) => n === 1 || n === scores[d + 4 - bias.rank])));
    expectShapes('attention', extras, { q, k, length, mask, bias }, 'length [], mask [B, S], bias like [B, H, T, S]');
    return { shape: [...q!.shape.slice(0, 3), v!.dim(3)], dtype: 'f32' };
  },
  define(inputs, attrs) {
    const { scores, pattern } = attentionPattern(inputs, attrs);
    scores.named('scores');
    return pattern
      .named('pattern')
      .matmul(repeatHeads(inputs[2]!, inputs[0]!.dim(1)))
      .named('z');
  },
  gradient: attentionGradient,
  flops: ([q, k, v], { causal }) =>
    (2 * q!.size * k!.dim(2) + 2 * (q!.size / q!.dim(3)) * k!.dim(2) * v!.dim(3)) * (causal && q!.dim(2) > 1 ? 0.5 : 1),
});

/** softmax(scale * q kᵀ) v: `[B, H, T, D], [B, G, S, D], [B, G, S, E] -> [B, H, T, E]`. A query that sees no key gives 0. */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const { length, mask, bias } = options;
  const attrs: AttentionAttrs = {
    causal: options.causal ?? false,
    scale: options.scale ?? 1 / Math.sqrt(q.dim(-1)),
    window: options.window ?? 0,
    softcap: options.softcap ?? 0,
    length: length !== undefined,
    mask: mask !== undefined,
    bias: bias !== undefined,
  };
  return ATTENTION([q, k, v, ...[length, mask, bias].filter(t => t !== undefined)], attrs);
}
