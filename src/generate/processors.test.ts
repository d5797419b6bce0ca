import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ProcessorFile, processed, softmax } from '../../test/generate/processor-cases.ts';
import { SequenceHistory } from './history.ts';
import { type GenerateOptions, resolveOptions } from './options.ts';
import { buildProcessors, DEFAULT_ORDER, LLAMA_CPP_ORDER } from './processors.ts';

const golden: ProcessorFile = JSON.parse(
  readFileSync(new URL('../../test/generate/data/logits_processors.json', import.meta.url), 'utf8'),
);

function apply(scores: readonly number[], ids: readonly number[], options: GenerateOptions): number[] {
  const out = Float32Array.from(scores);
  const history = new SequenceHistory({ ids });
  for (const process of buildProcessors(resolveOptions(options))) process(out, history);
  return [...out];
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number) {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    const wanted = expected[i]!;
    if (!Number.isFinite(wanted)) expect(value, `entry ${i}`).toBe(wanted);
    else expect(Math.abs(value - wanted), `entry ${i}: ${value}, ${wanted}`).toBeLessThanOrEqual(tolerance);
  });
}

describe('processors agree with the reference', () => {
  it('has all 29 cases', () => expect(golden.cases.length).toBe(29));

  it.each(golden.cases.map(test => [test.name, test] as const))('%s', (_, test) => {
    const rows = processed(test, golden);
    expect(rows.length).toBe(test.out.length);
    rows.forEach((scores, r) => {
      const expected = test.out[r]!.map(value => (value === '-inf' ? Number.NEGATIVE_INFINITY : value));
      expectClose([...scores], expected, 2e-6);
      if (test.probs) expectClose(softmax(scores), test.probs[r]!, 1e-6);
    });
  });
});

describe('processors agree with the specification', () => {
  const z = [2, 1, 0.5, 0, -1, -2];
  const kept = (options: GenerateOptions) =>
    apply(z, [0], options).flatMap((score, id) => (score > Number.NEGATIVE_INFINITY ? [id] : []));

  it('temperature and repetition penalty', () => {
    expectClose(apply(z, [0], { temperature: 0.7 }), [2.857143, 1.428571, 0.714286, 0, -1.428571, -2.857143], 1e-6);
    expectClose(apply(z, [0, 4, 4], { repetitionPenalty: 1.3 }), [1.538462, 1, 0.5, 0, -1.3, -2], 1e-6);
  });

  it('truncations', () => {
    expect(kept({ topK: 3 })).toEqual([0, 1, 2]);
    expect(kept({ topP: 0.8 })).toEqual([0, 1, 2]);
    expect(kept({ minP: 0.2 })).toEqual([0, 1, 2]);
    expect(kept({ typicalP: 0.8 })).toEqual([0, 1, 2]);
    expect(kept({ typicalP: 0.2 })).toEqual([1]);
    expect(kept({ epsilonCutoff: 0.05 })).toEqual([0, 1, 2, 3]);
    expect(kept({ etaCutoff: 0.05 })).toEqual([0, 1, 2, 3]);
  });

  it('n-gram blocking', () => {
    const out = apply(z, [1, 2, 3, 1], { noRepeatNgramSize: 2 });
    expect(out.map(score => score === Number.NEGATIVE_INFINITY)).toEqual([false, false, true, false, false, false]);
  });

  it('presence and frequency penalties count generated ids only', () => {
    const history = new SequenceHistory({ ids: [5, 5] });
    for (const id of [1, 1, 2]) history.push(id);
    const scores = Float32Array.from(z);
    const options = { presencePenalty: 0.5, frequencyPenalty: 0.25 };
    for (const process of buildProcessors(resolveOptions(options))) process(scores, history);
    expect([...scores]).toEqual([2, 1 - 0.5 - 0.5, 0.5 - 0.5 - 0.25, 0, -1, -2]);
  });

  it('the encoder penalty and n-grams read the encoder ids', () => {
    const history = new SequenceHistory({ ids: [0, 3], encoderIds: [3, 4, 1] });
    const run = (options: GenerateOptions) => {
      const scores = Float32Array.from(z);
      for (const process of buildProcessors(resolveOptions(options))) process(scores, history);
      return [...scores];
    };
    expect(run({ encoderRepetitionPenalty: 2 })).toEqual([2, 2, 0.5, 0, -0.5, -2]);
    expect(run({ encoderNoRepeatNgramSize: 2 })).toEqual([2, 1, 0.5, 0, Number.NEGATIVE_INFINITY, -2]);
    // Without encoder ids there is nothing to do.
    expect(apply(z, [3], { encoderRepetitionPenalty: 2, encoderNoRepeatNgramSize: 2 })).toEqual(z);
  });

  it('forced first token, suppressed first tokens, repaired logits', () => {
    const off = Number.NEGATIVE_INFINITY;
    expect(apply(z, [0], { forcedBosTokenId: 3 })).toEqual([off, off, off, 0, off, off]);
    expect(apply(z, [0, 1], { forcedBosTokenId: 3 })).toEqual(z);
    expect(apply(z, [0, 1], { beginSuppressTokens: [0, 5] })).toEqual([off, 1, 0.5, 0, -1, off]);
    const broken = apply([Number.NaN, Number.POSITIVE_INFINITY, off, 1], [0], { removeInvalidValues: true });
    expect(broken).toEqual([0, 3.4028234663852886e38, -3.4028234663852886e38, 1]);
  });

  it('a first token that is forced is not the one that is suppressed', () => {
    const [forced, suppress] = buildProcessors(resolveOptions({ forcedBosTokenId: 3, beginSuppressTokens: [3] }));
    const history = new SequenceHistory({ ids: [0] });
    const first = Float32Array.from(z);
    forced!(first, history);
    suppress!(first, history);
    expect(first[3]).toBe(0);
    history.push(3);
    const second = Float32Array.from(z);
    forced!(second, history);
    suppress!(second, history);
    expect([...second]).toEqual([2, 1, 0.5, Number.NEGATIVE_INFINITY, -1, -2]);
  });

  it('a bad word that is an end token is passed over', () => {
    expect(apply(z, [0], { badWordsIds: [[1], [2]], eosTokenId: 2 })[2]).toBe(0.5);
    expect(apply(z, [0], { badWordsIds: [[1], [2]], eosTokenId: 2 })[1]).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('order', () => {
  const z = [2, 1.5, 1, 0.5, 0, -1];

  it('temperature comes before or after the cut', () => {
    const options: GenerateOptions = { temperature: 3, topP: 0.6 };
    const count = (order?: GenerateOptions['order']) =>
      apply(z, [0], { ...options, order }).filter(score => score > Number.NEGATIVE_INFINITY).length;
    expect(count()).toBe(3);
    expect(count(LLAMA_CPP_ORDER)).toBe(2);
  });

  it('both orders name every processor once', () => {
    expect([...LLAMA_CPP_ORDER].sort()).toEqual([...DEFAULT_ORDER].sort());
    expect(new Set(DEFAULT_ORDER).size).toBe(DEFAULT_ORDER.length);
  });

  it('own processors run before the temperature', () => {
    const own = (scores: Float32Array) => scores.fill(6);
    expect(apply([1, 2], [0], { processors: [own], temperature: 2 })).toEqual([3, 3]);
  });

  it('truncations are off in greedy decoding and keep enough for beams', () => {
    expect(buildProcessors(resolveOptions({ topK: 1, doSample: false }))).toEqual([]);
    const beams = { topK: 1, doSample: true, numBeams: 2, eosTokenId: [4, 5] };
    expect(apply(z, [0], beams).filter(score => score > Number.NEGATIVE_INFINITY).length).toBe(3);
  });

  it('refuses lists that are wrong, all problems at once', () => {
    const order = ['topK', 'topk', 'topK'] as unknown as GenerateOptions['order'];
    expect(() => buildProcessors(resolveOptions({ topK: 3, minP: 0.1, order }))).toThrow(
      "'topk' is no processor; 'topK' comes twice; 'minP' is in use but not in the list",
    );
  });
});
