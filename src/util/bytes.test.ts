import { describe, expect, it } from 'vitest';
import { decodeUtf8, readU64, typedView } from './bytes.ts';

describe('typedView', () => {
  const bytes = Uint8Array.of(9, 1, 0, 0, 0, 2, 0, 0, 0, 9, 9, 9);

  it('views aligned bytes in place and copies others', () => {
    expect([...typedView(Int32Array, bytes.subarray(1, 9))]).toEqual([1, 2]);
    expect(typedView(Int32Array, bytes.subarray(1, 9)).buffer).not.toBe(bytes.buffer);
    expect(typedView(Int32Array, bytes.subarray(4, 8)).buffer).toBe(bytes.buffer);
    expect([...typedView(Uint8Array, bytes.subarray(1, 3))]).toEqual([1, 0]);
  });

  it('refuses an incomplete element', () => {
    expect(() => typedView(Float64Array, bytes)).toThrow(
      /whole number of elements of Float64Array; seen: 12 bytes; expected: a multiple of 8/,
    );
  });
});

describe('readU64', () => {
  it('reads all 64 bits at any offset', () => {
    expect(readU64(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 255).subarray(1), 0)).toBe(0xff07060504030201n);
  });
});

describe('decodeUtf8', () => {
  it('keeps a byte order mark and reads shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(5));
    shared.set([0xef, 0xbb, 0xbf, 0xc3, 0xa4]);
    expect(decodeUtf8(shared, 'x')).toBe('\ufeffä');
  });

  it('refuses other bytes', () => {
    expect(() => decodeUtf8(Uint8Array.of(0x61, 0xff), 'a.txt')).toThrow(/not valid UTF-8 \(in a\.txt\)/);
  });
});
