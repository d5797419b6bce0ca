import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CheckpointError } from '../errors.ts';
import { countRetries, PassingFailure, pause, retryAfterMs, withRetries } from './retry.ts';

const RULE = { tries: 4, firstWaitMs: 100, longestWaitMs: 250, stallMs: 1000 };
const failure = (retryAfter?: number) => new PassingFailure(new CheckpointError('busy'), retryAfter);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Times between the attempts of a task that always fails. */
async function waits(random: number): Promise<number[]> {
  vi.spyOn(Math, 'random').mockReturnValue(random);
  const times: number[] = [];
  const attempt = async () => {
    times.push(Date.now());
    throw failure();
  };
  const ended = expect(withRetries(RULE, undefined, attempt)).rejects.toThrow(/^busy$/);
  await vi.runAllTimersAsync();
  await ended;
  return times.slice(1).map((time, i) => time - times[i]!);
}

describe('retries', () => {
  it('wait twice as long each time, shortened by chance, up to the longest wait', async () => {
    expect(await waits(1)).toEqual([100, 200, 250]);
    expect(await waits(0)).toEqual([50, 100, 125]);
  });

  it('begin anew after a mebibyte, and not after less', async () => {
    for (const [bytes, failures] of [
      [1 << 20, 12],
      [1 << 10, 4],
    ] as const) {
      const retries = countRetries(RULE, undefined);
      let count = 0;
      const run = async () => {
        for (; count < 12; count++) {
          retries.progress(bytes);
          await retries.after(failure());
        }
      };
      const ended = run().catch(() => count++);
      await vi.runAllTimersAsync();
      await ended;
      expect(count).toBe(failures);
    }
  });

  it('are none for other errors', async () => {
    const attempt = vi.fn(async () => Promise.reject(new CheckpointError('wrong')));
    await expect(withRetries(RULE, undefined, attempt)).rejects.toThrow(/^wrong$/);
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('end at once when the server asks for more than the longest wait', async () => {
    await expect(countRetries(RULE, undefined).after(failure(251))).rejects.toThrow(/^busy$/);
  });

  it('stop waiting when the signal says so', async () => {
    const controller = new AbortController();
    const stop = new Error('enough');
    const ended = expect(pause(1e6, controller.signal)).rejects.toBe(stop);
    controller.abort(stop);
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('reads Retry-After in seconds and as a date', () => {
  vi.setSystemTime(new Date('2026-01-01T00:00:00Z'));
  expect(retryAfterMs('7')).toBe(7000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT')).toBe(60_000);
  expect(retryAfterMs('Thu, 01 Jan 2025 00:01:00 GMT')).toBe(0);
  expect(retryAfterMs('soon')).toBeUndefined();
  expect(retryAfterMs(null)).toBeUndefined();
});
