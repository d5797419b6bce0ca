import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { setDefaultBackend, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import { meanPool, normalize, POOLINGS, type Pooling, pool } from './pooling.ts';

setDefaultBackend(async () => createReferenceBackend());

const C = 5;
const rng = createRng(1, 0);
/** Three tokens, and their vectors by hand. */
const text = Array.from({ length: 3 }, () => Array.from({ length: C }, () => Math.fround(rng.uniform() - 0.7)));
const byFeature = (f: (column: [number, number, number]) => number): number[] =>
  Array.from({ length: C }, (_, c) => f(text.map(token => token[c]!) as [number, number, number]));
const BY_HAND: Readonly<Record<Pooling, number[]>> = {
  cls: text[0]!,
  lasttoken: text[2]!,
  max: byFeature(column => Math.max(...column)),
  mean: byFeature(([a, b, c]) => (a + b + c) / 3),
  mean_sqrt_len_tokens: byFeature(([a, b, c]) => (a + b + c) / Math.sqrt(3)),
  weightedmean: byFeature(([a, b, c]) => (a + 2 * b + 3 * c) / 6),
};
/** What lies at padding is large, so that any of it shows. */
const junk = Array<number>(C).fill(1e3);
const ROWS = {
  right: { tokens: [...text, junk, junk], mask: [1, 1, 1, 0, 0] },
  left: { tokens: [junk, junk, ...text], mask: [0, 0, 1, 1, 1] },
  both: { tokens: [junk, ...text, junk], mask: [0, 1, 1, 1, 0] },
};
const rowsOf = (data: ArrayLike<number>, width: number) =>
  Array.from({ length: data.length / width }, (_, r) => Array.from(data).slice(r * width, (r + 1) * width));
const expectClose = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 6);
  });
};

describe.each(Object.keys(POOLINGS) as Pooling[])('%s', how => {
  it('is what it is by hand', async () => {
    expectClose([...(await pool(Tensor.from(text.flat(), [1, 3, C]), undefined, how).data())], BY_HAND[how]);
  });
  it('does not see padding on any side', async () => {
    const rows = Object.values(ROWS);
    const x = Tensor.from(
      rows.flatMap(row => row.tokens.flat()),
      [3, 5, C],
    );
    const mask = Tensor.from(Uint8Array.from(rows.flatMap(row => row.mask)), [3, 5], 'bool');
    for (const row of rowsOf(await pool(x, mask, how).data(), C)) expectClose(row, BY_HAND[how]);
  });
});

describe('pooling', () => {
  const x = Tensor.from(text.flat(), [1, 3, C]);
  it('puts several results one after the other', async () => {
    const both = pool(x, undefined, ['max', 'cls']);
    expect(both.shape).toEqual([1, 2 * C]);
    expectClose([...(await both.data())], [...BY_HAND.max, ...BY_HAND.cls]);
  });
  it('gives 0 as the mean of nothing', async () => {
    const nothing = Tensor.from(new Uint8Array(3), [1, 3], 'bool');
    expect([...(await meanPool(x, nothing).data())]).toEqual(Array(C).fill(0));
  });
  it('refuses ways that it does not know', () => {
    expect(() => pool(x, undefined, 'median' as Pooling)).toThrow(/no such pooling; seen: median; expected: cls, max/);
    expect(() => pool(x, undefined, [])).toThrow(/no such pooling; seen: none/);
  });
});

describe('normalize', () => {
  it('makes rows of length 1, and leaves zeros', async () => {
    expectClose([...(await normalize(Tensor.from([3, 4, 0, 0], [2, 2])).data())], [0.6, 0.8, 0, 0]);
  });
});
