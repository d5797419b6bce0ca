/**
 * Disentangled attention: the content of a token and the distance to it are separate vectors, and a score is the sum of
 * content to content, content to position (c2p) and position to content (p2c). He et al. 2020, "DeBERTa". A term depends on
 * the distance only, so each is one product with the vectors of all 2T distances and a shift, in time and memory T².
 */
import { attention, gather, Tensor } from '../tensor/index.ts';
import { mergeHeads, type SplitHeads } from './attention.ts';
import { columnDistances, relativeShift } from './relative-shift.ts';

/** The distances between T tokens as rows of a table of relative positions. */
export interface RelativeRows {
  /** i32 `[n]`: the rows of the table that any two of the tokens need, n up to 2T. */
  readonly rows: Tensor;
  /** i32 `[2T]`: of those, the one for each column of `relativeShift` when a query looks at keys ... */
  readonly fromQuery: Tensor;
  /** ... and when a key looks back at queries, which turns the distance around. */
  readonly fromKey: Tensor;
}

/**
 * @param reach the table has 2 `reach` rows, the middle one for distance 0; farther distances take the outermost ones
 * @param bucket from a distance in tokens, query minus key, to that in rows of the table; it does not decrease
 */
export function relativeRows(T: number, reach: number, bucket: (distance: number) => number): RelativeRows {
  const row = (distance: number) => Math.min(2 * reach - 1, Math.max(0, bucket(distance) + reach));
  const first = row(-T);
  const rows = Int32Array.from({ length: row(T) - first + 1 }, (_, i) => first + i);
  const columns = columnDistances(T);
  const places = (sign: number) => Tensor.from(Int32Array.from(columns, d => row(sign * d) - first));
  return { rows: Tensor.from(rows), fromQuery: places(1), fromKey: places(-1) };
}

/** Heads of a layer with the vectors of the positions. A term whose vectors are undefined is left out. */
export interface DisentangledHeads extends SplitHeads {
  /** `[n, H * D]`, one for each of `rows`: what queries are compared with (c2p). */
  readonly positionKeys?: Tensor | undefined;
  /** `[n, H * D]`: what keys are compared with (p2c). */
  readonly positionQueries?: Tensor | undefined;
}

/**
 * q, k, v `[B, H, T, D]` -> `[B, T, H * D]`. Every real token looks at every real token. Names `q`, `k`, `v`, and `c2p` and
 * `p2c` for what these terms add to the scores, `[B, H, T, T]`.
 * @param relative undefined where there are no vectors of positions
 * @param options `mask` bool `[B, T]`, false at padding; `scale` the factor of all terms
 */
export function disentangledAttention(
  { positionKeys, positionQueries, ...heads }: DisentangledHeads,
  relative: RelativeRows | undefined,
  { mask, scale }: { mask: Tensor | undefined; scale: number },
): Tensor {
  const [q, k, v] = [heads.q.named('q'), heads.k.named('k'), heads.v.named('v')];
  const [H, D] = [q.dim(1), q.dim(3)];
  const scores = (x: Tensor, vectors: Tensor, places: Tensor) => {
    const ofColumns = gather(vectors, places).mul(scale).reshape(-1, H, D).permute(1, 2, 0); // [H, D, 2T]
    return relativeShift(x.matmul(ofColumns));
  };
  const c2p = relative && positionKeys && scores(q, positionKeys, relative.fromQuery).named('c2p');
  const p2c = relative && positionQueries && scores(k, positionQueries, relative.fromKey).transpose().named('p2c');
  const bias = c2p && p2c ? c2p.add(p2c) : (c2p ?? p2c);
  return mergeHeads(attention(q, k, v, { mask, scale, bias }));
}
