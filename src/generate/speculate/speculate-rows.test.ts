import { describe, expect, it } from 'vitest';
import { chiSquareSigma, softmax } from '../../../test/generate/chi-square.ts';
import { fullByteTokenizer } from '../../../test/generate/small-tokenizers.ts';
import { bigramLogits, randomLogits, tableDecoder } from '../../../test/generate/table-decoder.ts';
import { createRng } from '../../util/rng.ts';
import { choices } from '../constrain/choices.ts';
import { tokenTexts } from '../constrain/token-texts.ts';
import type { GenerateEvent } from '../events.ts';
import { generate, generateAll } from '../generate.ts';
import { SequenceHistory } from '../history.ts';
import { type GenerateOptions, resolveOptions } from '../options.ts';
import { buildProcessors } from '../processors.ts';
import { settle } from './verify.ts';

const V = 7;
const target = () => tableDecoder({ vocabSize: V, logits: randomLogits(1, V) });
/** Agrees with the target now and then. */
const draft = () =>
  tableDecoder({
    vocabSize: V,
    logits: context => randomLogits(1, V)(context).map((z, i) => z + randomLogits(2, V, 1.5)(context)[i]!),
  });
const DRAFTS: Readonly<Record<string, () => NonNullable<GenerateOptions['draft']>>> = {
  'another model': draft,
  'the model itself': target,
  'the text': () => ({ promptLookup: { ngram: 2, tokens: 4 } }),
};
const idsOf = async (options: GenerateOptions, prompts = [[1, 2], [3]]) =>
  (await generateAll(target(), prompts, options)).sequences.map(({ ids, finishReason }) => ({ ids, finishReason }));

describe.each(Object.keys(DRAFTS))('drafts of %s', name => {
  const CASES: Readonly<Record<string, GenerateOptions>> = {
    plain: { maxNewTokens: 40 },
    'ends inside a draft': { maxNewTokens: 40, eosTokenId: [5, 6] },
    penalties: { maxNewTokens: 40, repetitionPenalty: 1.4, frequencyPenalty: 0.3, noRepeatNgramSize: 3 },
    'one token': { maxNewTokens: 1 },
    'a stop condition': { maxNewTokens: 40, stopWhen: ids => ids.at(-1) === 2 && ids.length > 3 },
  };
  it.each(Object.keys(CASES))('give the greedy output, token for token: %s', async kind => {
    for (const draftTokens of [1, 3, 8])
      expect(await idsOf({ ...CASES[kind], draft: DRAFTS[name]!(), draftTokens })).toEqual(await idsOf(CASES[kind]!));
  });

  it('leave the distribution of samples as it is', async () => {
    const options = { temperature: 1.3, topK: 5, presencePenalty: 0.6, maxNewTokens: 3 };
    // Three tokens behind one: the exact distribution of the whole output, by the same processors.
    const logits = randomLogits(1, V);
    const processors = buildProcessors(resolveOptions(options));
    const exact = new Map<string, number>();
    const extend = (ids: readonly number[], p: number): void => {
      if (ids.length === 4) return void exact.set(ids.join(), p);
      const history = new SequenceHistory({ ids: [1] });
      for (const id of ids.slice(1)) history.push(id);
      const scores = Float32Array.from(logits(ids));
      for (const process of processors) process(scores, history);
      for (const [id, q] of softmax(scores).entries()) if (q > 0) extend([...ids, id], p * q);
    };
    extend([1], 1);
    const outcomes = [...exact.keys()];
    const counts = new Map(outcomes.map(key => [key, 0]));
    const model = target();
    const drafter = DRAFTS[name]!();
    const draws = 20_000;
    for (let seed = 0; seed < draws; seed++) {
      const { sequences } = await generateAll(model, [[1]], { ...options, seed, draft: drafter, draftTokens: 2 });
      const key = [1, ...sequences[0]!.ids].join();
      counts.set(key, counts.get(key)! + 1);
    }
    // Rare outcomes together, as the test wants at least a few of each.
    const often = outcomes.filter(key => exact.get(key)! * draws >= 8);
    const rest = outcomes.filter(key => !often.includes(key));
    const sum = (of: ReadonlyMap<string, number>) => rest.reduce((total, key) => total + of.get(key)!, 0);
    const sigma = chiSquareSigma(
      [...often.map(key => counts.get(key)!), sum(counts)],
      [...often.map(key => exact.get(key)!), sum(exact)],
    );
    expect(often.length).toBeGreaterThan(30);
    expect(Math.abs(sigma)).toBeLessThan(4);
  });
});

describe('a pass', () => {
  it('checks a draft at once and counts what stays', async () => {
    const ring = bigramLogits([0, 1, 2].map(from => [0, 1, 2].map(to => (to === (from + 1) % 3 ? 1 : 0))));
    const decoder = tableDecoder({ vocabSize: 3, logits: ring });
    const events: GenerateEvent[] = [];
    const options = { maxNewTokens: 9, draft: { promptLookup: { ngram: 2 } }, draftTokens: 3, logprobs: true };
    for await (const event of generate(decoder, [[0, 1, 2, 0, 1]], options)) events.push(event);
    expect(decoder.log).toEqual(['open 1', 'step 1x5', 'all 1x4', 'all 1x4']);
    const drafted = events.flatMap(event => (event.type === 'token' ? [event.drafted ?? false] : []));
    expect(drafted).toEqual([false, true, true, true, false, true, true, true, false]);
    const done = events.at(-1);
    expect(done?.type === 'done' && done.stats.draft).toEqual({ proposed: 6, accepted: 6 });
    expect(done?.type === 'done' && done.sequences[0]!.logprobs).toHaveLength(9);
    expect(decoder.openSessions).toBe(0);
  });
  it('is no longer than what a session gives the logits of at once', async () => {
    const ring = bigramLogits([0, 1, 2].map(from => [0, 1, 2].map(to => (to === (from + 1) % 3 ? 1 : 0))));
    const decoder = tableDecoder({ vocabSize: 3, logits: ring });
    await generateAll(decoder, [[0, 1, 2, 0, 1]], { maxNewTokens: 700, draft: { promptLookup: {} }, draftTokens: 1e6 });
    const lengths = decoder.log.flatMap(
      line =>
        line
          .match(/^all 1x(\d+)$/)
          ?.slice(1)
          .map(Number) ?? [],
    );
    expect(lengths).toEqual([512, 187]);
  });
  it('cuts the caches back to what stayed', async () => {
    const [model, other] = [target(), draft()];
    await generateAll(model, [[1, 2]], { maxNewTokens: 30, draft: other, draftTokens: 4 });
    expect([model.openSessions, other.openSessions]).toEqual([0, 0]);
  });
});

describe('a constraint', () => {
  it('that is complete within a draft ends there, where no end token says so', async () => {
    const tokenizer = fullByteTokenizer();
    const size = tokenizer.vocabSize;
    const decoder = tableDecoder({ vocabSize: size, logits: () => new Float32Array(size) });
    const { sequences, stats } = await generateAll(decoder, [tokenizer.encodeIds('three;three;')], {
      constraint: choices(['three']),
      tokenTexts: tokenTexts(tokenizer, size),
      ...{ maxNewTokens: 12, draft: { promptLookup: { ngram: 1 } }, draftTokens: 6 },
    });
    expect(tokenizer.decode(sequences[0]!.ids)).toBe('three');
    expect(sequences[0]!.finishReason).toBe('stop');
    expect(stats.draft).toEqual({ proposed: 6, accepted: 4 });
  });
});

describe('what cannot be', () => {
  it.each([
    [{ draft: tableDecoder({ vocabSize: 5, logits: randomLogits(1, 5) }) }, /vocabulary of the model; seen: 5 tokens/],
    [{ draft: { promptLookup: {} }, numBeams: 2 }, /draft has no meaning in a beam search/],
    [{ draft: { promptLookup: { ngram: 0 } } }, /draft = .* is not a model, or/],
    [{ draft: 'gpt2' as never }, /draft = "gpt2" is not a model/],
  ])('%#', async (options, message) => {
    await expect((async () => generateAll(target(), [[1]], options as GenerateOptions))()).rejects.toThrow(message);
  });
});

describe('settle', () => {
  it('keeps the draft where rounding alone speaks against it', () => {
    const rng = { ...createRng(1), uniform: () => 0.999_999_999 };
    expect(settle(1, Float64Array.of(0.1, 0.9, 0), Float64Array.of(0.1, 0.900_001, 0), rng)).toBe(1);
    expect(settle(2, Float64Array.of(0, 0, 0.999_999), undefined, rng)).toBe(2);
  });
  it('draws from the wanted distribution, whatever was drafted', () => {
    const rng = createRng(5);
    const wanted = [0.5, 0.3, 0.2, 0];
    for (const drafted of [
      [0.1, 0.1, 0.1, 0.7],
      [0.5, 0.3, 0.2, 0],
      [0, 0, 1, 0],
    ]) {
      const counts = [0, 0, 0, 0];
      for (let i = 0; i < 20_000; i++) {
        let [u, id] = [rng.uniform(), 0];
        while (u >= drafted[id]!) u -= drafted[id++]!;
        counts[settle(id, Float64Array.from(wanted), Float64Array.from(drafted), rng)]!++;
      }
      expect(Math.abs(chiSquareSigma(counts, wanted))).toBeLessThan(4);
    }
  });
});
