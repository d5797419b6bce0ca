import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { Tensor } from '../tensor/index.ts';
import { sinusoidalPositions, sinusoids } from './sinusoids.ts';

describe('sinusoids', () => {
  const rate = (i: number) => 10_000 ** (-i / 3);
  it('stand side by side as in the paper', () => {
    const row = [...sinusoids(4, 6, { layout: 'interleaved' }).slice(18)];
    const right = [0, 1, 2].flatMap(i => [Math.sin(3 * rate(i)), Math.cos(3 * rate(i))]);
    expect(row).toEqual(right.map(Math.fround));
  });
  it('stand in halves', () => {
    const row = [...sinusoids(4, 6, { layout: 'halves' }).slice(18)];
    const right = [Math.sin, Math.cos].flatMap(f => [0, 1, 2].map(i => f(3 * rate(i))));
    expect(row).toEqual(right.map(Math.fround));
  });
  it('slow down to 1/10000 itself', () => {
    const row = sinusoids(101, 6, { layout: 'halves', reachesSlowest: true }).slice(600);
    expect([row[0], row[1], row[2]]).toEqual([Math.sin(100), Math.sin(1), Math.sin(0.01)].map(Math.fround));
  });
  it('are looked up for the positions of a batch, counted from the first', async () => {
    const options = { layout: 'halves', reachesSlowest: true } as const;
    const rows = sinusoidalPositions(Tensor.from(new Int32Array([0, 1, 0, 3]), [2, 2]), 6, options, 2);
    expect(rows.shape).toEqual([2, 2, 6]);
    const table = sinusoids(6, 6, options);
    const expected = [2, 3, 2, 5].flatMap(position => [...table.slice(6 * position, 6 * position + 6)]);
    expect([...(await rows.data())]).toEqual(expected);
  });
  it('need pairs', () => {
    expect(() => sinusoids(2, 5, { layout: 'halves' })).toThrow(ConfigError);
    expect(() => sinusoids(2, 2, { layout: 'halves', reachesSlowest: true })).toThrow(/width 2/);
  });
});
