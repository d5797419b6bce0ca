/** What attention and its gradient share: attributes, which slots a query sees, the pattern in elementary ops. */
import { Tensor } from '../tensor.ts';
import { softmax } from './softmax.ts';

export interface AttentionAttrs {
  readonly causal: boolean;
  readonly scale: number;
  /** 0 = none. */
  readonly window: number;
  /** 0 = none. */
  readonly softcap: number;
  /** Which of the optional inputs follow q, k, v, in this order. */
  readonly length: boolean;
  readonly mask: boolean;
  readonly bias: boolean;
}

/** Finite, so that a row without any visible key stays free of NaN; its pattern is set to 0 afterwards. */
const HIDDEN = -1e30;

/** The optional inputs, of which `attrs` says which are there. */
export function optionalInputs(
  extra: readonly Tensor[],
  attrs: Pick<AttentionAttrs, 'length' | 'mask' | 'bias'>,
): { length: Tensor | undefined; mask: Tensor | undefined; bias: Tensor | undefined } {
  const rest = [...extra];
  const next = (there: boolean) => (there ? rest.shift() : undefined);
  return { length: next(attrs.length), mask: next(attrs.mask), bias: next(attrs.bias) };
}

/** `[B, H, T, S]`: what is weighted, what of it is seen and then turned into weights, and those. */
export interface AttentionPattern {
  /** Scaled and capped products, without the bias. */
  readonly products: Tensor;
  readonly scores: Tensor;
  readonly pattern: Tensor;
}
export function attentionPattern(inputs: readonly Tensor[], attrs: AttentionAttrs): AttentionPattern {
  const [q, k, , ...extra] = inputs as [Tensor, Tensor, Tensor, ...Tensor[]];
  const [H, T, S] = [q.dim(1), q.dim(2), k.dim(2)];
  const { length = Tensor.constant(S, 'i32'), mask, bias } = optionalInputs(extra, attrs);
  let products = q.matmul(repeatHeads(k, H).transpose()).mul(attrs.scale);
  if (attrs.softcap) products = products.div(attrs.softcap).tanh().mul(attrs.softcap);
  const visible = visibility(T, S, length, mask, attrs);
  const scores = visible.where(bias ? products.add(bias) : products, HIDDEN);
  return { products, scores, pattern: visible.where(softmax(scores), 0) };
}

/** bool, broadcasts to `[B, H, T, S]`: which key slot each query sees. */
function visibility(
  T: number,
  S: number,
  length: Tensor,
  mask: Tensor | undefined,
  { causal, window }: AttentionAttrs,
): Tensor {
  const slot = Tensor.iota(S); // [S]
  const own = Tensor.iota(T).add(length.sub(T)).reshape(T, 1); // slot of each query, [T, 1]
  let visible = slot.less(length).expand([1, S]);
  if (causal) visible = visible.and(slot.lessEqual(own));
  if (window) visible = visible.and(own.less(slot.add(window)));
  if (window && !causal) visible = visible.and(slot.less(own.add(window)));
  return mask ? visible.and(mask.reshape(mask.dim(0), 1, 1, S)) : visible;
}

/** `[B, G, S, D] -> [B, H, S, D]`: key/value head j serves the H / G neighbouring query heads from j * H / G on. */
export function repeatHeads(x: Tensor, H: number): Tensor {
  const [B, G, S, D] = x.shape as [number, number, number, number];
  return H === G
    ? x
    : x
        .reshape(B, G, 1, S, D)
        .expand([B, G, H / G, S, D])
        .reshape(B, H, S, D);
}
