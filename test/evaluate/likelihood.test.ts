/**
 * Likelihoods against lm-evaluation-harness 0.4.13, transformers 5.18.0 and plain loops in torch 2.13.0 (float32 on the CPU), on
 * tiny models with random weights: `data/likelihoods.json`.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  continuationLogLikelihoods,
  normalizedScore,
  perplexities,
  perplexity,
  pseudoLogLikelihoods,
  pseudoPerplexity,
  scoreRows,
  TextSize,
  textLogLikelihoods,
} from '../../src/evaluate/likelihood/index.ts';
import { countedLikelihood } from '../../src/generate/index.ts';
import { readData, tinyModel } from './tiny-models.ts';

interface Continuation {
  readonly context: string;
  readonly continuation: string;
  readonly logLikelihood: number;
  readonly greedy: boolean;
}
interface Causal {
  readonly continuations: readonly Continuation[];
  readonly sliding: readonly { readonly window: number; readonly stride: number; readonly perplexity: number }[];
}
interface Expected {
  readonly gpt2: Causal & {
    readonly rolling: readonly { text: string; logLikelihood: number; words: number; bytes: number }[];
    readonly corpus: { wordPerplexity: number; bytePerplexity: number; bitsPerByte: number };
  };
  readonly llama: Causal;
  readonly bart: Pick<Causal, 'continuations'>;
  readonly bert: { readonly pseudo: readonly { text: string; token: number[]; wordL2r: number[] }[] };
  readonly lstm: { readonly text: string; readonly tokens: number; readonly logLikelihood: number };
}
const expected = await readData<Expected>('likelihoods.json');
const backend = await createWasmBackend();
afterAll(() => {
  backend.close();
});
const models = {
  gpt2: await tinyModel('gpt2', 'decoder', { backend }),
  llama: await tinyModel('llama', 'start', { backend }),
  bart: await tinyModel('bart', 'source', { backend }),
  bert: await tinyModel('bert-mlm', 'encoder', { backend }),
  lstm: await tinyModel('lstm-lm', 'recurrent', { backend }),
};
/** The story of the expected results: longer than the models' windows. */
const story = expected.gpt2.rolling[2]!.text;
const close = (a: number, b: number) => Math.abs(a - b) / Math.max(1, Math.abs(b));

describe('continuationLogLikelihoods', () => {
  it.each(['gpt2', 'llama', 'bart'] as const)('equals lm-evaluation-harness for %s', async name => {
    const cases = expected[name].continuations;
    const scores = await continuationLogLikelihoods(models[name], cases);
    for (const [i, { logLikelihood, greedy }] of cases.entries()) {
      expect(close(scores[i]!.logLikelihood, logLikelihood), cases[i]!.continuation).toBeLessThan(2e-6);
      expect(scores[i]!.greedy, cases[i]!.continuation).toBe(greedy);
    }
    expect(cases.length).toBeGreaterThan(6);
  });
  it('does not depend on what is batched with what', async () => {
    const items = expected.gpt2.continuations;
    const [alone, together] = await Promise.all([
      continuationLogLikelihoods(models.gpt2, items, { batchSize: 1 }),
      continuationLogLikelihoods(models.gpt2, [...items].reverse(), { batchSize: 7 }),
    ]);
    expect(together.reverse().map(({ logLikelihood }) => logLikelihood)).toEqual(
      alone.map(({ logLikelihood }) => expect.closeTo(logLikelihood, 4)),
    );
  });
  it('gives the spaces of the context to the continuation, those that Python knows', async () => {
    const scores = await continuationLogLikelihoods(models.gpt2, [
      { context: 'the dog\u0085', continuation: 'a' },
      { context: 'the dog', continuation: '\u0085a' },
    ]);
    expect(scores[0]).toMatchObject({ logLikelihood: scores[1]!.logLikelihood, tokens: scores[1]!.tokens });
  });
  it('says how long a continuation is, and ranks by it', async () => {
    const [score, neutral] = await continuationLogLikelihoods(models.gpt2, [
      { context: 'Der Hund', continuation: ' hört 𝄞' },
      { context: 'Antwort:', continuation: ' hört 𝄞' },
    ]);
    expect(score).toMatchObject({ bytes: 11, characters: 7, tokens: 5 });
    const { logLikelihood } = score!;
    expect(normalizedScore(score!, 'token')).toBe(logLikelihood / 5);
    expect(normalizedScore(score!, 'byte')).toBe(logLikelihood / 11);
    expect(normalizedScore(score!, 'character')).toBe(logLikelihood / 7);
    expect(normalizedScore(score!, 'pmi', neutral)).toBe(logLikelihood - neutral!.logLikelihood);
    expect(() => normalizedScore(score!, 'pmi')).toThrow(/neutral context/);
  });
  it('scores the continuation alone with a masked language model', async () => {
    const text = 'She is a nurse, he is not.';
    const { wordL2r } = expected.bert.pseudo.find(p => p.text === text)!;
    const [score] = await continuationLogLikelihoods(models.bert, [
      { context: 'She is a nurse,', continuation: ' he is not.' },
    ]);
    // he is n ##o ##t .
    const own = wordL2r.slice(-score!.tokens);
    expect(
      close(
        score!.logLikelihood,
        own.reduce((a, b) => a + b),
      ),
    ).toBeLessThan(2e-6);
    expect(score!.tokens).toBeLessThan(wordL2r.length);
  });
  it('takes the bound of a diffusion model in place of token by token', async () => {
    const items = [{ context: 'the dog', continuation: ' is a cat' }];
    const [score] = await continuationLogLikelihoods(models.bert, items, {
      estimate: (prompt, answer, options) =>
        countedLikelihood(models.bert.denoiser(), prompt, answer, { ...options, samples: 8, seed: 1 }),
    });
    const ids = (text: string) => models.bert.tokenizer.encodeIds(text, { addSpecialTokens: false });
    const { logLikelihood } = await countedLikelihood(models.bert.denoiser(), ids('the dog'), ids('is a cat'), {
      ...{ samples: 8, seed: 1 },
    });
    expect(score).toMatchObject({ logLikelihood, tokens: ids('is a cat').length, greedy: false });
  });
  it('scores the end token where it is asked to', async () => {
    for (const [name, eos] of [
      ['gpt2', 2],
      ['bart', 2],
    ] as const) {
      const item = { context: 'the dog', continuation: ' is a cat' };
      const [plain] = await continuationLogLikelihoods(models[name], [item]);
      const [whole] = await continuationLogLikelihoods(models[name], [item], { scoreEnd: true });
      const ids = (text: string) => models[name].tokenizer.encodeIds(text, { addSpecialTokens: false });
      const [score] = await scoreRows(models[name], [
        name === 'gpt2'
          ? { ids: ids('the dog is a cat'), at: [ids('the dog is a cat').length - 1], targets: [eos] }
          : {
              ...{ source: [0, ...ids('the dog'), eos], ids: [2, ...ids('is a cat')] },
              ...{ at: [ids('is a cat').length], targets: [eos] },
            },
      ]);
      expect(whole!.logLikelihood - plain!.logLikelihood).toBeCloseTo(score!.logProbs[0]!, 4);
      expect(whole!.tokens).toBe(plain!.tokens + 1);
    }
    const masked = continuationLogLikelihoods(models.bert, [{ context: 'a', continuation: ' b' }], { scoreEnd: true });
    await expect(masked).rejects.toThrow(/end token/);
  });
  it('refuses what has no tokens, naming the item', async () => {
    const items = [
      { context: 'a', continuation: 'b' },
      { context: 'a', continuation: '' },
    ];
    await expect(continuationLogLikelihoods(models.gpt2, items)).rejects.toThrow(/no token.*item 1/);
  });
  it('reports progress and stops at once', async () => {
    const seen: number[] = [];
    const stop = new AbortController();
    const run = continuationLogLikelihoods(models.gpt2, expected.gpt2.continuations, {
      ...{ batchSize: 2, signal: stop.signal },
      onProgress: ({ done }) => {
        seen.push(done);
        if (done >= 4) stop.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeLessThan(expected.gpt2.continuations.length);
  });
});

describe('perplexity', () => {
  it.each(['gpt2', 'llama'] as const)('equals the recipe of transformers for %s', async name => {
    for (const { window, stride, perplexity: value } of expected[name].sliding) {
      const found = await perplexity(models[name], story, { convention: 'sliding', window, stride });
      expect(close(found.perplexity, value), `${window}, ${stride}`).toBeLessThan(2e-5);
    }
  });
  it('equals the rolling log-likelihood of lm-evaluation-harness', async () => {
    const { rolling, corpus } = expected.gpt2;
    const texts = rolling.map(({ text }) => text);
    const found = await textLogLikelihoods(models.gpt2, texts);
    for (const [i, { logLikelihood, words, bytes }] of rolling.entries()) {
      expect(found[i]).toMatchObject({ words, bytes });
      expect(close(found[i]!.logLikelihood, logLikelihood)).toBeLessThan(2e-6);
    }
    const figures = perplexities(found);
    for (const key of ['wordPerplexity', 'bytePerplexity', 'bitsPerByte'] as const)
      expect(close(figures[key], corpus[key])).toBeLessThan(3e-5);
    const alone = await perplexity(models.gpt2, story);
    expect(alone.logLikelihood).toBeCloseTo(rolling[2]!.logLikelihood, 2);
    expect(alone).toMatchObject({ convention: 'rolling', window: 64, stride: 64, startId: 1 });
  });
  it('carries the state of a recurrent network through a text of any length', async () => {
    const { text, tokens, logLikelihood } = expected.lstm;
    const found = await perplexity(models.lstm, text);
    expect(found).toMatchObject({ convention: 'carried', tokens });
    expect(close(found.logLikelihood, logLikelihood)).toBeLessThan(2e-6);
    const each = await textLogLikelihoods(models.lstm, [text, 'a', text]);
    expect(each.map(({ logLikelihood }) => logLikelihood)).toEqual([
      found.logLikelihood,
      expect.any(Number),
      found.logLikelihood,
    ]);
  });
  it('gives the same for a text in pieces', async () => {
    const pieces = story.split(/(?<=\. )/);
    expect(pieces.length).toBeGreaterThan(4);
    async function* stream() {
      yield* pieces;
    }
    const [whole, cut] = [
      await perplexity(models.gpt2, story, { stride: 16 }),
      await perplexity(models.gpt2, stream(), { stride: 16 }),
    ];
    expect(cut).toEqual(whole);
  });
  it('holds no more of a stream than a few windows', async () => {
    let [read, most, scored] = [0, 0, 0];
    async function* stream() {
      for (let i = 0; i < 400; i++) {
        read += 5;
        most = Math.max(most, read - scored);
        yield 'a b c d e ';
      }
    }
    const { tokens } = await perplexity(models.gpt2, stream(), {
      ...{ window: 32, batchSize: 4 },
      onProgress: ({ done }) => {
        scored = done;
      },
    });
    expect(tokens).toBe(2000);
    expect(most).toBeLessThanOrEqual(32 * 4 + 10);
  });
  it('stops where it is told to, and tells how far it is', async () => {
    for (const model of [models.gpt2, models.lstm]) {
      const stop = new AbortController();
      const texts = Array.from({ length: 40 }, () => 'a b c');
      const run = textLogLikelihoods(model, texts, {
        ...{ batchSize: 2, signal: stop.signal },
        onProgress: ({ done, total }) => {
          expect(total).toBe(40);
          if (done === 3) stop.abort(new Error('enough'));
        },
      });
      await expect(run).rejects.toThrow('enough');
    }
  });
  it('refuses models and windows that cannot be', async () => {
    await expect(perplexity(models.bert, 'a')).rejects.toThrow(/pseudoPerplexity/);
    await expect(perplexity(models.gpt2, 'a', { window: 65 })).rejects.toThrow(/window 65/);
    await expect(perplexity(models.gpt2, 'a', { window: 8, stride: 9 })).rejects.toThrow(/stride 9/);
    await expect(perplexity(models.gpt2, 'a', { convention: 'carried' })).rejects.toThrow(/carried for gpt2/);
    await expect(perplexity(models.gpt2, '', { convention: 'sliding' })).rejects.toThrow(/too short/);
    const nothing = await textLogLikelihoods(models.gpt2, ['']);
    expect(nothing).toEqual([{ logLikelihood: 0, tokens: 0, words: 1, bytes: 0 }]);
    expect(() => perplexities(nothing)).toThrow(/without a token.*1 texts/);
    expect(() => pseudoPerplexity([])).toThrow(/without a token/);
  });
});

describe('pseudoLogLikelihoods', () => {
  it.each(['token', 'word-l2r'] as const)('hides one position at a time: %s', async variant => {
    const cases = expected.bert.pseudo;
    const scores = await pseudoLogLikelihoods(
      models.bert,
      cases.map(({ text }) => text),
      { variant, batchSize: 5 },
    );
    for (const [i, { token, wordL2r }] of cases.entries()) {
      const wanted = variant === 'token' ? token : wordL2r;
      expect(scores[i]!.logProbs).toEqual(wanted.map(value => expect.closeTo(value, 4)));
    }
    const all = cases.flatMap(({ token, wordL2r }) => (variant === 'token' ? token : wordL2r));
    const value = Math.exp(-all.reduce((a, b) => a + b) / all.length);
    expect(close(pseudoPerplexity(scores), value)).toBeLessThan(2e-6);
  });
  it('refuses a model of the next token', async () => {
    await expect(pseudoLogLikelihoods(models.gpt2, ['a'])).rejects.toThrow(/continuationLogLikelihoods/);
  });
});

describe('scoreRows', () => {
  it('gives each row what it has alone, whatever the lengths', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => {
      const ids = Array.from({ length: 1 + ((i * 7) % 60) }, (_, t) => (t * i) % 90);
      return { ids, at: [...ids.keys()], targets: ids.map(id => (id + i) % 90) };
    });
    const scores = await scoreRows(models.gpt2, rows);
    for (const i of [0, 9, 25, 59]) {
      const [single] = await scoreRows(models.gpt2, [rows[i]!]);
      expect([...scores[i]!.logProbs]).toEqual([...single!.logProbs].map(value => expect.closeTo(value, 4)));
      expect(scores[i]!.greedy).toEqual(single!.greedy);
    }
  });
  it('refuses a target outside the vocabulary', async () => {
    const rows = [{ ids: [1], at: [0], targets: [120] }];
    await expect(scoreRows(models.gpt2, rows)).rejects.toThrow(/120 \(row 0\)/);
  });
});

it('counts words and bytes across the cuts of a text', () => {
  const text = '  Grüße,\n\n Öl 𝄞\u00a0und  Straße\u2028!\t';
  const whole = new TextSize();
  whole.add(text);
  const cut = new TextSize();
  for (const piece of text.split(/(?<=\s)/)) cut.add(piece);
  expect({ ...cut }).toEqual({ ...whole });
  expect(whole.bytes).toBe(new TextEncoder().encode(text).length);
  expect(whole.words).toBe(text.split(/\s+/).length);
});
