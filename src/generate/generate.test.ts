import { describe, expect, it } from 'vitest';
import { chiSquareSigma, softmax } from '../../test/generate/chi-square.ts';
import { bigramLogits, randomLogits, tableDecoder } from '../../test/generate/table-decoder.ts';
import { BackendError, ConfigError, ShapeError } from '../errors.ts';
import type { DoneEvent, GenerateEvent, TokenEvent } from './events.ts';
import { generate, generateAll } from './generate.ts';
import type { GenerateOptions } from './options.ts';

/** 0 -> 1 -> 2 -> 3 -> 4 -> 0 ..., the next best one further. */
const ring = bigramLogits([0, 1, 2, 3, 4].map(from => [0, 1, 2, 3, 4].map(to => -2 * ((to - from + 4) % 5))));
const ringDecoder = (contextLength?: number) => tableDecoder({ vocabSize: 5, contextLength, logits: ring });

async function collect(events: AsyncIterable<GenerateEvent>) {
  const tokens: TokenEvent[] = [];
  let done: DoneEvent | undefined;
  for await (const event of events) {
    if (event.type === 'token') tokens.push(event);
    else if (event.type === 'done') done = event;
  }
  return { tokens, done: done! };
}
const idsOf = (done: DoneEvent) => done.sequences.map(sequence => sequence.ids);

describe('greedy decoding', () => {
  it('follows the best token and reports it as it comes', async () => {
    const decoder = ringDecoder();
    const { tokens, done } = await collect(generate(decoder, [[0]], { maxNewTokens: 4 }));
    expect(tokens).toEqual([
      { type: 'token', sequence: 0, id: 1 },
      { type: 'token', sequence: 0, id: 2 },
      { type: 'token', sequence: 0, id: 3 },
      { type: 'token', sequence: 0, id: 4, finished: 'length' },
    ]);
    expect(done.sequences).toEqual([{ prompt: 0, ids: [1, 2, 3, 4], finishReason: 'length' }]);
    expect(done.stats).toMatchObject({ promptTokens: 1, newTokens: 4 });
    expect(done.stats.seed).toBeUndefined();
    expect(decoder.log).toEqual(['open 1', 'step 1x1', 'step 1x1', 'step 1x1', 'step 1x1']);
    expect(decoder.openSessions).toBe(0);
  });

  it('stops at end tokens, which belong to the ids; rows that are done leave the batch', async () => {
    const decoder = ringDecoder();
    const done = await generateAll(decoder, [[0], [3, 4], [2, 2, 2]], {
      maxNewTokens: 6,
      eosTokenId: [4],
      stopIds: [1],
    });
    expect(idsOf(done)).toEqual([[1], [0, 1], [3, 4]]);
    expect(done.sequences.map(sequence => sequence.finishReason)).toEqual(['stop', 'stop', 'stop']);
    expect(decoder.log).toEqual(['open 3', 'step 3x3', 'reorder 1,2', 'step 2x1']);
  });

  it('keeps to the lengths', async () => {
    const decoder = ringDecoder();
    const ids = async (options: GenerateOptions) => idsOf(await generateAll(decoder, [[0, 1]], options))[0];
    expect(await ids({ maxLength: 5 })).toEqual([2, 3, 4]);
    expect(await ids({ maxNewTokens: 2, maxLength: 50 })).toEqual([2, 3]);
    expect(await ids({ eosTokenId: 2, minNewTokens: 2, maxNewTokens: 9 })).toEqual([3, 4, 0, 1, 2]);
    expect(await ids({ eosTokenId: 2, minLength: 8, maxNewTokens: 9 })).toEqual([3, 4, 0, 1, 3, 4, 0, 1, 2]);
    expect(await ids({ eosTokenId: 2, maxNewTokens: Infinity })).toEqual([2]);
    expect((await ids({}))!.length).toBe(256);
  });

  it('runs the processors', async () => {
    const decoder = ringDecoder();
    const ids = async (options: GenerateOptions) =>
      idsOf(await generateAll(decoder, [[0, 1]], { maxNewTokens: 6, ...options }))[0];
    expect(await ids({ noRepeatNgramSize: 2 })).toEqual([2, 3, 4, 0, 2, 4]);
    expect(await ids({ suppressTokens: [3] })).toEqual([2, 4, 0, 1, 2, 4]);
    expect(await ids({ forcedEosTokenId: 2, maxNewTokens: 3 })).toEqual([2, 3, 2]);
    expect(await ids({ presencePenalty: 100 })).toEqual([2, 3, 4, 0, 1, 2]);
    expect(
      await ids({
        badWordsIds: [
          [2, 3],
          [4, 0, 1],
        ],
      }),
    ).toEqual([2, 4, 0, 2, 4, 0]);
  });

  it('gives a prompt the same tokens alone and in a batch', async () => {
    const logits = randomLogits(9, 30);
    const decoder = tableDecoder({ vocabSize: 30, logits });
    const prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9], [4, 4]];
    const options = {
      maxNewTokens: 12,
      eosTokenId: [0, 1, 2],
      repetitionPenalty: 1.2,
      noRepeatNgramSize: 2,
      logprobs: true,
    };
    const together = await generateAll(decoder, prompts, options);
    for (const [i, prompt] of prompts.entries()) {
      const alone = await generateAll(decoder, [prompt], options);
      expect(together.sequences[i]).toEqual({ ...alone.sequences[0], prompt: i });
    }
  });
});

describe('log-probabilities', () => {
  it('are of the raw logits, whatever the processors do', async () => {
    const decoder = ringDecoder();
    const logp = softmax(ring([0])).map(Math.log);
    const options = { maxNewTokens: 1, suppressTokens: [1], temperature: 0, topLogprobs: 3 };
    const { tokens, done } = await collect(generate(decoder, [[0]], options));
    expect(tokens[0]!.id).toBe(2);
    expect(tokens[0]!.logprob).toBeCloseTo(logp[2]!, 12);
    expect(tokens[0]!.top!.map(({ id }) => id)).toEqual([1, 2, 3]);
    for (const { id, logprob } of tokens[0]!.top!) expect(logprob).toBeCloseTo(logp[id]!, 12);
    expect(done.sequences[0]!.logprobs).toEqual([tokens[0]!.logprob]);
  });

  it('come without alternatives too, and not unasked', async () => {
    const { tokens } = await collect(generate(ringDecoder(), [[0]], { maxNewTokens: 1, logprobs: true }));
    expect(Object.keys(tokens[0]!).sort()).toEqual(['finished', 'id', 'logprob', 'sequence', 'type']);
  });
});

describe('sampling', () => {
  const table = [0, 1, 2, 3].map(seed => randomLogits(seed, 4, 1.5)([seed]));
  const decoder = tableDecoder({ vocabSize: 4, logits: bigramLogits(table) });

  it('draws the distribution of the model: sequences of two tokens against the exact product', async () => {
    const p = table.map(softmax);
    const counts = new Array<number>(16).fill(0);
    const options = { maxNewTokens: 2, doSample: true, numReturnSequences: 8000, seed: 17 };
    for (const { ids } of (await generateAll(decoder, [[2]], options)).sequences) counts[ids[0]! * 4 + ids[1]!]!++;
    const exact = counts.map((_, i) => p[2]![i >> 2]! * p[i >> 2]![i & 3]!);
    expect(Math.abs(chiSquareSigma(counts, exact))).toBeLessThan(3);
  });

  it('draws the distribution after temperature and top-k', async () => {
    const options = { maxNewTokens: 1, temperature: 0.5, topK: 3, numReturnSequences: 8000, seed: 4 };
    const counts = [0, 0, 0, 0];
    for (const { ids } of (await generateAll(decoder, [[1]], options)).sequences) counts[ids[0]!]!++;
    const worst = Math.min(...table[1]!);
    const exact = softmax(table[1]!.map(score => (score === worst ? Number.NEGATIVE_INFINITY : score / 0.5)));
    expect(Math.abs(chiSquareSigma(counts, exact))).toBeLessThan(3);
  });

  it('repeats itself for a seed and reports a seed that nobody chose', async () => {
    const options = { maxNewTokens: 20, doSample: true };
    const first = await generateAll(decoder, [[0]], options);
    const seed = first.stats.seed!;
    expect(idsOf(await generateAll(decoder, [[0]], { ...options, seed }))).toEqual(idsOf(first));
    expect(idsOf(await generateAll(decoder, [[0]], { ...options, seed: 1 }))).not.toEqual(
      idsOf(await generateAll(decoder, [[0]], { ...options, seed: 2 })),
    );
  });

  it('does not depend on what is generated beside it', async () => {
    const options = { maxNewTokens: 25, doSample: true, eosTokenId: 3 };
    const prompts = [[0, 1], [2], [1, 1, 1]];
    const together = await generateAll(decoder, prompts, { ...options, seed: [5, 6, 7], numReturnSequences: 3 });
    for (const [i, prompt] of prompts.entries()) {
      const alone = await generateAll(decoder, [prompt], { ...options, seed: 5 + i, numReturnSequences: 3 });
      expect(idsOf(together).slice(3 * i, 3 * i + 3)).toEqual(idsOf(alone));
    }
    // With one seed for all, the same prompt twice is not the same text twice.
    const twice = idsOf(await generateAll(decoder, [[0], [0]], { maxNewTokens: 25, doSample: true, seed: 5 }));
    expect(twice[0]).not.toEqual(twice[1]);
  });

  it('reads the prompt once for several sequences', async () => {
    const counting = tableDecoder({ vocabSize: 4, logits: bigramLogits(table) });
    await generateAll(counting, [[0, 1, 2], [3]], { maxNewTokens: 2, doSample: true, seed: 1, numReturnSequences: 3 });
    expect(counting.log).toEqual(['open 2', 'step 2x3', 'reorder 0,0,0,1,1,1', 'step 6x1']);
  });
});

describe('stopping', () => {
  it('break disposes the session', async () => {
    const decoder = ringDecoder();
    for await (const event of generate(decoder, [[0], [1, 2]])) if (event.type === 'token' && event.id === 3) break;
    expect(decoder.openSessions).toBe(0);
    expect(decoder.log.filter(entry => entry.startsWith('step')).length).toBe(1);
  });

  it('an aborted signal ends it with its reason before anything is computed', async () => {
    const decoder = ringDecoder();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(generateAll(decoder, [[0]], { signal })).rejects.toThrow('enough');
    expect(decoder.log).toEqual([]);
  });

  it('a signal aborted between steps and during a step', async () => {
    for (const numBeams of [1, 3]) {
      const between = new AbortController();
      const decoder = ringDecoder();
      const run = async () => {
        let events = 0;
        const options = { signal: between.signal, numBeams, maxNewTokens: 50 };
        for await (const _ of generate(decoder, [[0]], options)) if (++events === 3) between.abort();
        return events;
      };
      await expect(run()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
      expect(decoder.log.filter(entry => entry.startsWith('step')).length).toBe(3);

      const during = new AbortController();
      let steps = 0;
      const slow = tableDecoder({
        vocabSize: 5,
        logits: ring,
        beforeStep: () => (++steps === 2 ? during.abort() : undefined),
      });
      await expect(generateAll(slow, [[0]], { signal: during.signal, numBeams })).rejects.toThrow('abort');
      expect([decoder.openSessions, slow.openSessions, steps]).toEqual([0, 0, 2]);
    }
  });

  it('a timer can abort a decoder that never waits', async () => {
    const signal = AbortSignal.timeout(60);
    await expect(generateAll(ringDecoder(), [[0]], { signal, maxNewTokens: Infinity })).rejects.toThrow(
      /timeout|aborted/,
    );
  });

  it('stopWhen and maxTimeMs', async () => {
    const seen: string[] = [];
    const stopWhen = (ids: readonly number[], sequence: number) => {
      seen.push(`${sequence}: ${ids}`);
      return ids.at(-1) === 3;
    };
    const done = await generateAll(ringDecoder(), [[0], [1]], { stopWhen, maxNewTokens: 9 });
    expect(done.sequences).toEqual([
      { prompt: 0, ids: [1, 2, 3], finishReason: 'stop' },
      { prompt: 1, ids: [2, 3], finishReason: 'stop' },
    ]);
    expect(seen).toEqual(['0: 1', '1: 2', '0: 1,2', '1: 2,3', '0: 1,2,3']);

    const beforeStep = () => new Promise<void>(resolve => setTimeout(resolve, 5));
    const slow = tableDecoder({ vocabSize: 5, logits: ring, beforeStep });
    const timed = await generateAll(slow, [[0]], { maxTimeMs: 1, maxNewTokens: 9 });
    expect(timed.sequences[0]).toEqual({ prompt: 0, ids: [1], finishReason: 'time' });
    const beams = await generateAll(slow, [[0]], { maxTimeMs: 1, maxNewTokens: 9, numBeams: 2 });
    expect(beams.sequences[0]).toMatchObject({ ids: [1], finishReason: 'time' });
  });

  it('1,000 generations, many of them cut short or failing, leave no session open', async () => {
    const logits = randomLogits(3, 12);
    let failing = false;
    const beforeStep = () => {
      if (failing) throw new Error('device lost');
    };
    const decoder = tableDecoder({ vocabSize: 12, contextLength: 16, logits, beforeStep });
    let failures = 0;
    for (let i = 0; i < 1000; i++) {
      const overflow = (['error', 'slide'] as const)[i % 2]!;
      const options = {
        seed: i,
        doSample: i % 3 === 0,
        numBeams: 1 + (i % 4 === 0 ? 2 : 0),
        maxNewTokens: 5,
        overflow,
      };
      let events = 0;
      try {
        for await (const _ of generate(decoder, [[i % 12], [1, 2, 3]], options)) {
          events++;
          if (i % 5 === 1 && events === 3) break;
          if (i % 7 === 1) failing = true;
        }
      } catch (error) {
        expect(error).toMatchObject({ message: 'device lost' });
        failures++;
      }
      failing = false;
    }
    expect(decoder.openSessions).toBe(0);
    expect(failures).toBeGreaterThan(100);
    expect(decoder.log.filter(entry => entry.startsWith('open')).length).toBe(1000);
  });
});

describe('what cannot be', () => {
  const refuse = (prompts: number[][], options: GenerateOptions = {}) => {
    const decoder = ringDecoder(8);
    expect(() => generate(decoder, prompts, options)).toThrow(ConfigError);
    expect(decoder.log).toEqual([]);
    return expect(() => generate(decoder, prompts, options));
  };

  it('is refused at the call', () => {
    refuse([]).toThrow('no prompt');
    refuse([[0], []]).toThrow('an empty prompt has no next token');
    refuse([[0, 5]]).toThrow('not a token id of this model; seen: 5; expected: an integer from 0 to 4 (in prompt 0)');
    refuse([[0.5]]).toThrow('not a token id');
    refuse([[0]], { topP: 2 }).toThrow('topP = 2');
    refuse([[0, 1]], { maxLength: 2 }).toThrow('leaves no room');
    const named: [string, GenerateOptions][] = [
      ['forcedBosTokenId', { forcedBosTokenId: 5 }],
      ['forcedEosTokenId', { forcedEosTokenId: [4, 5] }],
      ['suppressTokens', { suppressTokens: [4, 5] }],
      ['beginSuppressTokens', { beginSuppressTokens: [5] }],
      ['badWordsIds', { badWordsIds: [[4], [1, 5]] }],
      ['sequenceBias', { sequenceBias: [{ ids: [5, 1], bias: 2 }] }],
    ];
    for (const [name, options] of named)
      refuse([[0]], options).toThrow(`not in the vocabulary; seen: 5; expected: below 5 (in ${name})`);
    refuse([[0]], { seed: [1, 2], doSample: true }).toThrow('seeds and prompts differ in number');
    refuse([[0]], { encoderIds: [[1], [2]] }).toThrow('encoderIds and prompts differ in number');
  });

  it.each<[unknown, string]>([
    [
      [1, 2, 3],
      'not a prompt; seen: 1; expected: a list of lists of token ids, [[464, 2068]] (in prompt 0 of [1,2,3])',
    ],
    [undefined, 'not a list of prompts; seen: undefined; expected: a list of lists of token ids'],
    ['Once', 'not a list of prompts; seen: "Once"; expected'],
    [[[1], null], 'not a prompt; seen: null; expected'],
    [[[1], ['a']], 'not a token id of this model; seen: a; expected: an integer from 0 to 4 (in prompt 1)'],
  ])('is refused at the call for the prompts %j', (prompts, message) => {
    for (const options of [{}, { seed: [1, 2], temperature: 1 }]) {
      const call = () => generate(ringDecoder(), prompts as number[][], options);
      expect(call).toThrow(ConfigError);
      expect(call).toThrow(message);
    }
  });

  it('takes ids in a typed array', async () => {
    const prompts = [Int32Array.of(0, 1)] as unknown as number[][];
    expect(idsOf(await generateAll(ringDecoder(), prompts, { maxNewTokens: 2 }))).toEqual([[2, 3]]);
  });

  it('fails clearly at the step: nothing allowed, NaN, a wrong shape', async () => {
    for (const numBeams of [1, 2]) {
      const all = { suppressTokens: [0, 1, 2, 3, 4], numBeams };
      await expect(generateAll(ringDecoder(), [[0]], all)).rejects.toThrow('every token is forbidden at this step');
      const broken = tableDecoder({ vocabSize: 2, logits: () => [Number.NaN, 1] });
      await expect(generateAll(broken, [[0]], { numBeams })).rejects.toThrow(BackendError);
      const short = tableDecoder({ vocabSize: 3, logits: () => [1, 2] });
      await expect(generateAll(short, [[0]], { numBeams })).rejects.toThrow(ShapeError);
      expect(broken.openSessions + short.openSessions).toBe(0);
    }
    const broken = tableDecoder({ vocabSize: 2, logits: () => [Number.NaN, 1] });
    await expect(generateAll(broken, [[0]], { doSample: true })).rejects.toThrow('NaN');
    expect(idsOf(await generateAll(broken, [[0]], { removeInvalidValues: true, maxNewTokens: 1 }))).toEqual([[1]]);
  });
});
