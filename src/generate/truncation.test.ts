import { describe, expect, it } from 'vitest';
import { createRng } from '../util/rng.ts';
import { SequenceHistory } from './history.ts';
import { epsilonCutoff, etaCutoff, minP, topK, topP, typicalP } from './truncation.ts';

const OFF = Number.NEGATIVE_INFINITY;
const history = new SequenceHistory({ ids: [0] });

/** Random scores, some removed; distinct, or with many ties. */
function scoresOf(seed: number, distinct: boolean): number[] {
  const rng = createRng(seed);
  const size = 2 + rng.below(40);
  return Array.from({ length: size }, () => {
    if (rng.below(6) === 0) return OFF;
    return Math.fround(distinct ? rng.normal() * 2 : rng.below(4));
  });
}

function probabilities(scores: readonly number[]): number[] {
  const weights = scores.map(score => Math.exp(score));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / sum);
}

const keptBy = (process: ReturnType<typeof topK>, scores: readonly number[]) => {
  const out = Float32Array.from(scores);
  process(out, history);
  for (const [i, value] of out.entries()) expect(value === scores[i] || value === OFF).toBe(true);
  return scores.flatMap((score, i) => (score > OFF && out[i]! > OFF ? [i] : []));
};

/** The definitions with a full sort. Each returns the ids kept, lower id first among equals. */
const slow = {
  topP(scores: readonly number[], mass: number, keep: number): number[] {
    const p = probabilities(scores);
    const order = [...p.keys()].filter(i => scores[i]! > OFF).sort((a, b) => p[b]! - p[a]! || a - b);
    let before = 0;
    return order.filter((i, rank) => {
      const stays = rank < keep || before < mass - 1e-12;
      before += p[i]!;
      return stays;
    });
  },
  typicalP(scores: readonly number[], mass: number): number[] {
    const p = probabilities(scores);
    const alive = [...p.keys()].filter(i => scores[i]! > OFF);
    const entropy = alive.reduce((sum, i) => sum - p[i]! * Math.log(p[i]!), 0);
    const deviation = (i: number) => Math.abs(-Math.log(p[i]!) - entropy);
    const order = alive.sort((a, b) => deviation(a) - deviation(b));
    let sum = 0;
    const last = order.findIndex(i => (sum += p[i]!) >= mass);
    const bound = deviation(order[last < 0 ? order.length - 1 : last]!);
    return order.filter(i => deviation(i) <= bound + 1e-9);
  },
  epsilon(scores: readonly number[], epsilon: number): number[] {
    const p = probabilities(scores);
    return [...p.keys()].filter(i => scores[i]! > OFF && (p[i]! >= epsilon || p[i] === Math.max(...p)));
  },
};
const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);

describe('truncations against their definitions with a full sort', () => {
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);
  const usable = (seed: number, distinct: boolean) => {
    const scores = scoresOf(seed, distinct);
    return scores.some(score => score > OFF) ? scores : [0, ...scores];
  };

  it('top-p, with ties and with a least number', () => {
    for (const seed of seeds) {
      const scores = usable(seed, seed % 2 === 0);
      const mass = [0, 0.1, 0.37, 0.73, 0.95, 1][seed % 6]!;
      expect(keptBy(topP(mass), scores), `seed ${seed}`).toEqual(sorted(slow.topP(scores, mass, 1)));
    }
    for (const seed of seeds) {
      const scores = usable(seed, true);
      expect(keptBy(topP(0.3, 5), scores), `seed ${seed}`).toEqual(sorted(slow.topP(scores, 0.3, 5)));
    }
  });

  it('top-p cuts ties to the smallest set', () => {
    expect(keptBy(topP(0.5), [1, 1, 1, 1])).toEqual([0, 1]);
    expect(keptBy(topP(0.51), [1, 1, 1, 1])).toEqual([0, 1, 2]);
    expect(keptBy(topP(0.1, 3), [1, 1, 1, 1])).toEqual([0, 1, 2]);
  });

  it('typical', () => {
    for (const seed of seeds) {
      const scores = usable(seed, true);
      const mass = [0.05, 0.2, 0.5, 0.8, 0.95][seed % 5]!;
      expect(keptBy(typicalP(mass), scores), `seed ${seed}`).toEqual(sorted(slow.typicalP(scores, mass)));
    }
    expect(keptBy(typicalP(0.01, 3), [2, 1, 0.5, 0, -1, -2]).length).toBe(3);
  });

  it('min-p, epsilon, eta', () => {
    for (const seed of seeds) {
      const scores = usable(seed, true);
      const p = probabilities(scores);
      const entropy = p.reduce((sum, x) => (x > 0 ? sum - x * Math.log(x) : sum), 0);
      const eta = Math.min(0.05, Math.sqrt(0.05) * Math.exp(-entropy));
      expect(keptBy(minP(0.2), scores)).toEqual(sorted(slow.epsilon(scores, 0.2 * Math.max(...p))));
      expect(keptBy(epsilonCutoff(0.05), scores)).toEqual(sorted(slow.epsilon(scores, 0.05)));
      expect(keptBy(etaCutoff(0.05), scores)).toEqual(sorted(slow.epsilon(scores, eta)));
    }
    for (const process of [minP(0.99, 2), epsilonCutoff(0.9, 2), etaCutoff(0.9, 2)]) {
      expect(keptBy(process, [3, 1, 0, -1])).toEqual([0, 1]);
    }
  });

  it('top-k keeps ties of the last one', () => {
    expect(keptBy(topK(2), [3, 1, 1, 0])).toEqual([0, 1, 2]);
    expect(keptBy(topK(9), [3, OFF, 1])).toEqual([0, 2]);
  });
});
