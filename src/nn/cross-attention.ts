/**
 * A decoder's attention to a source. Keys and values come from the encoder's states: they are made once for a source, and all
 * tokens that are generated from it look at the same ones. Vaswani et al. 2017.
 */
import { ConfigError } from '../errors.ts';
import { attention, scope, type Tensor } from '../tensor/index.ts';
import { mergeHeads, splitHeads } from './attention.ts';
import { type LinearParams, linear } from './linear.ts';

/** Keys and values of one decoder layer for B sources of S positions, `[B, H, S, D]`. */
export interface SourceLayer {
  readonly k: Tensor;
  readonly v: Tensor;
}
/** What the tokens of a call look at: for each decoder layer its keys and values. */
interface SourceLayers {
  /** bool `[B, S]`: false at padding. Undefined = all real. */
  readonly mask: Tensor | undefined;
  readonly layers: readonly SourceLayer[];
}

/** Keys and values of a layer from the encoder's states, `[B, S, C] -> [B, H, S, D]`. Names `k` and `v`. */
export const projectSource = (p: { k: LinearParams; v: LinearParams }, states: Tensor, heads: number): SourceLayer => ({
  k: splitHeads(linear(p.k, states), heads).named('k'),
  v: splitHeads(linear(p.v, states), heads).named('v'),
});

/** `project` of every decoder layer, each in the scope of its cross-attention, `decoder.blocks.{i}.cross`. */
export const throughSource = <P>(layers: readonly P[], project: (params: P) => SourceLayer): SourceLayer[] =>
  layers.map((params, i) => scope(`decoder.blocks.${i}.cross`, () => project(params)));

/**
 * x `[B, T, C]` looks at a source and gives `[B, T, C]`; no token sees padding, and there is no order among the keys. Names
 * `q` and `out`.
 * @param scale of the scores; default 1 / sqrt(D)
 * @throws ConfigError without a source
 */
export function crossAttention(
  p: { q: LinearParams; out: LinearParams },
  x: Tensor,
  heads: number,
  source: SourceLayers | undefined,
  layer: number,
  options: { scale?: number } = {},
): Tensor {
  const seen = source?.layers[layer];
  if (!seen) throw new ConfigError('a decoder layer without a source', { fix: 'encode one first' });
  const q = splitHeads(linear(p.q, x), heads).named('q');
  return linear(p.out, mergeHeads(attention(q, seen.k, seen.v, { ...options, mask: source.mask }))).named('out');
}

/** The three sub-layers of a decoder layer that looks at a source, `[B, T, C] -> [B, T, C]`. */
interface CrossBlockParts {
  readonly attend: (x: Tensor) => Tensor;
  readonly cross: (x: Tensor) => Tensor;
  readonly mlp: (x: Tensor) => Tensor;
}
const same = (x: Tensor): Tensor => x;

/**
 * x + attend(x) = m, m + cross(m) = n, n + mlp(n): `[B, T, C] -> [B, T, C]`. Names `resid_pre`, `resid_mid` (m), `resid_cross`
 * (n) and `resid_post`; the functions run in the scopes `attn`, `cross` and `mlp`.
 * @param norms what is done to each sum; default nothing: then norms are for the functions to apply to what they read
 */
export function crossBlock(
  x: Tensor,
  { attend, cross, mlp }: CrossBlockParts,
  norms: CrossBlockParts = { attend: same, cross: same, mlp: same },
): Tensor {
  const pre = x.named('resid_pre');
  const mid = norms.attend(pre.add(scope('attn', () => attend(pre)))).named('resid_mid');
  const seen = norms.cross(mid.add(scope('cross', () => cross(mid)))).named('resid_cross');
  return norms.mlp(seen.add(scope('mlp', () => mlp(seen)))).named('resid_post');
}
