import { describe, expect, it } from 'vitest';
import { PAIR_TOKENIZER } from '../../../test/train/objectives-tokenizers.ts';
import { classification } from '../objectives/classification.ts';
import { checkData } from './check-data.ts';
import { hashTable } from './hash-table.ts';
import { rowsOf } from './row.ts';
import { splitRows } from './split-rows.ts';
import { HASH_RANGE, textHash } from './text-hash.ts';

const objective = classification({ tokenizer: PAIR_TOKENIZER, maxLength: 8 });
const row = (text: string, label: string | number) => ({ text, label });

describe('a table of hashes', () => {
  it('keeps what each was first put in with, through its growth and where low bits are alike', () => {
    const table = hashTable();
    const hashes = Array.from({ length: 5000 }, (_, i) => (i % 2 ? textHash(`${i}`) : i * 2 ** 32));
    for (const [i, hash] of hashes.entries()) expect(table.firstOf(hash, i)).toBeUndefined();
    for (const [i, hash] of hashes.entries()) expect(table.firstOf(hash, 1)).toBe(i);
  });
});

describe('checks of data', () => {
  it('find nothing in good data', async () => {
    const train = ['a dog', 'the cat', 'a red bird', 'the old tree'].map((text, i) => row(text, i % 2));
    const report = await checkData(
      { train: rowsOf(train), validation: rowsOf([row('the small house', 0), row('a', 1)]) },
      objective,
      { tokenizer: PAIR_TOKENIZER },
    );
    expect(report.findings).toEqual([]);
    expect(report.parts.train).toEqual({
      ...{ rows: 4, empty: 0, repeated: 0, cut: 0, longest: 5, meanLength: 4.5, labels: { 0: 2, 1: 2 } },
      lengths: [
        { from: 0, to: 2, rows: 0 },
        { from: 2, to: 4, rows: 0 },
        { from: 4, to: 8, rows: 4 },
      ],
    });
  });
  it('count and name what is wrong', async () => {
    const train = [
      ...Array.from({ length: 30 }, (_, i) => row(`dog ${i}`, 'good')),
      row('a cat', 'bad'),
      row('a cat', 'good'),
      row('a cat', 'good'),
      row('  ', 'good'),
      row('the old red bird and the small dog', 'good'),
      ...['house', 'tree', 'bird'].map(word => row(`the old red dog sees the ${word}`, 'good')),
    ];
    const validation = [row('dog 3', 'good'), row('a cat', 'good'), row('dog 99', 'good')];
    const report = await checkData({ train: rowsOf(train), validation: rowsOf(validation, 'v') }, objective, {
      tokenizer: PAIR_TOKENIZER,
    });
    expect(report.parts.train).toMatchObject({ rows: 38, empty: 1, repeated: 2, cut: 4, longest: 10 });
    expect(report.shared).toEqual([{ part: 'validation', with: 'train', rows: 2, first: 'v 0' }]);
    const texts = report.findings.map(({ severity, text }) => `${severity}: ${text}`);
    expect(texts.map(text => text.slice(0, 60))).toEqual([
      'error: 2 of 3 rows in validation stand in train too, the fir',
      'error: All rows in validation have the label good: nothing c',
      'warning: 1 of 38 rows in train (2.6 %) are empty and are lef',
      'warning: 2 of 38 rows in train (5.3 %) repeat another one an',
      'warning: 4 of 38 rows in train (10.5 %) are longer than 8 to',
      'warning: Labels in train are uneven: good has 36 rows, rare ',
    ]);
    expect(texts.at(-1)).toContain('bad (1)');
  });
  it('say when a part holds nothing', async () => {
    const report = await checkData({ train: rowsOf([row('', 1)]) }, objective, { tokenizer: PAIR_TOKENIZER });
    expect(report.findings).toEqual([
      { severity: 'error', text: 'train has no rows with text. Check the file and the names of its columns.' },
    ]);
  });
});

describe('splits', () => {
  const shares = { train: 0.8, validation: 0.15, test: 0.05 };
  const rows = Array.from({ length: 5000 }, (_, i) => row(`text ${i % 4000}`, 0));
  const part = async (name: string, options = {}, of = rows) => {
    const list: string[] = [];
    for await (const { fields } of splitRows(rowsOf(of), name, { shares, ...options })) list.push(`${fields.text}`);
    return list;
  };
  it.each(['content', 'number'])('have every row in one part, in the shares asked for (by %s)', async by => {
    const parts = await Promise.all(Object.keys(shares).map(name => part(name, { by })));
    expect(parts.flat().sort()).toEqual(rows.map(({ text }) => text).sort());
    // Standard deviations of the shares are below 0.7 %.
    parts.forEach((list, i) => {
      expect(Math.abs(list.length / 5000 - Object.values(shares)[i]!)).toBeLessThan(0.025);
    });
    expect(await part('test', { by })).toEqual(parts[2]);
    expect(await part('test', { by, seed: 1 })).not.toEqual(parts[2]);
  });
  it('by content keep equal rows together, in any order', async () => {
    const [train, test] = [new Set(await part('train')), await part('test')];
    expect(test.filter(text => train.has(text))).toEqual([]);
    expect((await part('test', {}, [...rows].reverse())).reverse()).toEqual(test);
  });
  it('refuse shares that are not 1 together, and other parts', async () => {
    await expect(part('train', { shares: { train: 0.8 } })).rejects.toThrow(/1 together/);
    await expect(part('dev')).rejects.toThrow(/no such part.*train or validation or test/);
  });
  it('come from a hash whose values are spread evenly and differ', () => {
    const hashes = Array.from({ length: 20_000 }, (_, i) => textHash(`row ${i}`));
    expect(new Set(hashes).size).toBe(20_000);
    const bins = new Array<number>(16).fill(0);
    for (const hash of hashes) bins[Math.floor((hash / HASH_RANGE) * 16)]!++;
    // 15 degrees of freedom: 37.7 is exceeded once in a thousand times.
    expect(bins.reduce((sum, n) => sum + (n - 1250) ** 2 / 1250, 0)).toBeLessThan(37.7);
    const flips = Array.from({ length: 2000 }, (_, i) => {
      const [a, b] = [textHash(`ab${i}`), textHash(`aC${i}`)];
      return Array.from({ length: 53 }, (_, bit) =>
        Number(Math.floor(a / 2 ** bit) % 2 !== Math.floor(b / 2 ** bit) % 2),
      );
    });
    for (let bit = 0; bit < 53; bit++) {
      const share = flips.reduce((n, row) => n + row[bit]!, 0) / 2000;
      expect(Math.abs(share - 0.5)).toBeLessThan(0.06);
    }
  });
});
