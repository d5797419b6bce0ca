import { describe, expect, it } from 'vitest';
import type { GenerateEvent } from '../generate/index.ts';
import { createRng } from '../util/rng.ts';
import { memorizationOf } from './training-memorization.ts';

const random = (seed: number, length: number) => {
  const rng = createRng(seed);
  return Array.from({ length }, () => rng.below(1000));
};
const training = random(1, 400);
const unseen = random(2, 300);
const texts = {
  async *trainingTexts() {
    yield training;
  },
  unseenText: async () => unseen,
};
/** A model that goes on with what `write` says. */
function model(write: (prompt: readonly number[], length: number) => readonly number[], contextLength = 64) {
  const seen: (readonly number[])[] = [];
  async function* generateIds(
    prompts: readonly (readonly number[])[],
    { maxNewTokens = 0 } = {},
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    seen.push(...prompts);
    const sequences = prompts.map((ids, prompt) => ({
      ...{ prompt, ids: [...write(ids, maxNewTokens)], finishReason: 'length' as const },
    }));
    const stats = { promptTokens: 0, promptMs: 0, newTokens: 0, generationMs: 0 };
    yield { type: 'done', sequences, stats: stats as never };
  }
  return { contextLength, generateIds: generateIds as never, seen };
}
const options = { seed: 1, signal: new AbortController().signal };

describe('memorizationOf', () => {
  it('goes on with unseen text, and finds what was copied from the training text', async () => {
    const copying = model((_, length) => training.slice(50, 50 + length));
    expect(await memorizationOf(copying, texts, options)).toEqual({ n: 8, generated: 1, heldOut: 0, longestCopy: 48 });
    expect(copying.seen).toHaveLength(8);
    const all = unseen.join(' ');
    for (const prompt of copying.seen) expect(all).toContain(prompt.join(' '));
  });
  it('finds nothing in what is new', async () => {
    const own = model((_, length) => random(3, length));
    expect(await memorizationOf(own, texts, options)).toMatchObject({ generated: 0, longestCopy: 0 });
  });
  it('writes no more than the model can read, and does without where there is too little', async () => {
    const short = await memorizationOf(
      model((_, length) => training.slice(0, length), 26),
      texts,
      options,
    );
    expect(short).toMatchObject({ longestCopy: 10 });
    const copying = model((_, length) => training.slice(0, length));
    expect(await memorizationOf({ ...copying, contextLength: 20 }, texts, options)).toBeUndefined();
    expect(await memorizationOf(copying, { ...texts, unseenText: undefined }, options)).toBeUndefined();
    expect(await memorizationOf(copying, { ...texts, unseenText: async () => [1, 2] }, options)).toBeUndefined();
  });
});
