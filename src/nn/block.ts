/** Residual layers: a stream that attention and a feed-forward layer add to. Vaswani et al. 2017. */
import { scope, type Tensor } from '../tensor/index.ts';

/**
 * x + attend(x) = m, m + mlp(m): `[B, T, C] -> [B, T, C]`. Where norms and factors sit is for the two functions to say.
 * Names `resid_pre`, `resid_mid` and `resid_post`; the functions run in the scopes `attn` and `mlp`.
 */
export function residualBlock(x: Tensor, attend: (x: Tensor) => Tensor, mlp: (x: Tensor) => Tensor): Tensor {
  const pre = x.named('resid_pre');
  const mid = pre.add(scope('attn', () => attend(pre))).named('resid_mid');
  return mid.add(scope('mlp', () => mlp(mid))).named('resid_post');
}

/** The two side by side: x + attend(x) + mlp(x). Wang & Komatsuzaki 2021. Names `resid_pre` and `resid_post`. */
export function parallelBlock(x: Tensor, attend: (x: Tensor) => Tensor, mlp: (x: Tensor) => Tensor): Tensor {
  const pre = x.named('resid_pre');
  const attended = pre.add(scope('attn', () => attend(pre)));
  return attended.add(scope('mlp', () => mlp(pre))).named('resid_post');
}

/** The same with a norm after each sum, n1(x + attend(x)) = m, n2(m + mlp(m)), as the paper has it. */
export function postNormBlock(
  x: Tensor,
  attend: (x: Tensor) => Tensor,
  mlp: (x: Tensor) => Tensor,
  norms: { readonly mid: (x: Tensor) => Tensor; readonly post: (x: Tensor) => Tensor },
): Tensor {
  const pre = x.named('resid_pre');
  const mid = norms.mid(pre.add(scope('attn', () => attend(pre)))).named('resid_mid');
  return norms.post(mid.add(scope('mlp', () => mlp(mid)))).named('resid_post');
}

/** x `[B, T, C]` through all layers, each in the scope `blocks.{i}`. */
export const throughLayers = <P>(
  layers: readonly P[],
  x: Tensor,
  layer: (params: P, x: Tensor, i: number) => Tensor,
): Tensor => layers.reduce((stream, params, i) => scope(`blocks.${i}`, () => layer(params, stream, i)), x);
