import { describe, expect, it } from 'vitest';
import { softmax } from '../../test/generate/chi-square.ts';
import { randomScores, tableDenoiser } from '../../test/generate/table-denoiser.ts';
import { ConfigError } from '../errors.ts';
import { NOISE_SCHEDULES, type NoiseScheduleName } from '../nn/diffusion-loss.ts';
import { continuousLikelihood, countedLikelihood } from './diffuse-likelihood.ts';

const V = 7;
const MASK = 6;
/** Logits that depend on the position only, so that the bound is the likelihood: the sum over the tokens. */
const fixed = randomScores(9, V);
const independent = () => tableDenoiser({ vocabSize: V, maskId: MASK, logits: (_, position) => fixed([], position) });
const prompt = [1, 2];
const answer = [0, 3, 3, 1, 5];
const exact = (maskCounts: boolean) =>
  answer.reduce((sum, id, i) => {
    const scores = fixed([], prompt.length + i).slice(0, maskCounts ? V : MASK);
    return sum + Math.log(softmax(scores)[id]!);
  }, 0);

describe('the bound with a number of hidden tokens', () => {
  it('is the likelihood when tokens are independent', async () => {
    const denoiser = independent();
    const found = await countedLikelihood(denoiser, prompt, answer, { samples: 4000, batchSize: 20, seed: 1 });
    expect(Math.abs(found.logLikelihood - exact(true))).toBeLessThan(4 * found.standardError!);
    expect(found.standardError).toBeLessThan(-0.02 * exact(true));
    expect(found.perplexity).toBeCloseTo(Math.exp(-found.logLikelihood / 5), 10);
    expect(denoiser.requests.length).toBe(200);
  });

  it('hides from one token to all, evenly within a batch, and nothing of the prompt', async () => {
    const denoiser = independent();
    await countedLikelihood(denoiser, prompt, answer, { samples: 5, batchSize: 5, seed: 2 });
    const [{ ids, at }] = denoiser.requests as [(typeof denoiser.requests)[number]];
    expect(at.map(slots => slots.length).sort()).toEqual([1, 2, 3, 4, 5]);
    ids.forEach((row, b) => {
      expect(row).toEqual([...prompt, ...answer].map((id, i) => (at[b]!.includes(i) ? MASK : id)));
      expect(row.slice(0, 2)).toEqual(prompt);
    });
  });

  it('is exact for one token, with one draw', async () => {
    const found = await countedLikelihood(independent(), prompt, [3], { samples: 1, seed: 1 });
    expect(found.logLikelihood).toBeCloseTo(Math.log(softmax(fixed([], 2))[3]!), 6);
    expect(found.standardError).toBeUndefined();
  });

  it('takes guidance', async () => {
    const logits = (text: readonly number[]) => [0, 0, 0, text[0] === MASK ? 0.5 : 1, 0, 0, 0];
    const denoiser = tableDenoiser({ vocabSize: V, maskId: MASK, logits });
    const found = await countedLikelihood(denoiser, [1], [3], { samples: 1, cfgScale: 2 });
    expect(found.logLikelihood).toBeCloseTo(Math.log(softmax([0, 0, 0, 2, 0, 0, 0])[3]!), 6);
  });
});

describe('the continuous-time bound', () => {
  it.each(Object.keys(NOISE_SCHEDULES) as NoiseScheduleName[])('is the likelihood under %s noise', async schedule => {
    const options = { samples: 4000, batchSize: 40, seed: 1, schedule };
    const found = await continuousLikelihood(independent(), prompt, answer, options);
    // Times below 0.001 are left out, which is a thousandth of the sum for the log-linear schedule.
    expect(Math.abs(found.logLikelihood - exact(false))).toBeLessThan(4 * found.standardError! + 0.002 * -exact(false));
    expect(found.standardError).toBeLessThan(-0.08 * exact(false));
  });
});

describe('likelihoods', () => {
  it('are repeatable by their seed', async () => {
    const run = (seed?: number) => continuousLikelihood(independent(), prompt, answer, { samples: 4, seed });
    const first = await run();
    expect(await run(first.seed)).toEqual(first);
    expect((await run(first.seed + 1)).logLikelihood).not.toBe(first.logLikelihood);
  });

  it('refuse what cannot be, all at once', async () => {
    const wrong = { samples: 0, batchSize: 1.5, seed: 0.1, beams: 2 };
    const refused = countedLikelihood(independent(), prompt, answer, wrong as never);
    await expect(refused).rejects.toThrow(/beams is no.*samples = 0.*batchSize = 1.5.*seed = 0.1/);
    const bad: [number[], number[], RegExp][] = [
      [prompt, [], /empty answer/],
      [prompt, [1, MASK], /mask token/],
      [[9], answer, /not in the vocabulary.*prompt/],
    ];
    for (const [p, a, message] of bad) {
      await expect(countedLikelihood(independent(), p, a)).rejects.toThrow(message);
      await expect(continuousLikelihood(independent(), p, a)).rejects.toThrow(ConfigError);
    }
    const short = tableDenoiser({ vocabSize: V, maskId: MASK, contextLength: 6, logits: () => new Array(V).fill(0) });
    await expect(countedLikelihood(short, prompt, answer)).rejects.toThrow(/does not fit/);
    await expect(continuousLikelihood(short, prompt, answer, { schedule: 'fast' as never })).rejects.toThrow(
      /schedule/,
    );
  });
});
