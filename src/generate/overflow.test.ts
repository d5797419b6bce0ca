import { describe, expect, it } from 'vitest';
import { randomLogits, tableDecoder } from '../../test/generate/table-decoder.ts';
import { generateAll } from './generate.ts';
import type { GenerateOptions } from './options.ts';
import { argmax } from './select.ts';

const VOCAB = 40;
const logits = randomLogits(21, VOCAB);

/** Greedy decoding whose model sees `view(all ids)` at each step, without any cache. */
function slowGreedy(prompt: readonly number[], count: number, view: (ids: readonly number[]) => readonly number[]) {
  const ids = [...prompt];
  for (let i = 0; i < count; i++) ids.push(argmax(Float32Array.from(logits(view(ids)))));
  return ids.slice(prompt.length);
}

/** What the sliding window shows: when more than `size` ids are visible, the newest half, after a kept BOS. */
function sliding(size: number, bos?: number) {
  let start = 0;
  return (ids: readonly number[]) => {
    const hasBos = ids[0] === bos;
    const shown = () => (start === 0 ? [...ids] : [...(hasBos ? [ids[0]!] : []), ...ids.slice(start)]);
    if (shown().length > size) start = ids.length - (Math.floor(size / 2) - (hasBos ? 1 : 0));
    return shown();
  };
}

const decoderOf = (contextLength?: number) => tableDecoder({ vocabSize: VOCAB, contextLength, logits });
const run = async (decoder: ReturnType<typeof decoderOf>, prompts: number[][], options: GenerateOptions) =>
  (await generateAll(decoder, prompts, options)).sequences;

describe("overflow: 'error'", () => {
  it('refuses a length that cannot fit before anything is computed', async () => {
    const decoder = decoderOf(8);
    await expect(run(decoder, [[1], [1, 2, 3]], { maxNewTokens: 6 }).catch(e => Promise.reject(e))).rejects.toThrow(
      /do not fit into the context window; seen: a prompt of 3 tokens, 6 new ones; expected: at most 8 together.*prompt 1/,
    );
    await expect(run(decoder, [[1, 2, 3, 4, 5, 6, 7, 8]], {})).rejects.toThrow('a prompt of 8 tokens');
    expect(decoder.log).toEqual([]);
    expect((await run(decoder, [[1, 2, 3]], { maxNewTokens: 5 }))[0]!.ids.length).toBe(5);
  });

  it('ends at the full window if no length was named', async () => {
    const [short, long] = await run(decoderOf(8), [[1], [1, 2, 3]], {});
    expect([short!.ids.length, short!.finishReason]).toEqual([7, 'length']);
    expect([long!.ids.length, long!.finishReason]).toEqual([5, 'length']);
    expect(short!.ids).toEqual(slowGreedy([1], 7, ids => ids));
  });

  it('fails at the full window if there was to be no limit', async () => {
    const decoder = decoderOf(8);
    await expect(run(decoder, [[1, 2]], { maxNewTokens: Infinity })).rejects.toThrow('the context window is full');
    expect(decoder.log.filter(entry => entry.startsWith('step')).length).toBe(7);
    expect(decoder.openSessions).toBe(0);
  });
});

describe("overflow: 'truncate'", () => {
  const prompt = Array.from({ length: 20 }, (_, i) => i);
  it('drops the oldest of the prompt and keeps BOS', async () => {
    const decoder = decoderOf(12);
    const options = { maxNewTokens: 5, overflow: 'truncate' } as const;
    const done = await generateAll(decoder, [prompt, [3, 4]], options);
    expect(done.sequences[0]!.ids).toEqual(slowGreedy(prompt.slice(13), 5, ids => ids));
    expect(done.sequences[1]!.ids).toEqual(slowGreedy([3, 4], 5, ids => ids));
    expect(done.stats.promptTokens).toBe(7 + 2);
    const [kept] = await run(decoder, [prompt], { ...options, bosTokenId: 0 });
    expect(kept!.ids).toEqual(slowGreedy([0, ...prompt.slice(14)], 5, ids => ids));
  });

  it('keeps half the window free if no number was named', async () => {
    const [row] = await run(decoderOf(12), [prompt], { overflow: 'truncate' });
    expect(row!.ids).toEqual(slowGreedy(prompt.slice(14), 6, ids => ids));
    const [endless] = await run(decoderOf(12), [prompt], { overflow: 'truncate', maxNewTokens: Infinity });
    expect(endless).toEqual(row);
  });

  it('refuses an output that fills the window alone', async () => {
    const options = { overflow: 'truncate', maxNewTokens: 12 } as const;
    await expect(run(decoderOf(12), [prompt], options)).rejects.toThrow('the output alone fills the context window');
  });
});

describe("overflow: 'slide'", () => {
  it('goes on with the newest half, as a decoder without a cache does', async () => {
    for (const size of [4, 7, 12]) {
      for (const bosTokenId of [undefined, 5]) {
        const decoder = decoderOf(size);
        const options = { overflow: 'slide', maxNewTokens: 40, bosTokenId } as const;
        const [row] = await run(decoder, [[5, 1, 2]], options);
        expect(row!.ids, `window ${size}`).toEqual(slowGreedy([5, 1, 2], 40, sliding(size, bosTokenId)));
        expect(decoder.openSessions).toBe(0);
      }
    }
  });

  it('works for rows of different lengths as for each alone, beams included', async () => {
    const prompts = [[5, 1, 2, 3, 4, 6, 7], [5], [5, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]];
    for (const extra of [{}, { numBeams: 3, lengthPenalty: 0.5 }, { doSample: true, seed: [1, 2, 3] }]) {
      const options = { overflow: 'slide', maxNewTokens: 30, eosTokenId: [0, 11], bosTokenId: 5, ...extra } as const;
      const together = await run(decoderOf(9), prompts, options);
      for (const [i, prompt] of prompts.entries()) {
        const own = 'seed' in options ? { ...options, seed: options.seed[i]! } : options;
        const [alone] = await run(decoderOf(9), [prompt], own);
        expect(together[i]!.ids).toEqual(alone!.ids);
      }
    }
  });

  it('survives a window of one', async () => {
    const [row] = await run(decoderOf(1), [[5, 1, 2]], { overflow: 'slide', maxNewTokens: 4, bosTokenId: 5 });
    expect(row!.ids).toEqual(slowGreedy([5, 1, 2], 4, ids => ids.slice(-1)));
  });
});

describe('capacity', () => {
  it('grows when an output without limit outgrows it, with the cost of the work', async () => {
    const cheap = tableDecoder({ vocabSize: 3, logits: ids => [0, ids.length % 2, 0.5] });
    let steps = 0;
    const stopWhen = () => ++steps === 5000;
    const done = await generateAll(cheap, [[0, 0, 1]], { maxNewTokens: Infinity, stopWhen });
    expect(done.sequences[0]!.ids.length).toBe(5000);
    expect(done.sequences[0]!.ids.every((id, i) => id === (i % 2 === 0 ? 1 : 2))).toBe(true);
    expect(cheap.log.filter(entry => entry !== 'step 1x1')).toEqual(['open 1', 'step 1x3', 'open 1', 'step 1x4100']);
  });
});
