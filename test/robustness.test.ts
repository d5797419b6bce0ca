/** What goes wrong in use, on the tiny GPT-2: clear errors, the process lives, the next call works, nothing is left behind. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createWasmBackend, load, type Model } from '../src/index.ts';

const FOLDER = fileURLToPath(new URL('./golden/data/gpt2', import.meta.url));
const PROMPT = [17, 27, 82, 75, 56];
type Wasm = Awaited<ReturnType<typeof createWasmBackend>>;

for (const threads of [0, 2])
  describe(`a model on ${threads || 'no'} threads`, () => {
    let backend: Wasm;
    let model: Model;
    let expected: readonly number[];
    beforeAll(async () => {
      backend = await createWasmBackend({ threads });
      model = await load(FOLDER, { backend });
      expected = await generateIds();
    });
    afterAll(() => backend.close());
    async function generateIds(options: Parameters<Model['generateIds']>[1] = {}): Promise<readonly number[]> {
      let ids: readonly number[] = [];
      for await (const event of model.generateIds([PROMPT], { maxNewTokens: 12, ...options }))
        if (event.type === 'done') ids = event.sequences[0]!.ids;
      return ids;
    }
    const nextCallWorks = async () => expect(await generateIds()).toEqual(expected);

    it('stops when it is aborted, before, between and during steps', async () => {
      await expect(generateIds({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
      const between = new AbortController();
      const events = model.generateIds([PROMPT], { maxNewTokens: 50, signal: between.signal });
      await events.next();
      between.abort(new Error('between'));
      await expect(events.next()).rejects.toThrow('between');
      const during = new AbortController();
      const run = generateIds({ maxNewTokens: 40, signal: during.signal });
      setTimeout(() => during.abort(new Error('during')), 1);
      await run.catch(error => expect((error as Error).message).toBe('during'));
      await nextCallWorks();
    });

    it('says that memory is out, with the numbers, and goes on', async () => {
      const used = backend.memory().used;
      // 2 layers x keys and values x 4 heads x 8 features x 4 bytes = 512 bytes a slot: 5 GB.
      expect(() => model.open({ batch: 1, capacity: 10_000_000 })).toThrow(/memory/);
      try {
        model.open({ batch: 1, capacity: 10_000_000 });
      } catch (error) {
        expect((error as Error).message).toMatch(/seen: .*\d.*; expected: .*\d.*; to do: /);
      }
      expect(backend.memory().used).toBe(used);
      await nextCallWorks();
    });

    it('refuses ids outside the vocabulary, ragged rows and sequences beyond the window', async () => {
      await expect(generateIds({ maxNewTokens: 500 })).rejects.toThrow(/64/);
      expect(() => model.generateIds([[1, 2, 5000]])).toThrow(/5000.*0 to 119/);
      await expect(model.run({ input_ids: [[1, 2, 5000]] })).rejects.toThrow(
        /5000 \(row 0, column 2\); expected: 0 to 119/,
      );
      await expect(model.run({ input_ids: [[1, 2], [1]] })).rejects.toThrow(/row 1 has 1 entries/);
      await nextCallWorks();
    });

    it('leaves nothing behind: 1,000 generations, memory flat', async () => {
      const rounds = async (n: number) => {
        for (let i = 0; i < n; i++) await generateIds({ maxNewTokens: 3, ...(i % 3 === 0 && { numBeams: 2 }) });
      };
      await rounds(50);
      const before = backend.memory();
      await rounds(950);
      expect(backend.memory()).toEqual(before);
    }, 120_000);
  });

describe('a model whose worker dies', () => {
  it('reports it, and the next call works', async () => {
    const workers = new Set<Worker>();
    const post = Worker.prototype.postMessage;
    const seen = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
      workers.add(this);
      return post.apply(this, args);
    });
    const backend = await createWasmBackend({ threads: 2 });
    try {
      const model = await load(FOLDER, { backend });
      const run = async () => Array.from(await (await model.run({ input_ids: [PROMPT] })).logits.data());
      const first = await run();
      const ends = [...workers].map(w => w.terminate());
      // The run may have been answered before its worker was gone; what it must not do is hang or lie.
      await run().then(
        logits => expect(logits).toEqual(first),
        error => expect((error as Error).name).toBe('BackendError'),
      );
      await Promise.all(ends);
      expect(await run()).toEqual(first);
    } finally {
      seen.mockRestore();
      backend.close();
    }
  });
});

describe('a closed model', () => {
  it('says so, and closing twice is fine', async () => {
    const backend = await createWasmBackend({ threads: 1 });
    const model = await load(FOLDER, { backend });
    const session = model.open({ batch: 1, capacity: 8 });
    const used = backend.memory().used;
    model.dispose();
    model.dispose();
    expect(backend.memory().used).toBeLessThan(used);
    await expect(model.run({ input_ids: [PROMPT] })).rejects.toThrow('the model is closed');
    expect(() => model.open({ batch: 1, capacity: 8 })).toThrow('the model is closed');
    await expect(session.step([[1]])).rejects.toThrow(/disposed/);
    session.dispose();
    const again = await load(FOLDER, { backend });
    expect((await again.run({ input_ids: [PROMPT] })).logits.shape).toEqual([1, 5, 120]);
    backend.close();
    await expect(again.run({ input_ids: [PROMPT] })).rejects.toThrow('backend is closed');
  });
});
