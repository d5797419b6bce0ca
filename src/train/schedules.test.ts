import { describe, expect, it } from 'vitest';
import { SCHEDULES, type ScheduleName, type ScheduleSettings, scheduleAt } from './schedules.ts';

const settings: ScheduleSettings = {
  warmupSteps: 10,
  totalSteps: 100,
  minLrRatio: 0.1,
  numCycles: 0.5,
  power: 1,
  lrEndRatio: 0,
  decaySteps: 20,
};

describe('schedules', () => {
  it('rise from 0 to 1 in the warm-up, all but the constant one', () => {
    for (const name of Object.keys(SCHEDULES) as ScheduleName[]) {
      if (name === 'constant') continue;
      expect([0, 5, 10].map(step => scheduleAt(name, step, settings))).toEqual([0, 0.5, 1]);
    }
    expect(scheduleAt('constant', 0, settings)).toBe(1);
  });
  it('never rise again behind the warm-up, and end at their floor', () => {
    const ends = {
      constant: 1,
      constant_with_warmup: 1,
      linear: 0,
      cosine: 0.1,
      polynomial: 0,
      warmup_stable_decay: 0.1,
    };
    for (const [name, end] of Object.entries(ends)) {
      const values = Array.from({ length: 150 }, (_, i) => scheduleAt(name as ScheduleName, i + 10, settings));
      expect(values.every((x, i) => i === 0 || x <= values[i - 1]!)).toBe(true);
      expect(values.at(-1)).toBeCloseTo(end, 12);
      expect(scheduleAt(name as ScheduleName, 100, settings)).toBeCloseTo(end, 12);
    }
  });
  it('stay at the full rate until the fall at the end', () => {
    const at = (step: number) => scheduleAt('warmup_stable_decay', step, settings);
    expect([10, 50, 80].map(at)).toEqual([1, 1, 1]);
    expect(at(90)).toBeCloseTo(0.55, 12);
  });
});
