/** attention against the plain formula in double precision. */
import { describe, expect, it } from 'vitest';
import type { HarnessArray } from '../kernel-harness.ts';
import { ATTENTION_KERNELS } from './attention.ts';
import type { AttentionAttrs } from './attention-arguments.ts';
import { type Arrays, broadcastTo, distance, elements, FEATURE_SETS, nameOf, randomArrays } from './random-arrays.ts';

interface Case {
  readonly b: number;
  readonly h: number;
  readonly g: number;
  readonly t: number;
  readonly s: number;
  readonly d: number;
  readonly dv: number;
  readonly causal?: boolean;
  readonly window?: number;
  readonly softcap?: number;
  readonly length?: number;
  /** Chance that a key is masked. */
  readonly mask?: number;
  /** Shape of the bias, broadcast to [b, h, t, s]. */
  readonly bias?: readonly number[];
  readonly threads?: number;
}

function expected(
  c: Case,
  attrs: AttentionAttrs,
  q: number[],
  k: number[],
  v: number[],
  mask?: number[],
  bias?: number[],
) {
  const { b, h, g, t, s, d, dv } = c;
  const length = c.length ?? s;
  const out = new Float64Array(b * h * t * dv);
  for (let row = 0; row < b * h * t; row++) {
    const [batch, head, query] = [Math.floor(row / (h * t)), Math.floor(row / t) % h, row % t];
    const group = batch * g + Math.floor((head * g) / h);
    const position = length - t + query;
    const scores: [key: number, score: number][] = [];
    for (let j = 0; j < length; j++) {
      if (attrs.causal && j > position) continue;
      if (attrs.window && (j <= position - attrs.window || (!attrs.causal && j >= position + attrs.window))) continue;
      if (mask && !mask[batch * s + j]) continue;
      let score = 0;
      for (let i = 0; i < d; i++) score += q[row * d + i]! * k[(group * s + j) * d + i]!;
      score *= attrs.scale;
      if (attrs.softcap) score = attrs.softcap * Math.tanh(score / attrs.softcap);
      scores.push([j, score + (bias?.[row * s + j] ?? 0)]);
    }
    const max = Math.max(...scores.map(([, score]) => score));
    const sum = scores.reduce((total, [, score]) => total + Math.exp(score - max), 0);
    for (const [j, score] of scores)
      for (let i = 0; i < dv; i++) out[row * dv + i]! += (Math.exp(score - max) / sum) * v[(group * s + j) * dv + i]!;
  }
  return out;
}

function run(arrays: Arrays, c: Case): number {
  const { make, harness } = arrays;
  const { b, h, g, t, s, d, dv } = c;
  const attrs: AttentionAttrs = {
    causal: c.causal ?? false,
    scale: 1.3 / Math.sqrt(d),
    window: c.window ?? 0,
    softcap: c.softcap ?? 0,
    length: c.length !== undefined,
    mask: c.mask !== undefined,
    bias: c.bias !== undefined,
  };
  const [q, k, v] = [
    make([b, h, t, d], 'f32', 'rows'),
    make([b, g, s, d], 'f32', 'rows'),
    make([b, g, s, dv], 'f32', 'rows'),
  ];
  const inputs: HarnessArray[] = [q, k, v];
  if (c.length !== undefined) inputs.push(harness.array([], 'i32', [c.length]));
  const mask = c.mask === undefined ? undefined : make([b, s], 'bool', 'strided', r => (r.uniform() < c.mask! ? 0 : 1));
  const bias = c.bias && make(c.bias, 'f32', 'strided');
  for (const extra of [mask, bias]) if (extra) inputs.push(extra);
  const out = arrays.output([b, h, t, dv], 'f32', [t * h * dv, dv, h * dv, 1]);
  harness.run('attention', attrs, inputs, out, c.threads ?? 1);
  const oracle = expected(
    c,
    attrs,
    elements(q),
    elements(k),
    elements(v),
    mask && elements(mask),
    bias && broadcastTo(bias, [b, h, t, s]),
  );
  return distance(elements(out), oracle);
}

const CASES: Record<string, Case> = {
  'one query': { b: 2, h: 3, g: 3, t: 1, s: 100, d: 64, dv: 64 },
  'one query, grouped heads, causal': { b: 1, h: 8, g: 2, t: 1, s: 131, d: 32, dv: 32, causal: true },
  'one query, seven heads of a group': { b: 2, h: 14, g: 2, t: 1, s: 70, d: 20, dv: 12, threads: 3 },
  'few queries of a cache, causal': { b: 2, h: 4, g: 2, t: 3, s: 90, d: 24, dv: 40, causal: true, length: 71 },
  'one query of a long cache': { b: 1, h: 4, g: 2, t: 1, s: 5000, d: 64, dv: 48, causal: true, length: 4900 },
  'one query of odd width': { b: 1, h: 2, g: 1, t: 1, s: 67, d: 7, dv: 5, threads: 2 },
  'one key': { b: 1, h: 1, g: 1, t: 1, s: 1, d: 4, dv: 4 },
  square: { b: 2, h: 3, g: 3, t: 65, s: 65, d: 16, dv: 16, threads: 2 },
  causal: { b: 1, h: 2, g: 2, t: 200, s: 200, d: 32, dv: 32, causal: true, threads: 3 },
  'causal, grouped, odd widths': { b: 2, h: 6, g: 2, t: 75, s: 75, d: 19, dv: 21, causal: true, threads: 5 },
  'causal with a cache': { b: 1, h: 2, g: 1, t: 70, s: 300, d: 12, dv: 36, causal: true, length: 211 },
  'more queries than keys, causal': { b: 1, h: 1, g: 1, t: 40, s: 30, d: 8, dv: 8, causal: true },
  'window, causal': { b: 1, h: 2, g: 2, t: 180, s: 180, d: 8, dv: 8, causal: true, window: 17, threads: 2 },
  'window of a long cache': { b: 1, h: 2, g: 2, t: 1, s: 400, d: 8, dv: 8, causal: true, window: 30, length: 390 },
  'window on both sides': { b: 1, h: 2, g: 1, t: 150, s: 150, d: 8, dv: 8, window: 20 },
  'masked keys': { b: 3, h: 2, g: 2, t: 20, s: 90, d: 16, dv: 16, mask: 0.5 },
  'masked keys, few queries': { b: 3, h: 2, g: 2, t: 2, s: 90, d: 16, dv: 16, mask: 0.5, causal: true },
  'all keys masked': { b: 2, h: 2, g: 2, t: 20, s: 70, d: 16, dv: 16, mask: 1, threads: 2 },
  'all keys masked, one query': { b: 2, h: 2, g: 2, t: 1, s: 70, d: 16, dv: 16, mask: 1 },
  'empty cache': { b: 1, h: 2, g: 2, t: 1, s: 64, d: 16, dv: 16, length: 0 },
  bias: { b: 2, h: 3, g: 3, t: 30, s: 77, d: 16, dv: 16, bias: [2, 3, 30, 77] },
  'bias shared by batches and queries': {
    b: 2,
    h: 3,
    g: 3,
    t: 30,
    s: 77,
    d: 16,
    dv: 16,
    bias: [3, 1, 77],
    causal: true,
  },
  'bias per query, one query': { b: 2, h: 3, g: 1, t: 1, s: 77, d: 16, dv: 16, bias: [1, 3, 1, 1] },
  softcap: { b: 1, h: 2, g: 1, t: 33, s: 33, d: 16, dv: 16, causal: true, softcap: 2, threads: 2 },
  everything: {
    ...{ b: 2, h: 6, g: 3, t: 70, s: 260, d: 20, dv: 28, causal: true, window: 90, softcap: 3, length: 230 },
    ...{ mask: 0.2, bias: [2, 6, 70, 260], threads: 3 },
  },
  wide: { b: 1, h: 1, g: 1, t: 70, s: 70, d: 300, dv: 520, causal: true },
  'more threads than work': { b: 1, h: 1, g: 1, t: 1, s: 10, d: 8, dv: 8, threads: 5 },
};

// Three threads: calls with few heads are cut into more tiles.
describe.each(FEATURE_SETS.map(f => [nameOf(f), { ...f, threads: 3 }] as const))('attention, %s', (_, features) => {
  const arrays = randomArrays(ATTENTION_KERNELS, features, 7);
  it.each(Object.entries(CASES))('%s', (_, c) => {
    expect(run(arrays, c)).toBeLessThan(2e-6);
  });

  it('is the same in random shapes', () => {
    const { rng } = arrays;
    for (let i = 0; i < 60; i++) {
      const g = 1 + rng.below(3);
      const s = 1 + rng.below(200);
      const t = rng.below(2) ? 1 + rng.below(4) : 1 + rng.below(90);
      const c: Case = {
        ...{ b: 1 + rng.below(2), h: g * (1 + rng.below(4)), g, t, s, d: 1 + rng.below(40), dv: 1 + rng.below(40) },
        ...{ causal: rng.below(2) === 1, window: rng.below(3) ? 0 : 1 + rng.below(60), threads: 1 + rng.below(4) },
        ...(rng.below(2) ? { length: rng.below(s + 1) } : {}),
        ...(rng.below(2) ? { mask: 0.3 } : {}),
      };
      expect(run(arrays, c), JSON.stringify(c)).toBeLessThan(2e-6);
    }
  });

  it('keeps a NaN to the query that has it', () => {
    const q = arrays.harness.array([1, 1, 2, 4], 'f32', [Number.NaN, 1, 1, 1, 1, 1, 1, 1]);
    const kv = arrays.make([1, 1, 5, 4]);
    const out = arrays.output([1, 1, 2, 4]);
    const attrs = { causal: false, scale: 1, window: 0, softcap: 0, length: false, mask: false, bias: false };
    const y = [...arrays.harness.run('attention', attrs, [q, kv, kv], out)];
    expect(y.map(Number.isNaN)).toEqual([true, true, true, true, false, false, false, false]);
  });
});
