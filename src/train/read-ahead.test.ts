import { describe, expect, it } from 'vitest';
import { readAhead } from './read-ahead.ts';

describe('reading ahead', () => {
  it('asks for the next item before the one in use is done with, and gives all in order', async () => {
    let made = 0;
    const source = async function* () {
      for (; made < 4; ) yield made++;
    };
    const seen: number[][] = [];
    for await (const item of readAhead(source())) {
      await new Promise(resolve => setTimeout(resolve, 0));
      seen.push([item, made]);
    }
    expect(seen).toEqual([
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 4],
    ]);
  });
  it('throws an error where it belongs, and ends its source when it is left', async () => {
    let ended = 0;
    const source = async function* () {
      try {
        yield 1;
        yield 2;
        throw new Error('the third');
      } finally {
        ended++;
      }
    };
    const seen: number[] = [];
    const read = async () => {
      for await (const item of readAhead(source())) {
        await new Promise(resolve => setTimeout(resolve, 0));
        seen.push(item);
      }
    };
    await expect(read()).rejects.toThrow('the third');
    expect(seen).toEqual([1, 2]);
    expect(ended).toBe(1);
    for await (const item of readAhead(source())) if (item === 1) break;
    expect(ended).toBe(2);
  });
});
