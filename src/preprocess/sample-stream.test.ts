import { describe, expect, it } from 'vitest';
import { SampleStream } from './sample-stream.ts';

const counted = (from: number, to: number) => Float32Array.from({ length: to - from }, (_, i) => from + i);
async function* pieces(lengths: number[], log: string[] = []) {
  let at = 0;
  try {
    for (const length of lengths) {
      log.push(`${at}`);
      yield counted(at, at + length);
      at += length;
    }
  } finally {
    log.push('closed');
  }
}

describe('SampleStream', () => {
  it.each([
    ['a whole recording', () => counted(0, 25)],
    ['pieces', () => pieces([3, 0, 9, 1, 12])],
  ])('%s: overlapping windows, the last one short', async (_, make) => {
    const stream = new SampleStream(make());
    const read = async (start: number, count: number) => [...(await stream.read(start, count))];
    expect(await read(0, 10)).toEqual([...counted(0, 10)]);
    expect(await read(4, 10)).toEqual([...counted(4, 14)]);
    expect(await read(13, 2)).toEqual([13, 14]);
    expect(await read(20, 10)).toEqual([...counted(20, 25)]);
    expect(await read(25, 10)).toEqual([]);
    expect(await read(90, 10)).toEqual([]);
  });
  it('asks for no more than it needs, and closes the source', async () => {
    const log: string[] = [];
    const stream = new SampleStream(pieces([4, 4, 4], log));
    await stream.read(0, 5);
    expect(log).toEqual(['0', '4']);
    await stream.close();
    expect(log).toEqual(['0', '4', 'closed']);
    expect([...(await stream.read(6, 9))]).toEqual([6, 7]);
  });
  it('refuses what it has forgotten, and pieces of another kind', async () => {
    const stream = new SampleStream(pieces([4, 4, 4]));
    await stream.read(9, 1);
    await expect(stream.read(2, 1)).rejects.toThrow(/forgotten; seen: 2; expected: 8 or later/);
    async function* wrong() {
      yield [1, 2] as unknown as Float32Array;
    }
    await expect(new SampleStream(wrong()).read(0, 1)).rejects.toThrow(/Float32Array; seen: object/);
  });
});
