import { describe, expect, it } from 'vitest';
import {
  MASK_TOKENIZER,
  PAIR_TOKENIZER,
  randomText,
  TEXT_TOKENIZER,
} from '../../../test/train/objectives-tokenizers.ts';
import { createRng } from '../../util/rng.ts';
import type { PlacedBatch, Position } from '../batch.ts';
import { causalLM } from '../objectives/causal-lm.ts';
import { classification } from '../objectives/classification.ts';
import { maskedLM } from '../objectives/masked-lm.ts';
import { nextSentence } from '../objectives/next-sentence.ts';
import { type BatchesOptions, batches } from './batches.ts';
import { rowsOf } from './row.ts';
import { tokenizeRows } from './tokenize-rows.ts';

const rng = createRng(3);
const TEXTS = Array.from({ length: 203 }, (_, i) => ({ text: randomText(4 + (i % 30), rng), label: i % 2 }));
const classes = classification({ tokenizer: PAIR_TOKENIZER, maxLength: 200 });
const classData = tokenizeRows(rowsOf(TEXTS), classes);

async function take<C extends string>(
  options: BatchesOptions<C>,
  count: number,
  from?: Position,
): Promise<PlacedBatch[]> {
  const list: PlacedBatch[] = [];
  for await (const placed of batches(options).from(from)) {
    list.push(placed);
    if (list.length === count) break;
  }
  return list;
}
const rowsIn = (list: readonly PlacedBatch[]) =>
  list.flatMap(({ batch }) => batch.inputs.input_ids!.map(row => `${Array.from(row).filter(id => id !== 0)}`));

describe('batches', () => {
  it('have every example once an epoch, each epoch in another order', async () => {
    const data = await classData;
    const list = await take({ data, objective: classes, batchSize: 16 }, 26);
    expect(batches({ data, objective: classes, batchSize: 16 }).length).toBe(13);
    expect(list.map(({ epoch }) => epoch)).toEqual([...new Array(13).fill(0), ...new Array(13).fill(1)]);
    expect(list.slice(0, 13).map(({ batch }) => batch.examples)).toEqual([...new Array(12).fill(16), 11]);
    const [first, second] = [rowsIn(list.slice(0, 13)), rowsIn(list.slice(13))];
    const all = TEXTS.map(({ text }) => `${PAIR_TOKENIZER.encodeIds(text)}`).sort();
    expect([...first].sort()).toEqual(all);
    expect([...second].sort()).toEqual(all);
    expect(first).not.toEqual(second);
  });
  it('keep the order of the data and end, for validation', async () => {
    const data = await classData;
    const list = await take({ data, objective: classes, batchSize: 50, shuffle: false, epochs: 1 }, 99);
    expect(rowsIn(list)).toEqual(TEXTS.map(({ text }) => `${PAIR_TOKENIZER.encodeIds(text)}`));
    const full = await take({ data, objective: classes, batchSize: 50, dropLast: true, epochs: 2 }, 99);
    expect(full.map(({ batch }) => batch.examples)).toEqual(new Array(8).fill(50));
  });
  it.each([false, true])('go on from any position, exactly (grouped by length: %s)', async groupByLength => {
    const objective = maskedLM({ tokenizer: MASK_TOKENIZER, length: 32, packing: false });
    const data = await tokenizeRows(rowsOf(TEXTS), objective);
    const options = { data, objective, batchSize: 3, seed: 11, groupByLength };
    const whole = await take(options, 150);
    for (const at of [0, 30, 66, 67, 68, 140]) {
      const position = JSON.parse(JSON.stringify(whole[at]!.next)) as Position;
      expect(await take(options, 3, position)).toEqual(whole.slice(at + 1, at + 4));
    }
  });
  it('treat an example alike in batches of any size, and otherwise in every epoch and for every seed', async () => {
    const objective = maskedLM({ tokenizer: MASK_TOKENIZER, length: 32 });
    const data = await tokenizeRows(rowsOf(TEXTS), objective);
    const rows = async (batchSize: number, seed: number, epochs = 1) =>
      rowsIn(await take({ data, objective, batchSize, seed, epochs }, 1e9));
    const once = await rows(4, 1);
    expect(await rows(7, 1)).toEqual(once);
    const twice = await rows(4, 1, 2);
    const common = (other: readonly string[]) => other.filter(row => once.includes(row)).length;
    expect(common(twice.slice(once.length))).toBe(0);
    expect(common(await rows(4, 2))).toBe(0);
  });
  it('with a position in the middle go on with another batch size', async () => {
    const data = await classData;
    const options = { data, objective: classes, seed: 5 };
    const [, second] = await take({ ...options, batchSize: 10 }, 2);
    const rest = await take({ ...options, batchSize: 183 }, 1, second!.next);
    const first = await take({ ...options, batchSize: 203 }, 1);
    expect(rowsIn(rest)).toEqual(rowsIn(first).slice(20));
  });
  it('grouped by length hold examples of like length, and all of them', async () => {
    const data = await classData;
    const padding = (list: readonly PlacedBatch[]) => {
      const ids = list.flatMap(({ batch }) => batch.inputs.input_ids!.map(row => Array.from(row)));
      return ids.flat().filter(id => id === 0).length / ids.flat().length;
    };
    const options = { data, objective: classes, batchSize: 8, epochs: 1 };
    const [plain, grouped] = [await take(options, 99), await take({ ...options, groupByLength: true }, 99)];
    expect([...rowsIn(grouped)].sort()).toEqual([...rowsIn(plain)].sort());
    expect(padding(grouped)).toBeLessThan(0.15 * padding(plain));
    // Batches are in random order themselves: not the longest first.
    const widths = grouped.map(({ batch }) => batch.inputs.input_ids![0]!.length);
    expect([...widths].sort((a, b) => b - a)).not.toEqual(widths);
  });
  it('draw partners that are others, each alike', async () => {
    const objective = nextSentence({ tokenizer: PAIR_TOKENIZER, length: 64 });
    const single = (i: number) => ({ text: TEXTS[i]!.text.replaceAll('.', '') });
    const data = await tokenizeRows(rowsOf([0, 1, 2].map(i => single(i + 10))), objective);
    const seen = new Map<string, number>();
    const partnered = {
      ...objective,
      batch: (...[examples, rngs, partners]: Parameters<typeof objective.batch>) => {
        examples.forEach((example, i) => {
          const pair = `${example.ids.length} ${partners![i]!.ids.length}`;
          seen.set(pair, (seen.get(pair) ?? 0) + 1);
        });
        return objective.batch(examples, rngs, partners);
      },
    };
    await take({ data, objective: partnered, batchSize: 3, epochs: 200 }, 1e9);
    expect(new Set((await data.lengths([0, 1, 2])).map(String)).size).toBe(3);
    expect(seen.size).toBe(6);
    // 100 of 600 each, standard deviation 9.
    for (const count of seen.values()) expect(Math.abs(count - 100)).toBeLessThan(40);
    const one = await tokenizeRows(rowsOf([single(10)]), objective);
    expect(() => batches({ data: one, objective, batchSize: 1 })).toThrow(/needs another one/);
  });
  it('cut blocks where the objective asks for them', async () => {
    const objective = causalLM({ tokenizer: TEXT_TOKENIZER, length: 16 });
    const data = await tokenizeRows(rowsOf(TEXTS), objective);
    const [placed] = await take({ data, objective, batchSize: 4, shuffle: false, from: 0.5, stride: 5 }, 1);
    const start = Math.floor(data.tokens / 2);
    const { ids } = await data.slice(start, start + 31);
    const expected = [0, 5, 10, 15].map(at => Array.from(ids).slice(at, at + 16));
    expect(placed!.batch.inputs.input_ids!.map(row => Array.from(row))).toEqual(expected);
    expect(placed!.batch.tokens).toBe(60);
  });
  it('refuse positions in other data and options that cannot be', async () => {
    const data = await classData;
    const options = { data, objective: classes, batchSize: 16 };
    const start = (position: Position, more = {}) => take({ ...options, ...more }, 1, position);
    const place = { epoch: 0, example: 16, examples: 203, seed: 0, shuffle: true, groupedBy: null };
    expect(await start(place)).toHaveLength(1);
    await expect(start({ ...place, examples: 99 })).rejects.toThrow(/other data.*examples: 99 then, 203 now/);
    await expect(start(place, { seed: 1, shuffle: false })).rejects.toThrow(/seed: 0 then, 1 now, shuffle: true then/);
    const grouped = { ...place, groupedBy: 8 };
    await expect(start(grouped, { groupByLength: true })).rejects.toThrow(/groupedBy: 8 then, 16 now/);
    expect(await start(grouped, { groupByLength: true, batchSize: 8 })).toHaveLength(1);
    await expect(start('x')).rejects.toThrow(/not a position/);
    for (const example of [-1, 203]) await expect(start({ ...place, example })).rejects.toThrow(/not a position/);
    expect(() => batches({ ...options, to: 0.9 })).toThrow(/to is for data that is cut into blocks/);
    for (const batchSize of [0, Number.POSITIVE_INFINITY])
      expect(() => batches({ ...options, batchSize })).toThrow(/whole number from 1/);
    expect(() => batches({ ...options, batchSize: 204, dropLast: true })).toThrow(/no batch is full/);
  });
});
