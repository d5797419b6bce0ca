/** Masked diffusion: shares of hidden tokens, what a hidden one counts, and losses against plain sums. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import type { ModelGraph } from '../../src/models/forward.ts';
import { setDefaultBackend, Tensor } from '../../src/tensor/index.ts';
import { rowsOf } from '../../src/train/data/index.ts';
import { answerDiffusion, type DiffusionBatch, maskedDiffusion } from '../../src/train/objectives/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { MASK_TOKENIZER, TEXT_TOKENIZER } from './objectives-tokenizers.ts';

setDefaultBackend(createReferenceBackend());
const rngs = (count: number, seed: number) => Array.from({ length: count }, (_, i) => createRng(seed, i));
const table = (rows: unknown) => Array.from(rows as ArrayLike<number>[], row => Array.from(row));
const tokenizer = MASK_TOKENIZER;
const maskId = tokenizer.specialTokens.mask!;
const ids = Array.from({ length: 64 }, (_, i) => 5 + (i % 60));
const vocabulary = tokenizer.vocabSize;

/** Scores that differ everywhere, and the graph as far as a loss reads it. */
const scores = (B: number, T: number) =>
  Float32Array.from({ length: B * T * vocabulary }, (_, i) => Math.sin(i * 0.37) * 3);
const graphOf = (logits: Float32Array, B: number, T: number) =>
  ({ logits: Tensor.from(logits, [B, T, vocabulary]) }) as unknown as ModelGraph;
function nll(logits: Float32Array, place: number, target: number, without?: number): number {
  const row = Array.from(logits.slice(place * vocabulary, (place + 1) * vocabulary));
  const sum = row.reduce((s, x, id) => (id === without ? s : s + Math.exp(x)), 0);
  return Math.log(sum) - row[target]!;
}

describe('masked diffusion', () => {
  const objective = maskedDiffusion({ tokenizer, length: 64, randomLengthProb: 0 });
  const many = objective.batch(new Array(2000).fill({ ids }), rngs(2000, 1)) as DiffusionBatch;

  it('hides each token with the share of its row; shares are spread evenly over (0, 1]', () => {
    const sorted = [...many.noise].sort((a, b) => a - b);
    sorted.forEach((share, i) => {
      expect(share).toBeGreaterThan(i / 2001);
      expect(share).toBeLessThanOrEqual((i + 1) / 2000 + 1e-3);
    });
    const [seen, labels] = [table(many.inputs.input_ids), table(many.inputs.labels)];
    let deviation = 0;
    seen.forEach((row, b) => {
      const hidden = row.filter(id => id === maskId).length;
      expect(
        row.every((id, t) => (id === maskId ? labels[b]![t] === ids[t] : id === ids[t] && labels[b]![t] === -100)),
      ).toBe(true);
      const share = many.noise[b]!;
      deviation += (hidden - 64 * share) ** 2 / Math.max(1e-9, 64 * share * (1 - share));
    });
    // Mean of 2000 squares of unit variance, each with variance about 2 (more where shares are extreme).
    expect(Math.abs(deviation / 2000 - 1)).toBeLessThan(0.2);
    expect([many.tokens, many.examples]).toEqual([64 * 2000, 2000]);
  });
  it('counts a hidden token by one over the share, in all over B T', async () => {
    const batch = objective.batch(new Array(3).fill({ ids: ids.slice(0, 10) }), rngs(3, 2)) as DiffusionBatch;
    const logits = scores(3, 10);
    const loss = await objective.lossOf!(graphOf(logits, 3, 10), batch).item();
    let sum = 0;
    table(batch.inputs.labels).forEach((row, b) => {
      row.forEach((label, t) => {
        if (label !== -100) sum += nll(logits, b * 10 + t, label) / batch.noise[b]!;
      });
    });
    expect(loss).toBeCloseTo(sum / 30, 4);
    expect(loss).toBeGreaterThan(0);
  });
  it('with a schedule is the continuous-time bound, without the mask among the answers', async () => {
    const continuous = maskedDiffusion({ tokenizer, length: 64, schedule: 'cosine', randomLengthProb: 0 });
    const batch = continuous.batch(new Array(3).fill({ ids: ids.slice(0, 10) }), rngs(3, 3)) as DiffusionBatch;
    const logits = scores(3, 10);
    const loss = await continuous.lossOf!(graphOf(logits, 3, 10), batch).item();
    let sum = 0;
    table(batch.inputs.labels).forEach((row, b) => {
      row.forEach((label, t) => {
        if (label !== -100) sum += nll(logits, b * 10 + t, label, maskId) * batch.noise[b]!;
      });
    });
    expect(loss).toBeCloseTo(sum / 30, 4);
    // Log-linear: what a token counts is one over the time, and the time is the share but for a thousandth.
    const linear = maskedDiffusion({ tokenizer, length: 64, schedule: 'log-linear', randomLengthProb: 0 });
    const plain = objective.batch(new Array(5).fill({ ids }), rngs(5, 4)) as DiffusionBatch;
    const same = linear.batch(new Array(5).fill({ ids }), rngs(5, 4)) as DiffusionBatch;
    same.noise.forEach((weight, b) => {
      expect(weight * plain.noise[b]!).toBeCloseTo(1, 6);
    });
  });
  it('cuts 1 % of the batches to a random length', () => {
    const short = maskedDiffusion({ tokenizer, length: 64 });
    const lengths = Array.from(
      { length: 4000 },
      (_, i) => short.batch([{ ids }], [createRng(5, i)]).inputs.input_ids![0]!.length,
    );
    const cut = lengths.filter(length => length < 64);
    expect(Math.abs(cut.length / 4000 - 0.01)).toBeLessThan(4 * Math.sqrt(0.0099 / 4000));
    expect(Math.min(...cut)).toBeLessThan(20);
  });
  it('ends documents, and refuses what it cannot do', () => {
    const [example] = objective.encode([...rowsOf([{ text: 'the dog' }])][0]!);
    expect(Array.from(example!.ids).at(-1)).toBe(tokenizer.specialTokens.eos);
    expect(() => maskedDiffusion({ tokenizer: TEXT_TOKENIZER, length: 8 })).toThrow(/needs a mask token/);
    expect(maskedDiffusion({ tokenizer: TEXT_TOKENIZER, length: 8, maskId: 0 }).blockLength).toBe(8);
    expect(() => maskedDiffusion({ tokenizer, length: 8, schedule: 'square' as 'cosine' })).toThrow(
      /no such noise schedule/,
    );
    expect(() => objective.lossOf!(graphOf(scores(1, 1), 1, 1), { inputs: {}, tokens: 1, examples: 1 })).toThrow(
      /without noise/,
    );
  });
});

describe('answer diffusion', () => {
  const objective = answerDiffusion({ tokenizer, maxLength: 12 });
  const rows = [
    ...rowsOf([
      { prompt: 'the dog sees ', completion: 'a cat' },
      { prompt: 'a ', completion: 'bird and a tree' },
    ]),
  ];
  const examples = rows.flatMap(row => objective.encode(row));
  const eos = tokenizer.specialTokens.eos!;

  it('hides answers and the end tokens that fill them up, never prompts', () => {
    const hits = [new Array<number>(7).fill(0), new Array<number>(7).fill(0)];
    for (let seed = 0; seed < 400; seed++) {
      const batch = objective.batch(examples, rngs(2, seed)) as DiffusionBatch;
      expect(batch.answerLengths).toEqual([3, 5]);
      table(batch.inputs.labels).forEach((labels, b) => {
        labels.forEach((label, t) => {
          if (label !== -100) hits[b]![t]!++;
        });
      });
    }
    // Of two rows the first has a share below one half, the second one above.
    const near = (n: number, share: number) => Math.abs(n / 400 - share) < 0.1;
    expect(hits.map((row, b) => row.map(n => (n === 0 ? 0 : Number(near(n, 0.25 + b / 2)))))).toEqual([
      [0, 0, 0, 0, 1, 1, 1],
      [0, 0, 1, 1, 1, 1, 1],
    ]);
  });
  it('counts a row per token of its answer', async () => {
    const padded = [
      examples[0]!,
      { ids: examples[1]!.ids, learned: examples[1]!.learned },
      { ids: [5, 6, 7], learned: [0, 1, 1] },
    ];
    const batch = objective.batch(padded, rngs(3, 9)) as DiffusionBatch;
    expect(batch.answerLengths).toEqual([3, 5, 6]);
    expect(
      table(batch.inputs.input_ids)[2]!
        .slice(3)
        .every(id => id === eos || id === maskId),
    ).toBe(true);
    const logits = scores(3, 7);
    const loss = await objective.lossOf!(graphOf(logits, 3, 7), batch).item();
    let sum = 0;
    table(batch.inputs.labels).forEach((row, b) => {
      row.forEach((label, t) => {
        if (label !== -100) sum += nll(logits, b * 7 + t, label) / batch.noise[b]! / batch.answerLengths![b]!;
      });
    });
    expect(loss).toBeCloseTo(sum / 3, 4);
  });
});
