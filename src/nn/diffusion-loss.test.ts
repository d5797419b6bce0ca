import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { type Backend, compute, gradient, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import {
  answerDiffusionLoss,
  continuousDiffusionLoss,
  hiddenShare,
  maskedDiffusionLoss,
  NOISE_SCHEDULES,
  type NoiseScheduleName,
  noiseTimes,
  noiseWeight,
} from './diffusion-loss.ts';

const names = Object.keys(NOISE_SCHEDULES) as NoiseScheduleName[];

describe('noise schedules', () => {
  it.each(names)('%s: the rate is the slope of the total', name => {
    const { total, rate } = NOISE_SCHEDULES[name];
    for (const t of [0.01, 0.3, 0.5, 0.9, 0.99]) {
      const h = 1e-6;
      expect((total(t + h) - total(t - h)) / (2 * h) / rate(t)).toBeCloseTo(1, 5);
    }
  });
  it.each(names)('%s: hides little at first and nearly all in the end', name => {
    const share = (t: number) => hiddenShare(NOISE_SCHEDULES[name], t);
    expect(share(0)).toBeLessThan(2e-4);
    expect(share(1)).toBeGreaterThan(0.998);
    expect(share(0.4)).toBeLessThan(share(0.6));
  });
  it('log-linear: hides in proportion to t and weighs with 1 / t', () => {
    const schedule = NOISE_SCHEDULES['log-linear'];
    for (const t of [0.001, 0.25, 1]) {
      expect(hiddenShare(schedule, t)).toBeCloseTo(0.999 * t, 12);
      expect(noiseWeight(schedule, t) * t).toBeCloseTo(1, 9);
    }
  });
  it('draws one time in each part of the range', () => {
    const times = noiseTimes(4, createRng(1));
    expect(times.map(t => Math.floor(((t - 1e-3) / 0.999) * 4))).toEqual([0, 1, 2, 3]);
    expect(times[1]! - times[0]!).toBeCloseTo(0.999 / 4, 12);
    expect(noiseTimes(4, createRng(2))).not.toEqual(times);
  });
});

describe('losses', () => {
  const [B, T, V] = [2, 3, 5];
  const rng = createRng(3);
  const logits = Float32Array.from({ length: B * T * V }, () => rng.normal());
  const targets = [0, 1, 4, 2, 2, 3];
  const hidden = [1, 0, 1, 1, 1, 0];
  const row = (i: number) => Math.floor(i / T);
  /** -log p of a target, the mask id's logit left out where one is given. */
  const nll = (i: number, mask?: number) => {
    const scores = [...logits.subarray(i * V, (i + 1) * V)].map(x => Math.exp(x));
    if (mask !== undefined) scores[mask] = 0;
    return -Math.log(scores[targets[i]!]! / scores.reduce((a, b) => a + b, 0));
  };
  const sum = (weight: (i: number) => number, mask?: number) =>
    hidden.reduce((total, is, i) => total + (is ? nll(i, mask) * weight(i) : 0), 0);

  let backend: Backend;
  beforeAll(() => {
    backend = createReferenceBackend();
    setDefaultBackend(backend);
  });
  afterAll(() => backend.close());
  const inputs = () => {
    const x = Tensor.from(logits.slice(), [B, T, V]);
    return [x, Tensor.from(targets, [B, T], 'i32'), Tensor.from(hidden, [B, T], 'bool')] as const;
  };
  const share = [0.4, 0.8];

  it('of pre-training', async () => {
    const loss = maskedDiffusionLoss(...inputs(), Tensor.from(share));
    expect(await loss.item()).toBeCloseTo(sum(i => 1 / share[row(i)]!) / (B * T), 6);
  });
  it('of answers', async () => {
    const lengths = [2, 3];
    const loss = answerDiffusionLoss(...inputs(), Tensor.from(share), Tensor.from(lengths));
    expect(await loss.item()).toBeCloseTo(sum(i => 1 / share[row(i)]! / lengths[row(i)]!) / B, 6);
  });
  it('in continuous time, with its gradient', async () => {
    const weights = [1.5, 4];
    const [mask, [x, ...rest]] = [1, inputs()];
    const loss = continuousDiffusionLoss(x, ...rest, Tensor.from(weights), mask);
    const [g] = gradient(loss, [x]) as [Tensor];
    expect(await loss.item()).toBeCloseTo(sum(i => weights[row(i)]!, mask) / (B * T), 6);
    await compute(g);
    const found = await g.data();
    for (let i = 0; i < B * T; i++) {
      const scores = [...logits.subarray(i * V, (i + 1) * V)].map((score, v) => (v === mask ? 0 : Math.exp(score)));
      const total = scores.reduce((a, b) => a + b, 0);
      scores.forEach((score, v) => {
        const slope = score / total - (v === targets[i] ? 1 : 0);
        const expected = hidden[i] ? (slope * weights[row(i)]!) / (B * T) : 0;
        expect(found[i * V + v]).toBeCloseTo(v === mask ? 0 : expected, 6);
      });
    }
  });
});
