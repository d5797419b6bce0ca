import { describe, expect, it } from 'vitest';
import { groupsByLength, inGroups } from './text-batches.ts';

describe('batches', () => {
  it('hold things of like length, each once', () => {
    const groups = groupsByLength([3, 9, 1, 9, 5, 2, 7], 3);
    expect(groups).toEqual([[1, 3, 6], [4, 0, 5], [2]]);
    expect(groupsByLength([], 3)).toEqual([]);
  });
  it('are passed one by one, and what is done is told', async () => {
    const order: unknown[] = [];
    const options = { batchSize: 2, onProgress: (progress: object) => order.push(progress) };
    await inGroups([1, 2, 3], options, async group => {
      order.push([...group]);
    });
    expect(order).toEqual([[2, 1], { done: 2, total: 3 }, [0], { done: 3, total: 3 }]);
  });
  it('end when they are aborted', async () => {
    const controller = new AbortController();
    let passes = 0;
    const pass = async () => {
      passes++;
      controller.abort(new Error('enough'));
    };
    await expect(inGroups([1, 2], { batchSize: 1, signal: controller.signal }, pass)).rejects.toThrow('enough');
    expect(passes).toBe(1);
  });
});
