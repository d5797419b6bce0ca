import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSha256 } from './sha256.ts';

describe('createSha256', () => {
  it.each([0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000, 100_003])('agrees with Node on %i bytes', length => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 131 + (i >> 7)) & 255);
    const expected = createHash('sha256').update(bytes).digest('hex');
    for (const part of [1, 7, 64, 100, 4096]) {
      const hash = createSha256();
      for (let at = 0; at < length; at += part) hash.update(bytes.subarray(at, at + part));
      expect(hash.digest()).toBe(expected);
    }
  });
});
