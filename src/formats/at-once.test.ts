import { describe, expect, it } from 'vitest';
import { anySignal, mapAtOnce } from './at-once.ts';

const later = () => new Promise(done => setTimeout(done, 1));

describe('mapAtOnce', () => {
  it('runs four tasks at a time and gives results in order', async () => {
    let [running, most] = [0, 0];
    const results = await mapAtOnce([5, 1, 4, 2, 3, 9, 7], async n => {
      most = Math.max(most, ++running);
      for (let i = 0; i < n; i++) await later();
      running--;
      return 10 * n;
    });
    expect(results).toEqual([50, 10, 40, 20, 30, 90, 70]);
    expect(most).toBe(4);
    expect(await mapAtOnce([], later)).toEqual([]);
  });

  it('begins no other after a failure, tells those that run, and throws it when all have ended', async () => {
    const begun: number[] = [];
    let ended = 0;
    const failure = new Error('third');
    const work = mapAtOnce([1, 2, 3, 4, 5, 6, 7, 8], async (n, stop) => {
      begun.push(n);
      await later();
      if (n === 3) throw failure;
      while (n > 3 && !stop.aborted) await later();
      await later();
      ended++;
      if (n === 1) throw new Error('too late');
    });
    await expect(work).rejects.toBe(failure);
    expect(begun).toEqual([1, 2, 3, 4]);
    expect(ended).toBe(3);
  });
});

it('anySignal is aborted by whichever comes first', () => {
  const stop = new AbortController();
  const either = anySignal(undefined, new AbortController().signal, stop.signal);
  stop.abort('now');
  expect(either.reason).toBe('now');
  expect(anySignal(undefined).aborted).toBe(false);
});
