/** What a model remembers from one generation to the next, and drafts, on whole models. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import type { DoneEvent, GenerateOptions } from '../../src/generate/index.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import type { Backend } from '../../src/tensor/index.ts';

const GOLDEN = fileURLToPath(new URL('../golden/data', import.meta.url));
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend({ threads: 1 }),
};

async function doneOf(model: Model, prompt: readonly number[], options: GenerateOptions): Promise<DoneEvent> {
  for await (const event of model.generateIds([prompt], options)) if (event.type === 'done') return event;
  throw new Error('no result');
}

describe.each(Object.keys(BACKENDS))('on the %s backend', name => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
  });
  afterAll(() => backend.close());

  it.each(['gpt2', 'llama', 'mistral', 'bloom', 'gptj', 'lstm-lm'])('%s answers as without a cache', async folder => {
    const model = await load(`${GOLDEN}/${folder}`, { backend });
    const cache = model.promptCache();
    const options = { maxNewTokens: 6, temperature: 1, seed: 1, logprobs: true, eosTokenId: [] };
    let text = [3, 4, 5, 6, 7];
    const found: (number | undefined)[] = [];
    const turn = async (prompt: readonly number[]) => {
      const [cached, fresh] = [
        await doneOf(model, prompt, { ...options, cache }),
        await doneOf(model, prompt, options),
      ];
      // One row and several go through other kernels there, which add up in another order: nearly the same numbers.
      const [mine, theirs] = [cached.sequences[0]!, fresh.sequences[0]!];
      expect(mine.ids).toEqual(theirs.ids);
      if (name === 'reference') expect(mine).toEqual(theirs);
      for (const [i, logprob] of mine.logprobs!.entries()) expect(logprob).toBeCloseTo(theirs.logprobs![i]!, 5);
      found.push(cached.stats.cachedTokens);
      return cached.sequences[0]!.ids;
    };
    text = [...text, ...(await turn(text)), 8, 9];
    text = [...text, ...(await turn(text)), 10];
    await turn(text);
    // Another way on from the middle, then a text that has nothing in common.
    await turn([3, 4, 5, 40, 41]);
    await turn([30, 31]);
    // The last token of a turn is not read before the next.
    expect(found).toEqual(folder === 'lstm-lm' ? [0, 10, 18, 0, 0] : [0, 10, 18, 3, 0]);
    expect(cache.bytes).toBeGreaterThan(0);
    cache.dispose();
    model.dispose();
  });

  it.each(['gpt2', 'llama'])('%s gives its greedy output with drafts of any kind', async folder => {
    const model = await load(`${GOLDEN}/${folder}`, { backend });
    const other = await load(`${GOLDEN}/${folder === 'gpt2' ? 'llama' : 'gpt2'}`, { backend });
    const prompt = [3, 4, 5, 3, 4, 5, 3];
    const options = { maxNewTokens: 30, doSample: false, eosTokenId: [] };
    const plain = await doneOf(model, prompt, options);
    const cache = model.promptCache();
    for (const draft of [model, other, { promptLookup: {} }]) {
      const drafted = await doneOf(model, prompt, { ...options, draft, cache });
      expect(drafted.sequences).toEqual(plain.sequences);
      if (draft === model) expect(drafted.stats.draft!.accepted).toBe(drafted.stats.draft!.proposed);
    }
    cache.dispose();
    other.dispose();
    model.dispose();
  });
});

describe('what cannot be', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createWasmBackend({ threads: 1 });
  });
  afterAll(() => backend.close());

  it('a cache of an encoder-decoder, of another model, for several sequences, twice at once, disposed', async () => {
    const [model, other, bart] = [
      await load(`${GOLDEN}/gpt2`, { backend }),
      await load(`${GOLDEN}/llama`, { backend }),
      await load(`${GOLDEN}/bart`, { backend }),
    ];
    expect(() => bart.promptCache()).toThrow(/an encoder-decoder reads its source anew/);
    const cache = model.promptCache();
    await expect(doneOf(other, [3], { cache })).rejects.toThrow(/belongs to another model/);
    await expect((async () => doneOf(model, [3], { cache, numBeams: 2 }))()).rejects.toThrow(
      /cache is for one sequence/,
    );
    await expect((async () => model.generateIds([[3], [4]], { cache }).next())()).rejects.toThrow(/for one prompt/);
    const first = model.generateIds([[3, 4]], { cache, maxNewTokens: 5 });
    await first.next();
    await expect(doneOf(model, [3], { cache })).rejects.toThrow(/in use/);
    await first.return();
    expect((await doneOf(model, [3, 4, 5], { cache, maxNewTokens: 1 })).stats.cachedTokens).toBe(2);
    cache.dispose();
    await expect(doneOf(model, [3], { cache })).rejects.toThrow(/disposed/);
    for (const each of [model, other, bart]) each.dispose();
  });

  it('a draft for a recurrent model', async () => {
    const model = await load(`${GOLDEN}/lstm-lm`, { backend });
    const options = { draft: { promptLookup: {} }, maxNewTokens: 4 };
    await expect(doneOf(model, [3, 4], options)).rejects.toThrow(/cannot check drafts; seen: a recurrent state/);
    model.dispose();
  });

  it('an aborted generation leaves the cache usable', async () => {
    const model = await load(`${GOLDEN}/gpt2`, { backend });
    const cache = model.promptCache();
    const control = new AbortController();
    const events = model.generateIds([[3, 4, 5]], { cache, maxNewTokens: 9, signal: control.signal });
    await events.next();
    control.abort(new Error('enough'));
    await expect(
      (async () => {
        for await (const _ of events);
      })(),
    ).rejects.toThrow('enough');
    const plain = await doneOf(model, [3, 4, 5], { maxNewTokens: 9 });
    expect((await doneOf(model, [3, 4, 5], { cache, maxNewTokens: 9 })).sequences).toEqual(plain.sequences);
    cache.dispose();
    model.dispose();
  });
});
