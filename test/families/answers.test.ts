/** What encoder-decoders that read text answer, on tiny models with random weights: batches, beginnings, memory, files. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import type { GenerateOptions } from '../../src/generate/index.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import type { ModelInputs } from '../../src/models/forward.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { BACKENDS, bestOf, READERS, randomIds, rowsOf, sequencesOf } from './encoder-decoder-cases.ts';
import { filesOf } from './tiny-files.ts';
import { TINY, tinyModel } from './tiny-model.ts';

type Json = Readonly<Record<string, unknown>>;
/** Tokens of the source and of the answer. */
const [S, T] = [9, 8];
const source = randomIds(S, 0);
const answer = randomIds(T, 1);
const sources = [source, randomIds(4, 20), randomIds(7, 21)];
const start = { decoderStartTokenId: 3 };

describe.each(READERS.flatMap(type => Object.keys(BACKENDS).map(name => [type, name] as const)))(
  'answers of %s on %s',
  (type, name) => {
    const { create } = BACKENDS[name]!;
    let backend: Backend;
    let model: Model;
    beforeAll(async () => {
      backend = await create();
      model = await tinyModel(type, backend);
    });
    afterAll(() => {
      model.dispose();
      backend.close();
    });
    const generated = (inputs: ModelInputs, options: GenerateOptions) =>
      sequencesOf(model.generateFrom(inputs, options));

    it.each([
      ['greedy', { maxNewTokens: 6 }],
      ['beams', { maxNewTokens: 5, numBeams: 3, numReturnSequences: 2, eosTokenId: 9 }],
      ['samples', { maxNewTokens: 5, temperature: 1, numReturnSequences: 2, seed: [5, 6, 7] }],
    ] as const)('answers a batch as it does single sources: %s', async (_, options) => {
      const together = await sequencesOf(model.generateIds(sources, { ...start, ...options }));
      for (const [i, ids] of sources.entries()) {
        const seed = 'seed' in options ? { seed: [options.seed[i]!] } : {};
        const alone = await sequencesOf(model.generateIds([ids], { ...start, ...options, ...seed }));
        expect(together.filter(s => s.prompt === i).map(s => s.ids)).toEqual(alone.map(s => s.ids));
      }
    });

    it('chooses the best token of each full pass', async () => {
      const [sequence] = await sequencesOf(model.generateIds([source], { ...start, maxNewTokens: 5 }));
      const ids = [start.decoderStartTokenId, ...sequence!.ids];
      const rows = await rowsOf(model, { input_ids: [source], decoder_input_ids: [ids] });
      expect(sequence!.ids).toEqual(bestOf(rows.slice(0, -1)));
    });

    it('goes on from the beginning of an answer', async () => {
      const input_ids = [source, source];
      const beginnings = [answer.slice(0, 4), answer.slice(0, 2)];
      const together = await generated({ input_ids, decoder_input_ids: beginnings }, { maxNewTokens: 4 });
      for (const [i, ids] of beginnings.entries()) {
        const inputs = { input_ids: [source], decoder_input_ids: [ids] };
        const [alone] = await generated(inputs, { maxNewTokens: 4 });
        expect(together[i]!.ids).toEqual(alone!.ids);
        const whole = await rowsOf(model, { input_ids: [source], decoder_input_ids: [[...ids, ...alone!.ids]] });
        const best = bestOf(whole.slice(ids.length - 1, -1));
        expect(alone!.ids).toEqual(best);
      }
    });

    it('begins and ends with tokens that are forced', async () => {
      for (const numBeams of [1, 3]) {
        const forced = { ...start, numBeams, maxNewTokens: 4, forcedBosTokenId: 17, forcedEosTokenId: 23 };
        const [sequence] = await sequencesOf(model.generateIds([source], forced));
        expect([sequence!.ids[0], sequence!.ids.at(-1), sequence!.ids.length]).toEqual([17, 23, 4]);
        const inputs = { input_ids: [source], decoder_input_ids: [[start.decoderStartTokenId, 17]] };
        const { forcedBosTokenId: _, ...rest } = forced;
        const [same] = await generated(inputs, { ...rest, maxNewTokens: 3 });
        expect(sequence!.ids.slice(1)).toEqual(same!.ids);
      }
    });
  },
);

describe.each(READERS)('memory (counted by wasm) of answers of %s', type => {
  let own: Backend;
  let fresh: Model;
  beforeAll(async () => {
    own = await BACKENDS.wasm!.create();
    fresh = await tinyModel(type, own);
  });
  afterAll(() => {
    fresh.dispose();
    own.close();
  });
  /** Runs `body` until its plans are known, and then once more, which may keep nothing. */
  const expectFlat = async (body: () => Promise<void>, times = 1) => {
    for (let i = 0; i < 3; i++) await body();
    const before = own.memory().used;
    for (let i = 0; i < times; i++) await body();
    expect(own.memory().used).toBe(before);
  };
  const reason = new Error('enough');

  it('is given back when an answer is aborted while its source is encoded', () =>
    expectFlat(async () => {
      const aborting = new AbortController();
      const events = fresh.generateIds(sources, { ...start, signal: aborting.signal });
      const first = events.next();
      aborting.abort(reason);
      await expect(first).rejects.toBe(reason);
    }));
  it.each([1, 3])('is given back when an answer is aborted on the way, beams: %s', numBeams =>
    expectFlat(async () => {
      const aborting = new AbortController();
      let seen = 0;
      const run = async () => {
        const options = { ...start, numBeams, signal: aborting.signal };
        for await (const _ of fresh.generateIds(sources, options)) if (++seen === 5) aborting.abort(reason);
      };
      await expect(run()).rejects.toBe(reason);
      expect(seen).toBeGreaterThanOrEqual(5);
    }),
  );
  it('is given back when nobody reads on', () =>
    expectFlat(async () => {
      for await (const event of fresh.generateIds(sources, start)) if (event.type === 'token') break;
    }));
  it('is given back by rows that took other sources', () =>
    expectFlat(async () => {
      const encoded = await fresh.encode({ input_ids: [source, randomIds(S, 5)] });
      const session = encoded.open({ batch: 2, capacity: T });
      await session.step([[7], [8]]);
      await session.reorder([1, 1, 0]);
      await session.reorder([2, 0]);
      await session.step([[7], [8]]);
      session.dispose();
      encoded.dispose();
    }));
  it('is flat over 1,000 answers', () =>
    expectFlat(async () => {
      await sequencesOf(fresh.generateIds([[9, 8, 7]], { ...start, maxNewTokens: 2 }));
    }, 1000));
});

describe.each(READERS)('the files of %s', type => {
  /** The first tokens of an answer, by a model from files: a tiny one's weights, and these settings. */
  const firstTokens = async (config: Json, generationConfig?: Json): Promise<number[]> => {
    const backend = createReferenceBackend();
    const made = await tinyModel(type, backend);
    const files = await filesOf(made, {
      'config.json': { model_type: type, ...TINY[type], ...config },
      'generation_config.json': generationConfig,
    });
    const model = await load(files, { backend });
    expect(model.parts.head).toBe('seq2seqLM');
    expect(model.parts.unexpected).toEqual([]);
    const [sequence] = await sequencesOf(model.generateIds([source], { maxNewTokens: 4 }));
    const { decoderStartTokenId, forcedBosTokenId, forcedEosTokenId } = model.parts.defaults;
    const started =
      decoderStartTokenId ?? (model.parts.config as { decoder_start_token_id: number }).decoder_start_token_id;
    const inputs = { input_ids: [source], decoder_input_ids: [[started, ...sequence!.ids]] };
    const best = bestOf(await rowsOf(model, inputs));
    // The answer is what the model says after that start, but for the tokens that are forced.
    const last = sequence!.ids.length - 1;
    for (const [t, id] of sequence!.ids.entries())
      if ((t > 0 || forcedBosTokenId === undefined) && (t < last || forcedEosTokenId === undefined))
        expect(best[t]).toBe(id);
    model.dispose();
    made.dispose();
    return [started, sequence!.ids[0]!];
  };
  it('say what an answer starts with: generation_config.json before config.json', async () => {
    const both = await firstTokens(
      { decoder_start_token_id: 11, forced_bos_token_id: 12 },
      { decoder_start_token_id: 13, forced_bos_token_id: 14 },
    );
    expect(both).toEqual([13, 14]);
  });
  it('say it in config.json alone, as old folders do', async () => {
    expect(await firstTokens({ decoder_start_token_id: 11, forced_bos_token_id: 12 })).toEqual([11, 12]);
    expect((await firstTokens({ decoder_start_token_id: 11 }))[0]).toBe(11);
  });
  it('may say it in config.json beside a generation_config.json without it', async () => {
    expect((await firstTokens({ decoder_start_token_id: 11 }, { max_length: 20 }))[0]).toBe(11);
  });
});
