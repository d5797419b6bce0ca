/**
 * Buckets of relative positions: near distances have one each, farther ones share more and more on a logarithmic scale.
 * Raffel et al. 2019 (T5); He et al. 2020 (DeBERTa). Logarithms are rounded to single precision after every step, as in the
 * reference: at the edge of a bucket that decides.
 */

export interface RelativeBucketOptions {
  /** Both directions, half of the buckets each; otherwise every key after the query falls into bucket 0. */
  readonly bidirectional: boolean;
  readonly buckets: number;
  /** Distances from here on share the last bucket. */
  readonly maxDistance: number;
}

/** T5's bucket of a distance in tokens, key minus query: 0 to `buckets` - 1. */
export function relativeBucket(
  distance: number,
  { bidirectional, buckets, maxDistance }: RelativeBucketOptions,
): number {
  const own = bidirectional ? buckets >> 1 : buckets;
  const first = bidirectional && distance > 0 ? own : 0;
  const far = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = own >> 1;
  if (far < exact) return first + far;
  const share = Math.fround(logarithm(far / exact) / Math.fround(Math.log(maxDistance / exact)));
  return first + Math.min(own - 1, exact + Math.trunc(Math.fround(share * (own - exact))));
}

/**
 * DeBERTa's bucket of a distance in tokens, query minus key: signed, the distance itself up to half of `buckets`, and
 * `buckets` - 1 for `maxPosition` - 1. Farther distances run on; whoever looks up a table clamps.
 */
export function logBucket(distance: number, buckets: number, maxPosition: number): number {
  const middle = buckets >> 1;
  const far = Math.abs(distance);
  if (far <= middle) return distance;
  const share = Math.fround(logarithm(far / middle) / Math.fround(Math.log((maxPosition - 1) / middle)));
  return Math.sign(distance) * (Math.ceil(Math.fround(share * (middle - 1))) + middle);
}

const logarithm = (x: number): number => Math.fround(Math.log(Math.fround(x)));
