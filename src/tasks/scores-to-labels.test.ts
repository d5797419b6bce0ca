import { describe, expect, it } from 'vitest';
import { softmax } from '../util/softmax.ts';
import { scoresBy, topLabels, topPlaces } from './scores-to-labels.ts';

describe('scores', () => {
  it('sum to 1, or stand for themselves', () => {
    expect(softmax([0, Math.log(3)])).toEqual([0.25, 0.75].map(x => expect.closeTo(x, 12)));
    expect(softmax([1000, 1000])).toEqual([0.5, 0.5]);
    expect(scoresBy('sigmoid', [0, 100])).toEqual([0.5, 1]);
    expect(scoresBy('none', Float32Array.of(2, -1))).toEqual([2, -1]);
  });
  it('are ranked, the first of equal ones first', () => {
    const values = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
    for (let count = 1; count < 12; count++) {
      const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
      expect(topPlaces(values, count)).toEqual(order.slice(0, count));
    }
    expect(topPlaces(values, Number.POSITIVE_INFINITY).length).toBe(10);
    expect(topLabels([0.1, 0.7, 0.2], ['a', 'b'], 2)).toEqual([
      { label: 'b', score: 0.7 },
      { label: 'LABEL_2', score: 0.2 },
    ]);
  });
});
