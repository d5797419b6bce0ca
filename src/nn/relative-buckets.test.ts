import { describe, expect, it } from 'vitest';
import { logBucket, relativeBucket } from './relative-buckets.ts';

describe('relativeBucket', () => {
  const both = { bidirectional: true, buckets: 32, maxDistance: 128 };
  const past = { ...both, bidirectional: false };
  it.each([
    ...[-128, -100, -64, -50, -32, -24, -20, -16, -15, -11, -8, -7, -1, 0].map(
      (d, i) => [d, [15, 15, 14, 13, 12, 11, 10, 10, 9, 8, 8, 7, 1, 0][i]] as const,
    ),
    ...[1, 7, 8, 12, 16, 24, 32, 50, 64, 100, 127, 4000].map(
      (d, i) => [d, [17, 23, 24, 25, 26, 27, 28, 29, 30, 31, 31, 31][i]] as const,
    ),
  ])('of distance %i in both directions is %i', (distance, bucket) => {
    expect(relativeBucket(distance, both)).toBe(bucket);
  });
  it.each(
    [-7, -15, -16, -20, -24, -32, -33, -50, -64, -100, -127, -4000, 0, 5].map(
      (d, i) => [d, [7, 15, 16, 17, 19, 21, 21, 24, 26, 30, 31, 31, 0, 0][i]] as const,
    ),
  )('of distance %i towards the past is %i', (distance, bucket) => {
    expect(relativeBucket(distance, past)).toBe(bucket);
  });
  it('never falls with the distance, and uses every bucket', () => {
    const seen = Array.from({ length: 200 }, (_, d) => relativeBucket(-d, past));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(new Set(seen).size).toBe(32);
  });
});

describe('logBucket', () => {
  it.each([
    [1, 1],
    [128, 128],
    [129, 129],
    [135, 133],
    [140, 137],
    [160, 149],
    [200, 169],
    [256, 192],
    [300, 207],
    [400, 233],
    [500, 254],
    [511, 255],
    [512, 256],
    [600, 270],
  ])('of distance %i is %i, mirrored on the other side', (distance, bucket) => {
    expect(logBucket(distance, 256, 512)).toBe(bucket);
    expect(logBucket(-distance, 256, 512)).toBe(-bucket);
  });
});
