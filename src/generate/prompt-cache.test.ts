import { describe, expect, it } from 'vitest';
import { randomLogits, tableDecoder } from '../../test/generate/table-decoder.ts';
import type { Decoder } from './decoder.ts';
import { PromptCache } from './prompt-cache.ts';

const decoder = () => tableDecoder({ vocabSize: 5, logits: randomLogits(1, 5) });
/** Reads all of a text that is not in the cache yet. Returns how much of it was. */
async function read(cache: PromptCache, model: Decoder, ids: readonly number[]): Promise<number> {
  const session = cache.borrow(model, ids, 8);
  const found = session.length;
  await session.step([ids.slice(found)]);
  cache.putBack(ids);
  return found;
}

describe('a prompt cache', () => {
  it('goes on behind what two texts share, and begins anew where that is nothing', async () => {
    const model = decoder();
    const cache = new PromptCache(model);
    expect(await read(cache, model, [1, 2, 3])).toBe(0);
    expect(await read(cache, model, [1, 2, 3, 4])).toBe(3);
    expect(await read(cache, model, [1, 2, 4])).toBe(2);
    // The logits behind a text take a step, so its last token is never taken as read.
    expect(await read(cache, model, [1, 2, 4])).toBe(2);
    expect(await read(cache, model, [2])).toBe(0);
    expect([cache.ids, model.openSessions]).toEqual([[2], 1]);
    cache.dispose();
  });
  it('remembers what was read, however much was asked for', async () => {
    const model = decoder();
    const cache = new PromptCache(model);
    await cache.borrow(model, [1, 2, 3], 8).step([[1, 2]]);
    cache.putBack([1, 2, 3]);
    expect(cache.ids).toEqual([1, 2]);
    cache.dispose();
  });
  it('frees its session once: at once, or when it comes back', async () => {
    const model = decoder();
    const [idle, lent] = [new PromptCache(model), new PromptCache(model)];
    await read(idle, model, [1]);
    const session = lent.borrow(model, [1], 8);
    for (const cache of [idle, idle, lent, lent]) cache.dispose();
    expect([model.openSessions, idle.bytes, idle.ids.length]).toEqual([1, 0, 0]);
    await session.step([[1]]);
    lent.putBack([1]);
    lent.dispose();
    expect([model.openSessions, lent.ids.length]).toEqual([0, 0]);
    expect(() => lent.borrow(model, [1], 8)).toThrow(/was disposed/);
  });
  it('is usable after a session could not be opened', async () => {
    const model = decoder();
    let fails = false;
    const failing: Decoder = {
      ...{ vocabSize: 5, contextLength: undefined },
      open(options) {
        if (fails) throw new Error('no memory');
        return model.open(options);
      },
    };
    const cache = new PromptCache(failing);
    await read(cache, failing, [1, 2]);
    fails = true;
    expect(() => cache.borrow(failing, [3, 4], 8)).toThrow('no memory');
    fails = false;
    // What was there is gone, and not taken for what is there.
    expect(await read(cache, failing, [1, 2])).toBe(0);
    expect(model.openSessions).toBe(1);
    cache.dispose();
  });
});
