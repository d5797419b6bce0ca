/** Minimal pairs and accuracy by distance, on tiny models with random weights: the arithmetic around their likelihoods. */
import { afterAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { continuationLogLikelihoods, pseudoLogLikelihoods } from '../../src/evaluate/likelihood/index.ts';
import { longRange, readLongRange } from '../../src/evaluate/long-range.ts';
import { minimalPairs, readMinimalPairs } from '../../src/evaluate/minimal-pairs.ts';
import { rowsOf } from '../../src/train/data/index.ts';
import { wilson } from '../../src/util/statistics/index.ts';
import { tinyModel } from './tiny-models.ts';

const backend = await createWasmBackend();
afterAll(() => {
  backend.close();
});
const gpt2 = await tinyModel('gpt2', 'decoder', { backend });
const bert = await tinyModel('bert-mlm', 'encoder', { backend });
const lstm = await tinyModel('lstm-lm', 'recurrent', { backend });
const bart = await tinyModel('bart', 'source', { backend });

const pair = (good: string, bad: string, UID: string, more: Record<string, unknown> = {}) => ({
  ...{ sentence_good: good, sentence_bad: bad, UID, field: 'morphology', linguistics_term: `${UID} term`, ...more },
});

describe('minimalPairs', async () => {
  const prefixes = {
    ...{ one_prefix_prefix: 'The dogs', one_prefix_word_good: 'are', one_prefix_word_bad: 'is' },
    ...{ two_prefix_prefix_good: 'The dogs', two_prefix_prefix_bad: 'The dog', two_prefix_word: 'are' },
  };
  const pairs = await readMinimalPairs(
    rowsOf([
      pair('The dogs are here.', 'The dogs is here.', 'agreement', prefixes),
      pair('The cats are here.', 'The cats is here.', 'agreement'),
      pair('She is a nurse.', 'She is an nurse.', 'article', { field: 'syntax' }),
    ]),
  );
  it.each([
    ['decoder', gpt2],
    ['masked language model', bert],
    ['encoder-decoder', bart],
  ] as const)('counts, by paradigm, the pairs whose good sentence is more probable: %s', async (_, model) => {
    const sentences = pairs.flatMap(({ good, bad }) => [good, bad]);
    const scores =
      model === bert
        ? await pseudoLogLikelihoods(model, sentences)
        : await continuationLogLikelihoods(
            model,
            sentences.map(continuation => ({ context: '', continuation })),
          );
    const report = await minimalPairs(model, pairs, { variant: 'token' });
    const won = pairs.map((_pair, i) => scores[2 * i]!.logLikelihood > scores[2 * i + 1]!.logLikelihood);
    const count = (list: readonly boolean[]) => list.filter(Boolean).length;
    expect(report.items.map(({ good }) => good)).toEqual(
      pairs.map((_pair, i) => expect.closeTo(scores[2 * i]!.logLikelihood, 4)),
    );
    expect(report.overall).toEqual({ name: 'all', pairs: 3, preferred: count(won), share: wilson(count(won), 3) });
    expect(report.paradigms.map(({ name, pairs, preferred }) => [name, pairs, preferred])).toEqual([
      ['agreement', 2, count(won.slice(0, 2))],
      ['article', 1, count(won.slice(2))],
    ]);
    expect(report.fields.map(({ name }) => name)).toEqual(['morphology', 'syntax']);
    expect(report.terms.map(({ name }) => name)).toEqual(['agreement term', 'article term']);
  });
  it.each(['one-prefix', 'two-prefix'] as const)('asks for a word behind a prefix: %s', async method => {
    const report = await minimalPairs(gpt2, pairs, { method });
    const [good, bad] = await continuationLogLikelihoods(gpt2, [
      { context: 'The dogs', continuation: ' are' },
      method === 'one-prefix'
        ? { context: 'The dogs', continuation: ' is' }
        : { context: 'The dog', continuation: ' are' },
    ]);
    expect(report.items).toEqual([
      {
        pair: pairs[0],
        good: expect.closeTo(good!.logLikelihood, 5),
        bad: expect.closeTo(bad!.logLikelihood, 5),
      },
    ]);
  });
  it('refuses rows without sentences, and methods that no pair serves', async () => {
    await expect(readMinimalPairs(rowsOf([{ sentence_good: 'a' }], 'blimp, line'))).rejects.toThrow(
      /sentence_bad.*blimp, line 0/,
    );
    await expect(minimalPairs(gpt2, pairs.slice(1), { method: 'one-prefix' })).rejects.toThrow(/one-prefix/);
  });
});

describe('longRange', async () => {
  const rows = [1, 1, 2, 5, 9].map((distance, i) => ({
    ...{ context: `The dog${i % 2 ? 's' : ''} ${'by the river '.repeat(distance)}`, distance },
    ...{ answer: i % 2 ? 'are' : 'is', distractors: i % 2 ? ['is', 'i'] : ['are', 'am'] },
  }));
  const items = await readLongRange(rowsOf(rows));
  it('reads what stands before the answer, and bins by distance', async () => {
    const asked = items.flatMap(({ context, answer, distractors }) =>
      [answer, ...distractors].map(continuation => ({ context, continuation })),
    );
    const scores = await continuationLogLikelihoods(gpt2, asked);
    const report = await longRange(gpt2, items);
    report.items.forEach(({ logProbability, rival, correct }, i) => {
      const [own, ...others] = scores.slice(3 * i, 3 * i + 3).map(({ logLikelihood }) => logLikelihood);
      expect(logProbability).toBeCloseTo(own!, 4);
      expect(rival).toBeCloseTo(Math.max(...others), 4);
      expect(correct).toBe(own! > Math.max(...others));
    });
    expect(report.bins.map(({ from, to, items }) => [from, to, items])).toEqual([
      [1, 1, 2],
      [2, 2, 1],
      [5, 5, 1],
      [9, 9, 1],
    ]);
    const right = report.items.filter(({ correct }) => correct).length;
    expect(report.overall).toMatchObject({ from: 1, to: 9, items: 5, accuracy: wilson(right, 5) });
    expect(report.overall.chance).toBeCloseTo(1 / 3, 12);
    const wide = await longRange(gpt2, items, { bins: [0, 3, 20] });
    expect(wide.bins.map(({ from, to, items }) => [from, to, items])).toEqual([
      [0, 3, 3],
      [3, 20, 2],
    ]);
  });
  it('fills the place of a masked language model from both sides, left to right', async () => {
    const slot = [{ context: 'The dogs {} not here.', answer: 'are', distractors: ['am'], distance: 1 }];
    const { items: scored } = await longRange(bert, slot);
    const sums = await Promise.all(
      ['are', 'am'].map(async answer => {
        const [score] = await pseudoLogLikelihoods(bert, [`The dogs ${answer} not here.`], { variant: 'word-l2r' });
        // the dog ##s, then the answer's tokens
        const length = bert.tokenizer.count(answer);
        return score!.logProbs.slice(3, 3 + length).reduce((a, b) => a + b);
      }),
    );
    expect(scored[0]!.logProbability).toBeCloseTo(sums[0]!, 4);
    expect(scored[0]!.rival).toBeCloseTo(sums[1]!, 4);
  });
  it('lets decoders read on behind the place, and asks recurrent networks too', async () => {
    const slot = [{ context: 'a dog {} not here', answer: 'is', distractors: ['are'], distance: 3 }];
    for (const model of [gpt2, lstm]) {
      const [good, bad] = await continuationLogLikelihoods(model, [
        { context: 'a dog', continuation: ' is not here' },
        { context: 'a dog', continuation: ' are not here' },
      ]);
      const { items: scored } = await longRange(model, slot);
      expect(scored[0]).toMatchObject({
        logProbability: expect.closeTo(good!.logLikelihood, 4),
        rival: expect.closeTo(bad!.logLikelihood, 4),
      });
    }
  });
  it('refuses items that ask nothing', async () => {
    await expect(longRange(gpt2, [])).rejects.toThrow(/no items/);
    const same = [{ context: 'a', answer: 'b', distractors: ['b'], distance: 1 }];
    await expect(longRange(gpt2, same)).rejects.toThrow(/item 0/);
    await expect(longRange(gpt2, items, { bins: [3, 1] })).rejects.toThrow(/rise/);
    await expect(readLongRange(rowsOf([{ context: 'a', answer: 'b', distance: 1 }]))).rejects.toThrow(/distractors/);
  });
});
