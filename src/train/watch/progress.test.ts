import { describe, expect, it } from 'vitest';
import { createProgressMeter } from './progress.ts';

describe('the progress meter', () => {
  it('goes by the last steps, without the first, which also makes the plan', () => {
    const meter = createProgressMeter(100);
    const first = meter.step({ step: 1, loss: 4, tokens: 600, milliseconds: 3000 });
    expect(first).toEqual({ step: 1, steps: 100, loss: 4, tokensPerSecond: 200, millisecondsLeft: undefined });
    const second = meter.step({ step: 2, loss: 4, tokens: 600, milliseconds: 500 });
    expect(second).toMatchObject({ step: 2, tokensPerSecond: 1200, millisecondsLeft: 98 * 500 });
    for (let step = 3; step <= 60; step++) meter.step({ step, loss: 4, tokens: 600, milliseconds: 300 });
    const last = meter.step({ step: 61, loss: 4, tokens: 600, milliseconds: 300 });
    expect(last.tokensPerSecond).toBeCloseTo(2000, 9);
    expect(last.millisecondsLeft).toBeCloseTo(39 * 300, 9);
    expect(meter.step({ step: 100, loss: 4, tokens: 600, milliseconds: 300 }).millisecondsLeft).toBe(0);
  });
  it('smooths the loss without a bias to the start', () => {
    const meter = createProgressMeter(1000);
    let shown = 0;
    for (let step = 1; step <= 400; step++)
      shown = meter.step({ step, loss: 2 + (step % 2 ? 0.5 : -0.5), tokens: 1, milliseconds: 1 }).loss;
    expect(Math.abs(shown - 2)).toBeLessThan(0.02);
  });
});
