/** One vector per sequence out of one per token. */
import { ConfigError, ShapeError } from '../errors.ts';
import { concat, gather, Tensor } from '../tensor/index.ts';

/**
 * State of the last token that is not padding: x `[B, T, C]`, ids i32 `[B, T]` on the host, result `[B, C]`. Without a
 * padding id the last token. As the reference does, padding is told by the id, not by the mask.
 */
export function lastToken(x: Tensor, ids: Tensor, padId: number | undefined): Tensor {
  const data = onHost(ids, 'ids');
  return tokenOf(x, row => {
    let t = row.to - 1;
    while (padId !== undefined && t > row.from && data[t] === padId) t--;
    return t;
  });
}

/**
 * State of the first real token: x `[B, T, C] -> [B, C]`. A row without any gives that of its first.
 * @param mask bool `[B, T]` on the host, false at padding, which may be on either side; undefined = all real
 * @throws ConfigError when the mask is not on the host
 */
export function clsPool(x: Tensor, mask: Tensor | undefined): Tensor {
  const real = mask && onHost(mask, 'the mask');
  return tokenOf(x, ({ from, to }) => {
    let t = from;
    while (real && t < to && !real[t]) t++;
    return t < to ? t : from;
  });
}
/** State of the last real token, otherwise as `clsPool`; a row without any gives that of its last. */
export function lastPool(x: Tensor, mask: Tensor | undefined): Tensor {
  const real = mask && onHost(mask, 'the mask');
  return tokenOf(x, ({ from, to }) => {
    let t = to - 1;
    while (real && t >= from && !real[t]) t--;
    return t >= from ? t : to - 1;
  });
}
/** Mean of the real tokens: x `[B, T, C]`, mask as in `clsPool`, result `[B, C]`. Of a row without any 0. */
export function meanPool(x: Tensor, mask: Tensor | undefined): Tensor {
  const { sum, weight } = weightedSum(x, realTokens(x, mask));
  return sum.div(weight);
}
/** Their sum over the root of their number, which keeps a part of the length. */
export function meanSqrtPool(x: Tensor, mask: Tensor | undefined): Tensor {
  const { sum, weight } = weightedSum(x, realTokens(x, mask));
  return sum.div(weight.sqrt());
}
/** Their mean with weights 1, 2, 3 ... in reading order: later tokens have seen more. Muennighoff 2022, "SGPT". */
export function weightedMeanPool(x: Tensor, mask: Tensor | undefined): Tensor {
  const [B, T] = x.shape as [number, number];
  const weights = realTokens(x, mask);
  for (let b = 0; b < B; b++)
    for (let t = 0, read = 0; t < T; t++) {
      read += weights[b * T + t]!;
      weights[b * T + t]! *= read;
    }
  const { sum, weight } = weightedSum(x, weights);
  return sum.div(weight);
}
/** The largest value of each feature among the real tokens: x `[B, T, C]`, mask bool `[B, T]`, result `[B, C]`. */
export function maxPool(x: Tensor, mask: Tensor | undefined): Tensor {
  const [B, T, C] = x.shape as [number, number, number];
  const real = mask ? mask.reshape(B, T, 1).where(x, Number.NEGATIVE_INFINITY) : x;
  return real.max(1).reshape(B, C);
}

/** Ways to pool, by the names that sentence encoders use. */
export const POOLINGS = {
  cls: clsPool,
  max: maxPool,
  mean: meanPool,
  mean_sqrt_len_tokens: meanSqrtPool,
  weightedmean: weightedMeanPool,
  lasttoken: lastPool,
} as const satisfies Readonly<Record<string, (x: Tensor, mask: Tensor | undefined) => Tensor>>;
export type Pooling = keyof typeof POOLINGS;

/**
 * x `[B, T, C]` pooled in one way or, one after the other in each row, in N: `[B, N * C]`.
 * @throws ConfigError for a way that is not known
 */
export function pool(x: Tensor, mask: Tensor | undefined, how: Pooling | readonly Pooling[]): Tensor {
  const ways = typeof how === 'string' ? [how] : how;
  const unknown = ways.find(way => !Object.hasOwn(POOLINGS, way));
  if (unknown !== undefined || ways.length === 0)
    throw new ConfigError('no such pooling', { seen: unknown ?? 'none', expected: Object.keys(POOLINGS).join(', ') });
  const vectors = ways.map(way => POOLINGS[way](x, mask));
  return vectors.length === 1 ? vectors[0]! : concat(vectors, 1);
}

/** Below this length a vector stays as short as it is. */
const SHORTEST = 1e-12;
/** Rows of length 1: x `[..., C]` over the root of the sum of its squares. */
export function normalize(x: Tensor): Tensor {
  return x.div(x.mul(x).sum(-1).sqrt().maximum(SHORTEST));
}

function onHost(leaf: Tensor, name: string): ArrayLike<number> {
  if (leaf.storage?.kind === 'host') return leaf.storage.data;
  throw new ConfigError(`${name} must be a leaf on the host`);
}
/** One token of each row of x `[B, T, C]`, chosen among the indices `from` to `to` - 1 of `[B * T]`. */
function tokenOf(x: Tensor, choose: (row: { from: number; to: number }) => number): Tensor {
  const [B, T, C] = x.shape as [number, number, number];
  const rows = Int32Array.from({ length: B }, (_, b) => choose({ from: b * T, to: (b + 1) * T }));
  return gather(x.reshape(B * T, C), Tensor.from(rows, [B]));
}
/** 1 at real tokens and 0 at padding, `[B * T]`. */
function realTokens(x: Tensor, mask: Tensor | undefined): Float32Array {
  return mask ? Float32Array.from(onHost(mask, 'the mask')) : new Float32Array(x.dim(0) * x.dim(1)).fill(1);
}
/** Sum of the tokens by whole weights `[B * T]`: `[B, C]`; and of the weights, but at least 1: `[B, 1]`. */
function weightedSum(x: Tensor, weights: Float32Array): { sum: Tensor; weight: Tensor } {
  const [B, T, C] = x.shape as [number, number, number];
  const rows = Tensor.from(weights, [B, 1, T]);
  return { sum: rows.matmul(x).reshape(B, C), weight: rows.sum(-1).reshape(B, 1).maximum(1) };
}

/**
 * State of the last token that is `id`: x `[B, T, C]`, ids i32 `[B, T]` on the host, result `[B, C]`.
 * @throws ShapeError when there is not a state for each id
 * @throws ConfigError when rows hold it differently often: single texts and pairs, whose states mean different things
 */
export function lastOf(x: Tensor, ids: Tensor, id: number): Tensor {
  const [B, T] = x.shape as [number, number];
  if (`${ids.shape}` !== `${[B, T]}`)
    throw new ShapeError('a state for each id', { seen: `states [${x.shape}], ids [${ids.shape}]` });
  const data = Array.from(onHost(ids, 'ids'));
  const counts = Array.from({ length: B }, (_, b) => data.slice(b * T, (b + 1) * T).filter(x => x === id).length);
  if (counts.some(count => count === 0 || count !== counts[0]))
    throw new ConfigError('every row must hold the end token, and equally often', {
      seen: `${counts.join(', ')} times token ${id}`,
      fix: 'end every text with it, and run single texts and pairs apart',
    });
  return tokenOf(x, ({ to }) => data.lastIndexOf(id, to - 1));
}
