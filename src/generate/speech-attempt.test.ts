import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { tableDecoder } from '../../test/generate/table-decoder.ts';
import { type AttemptSettings, attemptWindow, compressionRatio } from './speech-attempt.ts';

const END = 26;
const textOf = (ids: readonly number[]) => ids.map(id => String.fromCharCode(97 + id)).join('');
const settings: AttemptSettings = {
  temperatures: [0, 0.4, 1],
  ...{ numBeams: 1, bestOf: 1, compressionRatioThreshold: 2.4, logprobThreshold: -5, noSpeechThreshold: 0.6, seed: 3 },
};
/** The letters are nearly equal, the first a little ahead; END comes after `length` tokens. */
const letters = (length: number) =>
  tableDecoder({
    vocabSize: 27,
    contextLength: 200,
    logits: context =>
      Array.from({ length: 27 }, (_, i) => (i === END ? (context.length > length ? 20 : -20) : -i / 100)),
  });
const window = (more: object = {}) => ({
  prompt: [0],
  options: { eosTokenId: END, maxNewTokens: 100 },
  noSpeechProbability: 0,
  textOf,
  ...more,
});

describe('attemptWindow', () => {
  it('takes the most probable transcript when it passes', async () => {
    const decoder = letters(5);
    const attempt = await attemptWindow(decoder, window(), settings);
    expect(attempt).toMatchObject({ ids: [0, 0, 0, 0, 0], text: 'aaaaa', temperature: 0, isSilence: false });
    const total = Math.log(Array.from({ length: 26 }, (_, i) => Math.exp(-i / 100)).reduce((a, b) => a + b, 0));
    expect(attempt.meanLogprob).toBeCloseTo((-5 * total - Math.log1p(26 * Math.exp(-20))) / 6, 4);
    expect(decoder.openSessions).toBe(0);
  });
  it('draws again what repeats itself', async () => {
    const attempt = await attemptWindow(letters(90), window(), settings);
    expect(attempt.temperature).toBe(0.4);
    expect(attempt.compressionRatio).toBeLessThan(2.4);
    expect(new Set(attempt.ids).size).toBeGreaterThan(10);
    expect(await attemptWindow(letters(90), window(), settings)).toEqual(attempt);
  });
  it('takes the last one when none passes, without its end token only', async () => {
    const attempt = await attemptWindow(letters(999), window(), { ...settings, logprobThreshold: 0 });
    expect(attempt.temperature).toBe(1);
    expect(attempt.ids.length).toBe(100);
  });
  it('is silence when it is improbable and silence is probable', async () => {
    const doubtful = { ...settings, logprobThreshold: -1 };
    const silent = await attemptWindow(letters(5), window({ noSpeechProbability: 0.7 }), doubtful);
    expect(silent).toMatchObject({ isSilence: true, temperature: 0 });
    expect(await attemptWindow(letters(5), window({ noSpeechProbability: 0.5 }), doubtful)).toMatchObject({
      isSilence: false,
      temperature: 1,
    });
    expect(await attemptWindow(letters(5), window({ noSpeechProbability: 0.7 }), settings)).toMatchObject({
      isSilence: false,
    });
  });
  it('of several drawn takes the most probable', async () => {
    // The first letter decides: after a rare one all is uncertain.
    const decoder = tableDecoder({
      vocabSize: 27,
      contextLength: 20,
      logits: context => {
        const certain = context.length > 1 && context[1] === 4;
        return Array.from({ length: 27 }, (_, i) =>
          context.length > 6 ? (i === END ? 9 : 0) : certain ? (i === 4 ? 9 : 0) : 0,
        );
      },
    });
    const short = window({ options: { eosTokenId: END, maxNewTokens: 10 } });
    const draw = (bestOf: number) => attemptWindow(decoder, short, { ...settings, temperatures: [1], bestOf });
    expect((await draw(1)).ids[0]).not.toBe(4);
    const best = await draw(60);
    expect(best.ids.slice(0, 2)).toEqual([4, 4]);
    expect(best.meanLogprob).toBeGreaterThan((await draw(1)).meanLogprob);
  });
  it('searches beams at temperature 0', async () => {
    const decoder = letters(4);
    const attempt = await attemptWindow(decoder, window(), { ...settings, numBeams: 3 });
    expect(attempt).toMatchObject({ text: 'aaaa', temperature: 0 });
    expect(decoder.log).toContain('step 3x1');
    expect(attempt.meanLogprob).toBeCloseTo((await attemptWindow(decoder, window(), settings)).meanLogprob, 4);
  });
});

describe('compressionRatio', () => {
  it.each(['', 'a', 'Nothing repeats here.', 'again '.repeat(50), 'ä€😀'.repeat(9)])('of %j', async text => {
    const bytes = new TextEncoder().encode(text);
    expect(await compressionRatio(text)).toBeCloseTo(bytes.length / deflateSync(bytes).length, 12);
  });
});
