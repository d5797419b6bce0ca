/** copy, concat, iota and cacheAppend move the right elements and nothing else. */
import { describe, expect, it } from 'vitest';
import { CACHE_KERNELS } from './cache.ts';
import { MOVEMENT_KERNELS } from './movement.ts';
import { elements, FEATURE_SETS, nameOf, offsets, randomArrays } from './random-arrays.ts';

describe.each(FEATURE_SETS.slice(0, 2).map(f => [nameOf(f), f] as const))('movement, %s', (_, features) => {
  const { harness, make, output, rng } = randomArrays([...MOVEMENT_KERNELS, ...CACHE_KERNELS], features, 5);

  it.each(['f32', 'i32', 'u8', 'bool'] as const)('copy of any view of %s', dtype => {
    for (let i = 0; i < 40; i++) {
      const shape = Array.from({ length: rng.below(6) }, () => rng.below(20) + (rng.below(9) ? 1 : 0));
      const x = make(shape, dtype, (['dense', 'rows', 'strided'] as const)[rng.below(3)]!);
      const out = output(shape, dtype);
      harness.run('copy', undefined, [x], out, 1 + rng.below(5));
      const right = elements(x);
      expect(Array.from(out.data).slice(0, right.length)).toEqual(right);
    }
  });

  it('transposes', () => {
    const x = make([70, 130]);
    const turned = { data: x.data, view: { ...x.view, shape: [130, 70], strides: [1, 130] } };
    const out = output([130, 70]);
    harness.run('copy', undefined, [turned], out, 2);
    expect([...out.data]).toEqual(elements(turned));
  });

  it.each(['f32', 'u8'] as const)('concat of %s along any axis', dtype => {
    for (let i = 0; i < 40; i++) {
      const rank = 1 + rng.below(4);
      const axis = rng.below(rank);
      const shape = Array.from({ length: rank }, () => 1 + rng.below(9));
      const parts = Array.from({ length: 1 + rng.below(4) }, () => {
        const part = shape.with(axis, rng.below(8));
        return make(part, dtype, (['dense', 'rows', 'strided'] as const)[rng.below(3)]!);
      });
      const whole = shape.with(
        axis,
        parts.reduce((n, p) => n + p.view.shape[axis]!, 0),
      );
      const out = output(whole, dtype);
      harness.run('concat', { axis }, parts, out, 1 + rng.below(3));
      let from = 0;
      for (const part of parts) {
        const at = offsets(part.view.shape, out.view.strides, from * out.view.strides[axis]!);
        expect(at.map(o => out.data[o])).toEqual(elements(part));
        from += part.view.shape[axis]!;
      }
    }
  });

  it('iota', () => {
    for (const [n, threads] of [
      [0, 1],
      [1, 3],
      [100, 3],
    ] as const)
      expect([...harness.run('iota', { n }, [], harness.array([n], 'i32'), threads)].slice(0, n)).toEqual(
        Array.from({ length: n }, (_, i) => i),
      );
  });

  it('cacheAppend writes the slots from the position on, and none beyond the capacity', () => {
    const [b, g, capacity, d] = [2, 3, 10, 7];
    for (const [position, t] of [
      [0, 4],
      [6, 4],
      [8, 4],
      [10, 1],
      [-1, 2],
    ] as const) {
      const cache = make([b, g, capacity, d]);
      const x = make([b, g, t, d], 'f32', 'rows');
      const right = elements(cache);
      elements(x).forEach((value, i) => {
        const slot = position + (Math.floor(i / d) % t);
        const row = Math.floor(i / (d * t)) * capacity + slot;
        if (slot >= 0 && slot < capacity) right[row * d + (i % d)] = value;
      });
      harness.run('cacheAppend', undefined, [cache, x, harness.array([], 'i32', [position])], cache, 3);
      expect(elements(cache)).toEqual(right);
    }
  });
});
