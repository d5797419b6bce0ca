import { describe, expect, it } from 'vitest';
import { BackendError } from '../../errors.ts';
import { createRng } from '../../util/rng.ts';
import { Allocator, PAGE } from './memory.ts';

const MIB = 1 << 20;
const allocator = (limit: number, options: { size?: number; refuseAbove?: number } = {}) => {
  const grown: number[] = [];
  const made = new Allocator({
    base: PAGE,
    size: options.size ?? 16 * PAGE,
    limit,
    grow(size) {
      if (size > (options.refuseAbove ?? Infinity)) return false;
      grown.push(size);
      return true;
    },
  });
  return { made, grown };
};

describe('Allocator', () => {
  it('gives 64-byte aligned ranges that never overlap, and melts everything back together', () => {
    const { made } = allocator(64 * MIB);
    const rng = createRng(7);
    const live: { at: number; bytes: number }[] = [];
    let end = 0;
    for (let i = 0; i < 10_000; i++) {
      if (live.length > 200 || (live.length && rng.below(2))) {
        const [gone] = live.splice(rng.below(live.length), 1);
        made.free(gone!.at);
      } else {
        const bytes = rng.below(rng.below(8) ? 5000 : 200_000);
        live.push({ at: made.alloc(bytes), bytes: Math.max(1, bytes) });
      }
      if (i % 100) continue;
      const sorted = [...live].sort((x, y) => x.at - y.at);
      end = PAGE;
      for (const { at, bytes } of sorted) {
        expect(at % 64).toBe(0);
        expect(at).toBeGreaterThanOrEqual(end);
        end = at + bytes;
      }
      expect(end).toBeLessThanOrEqual(made.reserved);
      expect(made.used).toBe(live.reduce((n, r) => n + Math.ceil(r.bytes / 64) * 64, 0));
    }
    for (const { at } of live) made.free(at);
    expect(made.used).toBe(0);
    const before = made.reserved;
    expect(made.alloc(made.reserved - PAGE)).toBe(PAGE);
    expect(made.reserved).toBe(before);
  });

  it('takes the smallest range that fits', () => {
    const { made } = allocator(64 * MIB);
    const [large, , small] = [4096, 64, 1024, 64].map(n => made.alloc(n));
    made.free(large!);
    made.free(small!);
    expect(made.alloc(1000)).toBe(small);
    expect(made.alloc(1000)).toBe(large);
  });

  it('grows in steps of 1 MiB or an eighth, and by what is needed if that is more', () => {
    const { made, grown } = allocator(1024 * MIB, { size: MIB });
    made.alloc(MIB);
    expect(grown).toEqual([2 * MIB]);
    made.alloc(100 * MIB);
    made.alloc(1 * MIB);
    expect(grown[1]! - grown[0]!).toBeLessThanOrEqual(100 * MIB);
    expect(grown[2]! - grown[1]!).toBeGreaterThan(12 * MIB);
  });

  it('asks for no more than is needed when the engine or the limit says no', () => {
    const { made, grown } = allocator(64 * MIB, { size: 32 * MIB, refuseAbove: 33 * MIB });
    made.alloc(32 * MIB);
    expect(grown).toEqual([32 * MIB + PAGE]);
    const tight = allocator(33 * MIB, { size: 32 * MIB });
    tight.made.alloc(32 * MIB);
    expect(tight.grown).toEqual([33 * MIB]);
    expect(tight.made.alloc(MIB - 2 * PAGE)).toBeGreaterThan(0);
  });

  it('counts in numbers, not in 32-bit integers', () => {
    const { made } = allocator(4096 * MIB - PAGE);
    const addresses = Array.from({ length: 4 }, () => made.alloc(1000 * MIB));
    expect(addresses[3]).toBe(PAGE + 3000 * MIB);
    made.free(addresses[3]!);
    expect(made.alloc(1000 * MIB)).toBe(addresses[3]);
  });

  it('says what is wanted, used, free and possible when memory runs out, and works on', () => {
    const { made } = allocator(8 * MIB);
    const held = made.alloc(5 * MIB);
    const error = (() => {
      try {
        made.alloc(4 * MIB);
      } catch (e) {
        return e;
      }
    })();
    expect(error).toBeInstanceOf(BackendError);
    expect(String(error)).toMatch(/out of memory; seen: 4\.0 MiB wanted, 5\.0 MiB used, largest free block .* MiB/);
    expect(String(error)).toMatch(/at most 8\.0 MiB.*to do: free tensors/);
    made.free(held);
    expect(made.alloc(4 * MIB)).toBe(PAGE);
  });

  it('refuses to free what it did not give', () => {
    const { made } = allocator(8 * MIB);
    const at = made.alloc(100);
    made.free(at);
    expect(() => made.free(at)).toThrow(BackendError);
    expect(() => made.free(at + 64)).toThrow(BackendError);
  });
});
