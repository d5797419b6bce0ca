import { describe, expect, it } from 'vitest';
import { chiSquareSigma, softmax } from '../../test/generate/chi-square.ts';
import { randomScores, tableDenoiser } from '../../test/generate/table-denoiser.ts';
import { BackendError, ConfigError } from '../errors.ts';
import { hiddenShare, NOISE_SCHEDULES, type NoiseScheduleName } from '../nn/diffusion-loss.ts';
import { diffuse, diffuseAll } from './diffuse.ts';
import type { DiffuseEvent, DiffuseStepEvent } from './diffuse-events.ts';
import type { DiffuseOptions } from './diffuse-options.ts';

const V = 11;
const MASK = 10;
const random = (seed = 1, contextLength?: number) =>
  tableDenoiser({ vocabSize: V, maskId: MASK, contextLength, logits: randomScores(seed, V) });
/** Token p at position p, surer the further to the right. */
const rising = () =>
  tableDenoiser({
    vocabSize: V,
    maskId: MASK,
    logits: (_, position) => Array.from({ length: V }, (_, v) => (v === position ? 1 + position : 0)),
  });

async function steps(events: AsyncIterable<DiffuseEvent>): Promise<DiffuseStepEvent[]> {
  const found: DiffuseStepEvent[] = [];
  for await (const event of events) if (event.type === 'step') found.push(event);
  return found;
}
const idsOf = async (...call: Parameters<typeof diffuseAll>) =>
  (await diffuseAll(...call)).sequences.map(sequence => sequence.ids);

describe('the confidence sampler', () => {
  it('finds the surest tokens first, the remainder in the first steps, and reports every state', async () => {
    const denoiser = rising();
    const events = await steps(diffuse(denoiser, [[7, 8]], { genLength: 5, steps: 3 }));
    const M = MASK;
    expect(events.map(event => event.ids)).toEqual([
      [[7, 8, M, M, M, 5, 6]],
      [[7, 8, M, 3, 4, 5, 6]],
      [[7, 8, 2, 3, 4, 5, 6]],
    ]);
    expect(events.map(({ step, steps }) => [step, steps])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    expect(events[0]!.committed.map(({ position, id }) => [position, id])).toEqual([
      [6, 6],
      [5, 5],
    ]);
    const probability = Math.exp(7) / (Math.exp(7) + V - 1);
    expect(events[0]!.committed[0]!.confidence).toBeCloseTo(probability, 6);
  });

  it('asks once a step, for the hidden tokens of the block only', async () => {
    const denoiser = rising();
    const done = await diffuseAll(denoiser, [[7]], { genLength: 6, steps: 4, blockLength: 3 });
    expect(denoiser.requests.map(({ at }) => at[0])).toEqual([[1, 2, 3], [1], [4, 5, 6], [4]]);
    expect(done.stats).toMatchObject({ promptTokens: 1, newTokens: 6, forwards: 4 });
    expect(done.stats.seed).toBeUndefined();
  });

  it('does not ask when a block is complete', async () => {
    const denoiser = rising();
    const events = await steps(diffuse(denoiser, [[]], { genLength: 3, steps: 5 }));
    expect(denoiser.requests.length).toBe(3);
    expect(events.map(({ committed }) => committed.length)).toEqual([1, 1, 1, 0, 0]);
  });

  it('gives a text the same tokens alone and padded in a batch', async () => {
    const prompts = [[1, 2, 3, 4], [5], [], [6, MASK, 7]];
    const settings: DiffuseOptions[] = [
      { blockLength: 3 },
      { temperature: 0.7, seed: 5 },
      { remasking: 'random', blockLength: 2, seed: 5 },
      { sampler: 'ancestral', seed: 5 },
    ];
    for (const setting of settings) {
      const options = { genLength: 6, steps: 6, ...setting };
      const together = await idsOf(random(), prompts, options);
      const seeds = options.seed === undefined ? undefined : [5, 6, 7, 8];
      const listed = await idsOf(random(), prompts, { ...options, seed: seeds });
      for (const [i, prompt] of prompts.entries()) {
        const alone = await idsOf(random(), [prompt], { ...options, seed: seeds?.[i] });
        expect(alone[0]).toEqual(listed[i]);
        expect(alone[0]!.includes(MASK)).toBe(false);
      }
      expect(await idsOf(random(), prompts, options)).toEqual(together);
    }
  });

  it('fills masks inside a prompt', async () => {
    const denoiser = rising();
    expect(await idsOf(denoiser, [[0, MASK, 9, MASK]], { genLength: 0, steps: 2 })).toEqual([[0, 1, 9, 3]]);
    const [first] = await steps(diffuse(denoiser, [[0, MASK]], { genLength: 4, steps: 4, blockLength: 2 }));
    expect(first!.ids).toEqual([[0, MASK, 2, 3, MASK, MASK]]);
  });

  it('moves away from what it would say without the prompt', async () => {
    // The prompt adds 1 to token 2; unprompted, token 1 leads by 1.5.
    const logits = (text: readonly number[]) => {
      const scores = new Array<number>(V).fill(0);
      scores[1] = 1.5;
      if (text[0] === 3) scores[2] = 1;
      return scores;
    };
    const denoiser = tableDenoiser({ vocabSize: V, maskId: MASK, logits });
    const run = (cfgScale: number) => steps(diffuse(denoiser, [[3]], { genLength: 1, steps: 1, cfgScale }));
    expect((await run(0))[0]!.ids).toEqual([[3, 1]]);
    const [guided] = await run(1);
    expect(guided!.ids).toEqual([[3, 2]]);
    expect(guided!.committed[0]!.confidence).toBeCloseTo(softmax([0, 1.5, 2, ...new Array(V - 3).fill(0)])[2]!, 6);
    expect(denoiser.requests.length).toBe(3);
    expect(denoiser.requests[2]!.ids).toEqual([[MASK, MASK]]);
  });

  it('keeps to forbidden and deferred tokens', async () => {
    const denoiser = rising();
    expect(await idsOf(denoiser, [[]], { genLength: 3, steps: 3, suppressTokens: [1] })).toEqual([[0, 0, 2]]);
    const events = await steps(diffuse(denoiser, [[]], { genLength: 3, steps: 3, deferTokens: [2, 1] }));
    expect(events.map(({ committed }) => committed[0]!.position)).toEqual([0, 1, 2]);
  });

  it('never writes the mask token, which has its share of the probability', async () => {
    const logits = () => Array.from({ length: V }, (_, v) => (v === MASK ? 2 : v === 4 ? 1 : 0));
    const denoiser = tableDenoiser({ vocabSize: V, maskId: MASK, logits });
    const [event] = await steps(diffuse(denoiser, [[]], { genLength: 1, steps: 1 }));
    expect(event!.ids).toEqual([[4]]);
    expect(event!.committed[0]!.confidence).toBeCloseTo(softmax(logits())[4]!, 6);
  });

  it('draws from softmax(logits / temperature), as Gumbel noise would', async () => {
    const scores = [0.5, 2, -1, 1, 0.2, -3, 0, 1.5, -0.5, 0.1];
    const denoiser = tableDenoiser({ vocabSize: V, maskId: MASK, logits: () => [...scores, 3] });
    const temperature = 0.6;
    const [ids] = await idsOf(denoiser, [[]], { genLength: 6000, steps: 1, temperature, seed: 3 });
    const counts = scores.map((_, v) => ids!.filter(id => id === v).length);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(6000);
    expect(chiSquareSigma(counts, softmax(scores.map(s => s / temperature)))).toBeLessThan(4);
  });

  it('commits in random order with random remasking', async () => {
    const positions = async (seed: number) => {
      const events = await steps(diffuse(rising(), [[]], { genLength: 9, steps: 9, remasking: 'random', seed }));
      return events.map(({ committed }) => committed[0]!.position);
    };
    const first = await positions(1);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(first).not.toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await positions(1)).toEqual(first);
    expect(await positions(2)).not.toEqual(first);
  });
});

describe('the ancestral sampler', () => {
  const ancestral: DiffuseOptions = { sampler: 'ancestral' };

  it.each(Object.keys(NOISE_SCHEDULES) as NoiseScheduleName[])('finds the share of %s by each time', async schedule => {
    const [N, S] = [4000, 5];
    const denoiser = tableDenoiser({ vocabSize: V, maskId: MASK, logits: () => new Array(V).fill(0) });
    const options = { ...ancestral, schedule, genLength: N, steps: S, seed: 4 };
    const events = await steps(diffuse(denoiser, [[]], options));
    events.slice(0, -1).forEach(({ ids }, i) => {
      const times = (k: number) => hiddenShare(NOISE_SCHEDULES[schedule], 1 - (k / S) * (1 - 1e-5));
      // All tokens start hidden, whatever share the noise leaves visible at time 1.
      const share = times(i + 1) / times(0);
      const hidden = ids[0]!.filter(id => id === MASK).length;
      expect(Math.abs(hidden - N * share)).toBeLessThan(4 * Math.sqrt(N * share * (1 - share)) + 1);
    });
    expect(events.at(-1)!.ids[0]).not.toContain(MASK);
    expect(denoiser.requests[0]!.sigma![0]).toBeCloseTo(NOISE_SCHEDULES[schedule].total(1), 10);
  });

  it('draws from the softmax without the mask token', async () => {
    const scores = [0.5, 2, -1, 1, 0.2, -3, 0, 1.5, -0.5, 0.1];
    const denoiser = tableDenoiser({ vocabSize: V, maskId: MASK, logits: () => [...scores, 9] });
    const [ids] = await idsOf(denoiser, [[]], { ...ancestral, genLength: 6000, steps: 2, seed: 3 });
    const counts = scores.map((_, v) => ids!.filter(id => id === v).length);
    expect(chiSquareSigma(counts, softmax(scores))).toBeLessThan(4);
    const first = (await steps(diffuse(denoiser, [[]], { ...ancestral, genLength: 9, steps: 1, seed: 3 })))[0]!;
    const { id, confidence } = first.committed[0]!;
    expect(confidence).toBeCloseTo(softmax(scores)[id]!, 6);
  });

  it('passes through the network only when something changes', async () => {
    const denoiser = random();
    const events = await steps(diffuse(denoiser, [[1]], { ...ancestral, genLength: 5, steps: 200, seed: 1 }));
    expect(events.length).toBe(200);
    const busy = events.filter(({ committed }) => committed.length > 0);
    expect(denoiser.requests.length).toBe(busy.length);
    expect(busy.length).toBeLessThanOrEqual(5);
    expect(denoiser.requests.flatMap(({ at }) => at[0]!).length).toBe(5);
  });

  it('is repeatable by its seed, which it reports', async () => {
    const options = { ...ancestral, genLength: 8, steps: 4 };
    const { sequences, stats } = await diffuseAll(random(), [[1]], options);
    const again = await diffuseAll(random(), [[1]], { ...options, seed: stats.seed });
    expect(again.sequences).toEqual(sequences);
    const others = await Promise.all([1, 2, 3].map(seed => idsOf(random(), [[1]], { ...options, seed })));
    expect(new Set(others.map(String)).size).toBe(3);
  });

  it('goes on a stride at a time when the window is full', async () => {
    const denoiser = random(1, 8);
    const events = await steps(
      diffuse(denoiser, [[1, 2]], { ...ancestral, genLength: 13, steps: 3, stride: 4, seed: 2 }),
    );
    expect(events.length).toBe(9);
    expect(events.map(({ ids }) => ids[0]!.length)).toEqual([8, 8, 8, 12, 12, 12, 15, 15, 15]);
    for (const end of [2, 5, 8]) expect(events[end]!.ids[0]).not.toContain(MASK);
    for (const { ids } of denoiser.requests) expect(ids[0]!.length).toBe(8);
    const last = denoiser.requests.at(-1)!.ids[0]!;
    expect(last.slice(0, 5)).toEqual(events.at(-1)!.ids[0]!.slice(7, 12));

    const options = { ...ancestral, genLength: 13, steps: 3, stride: 4 };
    const both = await idsOf(
      random(1, 8),
      [
        [1, 2],
        [3, 4, 5, 6, 7],
      ],
      { ...options, seed: [2, 3] },
    );
    expect(both.map(ids => ids.length)).toEqual([15, 18]);
    expect(await idsOf(random(1, 8), [[1, 2]], { ...options, seed: [2] })).toEqual([both[0]]);
    expect(await idsOf(random(1, 8), [[3, 4, 5, 6, 7]], { ...options, seed: [3] })).toEqual([both[1]]);
  });
});

describe('diffusion', () => {
  it('stops when aborted, with the reason', async () => {
    for (const sampler of ['confidence', 'ancestral'] as const) {
      const controller = new AbortController();
      const denoiser = random();
      const run = async () => {
        for await (const event of diffuse(denoiser, [[1]], {
          sampler,
          genLength: 6,
          steps: 6,
          signal: controller.signal,
        })) {
          expect(event.type).toBe('step');
          if (denoiser.requests.length === 2) controller.abort(new Error('enough'));
        }
      };
      await expect(run()).rejects.toThrow('enough');
      expect(denoiser.requests.length).toBe(2);
    }
  });

  it('refuses what cannot be before anything is computed', () => {
    const denoiser = random(1, 8);
    const wrong: [Parameters<typeof diffuse>[1], DiffuseOptions, RegExp][] = [
      [[], {}, /no prompts/],
      [[[1]], { genLength: 0 }, /nothing to find/],
      [[[1, 2, 3]], { genLength: 6, steps: 6 }, /does not fit.*3 prompt tokens and 6 new ones/],
      [[[1]], { sampler: 'ancestral', genLength: 20, stride: 8 }, /no room/],
      [[[1, 11]], { genLength: 2, steps: 2 }, /not in the vocabulary; seen: 11.*prompt 0/],
      [[[1.5]], { genLength: 2, steps: 2 }, /not in the vocabulary/],
      [[[1]], { genLength: 2, steps: 2, suppressTokens: [12] }, /suppressTokens/],
      [[[1]], { genLength: 2, steps: 2, seed: [1, 2] }, /seeds and prompts/],
      [[1] as never, { genLength: 2, steps: 2 }, /not a prompt/],
    ];
    for (const [prompts, options, message] of wrong) {
      expect(() => diffuse(denoiser, prompts, options)).toThrow(message);
      expect(() => diffuse(denoiser, prompts, options)).toThrow(ConfigError);
    }
    const strange = { ...denoiser, maskId: 11 };
    expect(() => diffuse(strange, [[1]], { genLength: 2, steps: 2 })).toThrow(/maskId/);
    expect(denoiser.requests).toEqual([]);
  });

  it('refuses logits that are no numbers', async () => {
    const denoiser = tableDenoiser({ vocabSize: V, maskId: MASK, logits: () => new Array(V).fill(Number.NaN) });
    await expect(diffuseAll(denoiser, [[1]], { genLength: 2, steps: 2 })).rejects.toThrow(BackendError);
    const all = Array.from({ length: V }, (_, v) => v);
    await expect(diffuseAll(random(), [[1]], { genLength: 2, steps: 2, suppressTokens: all })).rejects.toThrow(
      /every token is suppressed/,
    );
  });
});
