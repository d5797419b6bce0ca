import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chiSquareSigma } from '../../test/generate/chi-square.ts';
import { bigramLogits, randomLogits, tableDecoder } from '../../test/generate/table-decoder.ts';
import { createRng } from '../util/rng.ts';
import { optionsFromConfig } from './config-options.ts';
import type { BeamEvent } from './events.ts';
import { generate, generateAll } from './generate.ts';
import type { GenerateOptions } from './options.ts';

interface OracleOptions {
  readonly beams: number;
  readonly maxNew: number;
  readonly eos: readonly number[];
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean | 'never';
}
interface Slot {
  ids: number[];
  score: number;
  done: boolean;
}

/**
 * The search as transformers runs it on a whole batch, slowly: every prompt has its full number of beams from the start, all
 * prompts go on until none needs to, and everything is sorted. Shares no code with the product.
 */
function oracle(
  prompts: readonly (readonly number[])[],
  logits: (context: readonly number[]) => readonly number[],
  { beams, maxNew, eos, lengthPenalty, earlyStopping }: OracleOptions,
): Slot[][] {
  const NEVER = -1e9;
  const K = Math.max(2, 1 + eos.length) * beams;
  const logSoftmax = (row: readonly number[]) => {
    const z = row.map(Math.fround);
    const max = Math.max(...z);
    const total = max + Math.log(z.reduce((sum, x) => sum + Math.exp(x - max), 0));
    return z.map(x => Math.fround(x - total));
  };
  const items = prompts.map(prompt => ({
    prompt,
    running: Array.from({ length: beams }, (_, b) => ({ ids: [] as number[], score: b === 0 ? 0 : NEVER })),
    finished: Array.from({ length: beams }, (): Slot => ({ ids: [], score: NEVER, done: false })),
    improvable: true,
    allStopped: false,
  }));
  for (let generated = 0; ; ) {
    for (const item of items) {
      const all = item.running.flatMap(({ ids, score }) =>
        logSoftmax(logits([...item.prompt, ...ids])).map((logp, id) => ({ ids: [...ids, id], score: score + logp })),
      );
      const top = all.sort((a, b) => b.score - a.score).slice(0, K);
      const stopped = top.map(({ ids }) => eos.includes(ids.at(-1)!) || ids.length === maxNew);
      item.allStopped = stopped.every(Boolean);
      const order = top.map(({ ids, score }, i) => ({ ids, score: stopped[i] ? score + NEVER : score }));
      item.running = order.sort((a, b) => b.score - a.score).slice(0, beams);
      const full = item.finished.every(slot => slot.done);
      if (item.improvable && !(earlyStopping === true && full)) {
        const added = top.flatMap(({ ids, score }, i) =>
          i < beams && stopped[i] ? [{ ids, score: score / (generated + 1) ** lengthPenalty, done: true }] : [],
        );
        item.finished = [...item.finished, ...added].sort((a, b) => b.score - a.score).slice(0, beams);
      }
    }
    generated++;
    for (const item of items) {
      const length = earlyStopping === 'never' && lengthPenalty > 0 ? maxNew : generated;
      const best = Math.max(...item.running.map(beam => beam.score)) / length ** lengthPenalty;
      const worst = Math.min(...item.finished.map(slot => slot.score));
      item.improvable &&= item.finished.some(slot => best > (slot.done ? worst : NEVER));
    }
    const goesOn =
      items.some(item => item.improvable) &&
      !(earlyStopping === true && items.every(item => item.finished.every(slot => slot.done))) &&
      !items.every(item => item.allStopped);
    if (!goesOn) return items.map(item => item.finished);
  }
}

describe('beam search against a slow transcription of the reference', () => {
  const penalties = [-1, -0.5, 0, 0.6, 1, 2];
  for (const earlyStopping of [false, true, 'never'] as const) {
    it(`early stopping ${earlyStopping}: 150 random models, single and in batches`, async () => {
      let ended = 0;
      for (let seed = 0; seed < 150; seed++) {
        const rng = createRng(seed, 99);
        const beams = 2 + rng.below(3);
        const eos = [3, 8, 1].slice(0, rng.below(4));
        const vocabSize = Math.max(2, 1 + eos.length) * beams + rng.below(6) + 3;
        const lengthPenalty = penalties[rng.below(penalties.length)]!;
        const maxNew = 3 + rng.below(9);
        // Half of the models depend on the last token only, where hypotheses meet again and ties are near.
        // In every third, end tokens lead so often that they could crowd out what goes on.
        const lead = seed % 3 === 0 ? 3 : 0;
        const random =
          seed % 2 === 0
            ? randomLogits(seed, vocabSize, 2)
            : bigramLogits(Array.from({ length: vocabSize }, (_, last) => randomLogits(seed, vocabSize, 2)([last])));
        const logits = (c: readonly number[]) => random(c).map((z, id) => (eos.includes(id) ? z + lead : z));
        const prompts = Array.from({ length: 1 + rng.below(3) }, () =>
          Array.from({ length: 1 + rng.below(4) }, () => rng.below(vocabSize)),
        );
        const expected = oracle(prompts, logits, { beams, maxNew, eos, lengthPenalty, earlyStopping });
        const decoder = tableDecoder({ vocabSize, logits });
        const { sequences } = await generateAll(decoder, prompts, {
          numBeams: beams,
          numReturnSequences: beams,
          eosTokenId: eos,
          maxNewTokens: maxNew,
          lengthPenalty,
          earlyStopping,
        });
        expect(
          sequences.map(({ ids }) => ids),
          `seed ${seed}`,
        ).toEqual(expected.flat().map(({ ids }) => ids));
        for (const [i, { score }] of expected.flat().entries()) {
          expect(sequences[i]!.score, `seed ${seed}`).toBeCloseTo(score, 9);
        }
        sequences.forEach(({ ids, finishReason }) => {
          expect(finishReason).toBe(eos.includes(ids.at(-1)!) ? 'stop' : 'length');
        });
        ended += sequences.filter(({ finishReason }) => finishReason === 'stop').length;
        expect(decoder.openSessions).toBe(0);
      }
      // Both ways to end must really occur.
      expect(ended).toBeGreaterThan(200);
    });
  }
});

/** 120 searches that transformers ran over tables of logits by last token and position, with settings as it names them. */
const recorded: {
  made_with: string;
  tables: number[][][];
  cases: { table: number; prompts: number[][]; options: Record<string, unknown>; ids: number[][]; scores: number[] }[];
} = JSON.parse(readFileSync(new URL('../../test/generate/data/beam_search.json', import.meta.url), 'utf8'));

describe(`beam search against runs of ${recorded.made_with}`, () => {
  it('gives the same ids and scores in 120 runs, penalties and constraints among them', async () => {
    expect(recorded.cases.length).toBe(120);
    for (const [index, { table, prompts, options, ids, scores }] of recorded.cases.entries()) {
      const rows = recorded.tables[table]!;
      const logits = (context: readonly number[]) => rows[(context.at(-1)! + 5 * (context.length - 1)) % rows.length]!;
      const decoder = tableDecoder({ vocabSize: rows[0]!.length, logits });
      const { sequences } = await generateAll(decoder, prompts, optionsFromConfig(options));
      const what = `case ${index}: ${JSON.stringify(options)}`;
      expect(
        sequences.map(sequence => sequence.ids),
        what,
      ).toEqual(ids);
      sequences.forEach(({ score }, i) => {
        expect(Math.abs(score! - scores[i]!) / Math.max(1, Math.abs(scores[i]!)), what).toBeLessThan(3e-6);
      });
    }
  });
});

describe('beam search', () => {
  const logits = randomLogits(77, 6, 2);
  const decoder = () => tableDecoder({ vocabSize: 6, logits });

  it('finds the best of all sequences if it has beams for all', async () => {
    // Score of every sequence of three tokens, by enumeration.
    const logp = (context: readonly number[]) => {
      const z = logits(context);
      const total = Math.log(z.reduce((sum, x) => sum + Math.exp(x), 0));
      return z.map(x => x - total);
    };
    const all: { ids: number[]; score: number }[] = [];
    for (let code = 0; code < 216; code++) {
      const ids = [Math.floor(code / 36), Math.floor(code / 6) % 6, code % 6];
      const score = ids.reduce((sum, id, i) => sum + logp([2, ...ids.slice(0, i)])[id]!, 0) / 3;
      all.push({ ids, score });
    }
    all.sort((a, b) => b.score - a.score);
    const { sequences } = await generateAll(decoder(), [[2]], {
      numBeams: 36,
      numReturnSequences: 20,
      maxNewTokens: 3,
    });
    expect(sequences.map(({ ids }) => ids)).toEqual(all.slice(0, 20).map(({ ids }) => ids));
    for (const [i, { score }] of sequences.entries()) expect(score).toBeCloseTo(all[i]!.score, 6);
  });

  it('reports each step, then the sequences, and gives log-probabilities after the processors', async () => {
    const steps: BeamEvent[] = [];
    const options = { numBeams: 3, numReturnSequences: 2, maxNewTokens: 4, logprobs: true, repetitionPenalty: 1.5 };
    for await (const event of generate(decoder(), [[2], [1, 4]], options)) {
      if (event.type === 'beams') steps.push(event);
      else if (event.type === 'done') {
        expect(event.sequences.map(sequence => sequence.prompt)).toEqual([0, 0, 1, 1]);
        for (const { logprobs, score } of event.sequences) {
          expect(logprobs!.length).toBe(4);
          expect(logprobs!.reduce((a, b) => a + b, 0) / 4).toBeCloseTo(score!, 12);
        }
        expect(event.stats).toMatchObject({ promptTokens: 3, newTokens: 16 });
      } else throw new Error(`unexpected ${event.type}`);
    }
    expect(steps.map(({ newTokens, best }) => [newTokens, best.map(({ ids }) => ids.length)])).toEqual([
      [1, [1, 1]],
      [2, [2, 2]],
      [3, [3, 3]],
      [4, []],
    ]);
  });

  it('reads the prompt once, then only the newest tokens; prompts that are done leave', async () => {
    // After token 1 the end token 0 is certain: prompt [1] is done long before prompt [2].
    const table = tableDecoder({
      vocabSize: 5,
      logits: ([first]) => (first === 1 ? [9, 0, 0, 0, 0] : [-9, 1, 1.5, 2, 0]),
    });
    const done = await generateAll(table, [[1], [2]], {
      numBeams: 2,
      eosTokenId: 0,
      maxNewTokens: 4,
      earlyStopping: true,
    });
    expect(done.sequences.map(({ ids }) => ids)).toEqual([[0], [3, 3, 3, 3]]);
    expect(table.log[0]).toBe('open 2');
    expect(table.log.filter(entry => entry.startsWith('step'))).toEqual([
      'step 2x1',
      'step 4x1',
      'step 2x1',
      'step 2x1',
    ]);
  });

  it('starts well behind a forced first token, where only one continuation is allowed', async () => {
    const options = { numBeams: 3, numReturnSequences: 3, maxNewTokens: 4, forcedBosTokenId: 5 };
    const forced = await generateAll(decoder(), [[2]], options);
    const after = await generateAll(decoder(), [[2, 5]], { numBeams: 3, numReturnSequences: 3, maxNewTokens: 3 });
    expect(forced.sequences.map(({ ids }) => ids)).toEqual(after.sequences.map(({ ids }) => [5, ...ids]));
  });

  it('ends with what there is when every continuation must end', async () => {
    const only = (scores: Float32Array) => scores.fill(Number.NEGATIVE_INFINITY).fill(0, 4, 5);
    const options: GenerateOptions = { numBeams: 3, numReturnSequences: 3, eosTokenId: 4, processors: [only] };
    const { sequences } = await generateAll(decoder(), [[2]], options);
    expect(sequences.map(({ ids }) => ids)).toEqual([[4]]);
  });

  it('keeps the history of each beam apart', async () => {
    const options = { numBeams: 4, numReturnSequences: 4, maxNewTokens: 5, noRepeatNgramSize: 1 };
    const { sequences } = await generateAll(decoder(), [[2]], options);
    for (const { ids } of sequences) expect(new Set([2, ...ids]).size).toBe(6);
  });

  it('takes stopWhen for candidates', async () => {
    const stopWhen = (ids: readonly number[]) => ids.length >= 2 && ids.at(-1) === ids.at(-2);
    const { sequences } = await generateAll(decoder(), [[2]], { numBeams: 3, maxNewTokens: 9, stopWhen });
    const { ids, finishReason } = sequences[0]!;
    expect(finishReason === 'stop' ? stopWhen(ids) : ids.length === 9).toBe(true);
    for (let n = 1; n < ids.length; n++) expect(stopWhen(ids.slice(0, n))).toBe(false);
  });

  it('sampled: B of K draws without replacement, in distribution', async () => {
    // With one new token and two beams the best-scored of the first two draws is returned first.
    const p = [0.5, 0.3, 0.15, 0.05];
    const table = tableDecoder({ vocabSize: 4, logits: () => p.map(Math.log) });
    const pairs = new Map<string, number>();
    const exact = new Map<string, number>();
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        if (a === b) continue;
        const key = [a, b].sort().join();
        exact.set(key, (exact.get(key) ?? 0) + (p[a]! * p[b]!) / (1 - p[a]!));
      }
    }
    for (let seed = 0; seed < 6000; seed++) {
      const options = { numBeams: 2, numReturnSequences: 2, doSample: true, seed, maxNewTokens: 1 };
      const key = (await generateAll(table, [[0]], options)).sequences.map(({ ids }) => ids[0]).join();
      pairs.set(key, (pairs.get(key) ?? 0) + 1);
    }
    const keys = [...exact.keys()];
    const counts = keys.map(key => pairs.get(key) ?? 0);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(6000);
    expect(
      Math.abs(
        chiSquareSigma(
          counts,
          keys.map(key => exact.get(key)!),
        ),
      ),
    ).toBeLessThan(3);
  });
});
