/** Objectives that take spans out: counts and lengths against the published ones, and the text can be put together again. */
import { describe, expect, it } from 'vitest';
import { markedTokens } from '../../src/train/objectives/marks.ts';
import { DENOISERS, damage, mixtureOfDenoisers } from '../../src/train/objectives/mixture-of-denoisers.ts';
import { drawSpans, noiseCounts, putSpansBack, takeSpans } from '../../src/train/objectives/noise-spans.ts';
import { partition, poisson, roundHalfEven, shuffled } from '../../src/train/objectives/random-draws.ts';
import { corruptedLengths, spanCorruption } from '../../src/train/objectives/span-corruption.ts';
import { infilled, textInfilling } from '../../src/train/objectives/text-infilling.ts';
import { createRng } from '../../src/util/rng.ts';
import { MASK_TOKENIZER, PAIR_TOKENIZER, randomText, SENTINEL_TOKENIZER } from './objectives-tokenizers.ts';

const rngs = (count: number, seed: number) => Array.from({ length: count }, (_, i) => createRng(seed, i));
const table = (rows: unknown) => Array.from(rows as ArrayLike<number>[], row => Array.from(row));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const unpadded = (row: readonly number[], pad: number) => row.filter(id => id !== pad);

describe('random draws', () => {
  it('are Poisson numbers of the mean and variance asked for', () => {
    for (const lambda of [0.5, 3, 8, 40]) {
      const rng = createRng(1, Math.round(lambda * 2));
      const draws = Array.from({ length: 20_000 }, () => poisson(lambda, rng));
      const m = mean(draws);
      const variance = mean(draws.map(x => (x - m) ** 2));
      expect(Math.abs(m - lambda)).toBeLessThan(4 * Math.sqrt(lambda / 20_000));
      expect(Math.abs(variance / lambda - 1)).toBeLessThan(4 * Math.sqrt((2 + 1 / lambda) / 20_000));
      const none = draws.filter(x => x === 0).length / 20_000;
      expect(Math.abs(none - Math.exp(-lambda))).toBeLessThan(0.015);
    }
  });
  it('are partitions, each alike', () => {
    const rng = createRng(2);
    const counts = new Map<string, number>();
    for (let i = 0; i < 10_000; i++) {
      const parts = partition(6, 3, rng);
      expect(parts.reduce((a, b) => a + b, 0)).toBe(6);
      counts.set(`${parts}`, (counts.get(`${parts}`) ?? 0) + 1);
    }
    expect(counts.size).toBe(10);
    // 9 degrees of freedom: 27.9 is exceeded once in a thousand times.
    expect([...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(27.9);
    expect(partition(4, 4, rng)).toEqual([1, 1, 1, 1]);
    expect(partition(5, 1, rng)).toEqual([5]);
  });
  it('are orders, and round halves to the even side', () => {
    expect(shuffled(50, createRng(3)).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([0.5, 1.5, 2.5, 2.4999, 85.2, 3.7].map(roundHalfEven)).toEqual([0, 2, 2, 2, 85, 4]);
  });
});

describe('span corruption', () => {
  it('has the published lengths', () => {
    expect(corruptedLengths(512, 0.15, 3)).toEqual({ raw: 568, target: 114 });
    expect(noiseCounts(568, 0.15, 3)).toEqual({ noise: 85, spans: 28 });
    expect(noiseCounts(2, 0.15, 3)).toEqual({ noise: 1, spans: 1 });
    expect(noiseCounts(10, 0.9, 1)).toEqual({ noise: 9, spans: 1 });
    expect(() => corruptedLengths(512, 1, 3)).toThrow(/no such noise/);
  });
  const objective = spanCorruption({ tokenizer: SENTINEL_TOKENIZER, length: 128 });
  const raw = objective.blockLength!;
  const ids = Array.from({ length: raw }, (_, i) => 50 + (i % 60));
  const sentinels = Array.from({ length: 40 }, (_, i) => SENTINEL_TOKENIZER.tokenToId(`<extra_id_${i}>`)!);
  const eos = SENTINEL_TOKENIZER.specialTokens.eos!;
  const { inputs, tokens } = objective.batch(new Array(2000).fill({ ids }), rngs(2000, 7));
  const [sources, targets] = [table(inputs.input_ids), table(inputs.labels)];

  it('fills the source, and the text can be put together again', () => {
    const { noise, spans } = noiseCounts(raw, 0.15, 3);
    expect(noise).toBe(roundHalfEven(raw * 0.15));
    expect(inputs.attention_mask).toBeUndefined();
    sources.forEach((source, i) => {
      expect(source.length).toBe(128);
      expect([source.at(-1), targets[i]!.at(-1)]).toEqual([eos, eos]);
      expect(targets[i]!.length).toBe(noise + spans + 1);
      const used = source.filter(id => sentinels.includes(id));
      expect(used).toEqual(sentinels.slice(0, spans));
      expect(targets[i]!.filter(id => sentinels.includes(id))).toEqual(used);
      expect(targets[i]![0]).toBe(sentinels[0]);
      expect(putSpansBack(source.slice(0, -1), targets[i]!.slice(0, -1), new Set(sentinels))).toEqual(ids);
    });
    expect(tokens).toBe(2000 * (noise + spans + 1));
  });
  it('has spans of mean length 3 everywhere but at the start', () => {
    const rng = createRng(8);
    const drawn = Array.from({ length: 3000 }, () => drawSpans(568, 0.15, 3, rng));
    const lengths = drawn.flatMap(spans => spans.map(([, noise]) => noise));
    expect(mean(lengths)).toBeCloseTo(85 / 28, 12);
    // All ways to write 85 as 28 numbers alike: the first is 1 with probability 27/84.
    const ones = lengths.filter(length => length === 1).length / lengths.length;
    expect(Math.abs(ones - 27 / 84)).toBeLessThan(0.01);
    const hits = new Array<number>(568).fill(0);
    for (const spans of drawn) {
      let at = 0;
      for (const [kept, noise] of spans) {
        for (let i = at + kept; i < at + kept + noise; i++) hits[i]!++;
        at += kept + noise;
      }
      expect(at).toBe(568);
    }
    expect(hits[0]).toBe(0);
    const middle = mean(hits.slice(100, 468)) / 3000;
    expect(Math.abs(middle - 0.15)).toBeLessThan(0.005);
  });
  it('may end with a sentinel of its own', () => {
    const figure = spanCorruption({ tokenizer: SENTINEL_TOKENIZER, length: 20, finalSentinel: true });
    const { inputs } = figure.batch([{ ids: ids.slice(0, 20) }], rngs(1, 1));
    const [target] = table(inputs.labels);
    expect(target!.slice(-2)).toEqual([sentinels[1], eos]);
  });
  it('refuses a tokenizer without enough sentinels, and leaves texts too short for noise alone', () => {
    expect(() => spanCorruption({ tokenizer: SENTINEL_TOKENIZER, length: 2000 })).toThrow(/no <extra_id_40>/);
    expect(() => spanCorruption({ tokenizer: MASK_TOKENIZER, length: 20 })).toThrow(/no <extra_id_0>/);
    const { inputs } = objective.batch([{ ids: [60] }], rngs(1, 1));
    expect(table(inputs.input_ids)).toEqual([[60, eos]]);
    expect(takeSpans([1, 2, 3], [[1, 1]], [9])).toEqual({ source: [1, 9, 3], target: [9, 2] });
  });
});

describe('text infilling', () => {
  const { mask, bos, eos, pad } = MASK_TOKENIZER.specialTokens;
  const words = Array.from({ length: 100 }, (_, i) => (i % 3 ? [1000 + i] : [1000 + i, 2000 + i]));

  it('takes out 30 % of the words exactly, one mask for each span', () => {
    const rng = createRng(11);
    const draws = Array.from({ length: 2000 }, () => infilled(words, -1, 0.3, 3, rng));
    const masks = draws.map(row => row.filter(id => id === -1).length);
    const everywhere = new Array<number>(100).fill(0);
    for (const row of draws) {
      const kept = row.filter(id => id >= 1000 && id < 2000);
      expect(kept.length).toBe(70);
      expect(kept.every((id, i) => id > (kept[i - 1] ?? 0))).toBe(true);
      expect(row.filter(id => id >= 2000)).toEqual(kept.flatMap(id => words[id - 1000]!.slice(1)));
      for (const id of kept) everywhere[id - 1000]!++;
    }
    // Spans of mean 3 until 30 words are reached: about 10.5, less what the last is cut.
    expect(Math.abs(mean(masks) - 10.6)).toBeLessThan(0.3);
    // Fewer spans reach the ends of a text; in its middle all words are alike.
    const middle = everywhere.slice(15, 85).map(hits => hits / 2000);
    for (const share of middle) expect(Math.abs(share - mean(middle))).toBeLessThan(4.5 * Math.sqrt(0.21 / 2000));
    expect(Math.abs(mean(middle) - 0.7)).toBeLessThan(0.03);
  });
  it('has span lengths of a Poisson distribution, insertions among them', () => {
    const rng = createRng(12);
    const single = Array.from({ length: 2000 }, (_, i) => [i]);
    const lengths: number[] = [];
    for (let i = 0; i < 30; i++) {
      const row = infilled(single, -1, 0.3, 3, rng);
      let [expected, between, masks] = [0, 0, 0];
      // A span's length shows where a single mask stands between kept words.
      for (const id of [...row, 2000]) {
        if (id === -1) masks++;
        else {
          between = id - expected;
          if (masks === 1) lengths.push(between);
          expected = id + 1;
          masks = 0;
        }
      }
    }
    expect(lengths.length).toBeGreaterThan(3000);
    expect(Math.abs(mean(lengths) - 3)).toBeLessThan(0.15);
    const none = lengths.filter(length => length === 0).length / lengths.length;
    expect(Math.abs(none - Math.exp(-3))).toBeLessThan(0.015);
  });
  it('writes the whole text from permuted sentences', () => {
    const objective = textInfilling({ tokenizer: MASK_TOKENIZER, length: 90, mask: 0 });
    const text = 'the dog sees. a cat likes! the bird finds a tree.';
    const example = markedTokens(MASK_TOKENIZER, text);
    const { inputs } = objective.batch(new Array(200).fill(example), rngs(200, 13));
    const whole = [bos, ...example.ids, eos];
    for (const row of table(inputs.labels)) expect(row).toEqual(whole);
    const sources = new Set(
      table(inputs.input_ids).map(row => MASK_TOKENIZER.decode(row, { skipSpecialTokens: true })),
    );
    expect(sources.size).toBe(6);
    for (const source of sources) expect([...source].sort()).toEqual([...[...sources][0]!].sort());
    expect(sources).toContain('a cat likes! the dog sees. the bird finds a tree.');
    const kept = textInfilling({ tokenizer: MASK_TOKENIZER, length: 90, mask: 0, permuteSentences: false });
    expect(table(kept.batch([example], rngs(1, 1)).inputs.input_ids)[0]).toEqual(whole);
  });
  it('masks words of the permuted text as a whole', () => {
    const objective = textInfilling({ tokenizer: MASK_TOKENIZER, length: 400 });
    const example = markedTokens(MASK_TOKENIZER, randomText(100, createRng(4)));
    const { inputs } = objective.batch(new Array(50).fill(example), rngs(50, 14));
    for (const row of table(inputs.input_ids).map(row => unpadded(row, pad!))) {
      const tokens = row.map(id => MASK_TOKENIZER.idToToken(id)!);
      expect(row.filter(id => id === mask).length).toBeGreaterThan(3);
      // A piece inside a word never stands behind a mask.
      tokens.forEach((token, i) => {
        if (token.startsWith('##')) expect(tokens[i - 1]).not.toBe('<mask>');
      });
    }
    expect(() => textInfilling({ tokenizer: SENTINEL_TOKENIZER, length: 9 })).toThrow(/needs a mask token/);
    expect(() => textInfilling({ tokenizer: MASK_TOKENIZER, length: 9, mask: 2 })).toThrow(/no such noise/);
    const endless = { tokenizer: MASK_TOKENIZER, length: 9, poissonLambda: 1e-12 };
    expect(() => textInfilling(endless)).toThrow(/no such noise/);
  });
  it('rounds lengths up to no more than the model reads', () => {
    const objective = textInfilling({ tokenizer: MASK_TOKENIZER, length: 9, mask: 0, padToMultipleOf: 8 });
    const { inputs } = objective.batch([{ ids: [5, 6, 7, 8, 9, 10, 11], marks: new Array(7).fill(1) }], rngs(1, 1));
    expect([table(inputs.input_ids)[0]!.length, table(inputs.labels)[0]!.length]).toEqual([9, 9]);
  });
});

describe('mixture of denoisers', () => {
  const length = 120;
  const objective = mixtureOfDenoisers({
    tokenizer: SENTINEL_TOKENIZER,
    length,
    denoisers: DENOISERS.map(d => ({ ...d, mode: d.mode.toLowerCase() })),
  });
  const raw = objective.blockLength!;
  const ids = Array.from({ length: raw }, (_, i) => SENTINEL_TOKENIZER.tokenToId('the')! + (i % 5));
  const sentinels = new Set(Array.from({ length: 40 }, (_, i) => SENTINEL_TOKENIZER.tokenToId(`<extra_id_${i}>`)!));
  const { eos, pad } = SENTINEL_TOKENIZER.specialTokens;

  it('are the seven of the paper', () => {
    expect(DENOISERS.map(({ mode, mean: m, density }) => `${mode} ${m ?? 'rest'} ${density}`)).toEqual([
      '[NLU] 3 0.15',
      '[NLU] 8 0.15',
      '[S2S] rest 0.25',
      '[NLG] 3 0.5',
      '[NLG] 8 0.5',
      '[NLG] 64 0.15',
      '[NLG] 64 0.5',
    ]);
  });
  it('begin with their mode, fit, and the text can be put together again', () => {
    const count = 3500;
    const { inputs } = objective.batch(new Array(count).fill({ ids }), rngs(count, 21));
    const targets = table(inputs.labels).map(row => unpadded(row, -100));
    const modes = ['[nlu]', '[s2s]', '[nlg]'].map(mode =>
      SENTINEL_TOKENIZER.encodeIds(mode, { addSpecialTokens: false }),
    );
    const seen = [0, 0, 0];
    table(inputs.input_ids).forEach((padded, i) => {
      const source = unpadded(padded, pad!);
      const mode = modes.findIndex(tokens => tokens.every((id, t) => source[t] === id));
      seen[mode]!++;
      expect(source.length).toBeLessThanOrEqual(length);
      expect([source.at(-1), targets[i]!.at(-1)]).toEqual([eos, eos]);
      expect(putSpansBack(source.slice(modes[mode]!.length, -1), targets[i]!.slice(0, -1), sentinels)).toEqual(ids);
      if (mode === 1) expect(source.filter(id => sentinels.has(id)).length).toBe(1);
    });
    // Two, one and four of seven.
    [2, 1, 4].forEach((of7, i) => {
      const p = of7 / 7;
      expect(Math.abs(seen[i]! / count - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / count));
    });
  });
  it.each(DENOISERS.map((d, i) => [i, d] as const))('number %i takes out its share', (i, denoiser) => {
    const rng = createRng(22, i);
    const drawn = Array.from({ length: 2000 }, () => damage(512, denoiser, rng));
    const noise = drawn.map(spans => spans.reduce((n, [, taken]) => n + taken, 0));
    if (denoiser.mean === undefined) {
      expect(Math.abs(mean(noise) / 512 - 0.25)).toBeLessThan(0.015);
      expect(Math.max(...noise)).toBeLessThan(256);
      expect(drawn.every(spans => spans.length === 1)).toBe(true);
      return;
    }
    const total = roundHalfEven(512 * denoiser.density);
    expect(new Set(noise)).toEqual(new Set([total]));
    expect(new Set(drawn.map(spans => spans.length))).toEqual(new Set([roundHalfEven(total / denoiser.mean)]));
  });
  it('need room for the mode', () => {
    expect(() => mixtureOfDenoisers({ tokenizer: SENTINEL_TOKENIZER, length: 6 })).toThrow(/no room/);
    expect(() => mixtureOfDenoisers({ tokenizer: PAIR_TOKENIZER, length: 60 })).toThrow(/no <extra_id_0>/);
  });
});
