import { describe, expect, it } from 'vitest';
import { createChoices } from './choices.ts';

describe('choices', () => {
  it('add the logarithm of each probability', () => {
    const choices = createChoices(1);
    choices.pick(['a', 'b', 'c', 'd']);
    expect(choices.logProbability).toBeCloseTo(Math.log(1 / 4), 12);
    const drawn = choices.weighted([
      ['x', 3],
      ['y', 1],
    ]);
    const p = drawn === 'x' ? 3 / 4 : 1 / 4;
    expect(choices.logProbability).toBeCloseTo(Math.log(1 / 4) + Math.log(p), 12);
    const yes = choices.chance(0.2);
    expect(choices.logProbability).toBeCloseTo(Math.log(1 / 4) + Math.log(p) + Math.log(yes ? 0.2 : 0.8), 12);
  });

  it('cost nothing where there is one option', () => {
    const choices = createChoices(2);
    expect([choices.pick(['only']), choices.chance(1), choices.chance(0)]).toEqual(['only', true, false]);
    expect(
      choices.weighted([
        ['never', 0],
        ['always', 2],
      ] as const),
    ).toBe('always');
    expect(Math.abs(choices.logProbability)).toBe(0);
  });

  it('come as often as they say', () => {
    const choices = createChoices(3);
    const n = 40_000;
    let x = 0;
    for (let i = 0; i < n; i++)
      if (
        choices.weighted([
          ['x', 3],
          ['y', 7],
        ] as const) === 'x'
      )
        x++;
    expect(Math.abs(x / n - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / n));
  });

  it('forget what was thrown away', () => {
    const choices = createChoices(4);
    choices.pick([1, 2]);
    const before = choices.logProbability;
    choices.pick([1, 2, 3]);
    choices.rewind(before);
    expect(choices.logProbability).toBe(before);
  });

  it('refuse to choose from nothing', () => {
    expect(() => createChoices(5).pick([])).toThrow('nothing to choose from');
    expect(() => createChoices(5).weighted([])).toThrow('nothing to choose from');
  });
});
